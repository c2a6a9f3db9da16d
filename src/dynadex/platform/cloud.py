"""The cloud that a project is deployed to: AWS itself. `laptop` has the other one, and the list of what differs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from ..aws import Credentials, Service, sign
from ..engine import Auth, Engine, basic_auth, no_auth
from ..errors import DynadexError
from ..project import Aws, Project, Routing, Table
from ..table import Table as DynamoTable
from .packaging import Target

#: The Python that functions run on in AWS.
PYTHON = "3.13"


class CloudError(DynadexError):
    """The cloud cannot be used as asked; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """How functions reach a region's cluster; the strings of the regional template's Engine… parameters."""

    url: str
    auth: str
    secret: str = ""
    prefix: str = ""
    domain: str = ""


class Cloud:
    """AWS, with the credentials that its own tools would use."""

    name = "AWS"
    #: Whether a deployment makes a table that dynadex.toml calls existing where there is none.
    makes_stand_ins = False
    #: Seconds for which somebody may still go where they were sent before: resolvers keep an alias record's answer.
    answers_kept = 75.0
    #: Whether a deployment publishes the project's page.
    publishes_pages = True

    @property
    def cli_options(self) -> str:
        """What a command of the AWS CLI takes to mean this cloud."""
        return ""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()  # making a client is not safe in threads, using one is
        self._session: boto3.Session | None = None

    def client(self, service: str, region: str) -> Any:
        """A boto3 client, made once. Typed by whoever asks for it."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._connect(service, region)
            return self._clients[service, region]

    def _connect(self, service: str, region: str) -> Any:
        if self._session is None:
            self._session = boto3.Session()
        config = Config(retries={"mode": "standard", "max_attempts": 6}, connect_timeout=5, read_timeout=60)
        return self._session.client(service, region_name=region, config=config)  # type: ignore[call-overload]  # a name known only at run time

    def credentials(self) -> Credentials:
        """The credentials that requests to a signed engine go out with."""
        found = (self._session or boto3.Session()).get_credentials()
        if found is None:
            raise CloudError("no AWS credentials were found: set AWS_PROFILE, or run `aws configure`")
        frozen = found.get_frozen_credentials()
        return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)

    def account(self, region: str) -> str:
        """The account's number. Raises `CloudError` where there is none to ask for."""
        try:
            return str(self.client("sts", region).get_caller_identity()["Account"])
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise CloudError(f"AWS does not answer for {region}: {error}") from error

    def engine_address(self, project: Project, region: str) -> EngineAddress:
        """Where the project says a region's cluster is. Raises `CloudError` if it does not."""
        engine = project.engines[region]
        if engine.url is None:
            raise CloudError(
                f"engine.regions.{region}.url: there is no cluster for {region}; say in dynadex.toml where it is"
            )
        return EngineAddress(engine.url, engine.auth, engine.secret or "", engine.prefix, engine.domain or "")

    def engine(self, project: Project, region: str) -> Engine:
        """A region's cluster, reached from here."""
        address = self.engine_address(project, region)
        return Engine(address.url, auth=self._auth(address, region), prefix=address.prefix)

    def table(self, table: Table, region: str) -> DynamoTable:
        """A table in a region, for the hot paths, with the credentials and the endpoint that clients have."""
        endpoint = self.client("dynamodb", region).meta.endpoint_url
        service = Service("dynamodb", region, endpoint=endpoint, credentials=self.credentials)
        return DynamoTable(table.physical_name, table.key, service)

    def _auth(self, address: EngineAddress, region: str) -> Auth:
        match address.auth:
            case "basic":
                told = self.client("secretsmanager", region).get_secret_value(SecretId=address.secret)
                secret = json.loads(told["SecretString"])
                return basic_auth(secret["username"], secret["password"])
            case "signed":
                return lambda method, url, headers, body: sign(
                    method, url, headers, body, "es", region, self.credentials()
                )
        return no_auth

    def aws_settings(self, project: Project, region: str) -> Aws:
        """What a region's functions use of the account."""
        return project.aws[region]

    def package_for(self, project: Project) -> tuple[Target, str]:
        """The architecture and Python version that the functions are packaged for."""
        return project.functions.architecture, PYTHON

    def finish_table(self, table: Table, home: str, regions: Sequence[str]) -> None:
        """Does what the table's stack did not: nothing here, CloudFormation does it all."""

    def finish_export(self, export: Mapping[str, Any], manifest: str) -> None:
        """Does what a completed export of a table did not: nothing here, DynamoDB has written it all.

        `export` is what DynamoDB tells of it, `manifest` the key of its summary.
        """

    def hosted_zone(self, routing: Routing) -> str:
        """The id of the hosted zone for the records. Raises `CloudError` where dynadex.toml does not say."""
        if routing.hosted_zone is None:
            raise CloudError("routing.hosted_zone: missing; say which Route 53 hosted zone the records go to")
        return routing.hosted_zone

    def certificate(self, routing: Routing, region: str) -> str:
        """The ARN of a region's certificate of the public name. Raises `CloudError` where dynadex.toml has none."""
        if region not in routing.certificates:
            raise CloudError(
                f"routing.regions.{region}.certificate: missing; give the ARN of a certificate of {routing.domain} "
                f"in {region}'s Certificate Manager"
            )
        return routing.certificates[region]

    def health_checks(self, project: str, routing: Routing, apis: Mapping[str, str]) -> dict[str, str]:
        """Region → the id of a health check of its API that is not the template's to make: none here."""
        return {}

    def api_url(self, region: str, api_id: str, output: str) -> str:
        """Where a region's HTTP API answers; `output` is the stack's own word for it."""
        return output

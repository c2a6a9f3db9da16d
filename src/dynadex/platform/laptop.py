"""The cloud on a laptop, and all that it does differently from AWS:

- One process (ministack) answers for every service in every region, at one address, for any credentials.
- Functions run on this machine: they are packaged for it, with the Python that the platform runs on.
- Each region's cluster is a process beside it: its address stands in for what dynadex.toml says of the engine.
- An account's subnets, keys and topics are not there: what dynadex.toml says of them is left out.
- CloudFormation there ignores a global table's `Replicas`: they are made with UpdateTable after the table's stack.
- Items do not expire: it would remove them without a stream record, and their documents would stay.
- DynamoDB tells of an export to S3 but writes nothing: it is written from here, when its refill asks for it.
- It reads all regions' streams one after another, and the retries of one hold up the others': so a drill that takes an
  engine away pauses the stream of its region too. An engine in memory that is to keep its data is frozen, and its
  region's door at the edge closed: searches that wait for it would use up the one process that answers for all regions.
- An HTTP API answers under the platform's own address: there is no DNS for its name.
- Nobody keeps an address: the web address is told at once, and only what is under way is waited for.
- A function that changes ends requests that others of its name have in other regions: the web address asks again.
- CloudFormation there refuses health checks: they are made with Route 53's own API, and probed by the web address.
- The public name's hosted zone is made where there is none, and nobody looks at its certificates.
- There is no CloudFront: the edge serves the project's page, with the same headers.
- A table that dynadex.toml calls existing is not there: a stand-in is made with its name and key, for trying it out.
- Stacks may be deleted with everything in them: `down --wipe` simply removes the folder.
- The memory engine keeps nothing over a restart: `up` refills it from the table.
- An HTTP API there holds nobody back: the limits of its stage and routes are kept, but not minded.
- `up` makes a user who may edit, with a password that it shows: no e-mail is sent.
- No AWS account is asked who is calling, and nothing is charged.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from ..aws import Credentials
from ..engine import Engine
from ..project import Aws, Project, Routing, Table
from . import exporting
from .cloud import Cloud, CloudError, EngineAddress
from .packaging import THIS_PYTHON, Target

_CREDENTIALS = Credentials("local", "local", None)
_ACCOUNT = "000000000000"


class Laptop(Cloud):
    """The embedded platform at `url`, with each region's engine at its own."""

    name = "the embedded platform"
    makes_stand_ins = True
    answers_kept = 3.0
    publishes_pages = False

    def __init__(self, url: str, engines: Mapping[str, EngineAddress]) -> None:
        super().__init__()
        self.url, self.engines = url, dict(engines)

    @property
    def cli_options(self) -> str:
        return f" --endpoint-url {self.url}"

    def _connect(self, service: str, region: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # a name known only at run time
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=_CREDENTIALS.access_key,
            aws_secret_access_key=_CREDENTIALS.secret_key,
            config=Config(
                retries={"mode": "standard", "max_attempts": 3},
                connect_timeout=3,
                read_timeout=60,
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    def credentials(self) -> Credentials:
        return _CREDENTIALS

    def account(self, region: str) -> str:
        return _ACCOUNT

    def engine_address(self, project: Project, region: str) -> EngineAddress:
        if region not in self.engines:
            raise CloudError(f"{region} does not run here: the platform was started for {', '.join(self.engines)}")
        return self.engines[region]

    def engine(self, project: Project, region: str) -> Engine:
        address = self.engine_address(project, region)
        return Engine(address.url, prefix=address.prefix)

    def aws_settings(self, project: Project, region: str) -> Aws:
        return Aws()

    def package_for(self, project: Project) -> tuple[Target, str]:
        return "native", THIS_PYTHON

    def finish_table(self, table: Table, home: str, regions: Sequence[str]) -> None:
        dynamodb, name = self.client("dynamodb", home), table.physical_name
        described = dynamodb.describe_table(TableName=name)["Table"]
        there = {replica["RegionName"] for replica in described.get("Replicas", ())}
        for region in regions:
            if region != home and region not in there:
                dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region}}])
        for region in there - {*regions, home}:
            dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])

    def finish_export(self, export: Mapping[str, Any], manifest: str) -> None:
        region = export["ExportArn"].split(":")[3]
        exporting.write(self.client("dynamodb", region), self.client("s3", region), export, manifest)

    def hosted_zone(self, routing: Routing) -> str:
        route53, name = self.client("route53", "us-east-1"), f"{routing.domain}."
        found = route53.list_hosted_zones_by_name(DNSName=name, MaxItems="1")["HostedZones"]
        if not found or found[0]["Name"] != name:
            found = [route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]]
        return str(found[0]["Id"]).removeprefix("/hostedzone/")

    def certificate(self, routing: Routing, region: str) -> str:
        made_up = f"arn:aws:acm:{region}:{_ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
        return routing.certificates.get(region, made_up)

    def health_checks(self, project: str, routing: Routing, apis: Mapping[str, str]) -> dict[str, str]:
        route53 = self.client("route53", "us-east-1")
        pages = route53.get_paginator("list_health_checks").paginate()
        there = {one["CallerReference"]: one["Id"] for page in pages for one in page["HealthChecks"]}
        found = {}
        for region, api in apis.items():
            url = urlsplit(api)
            config = {
                "Type": "HTTP",
                "FullyQualifiedDomainName": url.hostname,
                "Port": url.port,
                "ResourcePath": f"{url.path}/health",
                "RequestInterval": routing.interval,
                "FailureThreshold": routing.threshold,
            }
            # one cannot be changed: another setting is another check
            reference = f"{project}-{region}-{routing.interval}-{routing.threshold}-{url.path.split('/')[-2]}"
            if reference not in there:
                made = route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)
                there[reference] = made["HealthCheck"]["Id"]
            found[region] = there[reference]
        return found

    def api_url(self, region: str, api_id: str, output: str) -> str:
        return f"{self.url}/_aws/execute-api/{api_id}/$default"


def lambda_architecture(target: Target) -> str:
    """Lambda's word for the architecture of a package."""
    if target != "native":
        return target
    return "arm64" if machine.machine() in ("arm64", "aarch64") else "x86_64"

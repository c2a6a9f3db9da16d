"""A DynamoDB that answers at an address of its own: another project's embedded platform, DynamoDB Local, a proxy."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from ..aws import Credentials
from ..engine import Engine
from ..project import Project
from .cloud import Cloud, CloudError

_ANY = Credentials("local", "local", None)


class Endpoint(Cloud):
    """Every service at `url`, with the credentials that AWS's tools would use, or any where there are none."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url.rstrip("/")
        self.name = self.url

    def _connect(self, service: str, region: str) -> Any:
        credentials = self.credentials()
        return boto3.client(  # type: ignore[call-overload]  # a name known only at run time
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=3, read_timeout=60),
        )

    def credentials(self) -> Credentials:
        try:
            return super().credentials()
        except CloudError:  # emulators ask nobody who they are, but want a signature
            return _ANY

    def account(self, region: str) -> str:
        return "000000000000"

    def engine(self, project: Project, region: str) -> Engine:
        raise CloudError(f"{self.url} is only read from: it has no engine")

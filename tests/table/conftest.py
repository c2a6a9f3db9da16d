"""Every test here runs on each emulator of DynamoDB, but for those of faults, which play the server themselves."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from tests.table.emulator import CREDENTIALS, REGION, Emulator


@pytest.fixture(scope="session", params=["ministack", pytest.param("dynamodb-local", marks=pytest.mark.java)])
def emulator(request: pytest.FixtureRequest) -> Emulator:
    server = request.getfixturevalue(request.param.replace("-", "_"))
    url = server if isinstance(server, str) else server.url
    session = boto3.Session(CREDENTIALS.access_key, CREDENTIALS.secret_key, region_name=REGION)
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    return Emulator(
        request.param,
        url,
        session.client("dynamodb", endpoint_url=url, config=config),
        session.client("dynamodbstreams", endpoint_url=url, config=config),
    )

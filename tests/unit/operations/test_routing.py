"""People are sent to the regions that have the public name, and to no others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dynadex.operations import deployed, routing, stacks
from dynadex.platform.cloud import Cloud
from dynadex.project import Routing
from tests.unit.functions.function_fakes import project

REGIONS = ("us-east-1", "eu-west-1")


class Account(Cloud):
    """An account; a client is its region."""

    def client(self, service: str, region: str) -> Any:
        return region

    def hosted_zone(self, routing: Routing) -> str:
        return "Z1"


@pytest.mark.parametrize(
    ("named", "there"),
    [(set(REGIONS), set(REGIONS)), ({"us-east-1"}, {"us-east-1"}), (set(), None)],
)
def test_a_region_without_the_public_name_has_no_records_yet(
    monkeypatch: pytest.MonkeyPatch, named: set[str], there: set[str] | None
) -> None:
    made: list[str | None] = []
    names = {"RegionalDomainName": "d.example.com", "RegionalHostedZoneId": "Z2"}
    monkeypatch.setattr(stacks, "outputs", lambda region, stack: names if region in named else {})
    monkeypatch.setattr(stacks, "deploy", lambda client, stack, body, *_: made.append(body))
    monkeypatch.setattr(stacks, "delete", lambda *_: made.append(None))
    monkeypatch.setattr(deployed, "api", lambda project, cloud, region: f"https://{region}.example.com")
    settings = Routing("lessons.example.com", "Z1", "us-east-1", 10, 3, {"EU": "eu-west-1"}, {}, {})
    routing.deploy(replace(project(), regions=REGIONS, routing=settings), Account(), REGIONS)
    (body,) = made
    if there is None:
        assert body is None
    else:
        weighted = [one["Properties"] for one in json.loads(str(body))["Resources"].values()]
        assert {one["SetIdentifier"] for one in weighted if "Weight" in one} == there

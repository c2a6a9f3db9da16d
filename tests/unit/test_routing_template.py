"""The template of the Route 53 records: a record for each place, and one behind which every region stands in turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from dynadex.core.routing import CONTINENT_OF, records
from dynadex.errors import DynadexError
from dynadex.platform.routing_template import Target, template

DOMAIN, ZONE = "lessons.example.com", "Z0123456789ABCDEFGHIJ"
TARGETS = {
    region: Target(region, f"d-1.execute-api.{region}.amazonaws.com", "Z1", f"https://a1.execute-api.{region}.amazonaws.com")
    for region in ("us-east-1", "eu-west-1", "ap-southeast-2")
}  # fmt: skip
RECORDS = records("us-east-1", {"EU": "eu-west-1", "OC": "ap-southeast-2"}, {"IN": "eu-west-1"}, list(TARGETS))


def made(targets: dict[str, Target] = TARGETS, places: Any = RECORDS) -> dict[str, Any]:
    document = json.loads(template(DOMAIN, ZONE, places, targets, 10, 3))
    return {name: resource["Properties"] for name, resource in document["Resources"].items()}


def test_it_is_a_template_that_cloudformation_takes(tmp_path: Path) -> None:
    file = tmp_path / "routing.json"
    file.write_text(template(DOMAIN, ZONE, RECORDS, TARGETS, 10, 3))
    assert lint_file(file, ManualArgs(regions=["us-east-1"])) == []


def test_each_place_leads_to_its_region_while_that_ones_health_check_passes() -> None:
    india = made()["CountryIN"]
    assert (india["Name"], india["SetIdentifier"]) == (f"{DOMAIN}.", "IN")
    assert india["GeoLocation"] == {"CountryCode": "IN"}
    assert india["AliasTarget"]["DNSName"] == TARGETS["eu-west-1"].domain_name
    assert india["HealthCheckId"] == {"Ref": "HealthCheckEuWest1"}
    assert made()["ContinentOC"]["GeoLocation"] == {"ContinentCode": "OC"}


def test_everywhere_else_leads_to_the_default_region_and_to_the_others_while_that_is_unhealthy() -> None:
    resources = made()
    everywhere = resources["Everywhere"]
    assert everywhere["GeoLocation"] == {"CountryCode": "*"}
    assert everywhere["AliasTarget"]["DNSName"] == f"default.{DOMAIN}"
    assert everywhere["AliasTarget"]["EvaluateTargetHealth"] is True
    weights = {one["SetIdentifier"]: one["Weight"] for one in resources.values() if "Weight" in one}
    assert weights == {"us-east-1": 1, "eu-west-1": 0, "ap-southeast-2": 0}


def test_a_health_check_asks_the_regions_own_api() -> None:
    config = made()["HealthCheckUsEast1"]["HealthCheckConfig"]
    assert (config["Type"], config["FullyQualifiedDomainName"]) == ("HTTPS", "a1.execute-api.us-east-1.amazonaws.com")
    assert (config["ResourcePath"], config["RequestInterval"], config["FailureThreshold"]) == ("/health", 10, 3)


def test_health_checks_that_are_there_are_used() -> None:
    resources = made({region: target.checked_by(f"check-{region}") for region, target in TARGETS.items()})
    assert not any(name.startswith("HealthCheck") for name in resources)
    assert resources["ContinentEU"]["HealthCheckId"] == "check-eu-west-1"


def test_a_region_that_does_not_serve_has_no_record() -> None:
    resources = made({region: target for region, target in TARGETS.items() if region != "us-east-1"})
    assert "us-east-1" not in json.dumps(resources)
    weights = {one["SetIdentifier"]: one["Weight"] for one in resources.values() if "Weight" in one}
    assert weights == {"eu-west-1": 1, "ap-southeast-2": 0}


def test_a_place_that_goes_to_another_region_is_changed_in_place() -> None:
    before, after = made(), made(places=records("us-east-1", {"EU": "us-east-1"}, {}, list(TARGETS)))
    assert before["ContinentEU"]["SetIdentifier"] == after["ContinentEU"]["SetIdentifier"]
    assert before["ContinentEU"]["AliasTarget"] != after["ContinentEU"]["AliasTarget"]


def test_more_places_than_one_template_takes_are_refused() -> None:
    everywhere = records("us-east-1", {}, dict.fromkeys(CONTINENT_OF, "eu-west-1"), list(TARGETS))
    with pytest.raises(DynadexError, match="name continents instead"):
        template(DOMAIN, ZONE, everywhere, TARGETS, 10, 3)

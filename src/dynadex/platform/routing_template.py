"""The CloudFormation template of a project's Route 53 records: it has as many as dynadex.toml names places.

- For each country and continent a geolocation record, which leads to its region's custom domain name.
- For everywhere else a record that leads to `default.DOMAIN`, a weighted set: the default region has weight 1, the
  others 0. Route 53 answers with a record of weight 0 only while none of a higher weight is healthy. So the loss of the
  default region leaves nobody without an answer.
- For each region a health check, which all of its records heed.

A record's logical name and set identifier are its place's: one that goes to another region is changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ..core.routing import ANYWHERE, Location, Record
from ..errors import DynadexError

#: CloudFormation takes no longer template that comes with the request.
_MOST_BYTES = 51_200


@dataclass(frozen=True, slots=True)
class Target:
    """Where a region's API answers: by itself at `api`, to the public name at `domain_name` with that one's `zone`.

    `check` is the id of its health check, None where the template is to make it.
    """

    region: str
    domain_name: str
    zone: str
    api: str
    check: str | None = None

    def checked_by(self, check: str | None) -> Target:
        """The same with a health check that is there already."""
        return replace(self, check=check)


def template(
    domain: str, zone: str, records: Sequence[Record], targets: Mapping[str, Target], interval: int, threshold: int
) -> str:
    """The template as JSON. `records` as `core.routing.records` makes them; regions without a target are left out."""
    resources: dict[str, Any] = {}
    for target in targets.values():
        if target.check is None:
            resources[f"HealthCheck{_camel(target.region)}"] = _health_check(domain, target, interval, threshold)
    fitting = [record for record in records if record.region in targets]
    for record in fitting:
        if record.location != ANYWHERE:
            resources[_logical(record.location)] = _record(
                domain,
                zone,
                str(record.location),
                _alias(targets[record.region], domain),
                GeoLocation=_geolocation(record.location),
            )
    weight = 1
    for record in fitting:
        if record.location == ANYWHERE:
            alias = _alias(targets[record.region], domain)
            name = f"Default{_camel(record.region)}"
            resources[name] = _record(f"default.{domain}", zone, record.region, alias, Weight=weight)
            weight = 0
    everywhere = {"HostedZoneId": zone, "DNSName": f"default.{domain}", "EvaluateTargetHealth": True}
    defaults = [name for name in resources if name.startswith("Default")]
    resources["Everywhere"] = {
        **_record(domain, zone, "*", {"AliasTarget": everywhere}, GeoLocation={"CountryCode": "*"}),
        "DependsOn": defaults,
    }
    text = json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "Dynadex - which region answers for whom: geolocation records and health checks.",
            "Resources": resources,
        },
        separators=(",", ":"),
    )
    if len(text) > _MOST_BYTES:
        raise DynadexError(
            f"routing: {len(fitting)} records make a template of {len(text):,} bytes, and CloudFormation takes "
            f"{_MOST_BYTES:,}; name continents instead of their countries"
        )
    return text


def _record(name: str, zone: str, identifier: str, target: Mapping[str, Any], **policy: Any) -> dict[str, Any]:
    properties = {"HostedZoneId": zone, "Name": f"{name}.", "Type": "A", "SetIdentifier": identifier}
    return {"Type": "AWS::Route53::RecordSet", "Properties": {**properties, **policy, **target}}


def _alias(target: Target, domain: str) -> dict[str, Any]:
    check = target.check or {"Ref": f"HealthCheck{_camel(target.region)}"}
    alias = {"HostedZoneId": target.zone, "DNSName": target.domain_name, "EvaluateTargetHealth": False}
    return {"AliasTarget": alias, "HealthCheckId": check}


def _health_check(domain: str, target: Target, interval: int, threshold: int) -> dict[str, Any]:
    api = urlsplit(target.api)
    config = {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": api.hostname,
        "Port": 443,
        "ResourcePath": f"{api.path}/health",
        "EnableSNI": True,
        "RequestInterval": interval,
        "FailureThreshold": threshold,
    }
    tags = [{"Key": "Name", "Value": f"{domain} in {target.region}"}]
    return {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": config, "HealthCheckTags": tags}}


def _geolocation(location: Location) -> dict[str, str]:
    return {"CountryCode": location.country} if location.country else {"ContinentCode": location.continent}


def _logical(location: Location) -> str:
    return f"Country{location.country}" if location.country else f"Continent{location.continent}"


def _camel(region: str) -> str:
    return "".join(part.capitalize() for part in region.split("-"))

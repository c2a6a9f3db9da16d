"""Which regions serve, and Route 53's records and health checks that send people to them.

A region serves when its indices were filled and found right, or when it came into being with the project. That is kept
in the region, in its Parameter Store: so a deployment that was cut off knows what is left to do. Only regions that
serve have records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ..core.routing import ANYWHERE, CONTINENT_OF, Location, Record, country_location, records
from ..platform.cloud import Cloud
from ..platform.routing_template import Target, template
from ..project import Project, Routing
from . import deployed, stacks

_REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com").search


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A region's health check as it is deployed; `interval` in seconds."""

    id: str
    host: str
    path: str
    interval: int
    threshold: int


def stack_name(project: Project) -> str:
    """The stack of the records, in the home region."""
    return f"{project.name}-routing"


def domain_stack(project: Project) -> str:
    """The stack of a region's custom domain name."""
    return f"{project.name}-domain"


# -- Who serves


def serving(project: Project, cloud: Cloud) -> list[str]:
    """The regions of the project that serve."""
    return [region for region in project.regions if serves(project, cloud, region)]


def serves(project: Project, cloud: Cloud, region: str) -> bool:
    """Whether a region serves."""
    try:
        cloud.client("ssm", region).get_parameter(Name=_parameter(project))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return False
        raise
    return True


def serve(project: Project, cloud: Cloud, region: str) -> None:
    """Notes that a region serves."""
    cloud.client("ssm", region).put_parameter(Name=_parameter(project), Value="yes", Type="String", Overwrite=True)


def retire(project: Project, cloud: Cloud, region: str) -> None:
    """Notes that a region serves no more."""
    try:
        cloud.client("ssm", region).delete_parameter(Name=_parameter(project))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise


def _parameter(project: Project) -> str:
    return f"/dynadex/{project.name}/serves"


# -- What is deployed


def deploy_domain(project: Project, cloud: Cloud, region: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """Gives a region's API the public name; returns what the stack puts out."""
    cloudformation, stack = cloud.client("cloudformation", region), domain_stack(project)
    if project.routing is None:
        stacks.delete(cloudformation, stack)
        return {}
    parameters = {
        "DomainName": project.routing.domain,
        "CertificateArn": cloud.certificate(project.routing, region),
        "ApiId": outputs["ApiId"],
    }
    stacks.deploy(cloudformation, stack, stacks.template("domain"), parameters, {"dynadex:project": project.name})
    return stacks.outputs(cloudformation, stack)


def deploy(project: Project, cloud: Cloud, regions: Sequence[str]) -> None:
    """Has Route 53 send people to these regions and no others; without [routing] there are no records.

    A region that has no public name yet is left out until its own deployment gives it one.
    """
    home, stack = project.home_region, stack_name(project)
    cloudformation, settings = cloud.client("cloudformation", home), project.routing
    found: dict[str, Target] = {}
    for region in regions if settings else ():
        if target := _target(project, cloud, region):
            found[region] = target
    if settings is None or not found:
        stacks.delete(cloudformation, stack)
        return
    checks = cloud.health_checks(project.name, settings, {name: target.api for name, target in found.items()})
    targets = {region: target.checked_by(checks.get(region)) for region, target in found.items()}
    wanted = records(settings.default, settings.continents, settings.countries, list(found))
    body = template(
        settings.domain, cloud.hosted_zone(settings), wanted, targets, settings.interval, settings.threshold
    )
    stacks.deploy(cloudformation, stack, body, {}, {"dynadex:project": project.name})


def _target(project: Project, cloud: Cloud, region: str) -> Target | None:
    names = stacks.outputs(cloud.client("cloudformation", region), domain_stack(project))
    if not names:
        return None
    api = deployed.api(project, cloud, region)
    return Target(region, names["RegionalDomainName"], names["RegionalHostedZoneId"], api)


# -- What Route 53 says


def deployed_records(project: Project, cloud: Cloud) -> tuple[Record, ...]:
    """The records as Route 53 has them, in the order in which it looks at those of one place; none without [routing].

    A region that is healthy answers for a place as `core.routing.answer` says.
    """
    if project.routing is None:
        return ()
    found, weights = [], {}
    for one in _record_sets(project.routing, cloud, project.home_region):
        if "GeoLocation" in one and (region := _region(one)):
            found.append(Record(_location(one["GeoLocation"]), region))
        elif "Weight" in one:
            weights[one["SetIdentifier"]] = int(one["Weight"])
    by_weight = sorted(weights, key=lambda region: (-weights[region], _position(project, region)))
    return (*sorted(found, key=lambda record: str(record.location)), *(Record(ANYWHERE, one) for one in by_weight))


def health_checks(project: Project, cloud: Cloud) -> dict[str, HealthCheck]:
    """Region → its health check as Route 53 has it; none without [routing]."""
    if project.routing is None:
        return {}
    client = cloud.client("route53", project.home_region)
    found = {}
    for one in _record_sets(project.routing, cloud, project.home_region):
        if "Weight" in one and "HealthCheckId" in one:
            config = client.get_health_check(HealthCheckId=one["HealthCheckId"])["HealthCheck"]["HealthCheckConfig"]
            found[one["SetIdentifier"]] = HealthCheck(
                id=one["HealthCheckId"],
                host=config["FullyQualifiedDomainName"],
                path=config["ResourcePath"],
                interval=int(config["RequestInterval"]),
                threshold=int(config["FailureThreshold"]),
            )
    return found


def _record_sets(routing: Routing, cloud: Cloud, home: str) -> list[dict[str, Any]]:
    """The record sets of the public name, and of the weighted set behind its default."""
    pages = cloud.client("route53", home).get_paginator("list_resource_record_sets")
    names = (f"{routing.domain}.", f"default.{routing.domain}.")
    zone = cloud.hosted_zone(routing)
    return [
        one for page in pages.paginate(HostedZoneId=zone) for one in page["ResourceRecordSets"] if one["Name"] in names
    ]


def _region(record_set: Mapping[str, Any]) -> str | None:
    named = _REGION(record_set.get("AliasTarget", {}).get("DNSName", ""))
    return named[1] if named else None


def _location(place: Mapping[str, str]) -> Location:
    country = place.get("CountryCode", "")
    if country in CONTINENT_OF:
        return country_location(country)
    return Location(place.get("ContinentCode", ""))


def _position(project: Project, region: str) -> int:
    return project.regions.index(region) if region in project.regions else len(project.regions)

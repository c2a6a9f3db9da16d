"""[aws] and [api], each with its overrides for single regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynadex.project import Api, Aws
from dynadex.project_file.sections import Section, Shape, overrides, quoted

_SUBNET = Shape(r"subnet-[0-9a-f]{8,17}", "the ids of subnets, such as subnet-0a1b2c3d")
_SECURITY_GROUP = Shape(r"sg-[0-9a-f]{8,17}", "the ids of security groups, such as sg-0a1b2c3d")
_KEY = Shape(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", "the ARN of a KMS key (no alias)")
_TOPIC = Shape(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?", "the ARN of an SNS topic")
_ORIGIN = Shape(
    r"\*|https?://[a-z0-9.-]+(:\d+)?", 'origins such as "https://www.example.com", without a path, or "*" for all'
)
# Lambda's own limits.
_MOST_SUBNETS = 16
_MOST_SECURITY_GROUPS = 5


def read_aws(section: Section, regions: tuple[str, ...]) -> dict[str, Aws]:
    """What the functions of each region use of the account."""
    found = {}
    for region, (settings, section_of) in _by_region(section, regions, _aws_settings).items():
        found[region] = Aws(**settings)
        _check(found[region], region, section_of)
    return found


def read_api(section: Section, regions: tuple[str, ...]) -> dict[str, Api]:
    """Each region's HTTP API."""
    found = _by_region(section, regions, _api_settings)
    return {region: Api(**settings) for region, (settings, _) in found.items()}


def _by_region(
    section: Section, regions: tuple[str, ...], read: Callable[[Section], dict[str, Any]]
) -> dict[str, tuple[dict[str, Any], Callable[[str], Section]]]:
    """Each region's settings, and where each of them comes from, so that a mistake is named where it is made."""
    everywhere, sections = read(section), overrides(section, regions)
    own = {region: read(child) for region, child in sections.items()}

    def origin(region: str) -> Callable[[str], Section]:
        return lambda key: sections[region] if key in own.get(region, {}) else section

    return {region: (everywhere | own.get(region, {}), origin(region)) for region in regions}


def _aws_settings(section: Section) -> dict[str, Any]:
    """The keys that are there, those with a mistake in them too."""
    values = {
        "subnets": _listed(section, "subnets", _SUBNET, _MOST_SUBNETS),
        "security_groups": _listed(section, "security_groups", _SECURITY_GROUP, _MOST_SECURITY_GROUPS),
        "kms_key": section.text("kms_key", _KEY),
        "alarm_topic": section.text("alarm_topic", _TOPIC),
    }
    return {key: value for key, value in values.items() if key in section}


def _listed(section: Section, key: str, shape: Shape, most: int) -> tuple[str, ...]:
    texts = section.texts(key, shape)
    if len(texts) > most:
        section.problem(key, f"{len(texts)} of them; allowed: up to {most}")
    return texts


def _api_settings(section: Section) -> dict[str, Any]:
    values = {
        "origins": section.texts("origins", _ORIGIN),
        "rate": section.integer("rate", 0, 1, 100_000, "requests a second"),
        "burst": section.integer("burst", 0, 1, 100_000, "requests at once"),
    }
    return {key: value for key, value in values.items() if key in section}


def _check(aws: Aws, region: str, section_of: Callable[[str], Section]) -> None:
    for key, other in (("subnets", "security_groups"), ("security_groups", "subnets")):
        if getattr(aws, key) and not getattr(aws, other):
            section_of(key).problem(key, f"needs {other} too: a function in a VPC has both")
    for key, arn in (("kms_key", aws.kms_key), ("alarm_topic", aws.alarm_topic)):
        place = arn.split(":")[3:4] if arn else []
        if place and place != [region]:
            section_of(key).problem(
                key, f"{quoted(arn)} is not in {region}; say {region}'s own in [aws.regions.{region}]"
            )

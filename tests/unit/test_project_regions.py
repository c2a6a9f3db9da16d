"""[heartbeat] and [routing] of dynadex.toml: what they mean, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dynadex.project import Heartbeat, Project, Routing, load
from tests.unit.shop import TOML, folder, problems, write

__all__ = ["folder"]

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/6f1d"


def test_heartbeat_and_routing_are_off_unless_they_are_there(folder: Path) -> None:
    assert (load(folder).heartbeat, load(folder).routing) == (None, None)


def test_heartbeat_and_routing_have_their_documented_defaults(folder: Path) -> None:
    write(
        folder,
        TOML + '[tables.theirs]\npartition_key = "id"\nexisting = true\n'
        '[heartbeat]\n[routing]\ndomain = "lessons.example.com"\n',
    )
    project = load(folder)
    assert project.heartbeat == Heartbeat(every=10, limit=60, tables=("lessons",))
    assert project.routing == Routing("lessons.example.com", None, "us-east-1", 10, 3, {}, {}, {})


def test_heartbeat_and_routing_are_read(folder: Path) -> None:
    write(
        folder,
        TOML
        + f"""
        [heartbeat]
        every = 40
        limit = 90
        tables = ["lessons"]
        [routing]
        domain = "lessons.example.com"
        hosted_zone = "Z0123456789ABCDEFGHIJ"
        default = "eu-west-1"
        interval = 30
        threshold = 1
        [routing.regions.us-east-1]
        continents = ["NA", "SA"]
        [routing.regions.eu-west-1]
        continents = ["EU"]
        countries = ["IN", "NA"]
        certificate = "{CERTIFICATE}"
        """,
    )
    project = load(folder)
    assert project.heartbeat == Heartbeat(40, 90, ("lessons",))
    assert project.routing == Routing(
        "lessons.example.com",
        "Z0123456789ABCDEFGHIJ",
        "eu-west-1",
        30,
        1,
        {"NA": "us-east-1", "SA": "us-east-1", "EU": "eu-west-1"},
        {"IN": "eu-west-1", "NA": "eu-west-1"},
        {"eu-west-1": CERTIFICATE},
    )


def test_a_function_knows_the_heartbeat_and_not_the_routing(folder: Path) -> None:
    write(folder, TOML + '[heartbeat]\n[routing]\ndomain = "lessons.example.com"\n')
    project = load(folder)
    assert Project.from_json(project.to_json()) == replace(
        project, directory=Path(), engines={}, routing=None, aws={}, api={}
    )


ROUTING = '[routing]\ndomain = "lessons.example.com"\n'

REGIONS_MISTAKES = [
    ("[heartbeat]\nevery = 4", "heartbeat.every", "out of range; allowed: 5 to 60 seconds"),
    ("[heartbeat]\nevery = 20\nlimit = 30", "heartbeat.limit", "less than two beats of 20 seconds"),
    ('[heartbeat]\ntables = ["lesons"]', "heartbeat.tables", '(did you mean "lessons"?); allowed: lessons'),
    ("[heartbeat]\nlimits = 60", "heartbeat.limits", '(did you mean "limit"?)'),
    ("[routing]", "routing.domain", "missing; allowed: a domain name"),
    ('[routing]\ndomain = "https://a.example"', "routing.domain", "allowed: a domain name"),
    (ROUTING + 'hosted_zone = "example.com"', "routing.hosted_zone", "allowed: the id of a Route 53 hosted zone"),
    (ROUTING + 'default = "eu-west-2"', "routing.default", '(did you mean "eu-west-1"?)'),
    (ROUTING + "interval = 15", "routing.interval", "15 is not allowed; allowed: 10, 30 seconds"),
    (ROUTING + "interval = 60", "routing.interval", "out of range"),
    (ROUTING + "threshold = 0", "routing.threshold", "allowed: 1 to 10 failed checks"),
    (ROUTING + "[routing.regions.eu-west-2]", "routing.regions.eu-west-2", "not a region of the project"),
    (ROUTING + '[routing.regions.eu-west-1]\ncontinents = ["DE"]', "routing.regions.eu-west-1.continents", "EU"),
    (ROUTING + '[routing.regions.eu-west-1]\ncountries = ["UK"]', "routing.regions.eu-west-1.countries", "ISO 3166"),
    (
        ROUTING + '[routing.regions.us-east-1]\ncountries = ["DE"]\n[routing.regions.eu-west-1]\ncountries = ["DE"]',
        "routing.regions.eu-west-1.countries",
        "goes to us-east-1 already",
    ),
    (
        ROUTING + f'[routing.regions.us-east-1]\ncertificate = "{CERTIFICATE}"',
        "routing.regions.us-east-1.certificate",
        "certificate in us-east-1",
    ),
]


@pytest.mark.parametrize(
    ("added", "entry", "message"), REGIONS_MISTAKES, ids=[entry for _, entry, _ in REGIONS_MISTAKES]
)
def test_a_mistake_about_regions_is_one_problem_with_what_is_allowed(
    folder: Path, added: str, entry: str, message: str
) -> None:
    write(folder, TOML + added)
    (problem,) = problems(folder)
    assert problem.entry == entry
    assert message in problem.message


def test_a_heartbeat_has_to_name_tables_that_are_somebody_elses(folder: Path) -> None:
    existing = TOML.replace('partition_key = "id"', 'partition_key = "id"\nexisting = true')
    write(folder, existing + "[heartbeat]")
    (problem,) = problems(folder)
    assert (problem.entry, "unless it is named" in problem.message) == ("heartbeat.tables", True)
    write(folder, existing + '[heartbeat]\ntables = ["lessons"]')
    assert load(folder).heartbeat == Heartbeat(10, 60, ("lessons",))

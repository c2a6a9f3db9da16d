"""[heartbeat] and [routing]: how healthy a region is, and which one answers for whom."""

from __future__ import annotations

from collections.abc import Mapping

from dynadex.core.routing import CONTINENT_OF, CONTINENTS
from dynadex.project import Heartbeat, Routing, Table
from dynadex.project_file.sections import Section, Shape, listed, quoted, suggestion

DOMAIN = Shape(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", 'a domain name such as "lessons.example.com"'
)
HOSTED_ZONE = Shape(r"Z[A-Z0-9]{5,31}", 'the id of a Route 53 hosted zone, such as "Z0123456789ABCDEFGHIJ"')
_INTERVALS = (10, 30)


def read_heartbeat(root: Section, tables: Mapping[str, Table]) -> Heartbeat | None:
    """None without [heartbeat]."""
    section = root.child("heartbeat")
    if "heartbeat" not in root:
        return None
    every = section.integer("every", 10, 5, 60, "seconds")
    limit = section.integer("limit", max(60, 2 * every), 10, 3600, "seconds")
    if limit < 2 * every:
        section.problem("limit", f"{limit} is less than two beats of {every} seconds; allowed: {2 * every} to 3600")
    named = section.texts("tables")
    for name in named:
        if name not in tables:
            section.problem(
                "tables", f"no such table: {quoted(name)}{suggestion(name, tables)}; allowed: {listed(tables)}"
            )
    beating = named or tuple(name for name, table in tables.items() if not table.existing)
    if not beating and tables:
        section.problem(
            "tables", f"every table is existing, and is not written to unless it is named; allowed: {listed(tables)}"
        )
    return Heartbeat(every, limit, beating)


def read_routing(root: Section, regions: tuple[str, ...]) -> Routing | None:
    """None without [routing]."""
    section = root.child("routing")
    if "routing" not in root:
        return None
    default = section.text("default")
    if default is not None and default not in regions:
        section.problem(
            "default", f"not a region of the project{suggestion(default, regions)}; allowed: {listed(regions)}"
        )
    interval = section.integer("interval", _INTERVALS[0], *_INTERVALS, "seconds")
    if interval not in _INTERVALS and _INTERVALS[0] <= interval <= _INTERVALS[-1]:
        section.problem("interval", f"{interval} is not allowed; allowed: {listed(map(str, _INTERVALS))} seconds")
    continents: dict[str, str] = {}
    countries: dict[str, str] = {}
    certificates: dict[str, str] = {}
    children = section.child("regions").children()
    for region, child in children.items():
        if region not in regions:
            message = f"not a region of the project{suggestion(region, regions)}; allowed: {listed(regions)}"
            section.child("regions").problem(region, message)
        _read_locations(child, "continents", region, CONTINENTS, continents)
        _read_locations(child, "countries", region, CONTINENT_OF, countries)
        arn = child.text("certificate", certificate(region))
        if arn is not None:
            certificates[region] = arn
    return Routing(
        domain=section.required_text("domain", DOMAIN),
        hosted_zone=section.text("hosted_zone", HOSTED_ZONE),
        default=default or (regions[0] if regions else ""),
        interval=interval,
        threshold=section.integer("threshold", 3, 1, 10, "failed checks"),
        continents=continents,
        countries=countries,
        certificates=certificates,
    )


def _read_locations(section: Section, key: str, region: str, known: Mapping[str, str], owners: dict[str, str]) -> None:
    allowed = listed(CONTINENTS) if key == "continents" else "countries by their two letters, such as DE (ISO 3166-1)"
    for code in section.texts(key):
        if code not in known:
            section.problem(key, f"{quoted(code)} is not allowed{suggestion(code, known)}; allowed: {allowed}")
        elif (owner := owners.setdefault(code, region)) != region:
            section.problem(key, f"{quoted(code)} goes to {owner} already; allowed: each in one region")


def certificate(region: str) -> Shape:
    return Shape(
        rf"arn:aws[a-z-]*:acm:{region}:\d{{12}}:certificate/[A-Za-z0-9-]+",
        f"the ARN of a Certificate Manager certificate in {region}",
    )

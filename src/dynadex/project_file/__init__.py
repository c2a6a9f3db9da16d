"""dynadex.toml → Project, with all of its mistakes at once.

`sections` reads TOML tables and collects problems; the others know what may be in their parts; this file knows the rest
and puts the project together.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from dynadex.core.attributes import KeyAttribute
from dynadex.project import (
    Architecture,
    Functions,
    Index,
    OnGap,
    Problem,
    Project,
    ProjectError,
    RefillFunction,
    SearchFunction,
    StreamFunction,
    Table,
    VerifyFunction,
)
from dynadex.project_file import mappings
from dynadex.project_file.admins import read_admin
from dynadex.project_file.aws import read_api, read_aws
from dynadex.project_file.engines import read_engines
from dynadex.project_file.modules import MODULE, TRANSFORM, module_mistake, transform_mistake
from dynadex.project_file.regions import read_heartbeat, read_routing
from dynadex.project_file.searching import read_search
from dynadex.project_file.sections import Section, Shape, listed, quoted, suggestion
from dynadex.project_file.web import read_web

FILE = "dynadex.toml"

_NAME = Shape(r"[a-z][a-z0-9-]{0,30}", "up to 31 lower-case letters, digits and hyphens, a letter first")
_REGION = Shape(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as eu-west-1")
_MAX_REGIONS = 8
# The names of a logical index's generations end like this: such an index would meet another one's.
_INDEX_NAME = Shape(
    r"(?!.*-(v\d+|feed)$)[a-z][a-z0-9-]{0,62}",
    "up to 63 lower-case letters, digits and hyphens, a letter first and not -feed or a version like -v2 last",
)
_TABLE_NAME = Shape(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, underscores, hyphens and dots")
_KEY = Shape(r"(?s)[^:]+|.+:[SNB]", '"attribute" for a string, or "attribute:S", "attribute:N", "attribute:B"')
_MAX_KEY_NAME_BYTES = 255
_SCHEDULE = Shape(
    r"none|rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)"
    r"|cron\(\S+ \S+ (\? \S+ \S+|\S+ \S+ \?) \S+\)",
    '"rate(7 days)", "cron(0 3 ? * SUN *)" in UTC, or "none"',
)
_MAX_VERIFY_INPUT = 4096  # characters, of a parameter of CloudFormation's
# CloudWatch Logs takes no others.
_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def read(path: Path) -> Project:
    """Raises ProjectError with every mistake of the file, and of the files it names."""
    file = path / FILE if path.is_dir() else path
    directory = file.resolve().parent
    problems: list[Problem] = []
    root = Section("", _parse(file), problems)

    name, regions = _read_project(root.child("project"))
    tables = {key: _read_table(section, key, name, directory) for key, section in _named(root, "tables", _NAME).items()}
    _check_physical_names(root.child("tables"), name, tables)
    indexes = {
        key: _read_index(section, key, tuple(tables), directory)
        for key, section in _named(root, "indexes", _INDEX_NAME).items()
    }
    engines = read_engines(root.child("engine"), regions, indexes)
    functions = _read_functions(root.child("functions"), directory)
    heartbeat, routing = read_heartbeat(root, tables), read_routing(root, regions)
    aws, api = read_aws(root.child("aws"), regions), read_api(root.child("api"), regions)
    web = read_web(root, directory)
    root.finish()
    project = Project(name, directory, regions, tables, indexes, engines, functions, heartbeat, routing, aws, api, web)
    _check_verification(root.child("functions").child("verify"), project)
    if problems:
        raise ProjectError(problems)
    return project


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode())
    except FileNotFoundError:
        message = "no such file; run in the project's folder, or name that folder with --project"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        message = f"not UTF-8 at byte {error.start}"
    except tomllib.TOMLDecodeError as error:  # its message ends with line and column
        message = f"not TOML: {error}"
    raise ProjectError([Problem(str(file), message)])


def _named(root: Section, key: str, shape: Shape) -> dict[str, Section]:
    """The tables [key.NAME], of which there has to be one at least."""
    section = root.child(key)
    children = section.children()
    if not children:
        root.problem(key, f"there is none; at least one [{key}.NAME] is needed")
    for name in children:
        if not shape.fits(name):
            section.problem(name, f"{quoted(name)} is not a name for one of the {key}; allowed: {shape.allowed}")
    return children


def _read_project(section: Section) -> tuple[str, tuple[str, ...]]:
    regions = section.texts("regions", _REGION)
    if "regions" not in section or section.value("regions") == []:
        section.problem("regions", 'missing; allowed: 1 to 8 AWS regions, such as ["us-east-1"]; the first is home')
    elif len(regions) > _MAX_REGIONS:
        section.problem("regions", f"{len(regions)} regions; allowed: 1 to {_MAX_REGIONS}")
    return section.required_text("name", _NAME), tuple(dict.fromkeys(regions))


def _read_table(section: Section, name: str, project: str, directory: Path) -> Table:
    partition_key = _read_key(section, "partition_key", section.required_text("partition_key", _KEY))
    sort_key = section.text("sort_key", _KEY)
    table = Table(
        name=name,
        physical_name=section.text("name", _TABLE_NAME) or f"{project}-{name}",
        partition_key=partition_key,
        sort_key=None if sort_key is None else _read_key(section, "sort_key", sort_key),
        ttl=section.text("ttl"),
        existing=section.boolean("existing", False),
        seed=_read_seed(section, directory),
        point_in_time_recovery=section.boolean("point_in_time_recovery", True),
        deletion_protection=section.boolean("deletion_protection", True),
    )
    if "admin" in section:
        table = replace(table, admin=read_admin(section.child("admin"), table, directory))
    if table.sort_key and table.sort_key.name == partition_key.name:
        section.problem(
            "sort_key", f"{quoted(partition_key.name)} is the partition key already; allowed: another attribute"
        )
    return table


def _read_seed(section: Section, directory: Path) -> str | None:
    name = section.text("seed")
    if name and not (directory / name).is_file():
        section.problem("seed", f"no such file: {quoted(name)}; allowed: a file of items, one JSON object a line")
    return name


def _read_key(section: Section, key: str, value: str) -> KeyAttribute:
    name, separator, letter = value.rpartition(":")
    attribute = KeyAttribute(name, cast(Any, letter)) if separator else KeyAttribute(value, "S")
    if len(attribute.name.encode()) > _MAX_KEY_NAME_BYTES:
        section.problem(key, f"the attribute's name is too long; allowed: {_MAX_KEY_NAME_BYTES} bytes")
    return attribute


def _check_physical_names(section: Section, project: str, tables: dict[str, Table]) -> None:
    owners: dict[str, str] = {}
    for name, table in tables.items():
        if table.admin:
            owners.setdefault(f"{project}-{name}-history", f"{name}.admin")
    for name, table in tables.items():
        owner = owners.setdefault(table.physical_name, name)
        if owner != name:
            section.child(name).problem("name", f"{quoted(table.physical_name)} is the table of tables.{owner} already")


def _read_index(section: Section, name: str, tables: tuple[str, ...], directory: Path) -> Index:
    table = section.required_text("table")
    if table and table not in tables:
        section.problem(
            "table", f"no such table: {quoted(table)}{suggestion(table, tables)}; allowed: {listed(tables)}"
        )
    mapping = _read_mapping(section, directory)
    transform = section.text("transform", TRANSFORM)
    if transform and TRANSFORM.fits(transform) and (mistake := transform_mistake(directory, transform)):
        section.problem("transform", mistake)
    selection = {key: section.texts(key) for key in ("include", "exclude")}
    for key in selection:
        if section.value(key) == []:
            section.problem(key, "names no attribute; allowed: at least one, or leave it out")
        if key in section and transform:
            section.problem(key, "not used with a transform; select the attributes in the transform, or leave that out")
    if "include" in section and "exclude" in section:
        section.problem("exclude", "not together with include; leave one of them out")
    return Index(
        name=name,
        table=table,
        mapping=mapping,
        transform=transform,
        include=selection["include"],
        exclude=selection["exclude"],
        match=_read_match(section),
        search=read_search(section.child("search"), mapping),
    )


def _read_mapping(section: Section, directory: Path) -> dict[str, Any]:
    name = section.required_text("mapping", Shape(r"(?s).+", "a JSON file, its path relative to dynadex.toml"))
    if not name:
        return {}
    file = directory / name
    if not file.is_file():
        close = suggestion(name, (path.name for path in directory.glob("*.json")))
        section.problem("mapping", f"no such file: {quoted(name)}{close}; allowed: a JSON file next to dynadex.toml")
        return {}
    mapping, mistakes = mappings.read(file)
    for mistake in mistakes:
        section.problem("mapping", mistake)
    return mapping


def _read_match(section: Section) -> dict[str, tuple[str, ...]]:
    values = section.child("match")
    match: dict[str, tuple[str, ...]] = {}
    for attribute in values.names():
        value = values.value(attribute)
        allowed = value if isinstance(value, list) else [value]
        if not allowed or not all(isinstance(text, str) for text in allowed):
            values.problem(attribute, f'{quoted(value)} is not allowed; allowed: "text", or a list such as ["a", "b"]')
        match[attribute] = tuple(map(str, allowed))
    return match


def _read_functions(section: Section, directory: Path) -> Functions:
    modules = section.texts("modules", MODULE)
    for module in modules:
        if MODULE.fits(module) and (mistake := module_mistake(directory, module)):
            section.problem("modules", mistake)
    requirements = section.text("requirements", Shape(r"(?s).*", "a pip requirements file")) or None
    if requirements and not (directory / requirements).is_file():
        section.problem("requirements", f"no such file: {quoted(requirements)}; allowed: a pip requirements file")
    stream = section.child("stream")
    return Functions(
        architecture=cast(Architecture, section.choice("architecture", ("arm64", "x86_64")) or "arm64"),
        memory=section.integer("memory", 512, 128, 10240, "MB"),
        log_retention_days=_read_retention(section),
        modules=modules,
        requirements=requirements,
        stream=StreamFunction(
            batch_size=stream.integer("batch_size", 1000, 1, 10_000, "records"),
            parallelization=stream.integer("parallelization", 2, 1, 10, "batches of a shard at once"),
            timeout=stream.integer("timeout", 60, 1, 900, "seconds"),
            on_gap=cast(OnGap, stream.choice("on_gap", ("refill", "fail")) or "refill"),
            batching_window=stream.integer("batching_window", 0, 0, 300, "seconds"),
        ),
        refill=_read_refill(section.child("refill")),
        # An HTTP API waits 30 seconds for an answer.
        search=SearchFunction(timeout=section.child("search").integer("timeout", 10, 1, 30, "seconds")),
        verify=_read_verify(section.child("verify")),
    )


def _read_retention(section: Section) -> int:
    days = section.integer("log_retention_days", 30, _RETENTION_DAYS[0], _RETENTION_DAYS[-1], "days")
    if _RETENTION_DAYS[0] < days < _RETENTION_DAYS[-1] and days not in _RETENTION_DAYS:
        section.problem("log_retention_days", f"{days} is not allowed; allowed: {listed(map(str, _RETENTION_DAYS))}")
    return days


def _read_refill(section: Section) -> RefillFunction:
    timeout = section.integer("timeout", 300, 1, 900, "seconds")
    halt_after = section.value("halt_after")
    if halt_after is None:
        halt_after = timeout * 0.8
    elif isinstance(halt_after, bool) or not isinstance(halt_after, int | float) or not 0 < halt_after < timeout:
        allowed = f"more than 0 and less than timeout, {timeout} seconds"
        section.problem("halt_after", f"{quoted(halt_after)} is not allowed; allowed: {allowed}")
        halt_after = 0
    return RefillFunction(
        timeout=timeout,
        halt_after=float(halt_after),
        read_capacity=section.integer("read_capacity", 0, 0, 10_000_000, "read units a second, 0 for no budget"),
        # The state machine's Map runs 40 at once at most.
        segments=section.integer("segments", 1, 1, 40),
        consistent=section.boolean("consistent", True),
    )


def _read_verify(section: Section) -> VerifyFunction:
    schedule = section.text("schedule", _SCHEDULE) or VerifyFunction().schedule
    return VerifyFunction(
        schedule=None if schedule == "none" else schedule,
        repair=section.boolean("repair", False),
        # The last 50 seconds are for what is under suspicion when a round halts.
        timeout=section.integer("timeout", 300, 60, 900, "seconds"),
        # The state machine's Map runs 40 at once at most.
        segments=section.integer("segments", 1, 1, 40),
    )


def _check_verification(section: Section, project: Project) -> None:
    size = len(project.scheduled_verification())
    if size > _MAX_VERIFY_INPUT:
        most = project.functions.verify.segments * _MAX_VERIFY_INPUT // size
        section.problem(
            "segments",
            f"of {len(project.indexes)} indexes they are more than a schedule can name; allowed: 1 to {max(1, most)}",
        )

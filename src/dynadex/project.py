"""A project: its tables, the indexes fed from them, the engines and the functions' settings.

A `Project` comes from dynadex.toml by `load`, which checks everything, or in a function from the compiled
`project.json` of its package by `Project.from_json`, which checks nothing: what was compiled had been checked.
This module is part of every cold start and therefore imports next to nothing; the checking is in `project_file`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from dynadex.core import heartbeats
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.core.querying import Searchable
from dynadex.errors import WrongUse

EngineAuth = Literal["none", "basic", "signed"]
OnGap = Literal["refill", "fail"]
Architecture = Literal["arm64", "x86_64"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in dynadex.toml: the entry it is in (`indexes.lessons.mapping`), what is wrong and what is allowed."""

    entry: str
    message: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.message}"


class ProjectError(WrongUse):
    """All mistakes of a project; its text has a line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Admin:
    """Who may edit a table's items over the HTTP API, and what an item must look like."""

    schema: dict[str, Any]
    """A JSON Schema, draft 7, of the item without the attributes that the API keeps itself."""
    group: str = "admins"
    """The group of users who may."""
    draft: str = "draft"
    """The attribute that is `true` in an item that is not published."""
    id_from: tuple[str, ...] = ()
    """Attributes that a new item's id is made of; empty: a new id is random."""


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table. `name` is the project's word for it, `physical_name` is DynamoDB's."""

    name: str
    physical_name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None
    ttl: str | None
    """The attribute with the time to live; None for no expiry."""
    existing: bool
    """Made by somebody else: never created, changed or deleted."""
    seed: str | None = None
    """A file of items, one JSON object a line, that `up` loads into the table while it is empty."""
    point_in_time_recovery: bool = True
    deletion_protection: bool = True
    admin: Admin | None = None
    """None where nobody may edit items over the HTTP API."""

    @property
    def key(self) -> KeySchema:
        return KeySchema(self.partition_key, self.sort_key)


@dataclass(frozen=True, slots=True)
class Index:
    """A logical index, fed from one table. Searches read the alias prefix + `name`."""

    name: str
    table: str
    """The logical name of the table."""
    mapping: dict[str, Any]
    """`{"settings": {...}, "mappings": {...}}` in the engine's own words; either may be missing."""
    transform: str | None
    """`module:function`"""
    include: tuple[str, ...]
    """Top-level attributes to take; empty for all but those of `exclude`."""
    exclude: tuple[str, ...]
    match: dict[str, tuple[str, ...]]
    """Attribute → its allowed string values; an item has to match all of them."""
    search: Searchable


@dataclass(frozen=True, slots=True)
class Engine:
    """A region's cluster. `url` has no trailing slash; None leaves it to the platform."""

    auth: EngineAuth
    url: str | None
    secret: str | None
    """ARN of a secret `{"username": ..., "password": ...}`."""
    prefix: str
    domain: str | None = None
    """ARN of the OpenSearch Service domain that signed requests go to; read off the url where that is AWS's own."""


@dataclass(frozen=True, slots=True)
class Aws:
    """What a region's functions use of the AWS account: ids and ARNs; None and empty for none of it."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    kms_key: str | None = None
    alarm_topic: str | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """A region's HTTP API: the origins of web pages that may call it; requests a second, and at once."""

    origins: tuple[str, ...] = ()
    rate: int = 200
    burst: int = 400


@dataclass(frozen=True, slots=True)
class StreamFunction:
    """`timeout` and `batching_window` in seconds. `on_gap`: what is done where a stream's records may be missed."""

    batch_size: int
    parallelization: int
    timeout: int
    on_gap: OnGap = "refill"
    batching_window: int = 0


@dataclass(frozen=True, slots=True)
class RefillFunction:
    """`timeout` and `halt_after` in seconds; `read_capacity` in read units a second for all segments, 0: no budget."""

    timeout: int
    halt_after: float
    read_capacity: int
    segments: int
    consistent: bool


@dataclass(frozen=True, slots=True)
class VerifyFunction:
    """`timeout` in seconds. `schedule` is an expression of EventBridge; None: only when somebody asks.

    `repair` and `segments` are those of the scheduled verification.
    """

    schedule: str | None = "rate(7 days)"
    repair: bool = False
    timeout: int = 300
    segments: int = 1

    @property
    def halt_after(self) -> int:
        """Seconds after which a round hands its position on; the rest is for what is still under suspicion."""
        return self.timeout - max(50, self.timeout // 5)


@dataclass(frozen=True, slots=True)
class SearchFunction:
    """`timeout` in seconds."""

    timeout: int


@dataclass(frozen=True, slots=True)
class Functions:
    """`memory` in MB. `modules` and `requirements` are relative to the project's directory."""

    architecture: Architecture
    memory: int
    log_retention_days: int
    modules: tuple[str, ...]
    requirements: str | None
    stream: StreamFunction
    refill: RefillFunction
    search: SearchFunction
    verify: VerifyFunction = VerifyFunction()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An item of each region's own that shows how fresh its indices are. `every` and `limit` in seconds."""

    every: int
    limit: int
    """A region whose newest beat in an index is older than that is not healthy."""
    tables: tuple[str, ...]
    """Logical names of the tables that get the item."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Route 53's records and health checks. `continents` and `countries`: code → the region that answers for it."""

    domain: str
    hosted_zone: str | None
    """Needed on AWS."""
    default: str
    """The region for everywhere else."""
    interval: int
    """Seconds between two health checks."""
    threshold: int
    """So many checks must fail, or pass, for a region's health to change."""
    continents: dict[str, str]
    countries: dict[str, str]
    certificates: dict[str, str]
    """Region → ARN of the domain's certificate there. Needed on AWS."""


@dataclass(frozen=True, slots=True)
class Web:
    """The page on AWS. All but `folder`, which is relative to the project's, may be left to CloudFront."""

    folder: str
    domain: str | None = None
    certificate: str | None = None
    hosted_zone: str | None = None
    web_acl: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """`tables` and `indexes` by logical name, `engines` by region."""

    name: str
    directory: Path
    """Where dynadex.toml and the modules are: in a function the working directory, the package's root."""
    regions: tuple[str, ...]
    tables: dict[str, Table]
    indexes: dict[str, Index]
    engines: dict[str, Engine]
    """Empty in a function: one package serves all regions, so a function's engine is named by its environment."""
    functions: Functions
    heartbeat: Heartbeat | None = None
    routing: Routing | None = None
    """None in a function: no region knows how it is reached."""
    aws: dict[str, Aws] = field(default_factory=dict)
    """By region; empty in a function, as `api` is."""
    api: dict[str, Api] = field(default_factory=dict)
    web: Web | None = None

    @property
    def home_region(self) -> str:
        return self.regions[0]

    def table_of(self, index: Index) -> Table:
        return self.tables[index.table]

    def indexes_of(self, table: Table) -> tuple[Index, ...]:
        return tuple(index for index in self.indexes.values() if index.table == table.name)

    def beats(self, table: str) -> bool:
        """Whether a table, by its logical name, has heartbeats."""
        return self.heartbeat is not None and table in self.heartbeat.tables

    def heartbeats(self, index: Index) -> tuple[str, ...]:
        """The ids of the heartbeats in an index, which searches and counts leave out."""
        if not self.beats(index.table):
            return ()
        return tuple(heartbeats.id_of(self.table_of(index).key, region) for region in self.regions)

    @property
    def edited_tables(self) -> tuple[Table, ...]:
        """The tables whose items admins edit."""
        return tuple(table for table in self.tables.values() if table.admin)

    def history_of(self, table: Table) -> Table:
        """The table that keeps who changed what in another; Dynadex makes it, whoever made the other."""
        id, entry = KeyAttribute("id", "S"), KeyAttribute("entry", "S")
        return Table(f"{table.name}-history", f"{self.name}-{table.name}-history", id, entry, None, existing=False)

    def table_named(self, physical_name: str) -> Table:
        """Raises KeyError if no table of the project has that name in DynamoDB."""
        for table in self.tables.values():
            if table.physical_name == physical_name:
                return table
        raise KeyError(physical_name)

    def scheduled_verification(self) -> str:
        """What the scheduled verification starts with, as JSON: every index, in segments."""
        verify = self.functions.verify
        parts: list[dict[str, Any]] = [{"index": name} for name in self.indexes]
        if verify.segments > 1:
            numbers = range(verify.segments)
            parts = [part | {"segment": number, "totalSegments": len(numbers)} for part in parts for number in numbers]
        if verify.repair:
            parts = [part | {"repair": True} for part in parts]
        return json.dumps({"segments": parts}, separators=(",", ":"))

    def to_json(self) -> bytes:
        """The compiled form, for the function package: the same bytes for the same project, on any machine."""
        document = {
            "name": self.name,
            "regions": self.regions,
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "indexes": {name: asdict(index) for name, index in self.indexes.items()},
            "functions": asdict(self.functions),
            "heartbeat": asdict(self.heartbeat) if self.heartbeat else None,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, compiled: bytes) -> Project:
        document = json.loads(compiled)
        return cls(
            name=document["name"],
            directory=Path(),
            regions=tuple(document["regions"]),
            tables={name: _table(values) for name, values in document["tables"].items()},
            indexes={name: _index(values) for name, values in document["indexes"].items()},
            engines={},
            functions=_functions(document["functions"]),
            heartbeat=_heartbeat(document["heartbeat"]),
        )


def load(path: Path) -> Project:
    """The project of a dynadex.toml, or of the folder that holds one. Raises ProjectError with all mistakes in it."""
    # Only here, for a function never loads dynadex.toml and must not pay for what reads it.
    from dynadex.project_file import read

    return read(path)


def _table(values: dict[str, Any]) -> Table:
    sort_key, admin = values.pop("sort_key"), values.pop("admin")
    return Table(
        partition_key=KeyAttribute(**values.pop("partition_key")),
        sort_key=KeyAttribute(**sort_key) if sort_key else None,
        admin=Admin(id_from=tuple(admin.pop("id_from")), **admin) if admin else None,
        **values,
    )


def _index(values: dict[str, Any]) -> Index:
    return Index(
        include=tuple(values.pop("include")),
        exclude=tuple(values.pop("exclude")),
        match={attribute: tuple(allowed) for attribute, allowed in values.pop("match").items()},
        search=_search(values.pop("search")),
        **values,
    )


def _search(values: dict[str, Any]) -> Searchable:
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    sorts = {name: tuple(fields) for name, fields in values["sorts"].items()}
    return Searchable(**values | lists | {"sorts": sorts})


def _functions(values: dict[str, Any]) -> Functions:
    return Functions(
        modules=tuple(values.pop("modules")),
        stream=StreamFunction(**values.pop("stream")),
        refill=RefillFunction(**values.pop("refill")),
        search=SearchFunction(**values.pop("search")),
        verify=VerifyFunction(**values.pop("verify")),
        **values,
    )


def _heartbeat(values: dict[str, Any] | None) -> Heartbeat | None:
    return Heartbeat(tables=tuple(values.pop("tables")), **values) if values else None

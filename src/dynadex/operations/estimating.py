"""What a refill and steady traffic take: time, read units, invocations, cost, shards. Formulas only: pure functions.

Every number that is not given or measured is an assumption, named in `Assumptions` and shown with each estimate; so is
each formula. Prices are the assumptions whose names begin with `usd_`: AWS's list prices of one region and month
(`PRICES_OF`). Other regions and contracts differ, so all of them can be set. The cluster's own price is not in it: it
is there anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from ..errors import WrongUse

#: The region and the month that the default prices are of.
PRICED_REGION = "us-east-1"
PRICES_OF = f"AWS's list prices for {PRICED_REGION} as of 2025-11, on demand, without free tiers"
_PRICE = "usd_"
#: For so long the project's bucket keeps an export.
_EXPORT_DAYS = 14

_GB = 1e9  # AWS's prices count 10^9 … 2^30 bytes by service; the difference is below what these estimates can say
_GIB = 2**30
_READ_UNIT_BYTES = 4096
_MONTH_SECONDS = 730 * 3600
_TRANSITIONS_A_ROUND = 2  # the Task and the Choice after it


def _assumed(value: float, why: str) -> float:
    found: float = field(default=value, metadata={"why": why})
    return found


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Prices in US dollars, rates and sizes; each with where it comes from."""

    usd_million_read_units: float = _assumed(0.125, "DynamoDB, read request units on demand")
    usd_export_gb: float = _assumed(0.10, "DynamoDB, export to S3, by the table's size")
    usd_gb_month_recovery: float = _assumed(0.20, "DynamoDB, point-in-time recovery, which an export needs")
    usd_gb_month_s3: float = _assumed(0.023, "S3 Standard, storage")
    usd_thousand_s3_puts: float = _assumed(0.005, "S3 Standard, PUT requests, which write an export's files")
    usd_million_s3_gets: float = _assumed(0.40, "S3 Standard, GET requests, which read them")
    usd_million_invocations: float = _assumed(0.20, "Lambda, requests")
    usd_gb_second_arm64: float = _assumed(0.0000133334, "Lambda, duration on arm64")
    usd_gb_second_x86_64: float = _assumed(0.0000166667, "Lambda, duration on x86_64")
    usd_thousand_transitions: float = _assumed(0.025, "Step Functions, standard workflows")
    documents_a_second_a_segment: float = _assumed(
        2000, "assumed of one refill function; the newest refill's own rate is used where there was one"
    )
    scanned_mb_a_second_a_segment: float = _assumed(10, "assumed of one scan, page after page")
    export_minutes: float = _assumed(15, "assumed: what an export takes at any size")
    export_mb_a_second: float = _assumed(100, "assumed: how fast an export goes beyond that")
    export_file_mb: float = _assumed(50, "assumed: what one file of an export holds of the table")
    export_share: float = _assumed(0.25, "assumed: an export's size, compressed, to the table's")
    invocation_ms: float = _assumed(15, "assumed: what a stream invocation takes whatever is in it")
    record_ms: float = _assumed(0.4, "assumed: what it takes beyond that for each record")
    polls_a_second_a_shard: float = _assumed(4, "how often Lambda looks into a stream's shard (as it documents)")
    partition_gb: float = _assumed(10, "how much a partition of a table holds, each of which is a shard of the stream")
    partition_writes_a_second: float = _assumed(1000, "write units a second that a partition takes")
    index_overhead: float = _assumed(1.1, "size of an index to that of its documents (AWS's rule for sizing)")
    growth: float = _assumed(1.5, "assumed: room for the index to grow before its shards are too large")
    shard_gib: float = _assumed(25, "size of a shard: 10 to 30 GiB where searches are to be fast (AWS's rule)")
    storage_factor: float = _assumed(1.45, "disk space to documents and their replicas (AWS's rule)")

    def usd_gb_second(self, architecture: str) -> float:
        """Lambda's price for an architecture."""
        return self.usd_gb_second_arm64 if architecture == "arm64" else self.usd_gb_second_x86_64

    def why(self, *, prices: bool) -> dict[str, tuple[float, str]]:
        """Each price's, or each other assumption's value, and where it comes from."""
        chosen = [one for one in fields(self) if one.name.startswith(_PRICE) == prices]
        return {one.name: (getattr(self, one.name), one.metadata["why"]) for one in chosen}

    def given(self, option: str, values: Mapping[str, Any]) -> Assumptions:
        """These with some set anew. `option` is where the values come from; raises `WrongUse` where one is wrong."""
        names = [one.name for one in fields(self)]
        for name, value in values.items():
            if name not in names:
                close = get_close_matches(name, names, n=1)
                did = f" (did you mean {close[0]}?)" if close else ""
                raise WrongUse(f"{option}: there is no {name!r}{did}; there are {', '.join(names)}")
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value <= 0:
                raise WrongUse(f"{option}: {name} is {value!r}; a number above 0 is expected")
        return replace(self, **values)


def of_texts(texts: Iterable[str]) -> dict[str, float]:
    """`name=number` each, as options give them."""
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            found[name.strip()] = math.nan
    return found


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried: `items` of `item_bytes` each on average, of which `indexed_share` become documents."""

    items: int
    item_bytes: float
    indexed_share: float = 1.0

    @property
    def table_bytes(self) -> float:
        """The table's size."""
        return self.items * self.item_bytes

    @property
    def document_bytes(self) -> float:
        """All documents' size together."""
        return self.table_bytes * self.indexed_share


@dataclass(frozen=True, slots=True)
class Means:
    """What it is carried with: the functions' settings. `read_capacity` in read units a second, 0 for no budget."""

    memory_mb: int
    architecture: str
    segments: int
    read_capacity: float
    halt_after_seconds: float
    consistent: bool
    batch_size: int
    parallelization: int


@dataclass(frozen=True, slots=True)
class RefillEstimate:
    """A refill; `bound_by` says what its time is decided by. `cost_usd` has a part for each service."""

    seconds: float
    bound_by: str
    read_units: float
    invocations: int
    gb_seconds: float
    transitions: int
    cost_usd: dict[str, float]
    formulas: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return {
            "seconds": round(self.seconds, 1),
            "boundBy": self.bound_by,
            "readUnits": round(self.read_units),
            "invocations": self.invocations,
            "gbSeconds": round(self.gb_seconds, 1),
            "stateTransitions": self.transitions,
            "costUsd": _rounded(self.cost_usd),
            "formulas": self.formulas,
        }


@dataclass(frozen=True, slots=True)
class TrafficEstimate:
    """Steady writes. Invocations a second lie between full batches and a batch for every record."""

    writes_a_second: float
    stream_shards: int
    least_invocations_a_second: float
    most_invocations_a_second: float
    gb_seconds_a_month: float
    most_writes_a_second: float
    cost_usd_a_month: dict[str, float]
    formulas: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return {
            "writesASecond": self.writes_a_second,
            "streamShards": self.stream_shards,
            "leastInvocationsASecond": round(self.least_invocations_a_second, 4),
            "mostInvocationsASecond": round(self.most_invocations_a_second, 4),
            "mostWritesASecond": round(self.most_writes_a_second),
            "gbSecondsAMonth": round(self.gb_seconds_a_month),
            "costUsdAMonth": _rounded(self.cost_usd_a_month),
            "formulas": self.formulas,
        }


@dataclass(frozen=True, slots=True)
class IndexEstimate:
    """An index: primary shards, its size without replicas, and disk space with one replica."""

    primary_shards: int
    index_bytes: float
    disk_bytes: float
    formulas: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return {
            "primaryShards": self.primary_shards,
            "indexBytes": round(self.index_bytes),
            "diskBytes": round(self.disk_bytes),
            "formulas": self.formulas,
        }


def _rounded(cost: dict[str, float]) -> dict[str, float]:
    return {**{name: round(usd, 4) for name, usd in cost.items()}, "total": round(sum(cost.values()), 4)}


def scan_read_units(table_bytes: float, *, consistent: bool) -> float:
    """What a scan of the whole table costs: a unit for 4 KB of a page, half of it if eventually consistent."""
    return math.ceil(table_bytes / _READ_UNIT_BYTES) * (1.0 if consistent else 0.5)


def rounds(seconds: float, segments: int, halt_after_seconds: float) -> int:
    """Invocations of a refill that takes so long: each segment's rounds halt after so many seconds, one at least."""
    return segments * max(1, math.ceil(seconds / halt_after_seconds))


def refill_by_scan(load: Load, means: Means, assumed: Assumptions) -> RefillEstimate:
    """A refill that scans the table."""
    read_units = scan_read_units(load.table_bytes, consistent=means.consistent)
    times = {
        "writing": load.items / (assumed.documents_a_second_a_segment * means.segments),
        "scanning": load.table_bytes / (assumed.scanned_mb_a_second_a_segment * 1e6 * means.segments),
        "the read budget": read_units / means.read_capacity if means.read_capacity else 0.0,
    }
    bound_by = max(times, key=lambda name: times[name])
    formulas = {
        "readUnits": "table bytes / 4,096" + ("" if means.consistent else " / 2, as reads are eventually consistent"),
        "seconds": "the largest of: items / (documents a second * segments); "
        "table MB / (scanned MB a second * segments); read units / read budget",
    }
    return _refill(times[bound_by], bound_by, {"DynamoDB": read_units * assumed.usd_million_read_units / 1e6},
                   means, assumed, formulas, read_units=read_units)  # fmt: skip


def refill_from_export(load: Load, means: Means, assumed: Assumptions) -> RefillEstimate:
    """A refill from a point-in-time export: it costs no read units. The functions start when the export is there."""
    exporting = assumed.export_minutes * 60 + load.table_bytes / (assumed.export_mb_a_second * 1e6)
    writing = load.items / (assumed.documents_a_second_a_segment * means.segments)
    files = max(1, math.ceil(load.table_bytes / (assumed.export_file_mb * 1e6)))
    cost = {
        "DynamoDB export": load.table_bytes / _GB * assumed.usd_export_gb,
        "S3 requests": files * (assumed.usd_thousand_s3_puts / 1e3 + assumed.usd_million_s3_gets / 1e6),
        "S3 storage": load.table_bytes
        / _GB
        * assumed.export_share
        * assumed.usd_gb_month_s3
        * _EXPORT_DAYS
        * 86400
        / _MONTH_SECONDS,
    }
    formulas = {
        "seconds": "export minutes * 60 + table MB / (exported MB a second) + items / (documents a second * segments)",
        "costUsd.DynamoDB export": "table GB * price; point-in-time recovery, which has to be on, is beside it",
        "costUsd.S3 requests": "table MB / MB a file, rounded up * (price of a PUT + price of a GET)",
        "costUsd.S3 storage": f"table GB * export share * price a month * {_EXPORT_DAYS} days, after which it expires",
    }
    bound_by = "the export" if exporting > writing else "writing"
    return _refill(exporting + writing, bound_by, cost, means, assumed, formulas, working_seconds=writing)


def recovery_usd_a_month(load: Load, assumed: Assumptions) -> float:
    """What point-in-time recovery of the table costs, by its size."""
    return load.table_bytes / _GB * assumed.usd_gb_month_recovery


def _refill(
    seconds: float,
    bound_by: str,
    cost: dict[str, float],
    means: Means,
    assumed: Assumptions,
    formulas: dict[str, str],
    *,
    read_units: float = 0.0,
    working_seconds: float | None = None,
) -> RefillEstimate:
    """What the functions and the state machine take for a refill; they work for `working_seconds` of its time."""
    working = seconds if working_seconds is None else working_seconds
    invocations = rounds(working, means.segments, means.halt_after_seconds)
    gb_seconds = working * means.segments * means.memory_mb / 1024
    transitions = invocations * _TRANSITIONS_A_ROUND
    cost = {
        **cost,
        "Lambda": invocations * assumed.usd_million_invocations / 1e6
        + gb_seconds * assumed.usd_gb_second(means.architecture),
        "Step Functions": transitions * assumed.usd_thousand_transitions / 1000,
    }
    formulas = {
        **formulas,
        "invocations": "segments * (seconds / halt_after, rounded up): the rounds",
        "gbSeconds": "seconds * segments * memory in GB",
        "stateTransitions": f"invocations * {_TRANSITIONS_A_ROUND}",
    }
    return RefillEstimate(seconds, bound_by, read_units, invocations, gb_seconds, transitions, cost, formulas)


def stream_shards(table_bytes: float, writes_a_second: float, assumed: Assumptions) -> int:
    """Shards of the table's stream at least: one for each partition, by size or by writes."""
    by_size = table_bytes / (assumed.partition_gb * _GB)
    return max(1, math.ceil(max(by_size, writes_a_second / assumed.partition_writes_a_second)))


def traffic(load: Load, writes_a_second: float, means: Means, assumed: Assumptions) -> TrafficEstimate:
    """Steady writes, each of another item."""
    shards = stream_shards(load.table_bytes, writes_a_second, assumed)
    at_once = shards * means.parallelization
    least = writes_a_second / means.batch_size
    # A poll that finds more than a batch is followed by the next at once.
    most = max(least, min(writes_a_second, assumed.polls_a_second_a_shard * at_once))
    seconds_a_second = (most * assumed.invocation_ms + writes_a_second * assumed.record_ms) / 1000
    gb_seconds = seconds_a_second * means.memory_mb / 1024 * _MONTH_SECONDS
    batch_ms = assumed.invocation_ms + means.batch_size * assumed.record_ms
    cost = {
        "Lambda": most * _MONTH_SECONDS * assumed.usd_million_invocations / 1e6
        + gb_seconds * assumed.usd_gb_second(means.architecture)
    }
    formulas = {
        "streamShards": "the larger of table GB / partition GB and writes / (writes a second a partition), rounded up",
        "leastInvocationsASecond": "writes / batch size: if every batch is full",
        "mostInvocationsASecond": "the smaller of the writes and polls a second a shard * shards * parallelization",
        "gbSecondsAMonth": "(most invocations * ms each + writes * ms a record) * memory in GB * 730 h",
        "mostWritesASecond": "shards * parallelization * batch size / (ms an invocation + batch size * ms a record)",
        "costUsdAMonth": "at most invocations; Lambda's reading of the stream costs nothing",
    }
    return TrafficEstimate(
        writes_a_second=writes_a_second,
        stream_shards=shards,
        least_invocations_a_second=least,
        most_invocations_a_second=most,
        gb_seconds_a_month=gb_seconds,
        most_writes_a_second=at_once * means.batch_size / batch_ms * 1000,
        cost_usd_a_month=cost,
        formulas=formulas,
    )


def index(load: Load, assumed: Assumptions) -> IndexEstimate:
    """An index of the documents."""
    index_bytes = load.document_bytes * assumed.index_overhead
    shards = max(1, math.ceil(index_bytes * assumed.growth / (assumed.shard_gib * _GIB)))
    formulas = {
        "indexBytes": "items * item bytes * share indexed * index overhead",
        "primaryShards": "index bytes * growth / shard size, rounded up",
        "diskBytes": "document bytes * 2 (one replica) * storage factor",
    }
    return IndexEstimate(shards, index_bytes, load.document_bytes * 2 * assumed.storage_factor, formulas)

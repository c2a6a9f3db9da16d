"""Looks at a table that is there: what it is, and a bounded number of its items from all over it.

A scan's segments divide the table's hash space, so the first few items of each of many segments are spread over the
whole table. Reads are eventually consistent, at half the price, and held to a budget.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import repeat
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from ..aws import AwsUnavailable
from ..core import heartbeats
from ..core.attributes import AttributeValue, Item, KeyAttribute, KeySchema
from ..errors import DynadexError
from ..pacing import Budget, Patience
from ..platform.cloud import Cloud
from ..project import Table
from ..table import Page
from .steps import Steps

DEFAULT_ITEMS = 1000
DEFAULT_READ_CAPACITY = 100.0
#: A sample ends when it has used so many read units, however few items that were.
MOST_READ_UNITS = 5000.0
_MOST_SEGMENTS, _LEAST_ITEMS_A_SEGMENT = 50, 20
_SEGMENTS_AT_ONCE = 4
_PATIENCE_SECONDS = 60.0


class SamplingError(DynadexError):
    """The table cannot be looked at; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Described:
    """A table as DynamoDB describes it. `items` and `bytes` are its own count, which may be six hours old.

    `stream` is the view type of its stream, "" without one. `replicas` are the other regions that have it.
    """

    name: str
    region: str
    key: KeySchema
    items: int
    bytes: int
    stream: str
    ttl: str | None
    replicas: tuple[str, ...]
    on_demand: bool

    def table(self) -> Table:
        """As a project's table, made by somebody else."""
        return Table(self.name, self.name, self.key.partition, self.key.sort, self.ttl, existing=True)


@dataclass(frozen=True, slots=True)
class Sample:
    """Items from all over a table; `whole` says that they are all of them. `read_units` are what they cost."""

    items: Sequence[Item]
    whole: bool
    read_units: float


def describe(cloud: Cloud, region: str, name: str) -> Described:
    """What a table is. Raises `SamplingError` if there is none of that name, with those that are like it."""
    client = cloud.client("dynamodb", region)
    try:
        table = client.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise SamplingError(f"{name} in {region}: {error}") from error
        raise SamplingError(f"there is no table {name!r} in {region} of {cloud.name}{_others(client, name)}") from error
    except BotoCoreError as error:
        raise SamplingError(f"{cloud.name} does not answer for {region}: {error}") from error
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    roles = {one["KeyType"]: one["AttributeName"] for one in table["KeySchema"]}
    partition, *sort = (KeyAttribute(roles[role], types[roles[role]]) for role in ("HASH", "RANGE") if role in roles)
    specification = table.get("StreamSpecification", {})
    return Described(
        name=name,
        region=region,
        key=KeySchema(partition, sort[0] if sort else None),
        items=table.get("ItemCount", 0),
        bytes=table.get("TableSizeBytes", 0),
        stream=specification.get("StreamViewType", "") if specification.get("StreamEnabled") else "",
        ttl=_time_to_live(client, name),
        replicas=tuple(sorted(one["RegionName"] for one in table.get("Replicas", ()) if one["RegionName"] != region)),
        on_demand=table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST",
    )


def _others(client: Any, name: str) -> str:
    try:
        names = client.list_tables(Limit=100)["TableNames"]
    except (ClientError, BotoCoreError):
        return ""
    close = get_close_matches(name, names, n=1)
    did = f" (did you mean {close[0]!r}?)" if close else ""
    return did + ("; there is none at all" if not names else f"; there are {', '.join(sorted(names)[:10])}")


def _time_to_live(client: Any, name: str) -> str | None:
    try:
        found = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    except ClientError:  # not everybody who may read a table may ask this, and not every emulator knows it
        return None
    return cast("str | None", found.get("AttributeName")) if found.get("TimeToLiveStatus") == "ENABLED" else None


def sample(
    cloud: Cloud,
    region: str,
    table: Table,
    steps: Steps,
    *,
    count: int = DEFAULT_ITEMS,
    read_capacity: float = DEFAULT_READ_CAPACITY,
) -> Sample:
    """At most `count` items, read at `read_capacity` units a second at most (0: as fast as it goes)."""
    segments = max(1, min(_MOST_SEGMENTS, count // _LEAST_ITEMS_A_SEGMENT))
    reader = _Reader(cloud, region, table, segments, read_capacity)
    starts: dict[int, Mapping[str, AttributeValue] | None] = dict.fromkeys(range(segments))
    items: list[Item] = []
    with steps.bar(f"{region}: look at items of {table.physical_name}") as bar:
        with ThreadPoolExecutor(_SEGMENTS_AT_ONCE, thread_name_prefix="sample") as pool:
            while starts and len(items) < count and reader.used < MOST_READ_UNITS:
                share = math.ceil((count - len(items)) / len(starts))
                pages = pool.map(reader.page, starts.keys(), starts.values(), repeat(share))
                found = dict(zip(starts, pages, strict=True))
                starts = {segment: page.last_key for segment, page in found.items() if page.last_key is not None}
                seen = (item for page in found.values() for item in page.items)
                items += (item for item in seen if not heartbeats.region_of(table.key, item))
                bar.update(min(len(items), count), count)
        whole = not starts and len(items) <= count
        items = items[:count]
        bar.update(len(items), len(items), f"{reader.used:.1f} read units")
    return Sample(items, whole, round(reader.used, 1))


class _Reader:
    """Reads pages of segments side by side, under one budget."""

    def __init__(self, cloud: Cloud, region: str, table: Table, segments: int, read_capacity: float) -> None:
        self._table = cloud.table(table, region)
        self._segments = segments
        self._budget = Budget(read_capacity)
        self._lock = threading.Lock()
        self._waiting = Patience(_PATIENCE_SECONDS)
        self.used = 0.0

    def page(self, segment: int, start: Mapping[str, AttributeValue] | None, limit: int) -> Page:
        attempt = 0
        while True:
            with self._lock:
                wait = self._budget.wait()
            time.sleep(wait)
            try:
                page = self._table.scan(
                    start, segment=segment, total_segments=self._segments, consistent=False, limit=limit
                )
            except AwsUnavailable as error:
                attempt += 1
                self._waiting.pause(attempt, str(error))
                continue
            with self._lock:
                self._budget.spend(page.capacity)
                self.used += page.capacity
            return page

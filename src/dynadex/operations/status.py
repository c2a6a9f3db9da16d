"""How a project is doing, region by region and index by index, from what every cloud has."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from .. import generations
from ..core import heartbeats
from ..core.gaps import Source
from ..engine import EngineError
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from . import deployed, gaps, refill, searching, verify
from .mapping_changes import MappingChanges, mapping_changes

_LAG_WINDOW_SECONDS = 15 * 60
#: A batch that was so far behind, and applied so lately, says that the index is behind (as `StreamLagAlarm` does).
_LAG_LIMIT_SECONDS = 5 * 60
_LATELY_SECONDS = 2 * 60


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A table's event source: the platform's words for its state and its last batch, None where there is none.

    `trouble` says why the stream is not applied, or is far behind, and what to do; "" where all is well.
    """

    state: str | None
    last_result: str | None
    trouble: str

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return {"state": self.state, "lastResult": self.last_result, "trouble": self.trouble}


@dataclass(frozen=True, slots=True)
class Queues:
    """A region's two queues: failures of all its indices, and batches that the platform gave up on; about so many."""

    failures: int
    undelivered: int


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """One index in one region. `lag_seconds` is that of the newest batch of the last 15 minutes, None without one.

    `gap` says which records of the stream the index may have missed, and what to do; None where it missed none.
    `verify` is the newest verification in the cloud.
    """

    documents: int | None
    items: int | None
    lag_seconds: float | None
    refill: dict[str, Any] | None
    generations: tuple[str, ...]
    mapping: MappingChanges
    problem: str
    source: SourceStatus
    gap: str | None = None
    verify: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        plain = asdict(self)
        plain["lagSeconds"] = plain.pop("lag_seconds")
        plain["mappingChanges"] = list(plain.pop("mapping")["paths"])
        plain["source"] = self.source.to_json()
        return plain


def status(project: Project, cloud: Cloud, regions: list[str], *, count: bool) -> dict[str, dict[str, IndexStatus]]:
    """Every index in every region. `count` also counts the tables' items, which reads each table whole."""
    places = [(region, index) for region in regions for index in project.indexes.values()]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: _index_status(project, cloud, *place, count=count), places))
    result: dict[str, dict[str, IndexStatus]] = {region: {} for region in regions}
    for (region, index), one in zip(places, found, strict=True):
        result[region][index.name] = one
    return result


def health(project: Project, cloud: Cloud, regions: list[str]) -> dict[str, dict[str, Any]]:
    """What each region's API says of its health: freshness, and how old the other regions' heartbeats are there."""
    with ThreadPoolExecutor(len(regions)) as pool:
        return dict(
            zip(regions, pool.map(lambda region: searching.health(project, cloud, region), regions), strict=True)
        )


def _index_status(project: Project, cloud: Cloud, region: str, index: Index, *, count: bool) -> IndexStatus:
    outputs = deployed.outputs(project, cloud, region)
    documents: int | None = None
    fed: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    mapping = MappingChanges()
    problem = ""
    try:
        documents = documents_in(project, cloud, region, index)
        fed = tuple(generations.fed(cloud.engine(project, region), index.name))
        read = tuple(generations.read(cloud.engine(project, region), index.name))
        mapping = mapping_changes(cloud.engine(project, region), index)
    except generations.IndexMissing:
        problem = f"the engine has no such index; `dynadex refill {index.name} --region {region}` makes and fills it"
    except EngineError as error:
        problem = str(error)
    table = project.table_of(index)
    behind = lag(cloud, region, outputs["StreamLogGroup"], table.name)
    return IndexStatus(
        documents=documents,
        items=items_in(project, cloud, region, table) if count else None,
        lag_seconds=behind.seconds if behind else None,
        refill=refill.newest(project, cloud, region).get(index.name),
        generations=fed,
        mapping=mapping,
        problem=problem,
        source=_source_status(
            cloud, gaps.source(project, cloud, region, table), behind, region, outputs["StreamLogGroup"]
        ),
        verify=verify.newest(project, cloud, region, index, read),
        gap=gaps.told(project, cloud, region, index),
    )


def _source_status(cloud: Cloud, source: Source | None, behind: Lag | None, region: str, logs: str) -> SourceStatus:
    if source is None:
        return SourceStatus(None, None, "there is no event source for its table: deploy again")
    trouble = source.trouble
    if source.state == "Disabled":
        command = f"update-event-source-mapping --uuid {source.id} --enabled --region {region}"
        trouble += f": aws lambda {command}{cloud.cli_options}"
    elif trouble and source.state == "Enabled" and source.result in trouble:
        trouble += f"; the stream function's log says why ({logs})"
    elif not trouble and behind and behind.seconds > _LAG_LIMIT_SECONDS and time.time() - behind.at < _LATELY_SECONDS:
        trouble = f"it is {behind.seconds / 60:.0f} minutes behind its table; at 24 hours records are lost"
    return SourceStatus(source.state, source.result, trouble)


def queues(project: Project, cloud: Cloud, regions: list[str]) -> dict[str, Queues]:
    """What waits in each region's queues."""

    def of(region: str) -> Queues:
        outputs = deployed.outputs(project, cloud, region)
        urls = outputs["FailuresQueueUrl"], outputs["UndeliveredQueueUrl"]
        return Queues(*(messages_in(cloud, region, url) for url in urls))

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(regions, pool.map(of, regions), strict=True))


def documents_in(project: Project, cloud: Cloud, region: str, index: Index) -> int:
    """How many documents searches can find."""
    engine = cloud.engine(project, region)
    try:
        return engine.count(generations.read_alias(engine, index.name), project.heartbeats(index))
    except EngineError as error:
        if error.status == 404:
            raise generations.IndexMissing(index.name) from None
        raise


def items_in(project: Project, cloud: Cloud, region: str, table: Table) -> int:
    """How many items a table has, counted, but for heartbeats."""
    client = cloud.client("dynamodb", region)
    total = -beats_in(project, cloud, region, table)
    start: dict[str, Any] = {}
    while True:
        page = client.scan(TableName=table.physical_name, Select="COUNT", **start)
        total += int(page["Count"])
        if not (last := page.get("LastEvaluatedKey")):
            return total
        start = {"ExclusiveStartKey": last}


def beats_in(project: Project, cloud: Cloud, region: str, table: Table) -> int:
    """How many of a table's items are heartbeats."""
    keys = {one: heartbeats.key(table.key, one) for one in project.regions} if project.beats(table.name) else {}
    found = cloud.table(table, region).read({table.key.id_of(key): key for key in keys.values()})
    return sum(item is not None for item in found.items.values())


def messages_in(cloud: Cloud, region: str, queue: str) -> int:
    """About how many messages a queue holds, those being looked at included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = cloud.client("sqs", region).get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(told.get(name, 0)) for name in names)


class Lag(NamedTuple):
    """How far a batch was behind its table, and when it was applied, in seconds since 1970."""

    seconds: float
    at: float


def lag(cloud: Cloud, region: str, group: str, table: str) -> Lag | None:
    """How far the newest batch of the last 15 minutes was behind its table; None without one."""
    newest = None
    since = time.time() - _LAG_WINDOW_SECONDS
    for line in deployed.log_lines(cloud, region, group, since=since, events=("applied",)):
        if line["table"] == table:
            newest = Lag(line["Lag"], line["_aws"]["Timestamp"] / 1000)
    return newest

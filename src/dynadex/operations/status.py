"""How a project is doing, region by region and index by index, from what every cloud has."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from .. import generations
from ..core import heartbeats
from ..engine import EngineError
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from . import deployed, gaps, refill
from .mapping_changes import MappingChanges, mapping_changes

_LAG_WINDOW_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """One index in one region. `lag_seconds` is that of the newest batch of the last 15 minutes, None without one.

    `undelivered` counts the batches of the region that the platform gave up on. `gap` says which records of the stream
    the index may have missed, and what to do; None where it missed none.
    """

    documents: int | None
    items: int | None
    failures: int
    lag_seconds: float | None
    refill: dict[str, Any] | None
    generations: tuple[str, ...]
    mapping: MappingChanges
    problem: str
    undelivered: int = 0
    gap: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        plain = asdict(self)
        plain["lagSeconds"] = plain.pop("lag_seconds")
        plain["mappingChanges"] = list(plain.pop("mapping")["paths"])
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


def _index_status(project: Project, cloud: Cloud, region: str, index: Index, *, count: bool) -> IndexStatus:
    outputs = deployed.outputs(project, cloud, region)
    documents: int | None = None
    fed: tuple[str, ...] = ()
    mapping = MappingChanges()
    problem = ""
    try:
        documents = documents_in(project, cloud, region, index)
        fed = tuple(generations.fed(cloud.engine(project, region), index.name))
        mapping = mapping_changes(cloud.engine(project, region), index)
    except generations.IndexMissing:
        problem = f"the engine has no such index; `dynadex refill {index.name} --region {region}` makes and fills it"
    except EngineError as error:
        problem = str(error)
    table = project.table_of(index)
    return IndexStatus(
        documents=documents,
        items=items_in(project, cloud, region, table) if count else None,
        failures=messages_in(cloud, region, outputs["FailuresQueueUrl"]),
        lag_seconds=lag(cloud, region, outputs["StreamLogGroup"], table.name),
        refill=refill.newest(project, cloud, region).get(index.name),
        generations=fed,
        mapping=mapping,
        problem=problem,
        undelivered=messages_in(cloud, region, outputs["UndeliveredQueueUrl"]),
        gap=gaps.told(project, cloud, region, index),
    )


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


def lag(cloud: Cloud, region: str, group: str, table: str) -> float | None:
    """Seconds that the newest batch of the last 15 minutes was behind its table; None without one."""
    newest = None
    since = time.time() - _LAG_WINDOW_SECONDS
    for line in deployed.log_lines(cloud, region, group, since=since, events=("applied",)):
        if line["table"] == table:
            newest = line["Lag"]
    return newest

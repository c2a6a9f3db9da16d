"""Rows stream and stream-cpu: records a second of the stream function, and its processor time for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from dynadex import generations
from dynadex.recipes import recipe_of

from . import lessons
from .limits import Limit, bodies, operations
from .measuring import Collected, Contender, Plan, Row, turns
from .ours import World
from .plain import Plain

RECORDS = 1000
CONNECTIONS = (1, 2, 4)
LIMIT, PLAIN = "bench-limit", "bench-plain"


def definition() -> Any:
    """The index that the plain version and the limit write to: the same as Dynadex makes."""
    return generations.definition(lessons.project().indexes["lessons"].mapping)


def measure(world: World, plan: Plan) -> list[Row]:
    """Batches of 1,000 records; the three take turns batch by batch."""
    recipe = recipe_of(lessons.project(), lessons.project().indexes["lessons"])
    region = world.region()
    region.enter()
    plain = Plain(region.engine_url, region.table_url, PLAIN, recipe.transform)
    limit = Limit(region.engine_url, region.table_url)
    rates, cpu = Collected(), Collected()
    events = lessons.events(plan.batches, RECORDS, time.time())
    written = [operations(_images(event), LIMIT, recipe, 1 << 60) for event in events]
    connections = best_connections(limit, written)
    prepared = [bodies(batch, connections) for batch in written]
    for _ in range(plan.rounds):
        region.empty()
        for index in (PLAIN, LIMIT):
            limit.make(index, definition())
        work: dict[Contender, Callable[[int], object]] = {
            "ours": lambda number: region.sync(events[number]),
            "plain": lambda number: plain.sync(events[number]),
            "limit": lambda number: limit.bulk(prepared[number]),
        }  # fmt: skip
        took = turns(plan.batches, work)
        for contender, spent in took.items():
            rates.add(contender, plan.batches * RECORDS / spent.wall)
            if contender != "limit":
                cpu.add(contender, spent.cpu / (plan.batches * RECORDS) * 1e6)
        assert region.documents() == sum(map(len, written))
    notes = {"records a batch": RECORDS, "connections of the limit": connections}
    return [
        Row("stream", "records/s", rates.samples, "at least 0.90 of the limit, 3 times plain", None, notes).against(
            limit=0.9, plain=3
        ),
        Row("stream-cpu", "µs/record", cpu.samples, "at most a quarter of plain").against(plain=0.25),
    ]


def best_connections(limit: Limit, written: Sequence[Sequence[Any]]) -> int:
    """How many connections a batch is best spread over, tried here."""
    rates = {}
    for _ in range(2):  # the first is for the engine to warm up
        for connections in CONNECTIONS:
            limit.make(LIMIT, definition())
            prepared = [bodies(batch, connections) for batch in written[:4]]
            started = time.perf_counter()
            for batch in prepared:
                limit.bulk(batch)
            rates[connections] = time.perf_counter() - started
    return min(rates, key=lambda connections: rates[connections])


def _images(event: dict[str, Any]) -> list[Any]:
    return [record["dynamodb"]["NewImage"] for record in event["Records"]]

"""Rows freshness-p50 and freshness-p99: from handing a small batch to the function until its last record is found.

What decides it is the engine's refresh. So each sample begins at a chosen moment of a refresh interval, the same
moments for all three; else chance alone would differ by more than what is measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import islice

from dynadex.recipes import recipe_of

from . import lessons
from .limits import Limit, bodies, operations
from .measuring import Collected, Contender, Plan, Row, quantile
from .ours import INDEX, World
from .plain import Plain
from .streaming import LIMIT, PLAIN, definition

_RECORDS = 5
_INTERVAL = 0.2  # the refresh interval of the mapping
_PATIENCE = 30.0


def measure(world: World, plan: Plan) -> list[Row]:
    """One sample for each phase, contender and round."""
    recipe = recipe_of(lessons.project(), lessons.project().indexes["lessons"])
    region = world.region()
    region.enter()
    region.empty()
    plain = Plain(world.engine_url, world.table_url, PLAIN, recipe.transform)
    limit = Limit(world.engine_url, world.table_url)
    for index in (PLAIN, LIMIT):
        limit.make(index, definition())
    images = lessons.items(10**9, first=500_000)
    seen: dict[Contender, list[float]] = {"ours": [], "plain": [], "limit": []}
    p50, p99 = Collected(), Collected()

    def sample(contender: Contender, phase: float) -> float:
        batch = list(islice(images, _RECORDS))
        event = lessons.event(batch, time.time(), int(time.time() * 1e6))
        prepared = bodies(operations(batch, LIMIT, recipe, 1 << 60), 1)
        works: dict[Contender, tuple[str, Callable[[], object]]] = {
            "ours": (INDEX, lambda: region.sync(event)),
            "plain": (PLAIN, lambda: plain.sync(event)),
            "limit": (LIMIT, lambda: limit.bulk(prepared)),
        }
        index, work = works[contender]
        at_a_refresh(limit, index, recipe_id=f"probe-{phase}-{time.time_ns()}")
        time.sleep(phase * _INTERVAL)
        started = time.perf_counter()
        work()
        await_found(limit, index, batch[-1]["id"]["S"])
        return (time.perf_counter() - started) * 1000

    for contender in seen:
        sample(contender, 0.5)  # the first of all makes connections
    for _ in range(plan.rounds):
        for samples in seen.values():
            samples.clear()
        for number in range(plan.phases):
            for contender, samples in seen.items():
                samples.append(sample(contender, (number + 0.5) / plan.phases))
        for contender, samples in seen.items():
            p50.add(contender, quantile(samples, 0.5))
            p99.add(contender, quantile(samples, 0.99))
    notes = {"records a batch": _RECORDS, "refresh interval, ms": _INTERVAL * 1000}
    return [
        Row("freshness-p50", "ms", p50.samples, "at most 10 ms above the limit", None, notes).against(over=10),
        Row("freshness-p99", "ms", p99.samples, "at most 30 ms above the limit", None, notes).against(over=30),
    ]


def at_a_refresh(limit: Limit, index: str, recipe_id: str) -> None:
    """Returns just after the index was refreshed."""
    limit.send_any("PUT", f"/{index}/_doc/{recipe_id}", b'{"id":"probe"}')
    await_found(limit, index, recipe_id)


def await_found(limit: Limit, index: str, id: str) -> None:
    """Returns as soon as a search finds the document."""
    body = json.dumps({"query": {"ids": {"values": [id]}}, "size": 0, "track_total_hits": 1}).encode()
    deadline = time.monotonic() + _PATIENCE
    while b'"value":1' not in limit.send("POST", f"/{index}/_search?filter_path=hits.total.value", body):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{id} was not found in {index}")
        time.sleep(0.001)

"""Rows search-p50 and search-throughput: the search function beside the engine's own answer to the same request.

What the function sends is noted once for each query; the limit sends the same bytes, and the plain version has
opensearch-py send them. Sixteen at a time are sixteen processes, as they are sixteen instances of a function.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple
from unittest.mock import patch

from dynadex.core.documents import Recipe
from dynadex.engine import Engine, Response

from . import lessons
from .limits import Limit, bodies, operations
from .measuring import CONTENDERS, Collected, Contender, Plan, Row, quantile, spent
from .ours import INDEX, Region, World
from .plain import Plain


class Asked(NamedTuple):
    """A request of the function's to the engine."""

    method: str
    path: str
    body: bytes


class Searcher:
    """One client of each kind."""

    def __init__(self, region: Region, noted: Mapping[str, list[Asked]]) -> None:
        region.enter()
        self._region, self._noted = region, noted
        self._limit = Limit(region.engine_url, region.table_url)
        self._bodies = {query: json.loads(asked[-1].body) for query, asked in noted.items()}
        self._plain = Plain(region.engine_url, region.table_url, INDEX, None)

    def ask(self, contender: Contender, query: str) -> None:
        match contender:
            case "ours":
                self._region.search(query)
            case "plain":
                self._plain.search(self._bodies[query])
            case "limit":
                for asked in self._noted[query]:
                    self._limit.send(*asked)


def measure(world: World, plan: Plan) -> list[Row]:
    """Latencies one at a time, then the rate of sixteen processes."""
    region = world.region(project=lessons.example())
    region.enter()
    _fill(region, plan.lessons)
    queries = lessons.queries(plan.queries)
    searcher = Searcher(region, noted := _noted(region, queries))
    p50, cpu, rate = Collected(), Collected(), Collected()
    p99: dict[str, list[float]] = {}
    for round in range(plan.rounds + 1):
        took = _latencies(searcher, queries, round)
        for contender, spents in took.items():
            if round:  # the first is for the engine to warm up
                p50.add(contender, quantile([one[0] for one in spents], 0.5) * 1000)
                cpu.add(contender, quantile([one[1] for one in spents], 0.5) * 1000)
                p99.setdefault(contender, []).append(quantile([one[0] for one in spents], 0.99) * 1000)
    for contender, rates in _throughput(region, noted, queries, plan.rounds, plan.clients).items():
        for value in rates:
            rate.add(contender, value)
    processor = {contender: Row("", "", cpu.samples).value(contender) for contender in CONTENDERS}
    notes = {
        "lessons": plan.lessons,
        "p99, ms": {contender: quantile(values, 0.5) for contender, values in p99.items()},
        "client's processor, ms": processor,
    }
    at_once = {"at once": plan.clients}
    more = (processor["ours"] or 0) - (processor["limit"] or 0)
    return [
        Row("search-p50", "ms", p50.samples, "at most 1.5 ms of processor time above the limit", more <= 1.5, notes),
        Row(
            "search-throughput",
            "searches/s",
            rate.samples,
            "at least 0.90 of the limit",
            None,
            at_once,
        ).against(limit=0.9),
    ]


def _fill(region: Region, count: int) -> None:
    generation = region.empty()
    limit = Limit(region.engine_url, region.table_url)
    for first in range(0, count, 1000):
        limit.bulk(bodies(operations(lessons.items(min(1000, count - first), first), generation, Recipe(INDEX), 1), 1))
    region.engine.ask("POST", f"/{generation}/_forcemerge?max_num_segments=1", timeout=120)
    region.engine.ask("POST", f"/{generation}/_refresh")


def _noted(region: Region, queries: list[str]) -> dict[str, list[Asked]]:
    """What the function asks the engine, by query."""
    noted: dict[str, list[Asked]] = {}
    send = Engine.send
    sent: list[Asked] = []

    def note(engine: Engine, method: str, path: str, body: bytes = b"", **options: Any) -> Response:
        sent.append(Asked(method, path, body))
        return send(engine, method, path, body, **options)

    with patch.object(Engine, "send", note):
        for query in queries:
            sent.clear()
            region.search(query)
            noted[query] = list(sent)
    return noted


def _latencies(searcher: Searcher, queries: list[str], round: int) -> dict[Contender, list[tuple[float, float]]]:
    found: dict[Contender, list[tuple[float, float]]] = {contender: [] for contender in CONTENDERS}
    for number, query in enumerate(queries):
        for place in range(len(CONTENDERS)):
            contender = CONTENDERS[(number + round + place) % len(CONTENDERS)]
            took = spent(partial(searcher.ask, contender, query))
            found[contender].append(took)
    return found


# Of each process that searches.
_searcher: Searcher
_ready: Barrier


def _begin(world: World, noted: dict[str, list[Asked]], ready: Barrier) -> None:
    global _searcher, _ready
    _searcher, _ready = Searcher(world.region(project=lessons.example()), noted), ready


def _search(task: tuple[Contender, list[str]]) -> tuple[float, float]:
    contender, queries = task
    _searcher.ask(contender, queries[0])
    _ready.wait(60)
    started = time.monotonic()
    for query in queries:
        _searcher.ask(contender, query)
    return started, time.monotonic()


def _turned(queries: list[str], first: int) -> list[str]:
    first %= len(queries)
    return queries[first:] + queries[:first]


def _throughput(
    region: Region, noted: dict[str, list[Asked]], queries: list[str], rounds: int, clients: int
) -> dict[Contender, list[float]]:
    """Searches a second of so many processes, by contender and round."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(clients)
    world = World(region.engine_url, region.table_url, region.folder)
    rates: dict[Contender, list[float]] = {contender: [] for contender in CONTENDERS}
    with ProcessPoolExecutor(clients, context, _begin, (world, noted, ready)) as processes:
        for round in range(rounds + 1):
            for place in range(len(CONTENDERS)):
                contender = CONTENDERS[(round + place) % len(CONTENDERS)]
                shares = [_turned(queries, number) for number in range(clients)]
                times = list(processes.map(_search, [(contender, share) for share in shares]))
                began, ended = min(start for start, _ in times), max(end for _, end in times)
                if round:
                    rates[contender].append(sum(map(len, shares)) / (ended - began))
    return rates

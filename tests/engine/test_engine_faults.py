"""The simulator's actors and checkers against real engines, through a proxy that loses, delays and doubles requests.

A run is a number of rounds. In each, writers, stream functions with doubled, paused and killed invocations, and refills
by segments, two at a time, work at once in threads; and the index is emptied or lost, rebuilt, or verified and mended.
Then the faults end, what is held is delivered, everybody comes to rest, and every document is compared.

`DYNADEX_FAULT_SECONDS=600` makes every run that long (without it a minute against OpenSearch and Elasticsearch, ten
seconds against osmem); `DYNADEX_FAULT_SEED=…` starts with the rounds of that seed. A failure prints the seed: the same
faults come in the same order again, though threads do not meet them at the same moments again.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from dynadex.core import bulk
from dynadex.core.bulk import Operation
from dynadex.engine import Engine
from dynadex.platform.servers import Server
from tests.engine.fault_proxy import FAULTS, FaultProxy
from tests.engine.real_world import GIVEN_UP_SECONDS, Crew, Place, driven_for_real, made, watching
from tests.simulation import mutants, schedule
from tests.simulation.actors import mending, refill, writers
from tests.simulation.checkers import failures, rest
from tests.simulation.choices import Choices
from tests.simulation.faults import outages
from tests.simulation.plan import Plan
from tests.simulation.world import Actor, Region, Violation, World

_SECONDS = float(os.environ.get("DYNADEX_FAULT_SECONDS", "0"))
_SEED = int(os.environ.get("DYNADEX_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)

#: Rounds at a time, and threads of each.
_AT_A_TIME, _THREADS = 3, 12
_ROUND_SECONDS = 2.5
#: Records that may wait for the stream functions; then writers wait.
_BACKLOG = 24
#: What a round has beside the rest, by its seed.
_EVENTS = ("emptied", "rebuild", "verify")
#: Real seconds between the ticks of the model clock, where each is about half a second, or about half a minute.
_SLOW_TICK, _FAST_TICK = 0.03, 0.5

#: Seconds within which a wrong protocol must be caught (measured: 3 to 38). The simulator catches rarer ones.
_MUTANT_SECONDS = 150

pytestmark = pytest.mark.timeout(max(_SECONDS, 60) * 2 + 240)

_prefixes = (f"faults{number}-" for number in itertools.count(1))


class Tally:
    """What happened in a run."""

    def __init__(self) -> None:
        self._adding = threading.Lock()
        self.rounds = self.requests = 0
        self.happened: Counter[str] = Counter()
        self.late: list[float] = []

    def add(self, world: World, proxy: FaultProxy) -> None:
        with self._adding:
            self.rounds += 1
            self.requests += proxy.requests
            self.late += proxy.late
            self.happened.update(proxy.met)
            self.happened.update(world.faults)
            self.happened.update({"writes": world.writes, "conflicts": world.conflicts, "settled": world.settled})

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.happened.items()))
        latest = f"{max(self.late, default=0):.1f} s"
        return f"{self.rounds} rounds, {self.requests} requests, latest {latest}: {counts}"


def _choices(seed: int, event: str) -> Choices:
    """The first, of those that follow from the seed, with a plan that has the event and only what a real engine has."""
    draws = random.Random(seed)
    while True:
        drawn = draws.randrange(1 << 32)
        plan = Plan.of(Choices(drawn))
        model_only = plan.gap or plan.restart or plan.mappings
        if getattr(plan, event) and plan.refills and plan.doubled_one_in and plan.pause_one_in and not model_only:
            return Choices(drawn)


def one_round(server: Server, seed: int, tally: Tally) -> None:
    """Raises `Violation`, with the end of what happened to the key."""
    event = _EVENTS[seed % len(_EVENTS)]
    prefix = next(_prefixes)
    proxy = FaultProxy(server.url, seed)
    direct = Engine(server.url, prefix=prefix)
    place = Place(direct, Engine(proxy.url, prefix=prefix, read_timeout=GIVEN_UP_SECONDS))
    world = made(place, _choices(seed, event))
    try:
        with place.baton:
            clock = _populate(world)
        Crew(world, place, _THREADS).work(_ROUND_SECONDS)
        proxy.deliver()
        with place.baton:
            _come_to_rest(world, clock)
        rest.at_rest(world)
        for region in world.regions:
            failures.at_rest(world, region)
        tally.add(world, proxy)
    except Violation as violation:
        told = [text for key, text in world.trace or () if key == violation.key]
        violation.add_note(
            f"DYNADEX_FAULT_SEED={seed} ({event}) on {server.name}; the end of what happened to the key:"
        )
        violation.add_note("\n".join(told[-60:]))
        raise
    finally:
        proxy.deliver()
        proxy.shut()
        direct.ask("DELETE", f"/{prefix}*")


def _populate(world: World) -> Actor:
    """Has everybody begin; returns the clock."""
    plan = world.plan
    plan.writes = 0  # but see below
    plan.request_faults = ()  # the proxy makes them
    plan.slow |= plan.emptied or plan.rebuild  # or a request that is held would come later than it may
    emptied, plan.emptied = plan.emptied, False  # but see below
    schedule._populate(world)
    actors = world.actors
    clock = actors[0] = _ticking(actors[0], _SLOW_TICK if plan.slow else _FAST_TICK)
    writing_seconds = _ROUND_SECONDS * (0.4 if emptied else 1.0)
    actors.append(_paced(world, writers.writer(world, 1_000_000_000), writing_seconds))
    for region in world.regions:
        actors.append(watching(world, region))
        actors += (_again(world, region, refill.refill) for _ in range(2))
        if plan.verify:  # not in all rounds: it repairs what others do wrong
            actors.append(_again(world, region, mending.verify))
    if emptied:  # when nobody writes any more, or writers would soon have filled it again
        actors.append(_when_quiet(world, outages.emptied(world, world.regions[0])))
    return clock


def _when_quiet(world: World, actor: Actor) -> Actor:
    while world.faulty and (not world.writes or _backlog(world)):
        yield 0
    yield from actor


def _ticking(clock: Actor, seconds: float) -> Actor:
    due = time.monotonic()
    while True:
        if time.monotonic() >= due:
            next(clock)
            due += seconds
        yield 0


def _paced(world: World, writer: Actor, seconds: float) -> Actor:
    until = time.monotonic() + seconds
    while world.faulty and time.monotonic() < until:
        if _backlog(world) < _BACKLOG:
            next(writer)
        yield 0


def _backlog(world: World) -> int:
    return sum(sum(region.table.pending.values()) for region in world.regions)


def _again(world: World, region: Region, what: Callable[[World, Region], Actor]) -> Actor:
    while world.faulty:
        yield from what(world, region)
        yield 0


def _come_to_rest(world: World, clock: Actor) -> None:
    world.actors.remove(clock)
    world.actors.insert(0, clock)
    schedule._to_rest(world)


def run(server: Server, seconds: float, seed: int) -> Tally:
    """Rounds, each with the next seed, some at a time, until time is up. Raises `Violation`."""
    tally = Tally()
    until = time.monotonic() + seconds
    seeds = itertools.count(seed)
    failed = threading.Event()

    def rounds() -> None:
        try:
            while not failed.is_set() and time.monotonic() < until:
                one_round(server, next(seeds), tally)
        except Violation:
            failed.set()
            raise

    with schedule.scaled(), driven_for_real(), ThreadPoolExecutor(_AT_A_TIME) as threads:
        for under_way in [threads.submit(rounds) for _ in range(_AT_A_TIME)]:
            under_way.result()
    return tally


def test_whatever_becomes_of_requests_the_index_equals_the_table(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    is_osmem = server.name.startswith("osmem")
    tally = run(server, _SECONDS or (10 if is_osmem else 60), _SEED)
    with capsys.disabled():
        print(f"\n{server.name}, seed {_SEED}: {tally}")
    expected = {*FAULTS, "doubled invocation", "paused function", "writes", "conflicts", "settled"}
    if not is_osmem:
        expected |= {"index emptied"}
    assert {name for name in expected if not tally.happened[name]} == set()
    assert max(tally.late) > GIVEN_UP_SECONDS


def _without_versions() -> ExitStack:
    """The engine's own versions, as whoever writes without a thought of order has them."""
    lines, external = bulk.lines, re.compile(rb',"version_type":"external"|,"version":[0-9]+')

    def unversioned(operations: Sequence[Operation]) -> list[bytes]:
        return [external.sub(b"", line) for line in lines(operations)]

    with ExitStack() as stack:
        stack.enter_context(patch.object(bulk, "lines", unversioned))
        return stack.pop_all()


@pytest.mark.parametrize("made_wrong", [_without_versions, mutants.ALL["no-settle"].made], ids=["versions", "settle"])
def test_a_protocol_without_them_is_caught(osmem: Server, made_wrong: Callable[[], ExitStack]) -> None:
    with made_wrong(), pytest.raises(Violation):
        run(osmem, _MUTANT_SECONDS, _SEED)

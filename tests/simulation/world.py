"""The world of one schedule: its clock, its regions, who is acting in it, and what happened."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from dynadex.core import versions
from dynadex.core.attributes import Item
from dynadex.core.writing import Failure, Feeds
from dynadex.functions.service import ALIAS_CACHE_SECONDS

from .choices import Choices
from .data import RECIPES, SCHEMA, index_of, is_refused, number_of
from .engine import Engine, Generation
from .plan import Plan
from .table import TIES, Table

#: An actor yields whenever others may act: 0, or the time (ms) before which it has nothing to do.
Actor = Generator[int, None, Any]

#: Seconds that one invocation may take. The product's own timeouts are parameters, so these are examples.
STREAM_SECONDS = 20
REFILL_SECONDS = 300
#: Seconds after which a request that its sender gave up can still be applied.
LATE_SECONDS = 600
#: Seconds after which an invocation can be doubled by the platform.
DOUBLED_SECONDS = 600
#: No write arrives later than this after its content was read.
LONGEST_WRITE_SECONDS = LATE_SECONDS + DOUBLED_SECONDS + REFILL_SECONDS
#: Seconds by which two hosts' clocks can differ, rounded up generously.
CLOCKS_SECONDS = 5

#: When schedules begin, in ms: in the middle of a minute, as creation times may be rounded down to it.
_EPOCH_MS = 1_700_000_000_000


class Violation(Exception):
    """A checker found what must never be."""

    def __init__(self, checker: str, key: str | None, text: str) -> None:
        super().__init__(f"{checker}: {text}")
        self.checker, self.key = checker, key


class Killed(Exception):
    """A function died where it stood."""


class Missing(Exception):
    """No generation is fed."""


class Instance:
    """A warm function instance; it looks up what is fed at most every `ALIAS_CACHE_SECONDS`."""

    __slots__ = ("_feeds", "_seen", "clock")

    def __init__(self, clock: int) -> None:
        self._seen = 0
        self._feeds: Feeds | None = None
        self.clock = clock  # ms by which its host's clock is off

    def feeds(self, region: Region, now: int) -> Feeds:
        """What it writes to. Raises `Missing`."""
        if self._feeds is None or now - self._seen > ALIAS_CACHE_SECONDS * 1000:
            self._seen, self._feeds = now, feeds_of(region.engine.fed)
        return self._feeds

    def forget(self) -> None:
        """Looks up anew what is fed, next time."""
        self._feeds = None


_feeds: dict[tuple[str, ...], Feeds] = {}


def feeds_of(aliases: tuple[str, ...]) -> Feeds:
    """What the generations of these write aliases are fed by. Raises `Missing` if there are none."""
    if not aliases:
        raise Missing
    if aliases not in _feeds:
        _feeds[aliases] = Feeds(SCHEMA, {alias: RECIPES[index_of(alias)] for alias in aliases})
    return _feeds[aliases]


class Region:
    """A table's replica, its index's cluster, and the functions between them."""

    __slots__ = (
        "engine",
        "instances",
        "name",
        "queue",
        "redriven",
        "refill_due",
        "refill_from",
        "refilled",
        "stream_off",
        "sweep_due",
        "sweep_from",
        "sweep_whole",
        "swept",
        "table",
        "was_refused",
    )

    def __init__(self, name: str, table: Table, engine: Engine) -> None:
        self.name, self.table, self.engine = name, table, engine
        self.queue: list[Failure] = []
        self.instances = [Instance(0), Instance(0)]
        self.stream_off = False
        # An operator's duties, as numbers of events: a refill or sweep is due until one began after the event.
        self.refill_due = self.refilled = 0
        self.sweep_due = self.swept = 0
        self.refill_from = self.sweep_from = 0  # ms; one before would be too early
        self.sweep_whole = False  # in both directions
        self.redriven = False
        self.was_refused: set[str] = set()  # keys that ever had an item which an index refuses

    def is_whole(self) -> bool:
        """Whether no duty is open: its index is to be right wherever no record is on its way."""
        return self.refilled >= self.refill_due and self.swept >= self.sweep_due


class World:
    """Everything in a schedule."""

    __slots__ = (
        "actors",
        "below",
        "choices",
        "conflicts",
        "epoch",
        "faults",
        "faulty",
        "kill_one_in",
        "now",
        "plan",
        "regions",
        "serial",
        "settled",
        "steps",
        "trace",
        "writes",
    )

    def __init__(self, choices: Choices, traced: bool) -> None:
        self.choices, self.below = choices, choices.below
        self.plan = plan = Plan.of(choices)
        self.now = self.epoch = _EPOCH_MS + self.below(120) * 500  # ms
        self.actors: list[Actor] = []
        self.faulty = True
        self.kill_one_in = plan.kill_one_in
        self.faults: dict[str, int] = {}
        self.conflicts = self.settled = self.steps = self.serial = self.writes = 0
        self.trace: list[tuple[str | None, str]] | None = [] if traced else None
        self.regions = [self._region(name) for name in ("eu", "us")[: plan.regions]]

    def _region(self, name: str) -> Region:
        plan = self.plan
        table = Table(plan.shards, plan.lanes, plan.rounding, plan.ties, self.below(1 << 24) * 977)
        engine = Engine(self._seen_lower)
        for index in ("lessons", "songs")[: plan.indices]:
            alias = f"{index}-v1-write"
            engine.make(alias, self.now - 10**8)
            engine.fed += (alias,)
            engine.read[index] = alias
        return Region(name, table, engine)

    def _seen_lower(self, generation: Generation, id: str, before: int, version: int) -> None:
        raise Violation(
            "versions grow",
            id,
            f"{id} becomes visible in {generation.alias} at version {self.version(version)}, "
            f"after {self.version(before)}",
        )

    # -- What happens

    def fault(self, name: str, key: str | None = None, text: str = "") -> None:
        """Takes note of a fault."""
        self.faults[name] = self.faults.get(name, 0) + 1
        if self.trace is not None:
            self.tell(key, f"FAULT {name} {text}")

    def event(self) -> int:
        """Numbers what happens, in order."""
        self.serial += 1
        return self.serial

    def change(self, region: Region, id: str, item: Item | None, stamp: tuple[int, int], who: str) -> bool:
        """Writes the item of a key, or deletes it; returns whether that changed anything."""
        table = region.table
        if self.trace is not None and table.items.get(id) is not item:
            state = "deletes it" if item is None else f"puts n={number_of(item)}"
            self.tell(id, f"{region.name} table: {who} {state}")
        lane = table.write(id, item, self.now, self.below(TIES) if self.plan.ties else 0)
        if lane is None:
            return False
        table.stamps[id] = stamp
        if is_refused(item):
            region.was_refused.add(id)
        if not lane.busy:
            self.wake(region, lane)
        return True

    def wake(self, region: Region, lane: Any) -> None:
        """Begins to poll a lane that has records, if all parents of its shard are through."""
        from .actors.stream import poll

        if not lane.busy and lane.position < len(lane.records) and all(each.drained() for each in lane.shard.parents):
            lane.busy = True
            self.actors.append(poll(self, region, lane))

    # -- For people

    def tell(self, key: str | None, text: str) -> None:
        """Adds a line to the trace, about one key or about everything (None)."""
        if self.trace is not None:
            self.trace.append((key, f"{(self.now - self.epoch) / 1000:>+10.3f} s  {text}"))

    def version(self, version: int) -> str:
        """A version as people read it: seconds since the schedule began, tie, and how often it was raised."""
        parts = versions.decode(version)
        second = parts.second - self.epoch // 1000
        return f"{second:+d}s.{parts.tie}{'+' * min(parts.gen, 3)}{parts.gen if parts.gen > 3 else ''}/{parts.kind}"

"""A discrete-event simulation of a table's stream, its functions and a cluster, to see how late the index runs.

- A shard has a rate of records that changes with time. Each of its lanes (`parallelization` of them) gets an equal
  share, and is read by one function instance at a time: a batch, then the next. A lane that has no full batch is
  looked into again after a quarter of a second.
- A batch takes the client's time, and the engine's for as many documents, on one of the cluster's bulk threads. So many
  batches at once as there are threads; the others wait their turn.
- While the engine is away a batch is tried again and again, with pauses as the functions make them.

Lag is how old the newest record is that a lane has applied; a lane that has applied all has none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

_POLL_SECONDS = 0.25
_LONGEST_PAUSE = 5.0
_SAMPLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Records a second, by when it begins to be so (the first at 0)."""

    steps: Sequence[tuple[float, float]]

    def arrived(self, now: float) -> float:
        """How many have come by now."""
        total = 0.0
        for (start, rate), (end, _) in zip(self.steps, [*self.steps[1:], (now, 0.0)], strict=True):
            if start >= now:
                break
            total += rate * (min(end, now) - start)
        return total

    def when(self, count: float) -> float:
        """When the record came before which there were so many."""
        total = 0.0
        for number, (start, rate) in enumerate(self.steps):
            end = self.steps[number + 1][0] if number + 1 < len(self.steps) else float("inf")
            if rate and total + rate * (end - start) > count:
                return start + (count - total) / rate
            total += rate * (end - start)
        return self.steps[-1][0]


@dataclass(frozen=True, slots=True)
class System:
    """What carries the traffic. `engine_threads` write at once, each `engine_ms` a document and `request_ms` a bulk."""

    shards: int
    parallelization: int
    batch_size: int
    invocation_ms: float
    record_ms: float
    engine_threads: int
    engine_ms: float

    @property
    def lane(self) -> float:
        """Records a second that one lane applies in full batches."""
        return 1000 * self.batch_size / (self.invocation_ms + self.batch_size * (self.record_ms + self.engine_ms))


@dataclass(frozen=True, slots=True)
class Scenario:
    """`writes` of each shard; `slowness` of the engine at a time: 1 as ever, 0 away."""

    name: str
    title: str
    seconds: float
    writes: Callable[[int], Rates]
    slowness: Callable[[float], float] = lambda now: 1.0


@dataclass(slots=True)
class Course:
    """Lag over time, in seconds: of the median lane and of the latest one."""

    times: list[float] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    latest: list[float] = field(default_factory=list)
    batches: int = 0

    @property
    def worst(self) -> float:
        """The greatest lag of any lane."""
        return max(self.latest)

    def recovered(self, after: float, within: float) -> float | None:
        """Seconds from `after` until no lane lags more than `within`, for good; None if that is not so at the end."""
        late = [time for time, lag in zip(self.times, self.latest, strict=True) if lag > within and time >= after]
        if not late:
            return 0.0
        return None if late[-1] >= self.times[-1] else late[-1] + _SAMPLE_SECONDS - after


class _Lane:
    def __init__(self, rates: Rates, share: float) -> None:
        self._rates, self._share = rates, share
        self.taken = 0.0

    def waiting(self, now: float) -> int:
        return int(self._rates.arrived(now) * self._share - self.taken)

    def lag(self, now: float) -> float:
        if self.waiting(now) < 1:
            return 0.0
        return max(0.0, now - self._rates.when(self.taken / self._share))


def run(scenario: Scenario, system: System, seed: int = 0) -> Course:
    """The course of lag in a scenario: the same for the same seed."""
    world = simpy.Environment()
    engine = simpy.Resource(world, system.engine_threads)
    chance = random.Random(seed)
    lanes = []
    course = Course()
    for shard in range(system.shards):
        rates = scenario.writes(shard)
        lanes += [_Lane(rates, 1 / system.parallelization) for _ in range(system.parallelization)]
    for lane in lanes:
        world.process(_read(world, lane, engine, scenario, system, chance, course))
    world.process(_sample(world, lanes, course))
    world.run(until=scenario.seconds)
    return course


Steps = Generator[Any, Any, None]


def _read(
    world: simpy.Environment,
    lane: _Lane,
    engine: simpy.Resource,
    scenario: Scenario,
    system: System,
    chance: random.Random,
    course: Course,
) -> Steps:
    """One lane: batch after batch."""
    yield world.timeout(chance.uniform(0, _POLL_SECONDS))
    while True:
        records = min(system.batch_size, lane.waiting(world.now))
        if records < system.batch_size:
            yield world.timeout(_POLL_SECONDS)
            records = min(system.batch_size, lane.waiting(world.now))
        if records < 1:
            continue
        yield world.timeout((system.invocation_ms + records * system.record_ms) / 1000)
        attempt = 0
        while not scenario.slowness(world.now):
            attempt += 1
            yield world.timeout(chance.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2 ** min(attempt, 20))))
        with engine.request() as turn:
            yield turn
            yield world.timeout(records * system.engine_ms * max(1.0, scenario.slowness(world.now)) / 1000)
        lane.taken += records
        course.batches += 1


def _sample(world: simpy.Environment, lanes: Sequence[_Lane], course: Course) -> Steps:
    while True:
        lags = sorted(lane.lag(world.now) for lane in lanes)
        course.times.append(world.now)
        course.median.append(lags[len(lags) // 2])
        course.latest.append(lags[-1])
        yield world.timeout(_SAMPLE_SECONDS)


def steady(rate: float) -> Rates:
    """The same rate all the time."""
    return Rates([(0.0, rate)])


def raised(rate: float, start: float, end: float, times: float) -> Rates:
    """A rate that is so many times as high for a while."""
    return Rates([(0.0, rate), (start, rate * times), (end, rate)])


def between(start: float, end: float, slowness: float) -> Callable[[float], float]:
    """An engine that is slower, or away (0), for a while."""
    return lambda now: slowness if start <= now < end else 1.0

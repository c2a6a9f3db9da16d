"""Many schedules on all cores, and what came of them."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

from . import mutants, schedule
from .choices import Choices, Replayed
from .regressions import REGRESSIONS

_CHUNK = 2000
#: In the place of the seed of a schedule that was recorded.
RECORDED = -1


@dataclass(slots=True)
class Totals:
    """Sums over schedules. `failing` has (seed, what was violated), the first ones only."""

    schedules: int = 0
    steps: int = 0
    conflicts: int = 0
    settles: int = 0
    violations: int = 0
    cpu_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failing: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Totals) -> None:
        """Adds another part's."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.conflicts += other.conflicts
        self.settles += other.settles
        self.violations += other.violations
        self.cpu_seconds += other.cpu_seconds
        self.faults += other.faults
        self.failing = sorted(self.failing + other.failing)[:10]


@dataclass(frozen=True, slots=True)
class Hunt:
    """How a mutant fared: `seed` of the first schedule that caught it and how many that took; None: it survived."""

    name: str
    schedules: int
    seed: int | None
    violation: str


def first_seed(start: int) -> int:
    """The seed of the first schedule of a run; runs with different starts share none of their schedules."""
    return start << 40


def run(seeds: range) -> Totals:
    """Runs schedules in this process."""
    totals = Totals()
    faults: dict[str, int] = {}
    began = time.process_time()
    with schedule.scaled():
        for seed in seeds:
            result, world = schedule.run(Choices(seed))
            totals.schedules += 1
            totals.steps += world.steps
            totals.conflicts += world.conflicts
            totals.settles += world.settled
            for name, count in world.faults.items():
                faults[name] = faults.get(name, 0) + count
            if result.violation:
                totals.violations += 1
                totals.failing.append((seed, result.violation))
    totals.faults.update(faults)
    totals.cpu_seconds = time.process_time() - began
    return totals


def parallel(start: int, schedules: int) -> Iterator[Totals]:
    """Runs schedules on all cores; yields the totals so far, again and again, at last all."""
    first = first_seed(start)
    parts = [range(first + at, first + min(at + _CHUNK, schedules)) for at in range(0, schedules, _CHUNK)]
    totals = Totals()
    with get_context("fork").Pool(os.cpu_count()) as pool:
        for part in pool.imap_unordered(run, parts):
            totals.add(part)
            yield totals


def hunt(name: str, start: int = 0, most: int = mutants.BOUND) -> Hunt:
    """Runs schedules against one mutant until one catches it."""
    first = first_seed(start)
    with schedule.scaled(), mutants.ALL[name].made():
        for regression in REGRESSIONS if name in mutants.RARE else ():
            if regression.mutant == name:
                result, _ = schedule.run(Replayed(regression.choices))
                if result.violation:
                    return Hunt(name, 1, RECORDED, result.violation)
        for seed in range(first, first + most):
            result, _ = schedule.run(Choices(seed))
            if result.violation:
                return Hunt(name, seed - first + 1, seed, result.violation)
    return Hunt(name, most, None, "")


def hunt_all(start: int = 0, names: Iterable[str] = tuple(mutants.ALL)) -> Iterator[Hunt]:
    """Hunts all mutants, on all cores."""
    with get_context("fork").Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(_hunt, [(name, start) for name in names])


def _hunt(of: tuple[str, int]) -> Hunt:
    return hunt(*of)

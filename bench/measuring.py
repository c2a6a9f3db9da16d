"""Rounds in which the three take turns, and rows of medians and ratios."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median
from typing import Any, ClassVar, Literal, NamedTuple

Contender = Literal["ours", "plain", "limit"]
CONTENDERS: tuple[Contender, ...] = ("ours", "plain", "limit")

#: The figures of each round, by contender.
Samples = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `rounds` is how often the three take turns with each row."""

    rounds: int
    batches: int  # of 1,000 records, a round
    pages: int  # of a table, a round
    phases: int  # of a refresh interval
    lessons: int  # in the index that is searched
    queries: int
    clients: int  # that search at once
    starts: int  # cold ones
    growth: tuple[int, ...]  # items
    curves: bool


FULL = Plan(
    rounds=7,
    batches=12,
    pages=12,
    phases=40,
    lessons=20_000,
    queries=120,
    clients=16,
    starts=9,
    growth=(10_000, 100_000, 1_000_000),
    curves=True,
)
QUICK = Plan(
    rounds=3,
    batches=6,
    pages=8,
    phases=16,
    lessons=20_000,
    queries=30,
    clients=16,
    starts=5,
    growth=(10_000, 50_000),
    curves=False,
)
#: For the tests: that it works at all.
TINY = Plan(
    rounds=1, batches=1, pages=1, phases=1, lessons=300, queries=4, clients=2, starts=1, growth=(1_300,), curves=False
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the three. `goal` says in words what it is held against, `met` whether it is so."""

    name: str
    unit: str
    samples: Samples
    goal: str = ""
    met: bool | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    #: What the last line of the output has of a row.
    NAMES: ClassVar = ("name", "unit", "ours", "plain", "limit", "ratioToLimit", "ratioToPlain")

    def value(self, contender: str) -> float | None:
        """The median of a contender's rounds."""
        return median(self.samples[contender]) if self.samples.get(contender) else None

    def spread(self, contender: str) -> float | None:
        """Half the distance of the quartiles over the median."""
        samples = sorted(self.samples.get(contender) or ())
        middle = self.value(contender)
        if not samples or not middle:
            return None
        return (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / middle

    def ratio(self, other: str) -> float | None:
        """Ours over another's: the median of the rounds' ratios."""
        pairs = zip(self.samples.get("ours", ()), self.samples.get(other) or (), strict=False)
        ratios = [one / two for one, two in pairs if two]
        return median(ratios) if ratios else None

    def to_json(self) -> dict[str, Any]:
        """As the last line of the output has it."""
        return {
            "name": self.name,
            "unit": self.unit,
            **{contender: rounded(self.value(contender)) for contender in CONTENDERS},
            "ratioToLimit": rounded(self.ratio("limit")),
            "ratioToPlain": rounded(self.ratio("plain")),
        }

    def against(self, *, limit: float | None = None, plain: float | None = None, over: float | None = None) -> Row:
        """The same with whether its goal is met: ratios to the limit and to plain, or how far above the limit it is.

        A rate is to be at least the ratio, anything else at most. Where a part was not measured and no other fails,
        nobody knows.
        """
        more = self.unit.endswith("/s")
        parts: list[bool | None] = []
        for bound, ratio in ((limit, self.ratio("limit")), (plain, self.ratio("plain"))):
            if bound is not None:
                parts.append(None if ratio is None else ratio >= bound if more else ratio <= bound)
        if over is not None:
            ours, least = self.value("ours"), self.value("limit")
            parts.append(None if ours is None or least is None else ours - least <= over)
        return replace(self, met=False if False in parts else None if None in parts else True)

    def kept(self) -> dict[str, Any]:
        """As the results' file has it."""
        spreads = {contender: rounded(self.spread(contender)) for contender in CONTENDERS}
        rounds = {contender: [rounded(sample) for sample in samples] for contender, samples in self.samples.items()}
        more = {"goal": self.goal, "met": self.met, "spread": spreads, "rounds": rounds, "notes": self.notes}
        return {**self.to_json(), **more}


def rounded(value: float | None) -> float | None:
    """To four significant digits."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


def quantile(samples: Sequence[float], share: float) -> float:
    """The value that `share` of the samples do not exceed, interpolated."""
    ordered = sorted(samples)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


class Spent(NamedTuple):
    """Seconds on the clock, and of this process's processor time in all its threads."""

    wall: float
    cpu: float


def spent(work: Callable[[], object]) -> Spent:
    """What a piece of work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def turns(times: int, work: Mapping[Contender, Callable[[int], object]]) -> dict[Contender, Spent]:
    """Does each contender's work `times` times, in turns that begin with another each time; returns the sums."""
    sums: dict[Contender, list[Spent]] = defaultdict(list)
    names = list(work)
    for number in range(times):
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            sums[name].append(spent(partial(work[name], number)))
    return {name: Spent(sum(s.wall for s in all_), sum(s.cpu for s in all_)) for name, all_ in sums.items()}


class Collected:
    """Rounds' figures, by contender."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = defaultdict(list)

    def add(self, contender: str, value: float) -> None:
        self.samples[contender].append(value)

"""One schedule, from its choices to its verdict.

First everybody acts at random and everything can go wrong. Then nothing goes wrong any more, but that invocations are
doubled and pause: all that is under way comes to its end, the operators' duties are done, and what is left is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dynadex.core import writing

from .actors import mending, rebuild, refill, writers
from .checkers import bounds, failures, rest
from .choices import Choices
from .data import KEYS
from .faults import clocks, outages, shards
from .world import Violation, World


@dataclass(frozen=True, slots=True)
class Result:
    """What one schedule did. `violation` is None if all was well."""

    violation: str | None
    checker: str = ""
    key: str | None = None
    trace: list[tuple[str | None, str]] = field(default_factory=list)


@contextmanager
def scaled() -> Iterator[None]:
    """The product's numbers that would never be reached with four keys, made smaller."""
    whole = writing.BROKEN_FROM
    writing.BROKEN_FROM = len(KEYS)
    try:
        yield
    finally:
        writing.BROKEN_FROM = whole


def run(choices: Choices, traced: bool = False) -> tuple[Result, World]:
    """Runs a schedule, inside of `scaled`."""
    world = World(choices, traced)
    try:
        _populate(world)
        _at_random(world)
        _to_rest(world)
        rest.at_rest(world)
        for region in world.regions:
            failures.at_rest(world, region)
    except Violation as violation:
        world.tell(violation.key, f"VIOLATION {violation}")
        return Result(str(violation), violation.checker, violation.key, world.trace or []), world
    return Result(None, trace=world.trace or []), world


def _populate(world: World) -> None:
    plan, actors = world.plan, world.actors
    writers.begin(world)
    first = world.regions[0]
    actors.append(clocks.passing(world))
    for _ in range(plan.writers):
        actors.append(writers.writer(world, plan.writes))
    for _ in range(plan.refills):
        actors.append(refill.refill(world, world.regions[world.below(plan.regions)]))
    if plan.clocks:
        actors.append(clocks.stepping(world))
    if plan.verify:
        actors.append(mending.verify(world, first))
        actors.append(mending.single(world, first))
    if plan.rebuild:
        actors.append(rebuild.rebuild(world, first))
    if plan.emptied:
        actors.append(outages.emptied(world, first))
    if plan.gap:
        actors.append(outages.gap(world, first))
    if plan.restart:
        actors.append(outages.restarted(world, first))
    if plan.mappings:
        actors.append(outages.mapping(world, first))
    if plan.rewind:
        actors.append(outages.rewound(world, first))
    if plan.reshard:
        actors.append(shards.resharding(world, first))
    if plan.refusals or plan.mappings:
        actors.append(mending.redrive(world, first))


def _at_random(world: World) -> None:
    actors, below = world.actors, world.below
    for _ in range(world.plan.steps):
        at = below(len(actors))
        try:
            next(actors[at])
        except StopIteration:
            actors[at] = actors[-1]
            actors.pop()
    world.steps += world.plan.steps


def _to_rest(world: World) -> None:
    world.faulty = False
    world.kill_one_in = 0
    world.tell(None, "from now on nothing goes wrong")
    actors = world.actors
    actors[0].close()
    actors[0] = actors[-1]
    actors.pop()
    rounds = 0
    while actors or _duties(world):
        wake, moved, at = 0, False, 0
        while at < len(actors):
            try:
                until = next(actors[at])
            except StopIteration:
                actors[at] = actors[-1]
                actors.pop()
                moved = True
                continue
            if until > world.now:
                wake = until if not wake else min(wake, until)
            else:
                moved = True
            at += 1
        world.steps += at
        rounds += 1
        if wake and not moved:
            world.now = wake
        elif rounds % 8 == 0:
            world.now += 1000
        bounds.ended(world, rounds)


def _duties(world: World) -> bool:
    """Has the operators do what is left to be done; whether there was anything."""
    for region in world.regions:
        if region.refilled < region.refill_due:
            world.actors.append(refill.refill(world, region))
        elif region.swept < region.sweep_due:
            world.actors.append(mending.sweep(world, region, world.event()))
        elif region.queue and not region.redriven:
            region.redriven = True
            world.actors.append(mending.redrive(world, region))
    return bool(world.actors)

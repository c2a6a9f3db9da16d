"""A rebuild without downtime: a new generation beside the old one, filled, checked, and swapped in.

The order of the steps is `STEPS`, and nowhere else. A rebuild that dies between two steps is started again from the
first; each step sees what was done already.

How long it waits between feeding the new generation and its first page (`wait_seconds`): every function must have seen
that it is fed, and what one of those that had not seen it wrote to the old generation alone must be older than the
page's version, or the page would take what the new generation has for newer. Stale pages have a larger margin, so the
same rule makes them wait longer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from dynadex.functions.service import ALIAS_CACHE_SECONDS

from ..checkers import readers
from ..engine import Generation
from ..world import CLOCKS_SECONDS, LONGEST_WRITE_SECONDS, STREAM_SECONDS, Actor, Region, World
from . import mending, refill

Step = Callable[[World, Region], Generator[int, None, None]]

OLD, NEW = "lessons-v1-write", "lessons-v2-write"


def wait_seconds(stale: bool) -> int:
    """Seconds between feeding a generation and its first page."""
    seen = int(ALIAS_CACHE_SECONDS) + STREAM_SECONDS
    return seen + refill.margin(stale) + CLOCKS_SECONDS


def create(world: World, region: Region) -> Generator[int, None, None]:
    """Makes the new generation."""
    if NEW not in region.engine.generations:
        region.engine.make(NEW, world.now)
    yield 0


def attach(world: World, region: Region) -> Generator[int, None, None]:
    """Adds it to the feed alias."""
    if NEW not in region.engine.fed:
        region.engine.fed += (NEW,)
        _new(region).born = world.now
    yield 0


def wait(world: World, region: Region) -> Generator[int, None, None]:
    """Waits until its first page may be read."""
    until = _new(region).born + wait_seconds(world.plan.stale_pages) * 1000
    while world.now < until:
        yield until
    yield 0


def fill(world: World, region: Region) -> Generator[int, None, None]:
    """Refills it."""
    yield from refill.refill(world, region)


def verify(world: World, region: Region) -> Generator[int, None, None]:
    """Sweeps, and then finds no difference where no record is on its way.

    The new generation lacks the tombstones of before it was fed, so the sweep waits for the last write of before.
    """
    began = world.event()
    new = _new(region)
    until = new.born + (int(ALIAS_CACHE_SECONDS) + LONGEST_WRITE_SECONDS) * 1000
    while world.now < until:
        yield until
    yield from mending.sweep(world, region, began)
    readers.filled(world, region, NEW)
    yield 0


def swap(world: World, region: Region) -> Generator[int, None, None]:
    """Makes readers read it."""
    region.engine.read["lessons"] = NEW
    readers.complete(world, region)
    world.actors.append(readers.reader(world, region))
    yield 0


def keep(world: World, region: Region) -> Generator[int, None, None]:
    """Leaves the old generation fed for a while: a rollback would only swap back."""
    for _ in range(world.below(8)):
        yield 0


def drop(world: World, region: Region) -> Generator[int, None, None]:
    """Feeds the old generation no more, and removes it when every function has seen that."""
    if world.below(2):
        region.engine.fed = tuple(alias for alias in region.engine.fed if alias != OLD)
        until = world.now + (int(ALIAS_CACHE_SECONDS) + STREAM_SECONDS) * 1000
        while world.now < until:
            yield until
        region.engine.generations.pop(OLD, None)
    yield 0


STEPS: tuple[Step, ...] = (create, attach, wait, fill, verify, swap, keep, drop)


def rebuild(world: World, region: Region) -> Actor:
    """Runs the steps, from the first again after each death."""
    for _ in range(1 + world.below(30)):
        yield 0
    while True:
        for step in STEPS:
            if world.trace is not None:
                world.tell(None, f"{region.name} rebuild: {step.__name__}")
            yield from step(world, region)
            if world.faulty and world.kill_one_in and world.below(world.kill_one_in) == world.kill_one_in - 1:
                world.fault("killed rebuild", None, f"after {step.__name__}")
                break
        else:
            return


def _new(region: Region) -> Generation:
    return region.engine.generations[NEW]

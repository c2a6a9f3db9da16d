"""The refill state machine and its function: a scan by segments, in rounds that hand the last evaluated key on.

A round that dies is repeated from the key it was given. As in the product the next page is fetched before this one is
written. A generation that a refill makes, because there was none, is new to a stream that is not: before the first
page it waits until no page can be dated so that a record of before counts as newer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from dynadex.core import changes, versions, writing
from dynadex.core.attributes import Item
from dynadex.core.writing import Outcome, Protocol

from .. import functions
from ..data import KEYS, SCHEMA
from ..world import CLOCKS_SECONDS, REFILL_SECONDS, Actor, Instance, Region, World

#: How far behind eventually consistent pages can be: with how far creation times lag, still less than their margin.
STALEST_SECONDS = 230

_STALE_SECONDS = (0, 1, 5, 30, 100, STALEST_SECONDS)


class Page(NamedTuple):
    """One page of a scan, dated by the server."""

    items: list[Item]
    last_key: str | None
    date: int


def margin(stale: bool) -> int:
    """Seconds by which a page's version lies behind its date."""
    return versions.STALE_MARGIN_SECONDS if stale else versions.MARGIN_SECONDS


def wait_seconds(stale: bool) -> int:
    """Seconds between losing documents and the first page of the refill that is to bring them back."""
    return margin(stale) + CLOCKS_SECONDS


class Refill:
    """One run of the state machine; `generations` are those it made."""

    __slots__ = ("began", "open", "stale", "total")

    def __init__(self, began: int, total: int, stale: bool) -> None:
        self.began, self.total, self.stale = began, total, stale
        self.open = total  # segments that are not through


def refill(world: World, region: Region) -> Actor:
    """Runs a refill to its end."""
    began = world.event()
    yield 0
    if not region.engine.fed:
        for index in ("lessons", "songs")[: world.plan.indices]:
            alias = f"{index}-v1-write"
            region.engine.make(alias, world.now)
            region.engine.fed += (alias,)
            region.engine.read[index] = alias
        world.tell(None, f"{region.name} refill makes the index anew")
    while world.now < region.refill_from:
        yield region.refill_from
    run = Refill(began, 1 + world.below(2), world.plan.stale_pages)
    for segment in range(run.total):
        world.actors.append(_segment(world, region, run, segment))
    while run.open:
        yield 0
    region.refilled = max(region.refilled, run.began)


def _segment(world: World, region: Region, run: Refill, segment: int) -> Actor:
    start: str | None = None
    while True:
        done, start = yield from _round(world, region, run, segment, start)
        if done:
            run.open -= 1
            return
        yield 0


def _round(
    world: World, region: Region, run: Refill, segment: int, start: str | None
) -> Generator[int, None, tuple[bool, str | None]]:
    """One round; returns whether the scan is through, and the key to go on from, which is `start` if it failed."""
    below = world.below
    until = world.now + REFILL_SECONDS * 1000
    instance = Instance(0)
    who = f"refill {segment + 1}/{run.total}"
    coming = _scan(world, region, run, segment, start, who)
    while True:
        page = coming
        halted = below(3) == 2
        if page.last_key is not None and not halted:
            coming = _scan(world, region, run, segment, page.last_key, who)
        batch = changes.of_page(page.items, SCHEMA, versions.of_page(page.date, margin(run.stale)))
        done = yield from functions.invoke(world, region, instance, until, who, _start(world, region, batch))
        if not done:
            return False, start
        if page.last_key is None or halted:
            return page.last_key is None, page.last_key


def _start(world: World, region: Region, batch: changes.Batch) -> Callable[[Instance], Protocol[Outcome]]:
    return lambda instance: writing.refill(batch, instance.feeds(region, world.now))


def _scan(world: World, region: Region, run: Refill, segment: int, start: str | None, who: str) -> Page:
    table = region.table
    ids = [id for at, id in enumerate(KEYS) if at % run.total == segment and (start is None or id > start)]
    size = 1 + world.below(4)
    date = (world.now + table.skews[world.below(2)]) // 1000 if world.plan.clocks else world.now // 1000
    taken = ids[:size]
    items = []
    for id in taken:
        if run.stale:
            behind = _STALE_SECONDS[world.below(len(_STALE_SECONDS))]
            if behind:
                world.fault("stale page")
            item = table.as_of(id, world.now - behind * 1000)
        else:
            item = table.items.get(id)
        if item is not None:
            items.append(item)
        if world.trace is not None:
            state = "no item" if item is None else f"n={item['n']['N']}"
            world.tell(id, f"{region.name} {who} scans the table: {state}, page of {date - world.epoch // 1000:+d}s")
    return Page(items, taken[-1] if len(ids) > size else None, date)

"""What operators have: verify with repair, the sweep, and redrive. All of them write by `mend` alone."""

from __future__ import annotations

from collections.abc import Mapping

from dynadex.core import writing
from dynadex.core.attributes import Item

from .. import functions
from ..data import KEY_OF, KEYS, expected, index_of, is_refused
from ..world import REFILL_SECONDS, Actor, Instance, Region, World


def mend(
    world: World, region: Region, ids: list[str], who: str, failed: Mapping[str, int] | None = None
) -> functions.Invocation:
    """One invocation that mends these keys."""
    keys = {id: KEY_OF[id] for id in ids}
    return functions.invoke(
        world,
        region,
        Instance(0),
        world.now + REFILL_SECONDS * 1000,
        who,
        lambda instance: writing.mend(keys, instance.feeds(region, world.now), failed),
    )


def verify(world: World, region: Region) -> Actor:
    """Compares the table with the index and repairs what differs."""
    yield 0
    items = dict(region.table.items)
    yield 0
    different = _different(region, items)
    while different and not (yield from mend(world, region, different, "verify")):
        yield 0


def single(world: World, region: Region) -> Actor:
    """Mends one key now and then, whether that is needed or not."""
    for _ in range(3):
        for _ in range(1 + world.below(16)):
            yield 0
        yield from mend(world, region, [KEYS[world.below(world.plan.keys)]], "mend")


def sweep(world: World, region: Region, began: int) -> Actor:
    """Verify from the index to the table, repairing documents whose item is gone; where it is due, both ways."""
    while world.now < region.sweep_from:
        yield region.sweep_from
    yield 0
    there = {alias: region.engine.generations[alias].documents() for alias in region.engine.fed}
    yield 0
    items = region.table.items
    if region.sweep_whole:
        wrong = _different(region, items)
    else:
        wrong = [id for id in KEYS if any(id in there[alias] and _is_ghost(items.get(id), alias) for alias in there)]
    while wrong and not (yield from mend(world, region, wrong, "sweep")):
        yield 0
    region.swept = max(region.swept, began)


def _is_ghost(item: Item | None, alias: str) -> bool:
    return not is_refused(item, index_of(alias)) and expected(item, index_of(alias)) is None


def _different(region: Region, items: Mapping[str, Item]) -> list[str]:
    found = []
    for id in KEYS:
        for alias in region.engine.fed:
            _, source, _ = region.engine.generations[alias].slots.get(id, (0, None, 0))
            item, index = items.get(id), index_of(alias)
            if not is_refused(item, index) and expected(item, index) != source:
                found.append(id)
                break
    return found


def redrive(world: World, region: Region) -> Actor:
    """Mends what is in the failures queue; a message goes when its key is mended, or has failed anew."""
    yield 0
    messages = list(region.queue)
    ids = sorted({message.id for message in messages})
    failed = {id: max(message.version for message in messages if message.id == id) for id in ids}
    while ids and not (yield from mend(world, region, ids, "redrive", failed)):
        yield 0
    kept = {id(message) for message in messages}
    region.queue = [message for message in region.queue if id(message) not in kept]

"""What operators have: verify with repair, the sweep, and redrive. All of them write by `mend` alone."""

from __future__ import annotations

from dynadex.core import writing
from dynadex.core.documents import TransformFailed

from .. import functions
from ..data import KEY_OF, KEYS, expected, index_of
from ..world import REFILL_SECONDS, Actor, Instance, Region, World


def mend(world: World, region: Region, ids: list[str], who: str) -> functions.Invocation:
    """One invocation that mends these keys."""
    keys = {id: KEY_OF[id] for id in ids}
    return functions.invoke(
        world,
        region,
        Instance(0),
        REFILL_SECONDS,
        who,
        lambda instance: writing.mend(keys, instance.feeds(region, world.now)),
    )


def verify(world: World, region: Region) -> Actor:
    """Compares the table with the index and repairs what differs."""
    yield 0
    items = dict(region.table.items)
    yield 0
    different = _different(region, items, list(KEYS))
    while different and not (yield from mend(world, region, different, "verify")):
        yield 0


def sweep(world: World, region: Region, began: int) -> Actor:
    """Verify's other direction: repairs documents whose item is gone, or makes no document."""
    while world.now < region.sweep_from:
        yield region.sweep_from
    yield 0
    ids = [
        id
        for id in KEYS
        if any(id in generation.documents() for generation in region.engine.generations.values())
    ]
    yield 0
    ghosts = _different(region, region.table.items, ids)
    while ghosts and not (yield from mend(world, region, ghosts, "sweep")):
        yield 0
    region.swept = max(region.swept, began)


def _different(region: Region, items: writing.Mapping[str, writing.Item], ids: list[str]) -> list[str]:
    found = []
    for id in ids:
        for alias in region.engine.fed:
            _, source, _ = region.engine.generations[alias].slots.get(id, (0, None, 0))
            try:
                if expected(items.get(id), index_of(alias)) != source:
                    found.append(id)
                    break
            except TransformFailed:
                continue
    return found


def redrive(world: World, region: Region) -> Actor:
    """Mends what is in the failures queue; a message goes when its key is mended, or has failed anew."""
    yield 0
    messages = list(region.queue)
    ids = sorted({message.id for message in messages})
    while ids and not (yield from mend(world, region, ids, "redrive")):
        yield 0
    kept = {id(message) for message in messages}
    region.queue = [message for message in region.queue if id(message) not in kept]

"""Applications that write to the table, time to live, and the replication of a global table.

A write in one region is applied in the other later, unless that has a later one by then (last writer wins); there it
makes a record of that region's own stream.
"""

from __future__ import annotations

from dynadex.core import versions
from dynadex.core.attributes import Item
from dynadex.core.bulk import Operation

from ..data import ITEMS, KEYS, TAME, expected, index_of
from ..world import Actor, Region, World

_TTL_SECONDS = (2, 20, 200)


def begin(world: World) -> None:
    """Puts some items into the tables an hour before the schedule begins, and their documents into the indices."""
    before = world.now - 3_600_000
    for at, id in enumerate(KEYS):
        if world.below(3) == 0:
            continue
        item = ITEMS[id][at]
        for region in world.regions:
            region.table.begin_with(id, item, before)
            version = versions.of_record(before // 1000, at)
            operations = [Operation(alias, id, version, expected(item, index_of(alias))) for alias in region.engine.fed]
            region.engine.write(operations, before)


def writer(world: World, writes: int) -> Actor:
    """Puts, updates and deletes items, some with a time to live."""
    below = world.below
    for _ in range(writes):
        yield 0
        region = world.regions[below(len(world.regions))]
        id = KEYS[below(world.plan.keys)]
        match below(8):
            case 0 | 1:
                write(world, region, id, None, "a writer")
            case 2:
                item = _item(world, id)
                if write(world, region, id, item, "a writer, with a time to live,"):
                    world.actors.append(_expires(world, region, id, item))
            case _:
                write(world, region, id, _item(world, id), "a writer")


def _item(world: World, id: str) -> Item:
    kinds = 16 if world.plan.refusals and id != KEYS[0] else TAME
    kind = world.below(kinds)
    return ITEMS[id][16 * world.below(4) + kind]


def _expires(world: World, region: Region, id: str, item: Item) -> Actor:
    until = world.now + _TTL_SECONDS[world.below(3)] * 1000
    while world.now < until:
        yield until
    yield 0
    if region.table.items.get(id) is item:
        write(world, region, id, None, "time to live")


def write(world: World, region: Region, id: str, item: Item | None, who: str) -> bool:
    """Writes in one region; the other regions hear of it. Returns whether it changed anything."""
    world.writes += 1
    stamp = (world.now, world.writes)
    if not world.change(region, id, item, stamp, who):
        return False
    for other in world.regions:
        if other is not region:
            world.actors.append(_replicated(world, other, id, item, stamp))
    return True


def _replicated(world: World, region: Region, id: str, item: Item | None, stamp: tuple[int, int]) -> Actor:
    for _ in range(1 + world.below(6)):
        yield 0
    if stamp > region.table.stamps.get(id, (0, 0)):
        world.change(region, id, item, stamp, "replication")
        region.table.stamps[id] = stamp  # also where nothing changed: what is older must not come after it

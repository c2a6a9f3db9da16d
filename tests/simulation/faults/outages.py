"""What befalls a region as a whole, and what operators do about it.

- An index is emptied from outside, by a query or by losing it: a refill.
- The engine restarts and has forgotten its tombstones: verify with repair, when no write of before can arrive any more.
- Records expire before they are read: a refill, then a sweep.
- The mapping refuses every document for a time: a redrive of what drained into the queue.
"""

from __future__ import annotations

from ..actors import mending, refill
from ..table import RETENTION_SECONDS
from ..world import LONGEST_WRITE_SECONDS, Actor, Region, World


def emptied(world: World, region: Region) -> Actor:
    """Deletes every document, by a query or with their index."""
    yield from _sometime(world, 12)
    region.refill_due = world.event()
    if world.below(2):
        world.fault("index lost", None, region.name)
        region.sweep_due = region.refill_due
        region.sweep_from = world.now + LONGEST_WRITE_SECONDS * 1000
        region.sweep_whole = True
        region.engine.generations.clear()
        region.engine.fed = ()
        region.engine.read.clear()
        for instance in region.instances:
            instance.forget()
    else:
        count = region.engine.delete_by_query(world.now)
        world.fault("index emptied", None, f"{region.name}, of {count} documents")
        if world.plan.stale_pages:
            region.refill_from = world.now + refill.wait_seconds(stale=True) * 1000
    for _ in range(world.below(6)):
        yield 0
    world.actors.append(refill.refill(world, region))


def restarted(world: World, region: Region) -> Actor:
    """Restarts the engine."""
    yield from _sometime(world, 30)
    count = region.engine.restart()
    world.fault("engine restart", None, f"{region.name}: {count} tombstones are forgotten")
    region.sweep_due = began = world.event()
    region.sweep_from = world.now + LONGEST_WRITE_SECONDS * 1000
    region.sweep_whole = True
    world.actors.append(mending.sweep(world, region, began))


def gap(world: World, region: Region) -> Actor:
    """Stops reading the stream until records have expired."""
    yield from _sometime(world, 12)
    region.stream_off = True
    world.tell(None, f"{region.name} stream: is not read for a day")
    for _ in range(world.below(12)):
        yield 0
    world.now += (RETENTION_SECONDS + 600) * 1000
    lost = region.table.trim(world.now)
    world.fault("stream gap", None, f"{region.name}, of {lost} records")
    region.refill_due = region.sweep_due = world.event()
    region.stream_off = False
    for shard in region.table.shards:
        for lane in shard.lanes:
            world.wake(region, lane)
    yield from refill.refill(world, region)
    yield from mending.sweep(world, region, world.event())


def mapping(world: World, region: Region) -> Actor:
    """Breaks the mapping of an index for a time."""
    yield from _sometime(world, 8)
    world.fault("broken mapping", None, region.name)
    _break(region, True)
    for _ in range(world.below(16)):
        if not world.faulty:
            break
        yield 0
    _break(region, False)
    world.tell(None, f"{region.name} the mapping is mended")


def rewound(world: World, region: Region) -> Actor:
    """Makes the event source mapping anew: it begins with the oldest record."""
    yield from _sometime(world, 20)
    world.fault("stream replayed", None, region.name)
    table = region.table
    for generation in region.engine.generations.values():
        generation.highest.clear()  # tombstones of before may be gone, so history is seen passing by once more
    table.rewind()
    for shard in table.shards:
        for lane in shard.lanes:
            world.wake(region, lane)


def _break(region: Region, broken: bool) -> None:
    for generation in region.engine.generations.values():
        generation.broken = broken


def _sometime(world: World, bound: int) -> Actor:
    for _ in range(1 + world.below(bound)):
        yield 0

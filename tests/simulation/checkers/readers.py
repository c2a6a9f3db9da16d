"""What readers see around the swap of a rebuild: never fewer documents than the table has items for.

Only keys are checked that have no record on its way, as no index can have that yet, and no failure in the queue.
"""

from __future__ import annotations

from ..data import expected, index_of, is_refused
from ..world import Actor, Region, Violation, World


def complete(world: World, region: Region) -> None:
    """Checks that every item has its document in the generation that is read."""
    if not region.is_whole():
        return
    alias = region.engine.read["lessons"]
    slots = region.engine.generations[alias].slots
    failed = {failure.id for failure in region.queue}
    for id, item in region.table.items.items():
        if region.table.pending[id] or id in failed or is_refused(item) or expected(item, index_of(alias)) is None:
            continue
        if slots.get(id, (0, None, 0))[1] is None:
            raise Violation("readers see all", id, f"after the swap {id} has no document in {alias}")


def reader(world: World, region: Region) -> Actor:
    """Reads now and then."""
    for _ in range(6):
        yield 0
        complete(world, region)


def filled(world: World, region: Region, alias: str) -> None:
    """Checks that a generation, once it is refilled, lacks and has nothing that it should not."""
    if not region.is_whole():
        return
    slots = region.engine.generations[alias].slots
    failed = {failure.id for failure in region.queue}
    for id, pending in region.table.pending.items():
        item = region.table.items.get(id)
        if pending or id in failed or is_refused(item):
            continue
        _, there, _ = slots.get(id, (0, None, 0))
        if there != expected(item, index_of(alias)):
            raise Violation("a filled generation is right", id, f"after the refill {id} is wrong in {alias}")

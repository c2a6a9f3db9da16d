"""At rest every index equals its table through the transform, and the replicas of a table equal each other."""

from __future__ import annotations

from ..data import KEYS, expected, index_of, is_refused, number_of
from ..world import Region, Violation, World

NAME = "index equals table"


def at_rest(world: World) -> None:
    """Checks every generation that is fed, and the tables of all regions."""
    first = world.regions[0]
    for region in world.regions:
        for alias in region.engine.fed:
            _same(region, alias)
        for id in KEYS:
            if region.table.items.get(id) is not first.table.items.get(id):
                raise Violation("replicas agree", id, f"{id} differs between {first.name} and {region.name}")


def _same(region: Region, alias: str) -> None:
    index, slots = index_of(alias), region.engine.generations[alias].slots
    for id in KEYS:
        item = region.table.items.get(id)
        if is_refused(item, index):
            continue
        _, there, _ = slots.get(id, (0, None, 0))
        wanted = expected(item, index)
        if there == wanted:
            continue
        if item is None:
            raise Violation("no document without its item", id, f"{id} is gone, but {alias} still has {there!r}")
        raise Violation(NAME, id, f"{id} has n={number_of(item)}, but {alias} has {_text(there)}")


def _text(source: bytes | None) -> str:
    return "no document" if source is None else source.decode()

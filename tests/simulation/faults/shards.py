"""Shards of the stream are split and merged while records are on their way."""

from __future__ import annotations

from ..data import KEYS
from ..table import Shard
from ..world import Actor, Region, World


def resharding(world: World, region: Region) -> Actor:
    """Splits and merges a few times."""
    for _ in range(3):
        for _ in range(1 + world.below(8)):
            yield 0
        if not world.faulty:
            return
        table = region.table
        shards = table.open_shards
        if len(shards) > 1 and world.below(2):
            parents = [shards.pop(world.below(len(shards))), shards.pop(world.below(len(shards)))]
            children = [[id for id in KEYS if any(id in parent.keys for parent in parents)]]
            world.fault("shards merged", None, region.name)
        else:
            parent = shards[world.below(len(shards))]
            if len(parent.keys) < 2:
                continue
            shards.remove(parent)
            parents = [parent]
            children = [parent.keys[::2], parent.keys[1::2]]
            world.fault("shard split", None, region.name)
        for keys in children:
            child = Shard(keys, table.lanes_a_shard, parents)
            for each in parents:
                each.children.append(child)
            table.shards.append(child)
            shards.append(child)
            table.route(child)

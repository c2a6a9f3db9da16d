"""The event source mapping: it polls each lane of each shard and runs the stream function on batches, in order.

A batch that failed comes again as a whole, until it is done. An invocation may be run twice, the other any time later.
In schedules that have it (`Plan.recut`), whoever polls in a dead poller's place cuts the batch anew, with more records.
"""

from __future__ import annotations

from collections.abc import Sequence

from dynadex.core import changes, writing
from dynadex.core.writing import Outcome, Protocol

from .. import functions
from ..data import SCHEMA
from ..table import Lane, Record
from ..world import DOUBLED_SECONDS, STREAM_SECONDS, Actor, Instance, Region, World

_HOLD_SECONDS = (0, 0, 0, 1, 4, 30, 120, DOUBLED_SECONDS)


def poll(world: World, region: Region, lane: Lane) -> Actor:
    """Runs the stream function until the lane has no more records."""
    while lane.position < len(lane.records):
        yield 0
        if region.stream_off:
            continue
        epoch = lane.epoch
        batch = lane.records[lane.position : lane.position + 1 + world.below(4)]
        if not batch:
            break  # they expired meanwhile
        one_in = world.plan.doubled_one_in
        if one_in and world.below(one_in) == one_in - 1:
            world.fault("doubled invocation")
            first = batch[: 1 + world.below(len(batch))] if world.plan.recut else batch
            world.actors.append(_doubled(world, region, first, world.now))
        while epoch == lane.epoch:
            done = yield from _stream(world, region, batch, "stream")
            if done and epoch == lane.epoch:
                lane.position += len(batch)
                for record in batch:
                    region.table.pending[record["dynamodb"]["Keys"]["id"]["S"]] -= 1
                break
            yield 0
            while region.stream_off and epoch == lane.epoch:
                yield 0
            if world.plan.recut and world.below(2) and epoch == lane.epoch:
                world.fault("batch cut anew")
                batch = lane.records[lane.position : lane.position + 1 + world.below(4)]
    lane.busy = False
    for each in lane.shard.below():
        world.wake(region, each)


def _stream(world: World, region: Region, records: Sequence[Record], who: str) -> functions.Invocation:
    def start(instance: Instance) -> Protocol[Outcome]:
        batch = changes.of_records(records, SCHEMA)
        return writing.sync(batch, instance.feeds(region, world.now))

    instance = region.instances[world.below(2)]
    return functions.invoke(world, region, instance, world.now + STREAM_SECONDS * 1000, who, start)


def _doubled(world: World, region: Region, records: Sequence[Record], began: int) -> Actor:
    until = began + _HOLD_SECONDS[world.below(len(_HOLD_SECONDS))] * 1000
    while world.now < until:
        yield until
    if world.now <= began + DOUBLED_SECONDS * 1000:
        yield from _stream(world, region, records, "stream (doubled)")

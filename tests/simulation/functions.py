"""The model of a function: it drives a protocol of the product against the model table and the model engine.

It yields before each request and before it is done, so anything can happen between any two of its steps, its own death
included. What a protocol asks and what it makes of the answers is the product's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from dynadex.core.writing import BatchRefused, Items, Look, Outcome, Pause, Protocol, Read, Write

from .checkers import failures as failures_checker
from .faults import requests
from .world import Instance, Killed, Missing, Region, World

T = TypeVar("T")

#: An invocation that is under way; it returns whether it did not fail.
Invocation = Generator[int, None, bool]

#: Attempts in a row after which an invocation's time is up.
_PATIENCE = 4


class OutOfTime(Exception):
    """The protocol's waiting outlasted the invocation."""


def drive(world: World, region: Region, protocol: Protocol[T], until: int, who: str) -> Generator[int, None, T]:
    """Runs a protocol; it is killed at the time `until`, in ms. Raises `Killed` or `OutOfTime`."""
    answer: object = None
    while True:
        try:
            request = protocol.send(answer)
        except StopIteration as finished:
            result: T = finished.value
            return result
        yield 0
        one_in = world.plan.pause_one_in
        if one_in and world.below(one_in) == one_in - 1:
            world.fault("paused function", None, who)
            for _ in range(1 + world.below(16)):
                yield 0
        if world.now > until:
            raise Killed("its time was up")
        if world.kill_one_in and world.below(world.kill_one_in) == world.kill_one_in - 1:
            world.fault("killed function", None, who)
            raise Killed
        if type(request) is Write:
            answer = yield from requests.write(world, region, list(request.operations), who)
        elif type(request) is Look:
            answer = requests.look(world, region, request.targets, who)
        elif type(request) is Read:
            answer = read(world, region, request, who)
        else:
            assert type(request) is Pause
            if request.attempt >= _PATIENCE:
                raise OutOfTime(request.reason)
            answer = None


def read(world: World, region: Region, request: Read, who: str) -> Items:
    """What the table answers to a consistent read: perhaps not all keys, dated by whichever host answered."""
    table = region.table
    ids = list(request.keys)
    if world.plan.unread and world.faulty and world.below(4) == 3:
        world.fault("unread keys")
        ids = ids[: world.below(len(ids))]
    date = (world.now + table.skews[world.below(2)]) // 1000 if world.plan.clocks else world.now // 1000
    items = table.items
    if world.trace is not None:
        for id in ids:
            world.tell(id, f"{region.name} {who} reads the table")
    return Items({id: items.get(id) for id in ids}, date)


def invoke(
    world: World,
    region: Region,
    instance: Instance,
    until: int,
    who: str,
    start: Callable[[Instance], Protocol[Outcome]],
) -> Invocation:
    """One invocation, until it is killed at a time in ms: drives what `start` makes; returns whether it did not fail.

    A failure is put into the queue before the invocation counts as done.
    """
    try:
        outcome = yield from drive(world, region, start(instance), until, who)
        world.conflicts += outcome.conflicts
        world.settled += outcome.settled
        if outcome.failures:
            yield 0
            failures_checker.kept(world, region, outcome)
            region.queue += outcome.failures
        yield 0
        if world.kill_one_in and world.below(world.kill_one_in) == world.kill_one_in - 1:
            world.fault("killed function", None, f"{who}, at its end")
            raise Killed
        return True
    except (Killed, Missing, OutOfTime, BatchRefused) as error:
        instance.forget()
        if world.trace is not None:
            world.tell(None, f"{region.name} {who} fails: {type(error).__name__} {error}")
        return False

"""Time passes, by little and by much; and the clocks of the hosts that stamp records and pages step about."""

from __future__ import annotations

from ..world import Actor, World

#: Hosts' clocks are within so many ms of the true time.
SKEW_MS = 2000

_FAST_MS = (1, 50, 50, 400, 400, 400, 1000, 1000, 2500, 2500, 6000, 12_000, 25_000, 66_000, 70_000, 400_000)
_SLOW_MS = (1, 1, 5, 5, 20, 20, 50, 50, 100, 100, 200, 400, 800, 1000, 2000, 4000)


def passing(world: World) -> Actor:
    """Lets time pass."""
    below = world.below
    steps = _SLOW_MS if world.plan.slow else _FAST_MS
    while True:
        world.now += steps[below(16)]
        yield 0


def stepping(world: World) -> Actor:
    """Sets the hosts' clocks, back or forth."""
    below = world.below
    while world.faulty:
        region = world.regions[below(len(world.regions))]
        host = below(2)
        skew = (below(9) - 4) * SKEW_MS // 4
        world.fault("clock step", None, f"{region.name} host {host} to {skew:+d} ms")
        region.table.skews[host] = skew
        for instance in region.instances:
            instance.clock = -skew
        for _ in range(4):
            yield 0

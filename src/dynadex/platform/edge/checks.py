"""The regions' health checks, as Route 53 makes them.

Each region is asked for `/health` every few seconds. A check passes with a status from 200 to 399 that comes in time.
So many checks in a row must fail for a healthy region to be left out, and as many pass for it to be taken in again.
A region that was never asked counts as healthy, and the first answer decides; Route 53 would wait for more of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .settings import Settings

#: Whether a region's health check passes; it keeps to the settings' time by itself.
Probe = Callable[[str], Awaitable[bool]]


@dataclass(slots=True)
class Check:
    """One region's health, and how it came to be. `since` in seconds since 1970; `streak` checks in a row say other."""

    healthy: bool = True
    since: float = field(default_factory=time.time)
    checks: int = 0
    failures: int = 0
    streak: int = 0
    last_ms: float | None = None

    def take(self, passed: bool, threshold: int, milliseconds: float) -> bool:
        """Takes a check's result in; returns whether the region's health has changed by it."""
        first = self.checks == 0
        self.checks += 1
        self.failures += not passed
        self.last_ms = milliseconds
        self.streak = 0 if passed == self.healthy else self.streak + 1
        if self.streak < (1 if first else threshold):
            return False
        self.healthy, self.since, self.streak = passed, time.time(), 0
        return True

    def to_json(self) -> dict[str, Any]:
        """For whoever asks how the region is."""
        return {
            "healthy": self.healthy,
            "since": datetime.fromtimestamp(self.since, UTC).isoformat(timespec="milliseconds"),
            "checks": self.checks,
            "failures": self.failures,
            "lastMillis": None if self.last_ms is None else round(self.last_ms, 1),
        }


class Checks:
    """The checks of all regions, each going on by itself."""

    def __init__(self, probe: Probe, told: Callable[[str, Check], None]) -> None:
        """`told` hears of each change of a region's health."""
        self._probe, self._told = probe, told
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._of: dict[str, Check] = {}

    @property
    def states(self) -> Mapping[str, Check]:
        """Each region's check as it is now."""
        return self._of

    def healthy(self) -> set[str]:
        """The regions that requests may go to."""
        return {region for region, check in self._of.items() if check.healthy}

    async def use(self, settings: Settings) -> None:
        """Checks these regions from now on; what is known of them stays."""
        await self.stop()
        self._of = {region: self._of.get(region, Check()) for region in settings.apis}
        self._tasks = {region: asyncio.create_task(self._go_on(region, settings)) for region in settings.apis}

    async def stop(self) -> None:
        """Checks no more."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = {}

    async def _go_on(self, region: str, settings: Settings) -> None:
        check, clock = self._of[region], asyncio.get_running_loop().time
        due = clock()
        while True:
            began = clock()
            passed = await self._probe(region)
            if check.take(passed, settings.threshold, (clock() - began) * 1000):
                self._told(region, check)
            due = max(due + settings.interval, clock())
            await asyncio.sleep(due - clock())

"""Time and waiting: the one place with a clock to wait by.

Retries wait with full jitter (a random time up to a bound that doubles), so that many functions that failed together do
not come back together; they end when their time is up, and then raise.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from .errors import DynadexError


class OutOfTime(DynadexError):
    """What was tried could not be done in the time there was; trying again later is safe."""


class Patience:
    """Waits between attempts until a deadline; `seconds` is how long from now."""

    def __init__(
        self,
        seconds: float,
        *,
        first: float = 0.05,
        longest: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._until = clock() + seconds
        self._first, self._longest = first, longest

    def left(self) -> float:
        """Seconds until the deadline; negative past it."""
        return self._until - self._clock()

    def pause(self, attempt: int, reason: str) -> None:
        """Waits before the `attempt`th retry in a row. Raises `OutOfTime` if the wait would pass the deadline."""
        bound = min(self._longest, self._first * 2 ** min(attempt - 1, 20))
        seconds = random.uniform(0, bound)
        if seconds >= self.left():
            raise OutOfTime(reason)
        self._sleep(seconds)


class Budget:
    """Holds a rate of units (read capacity) a second; 0 means no limit."""

    def __init__(self, units_a_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = units_a_second, clock
        self._free_at = clock()

    def spend(self, units: float) -> None:
        """Takes note of units that were used."""
        if self._rate:
            self._free_at = max(self._free_at, self._clock()) + units / self._rate

    def wait(self) -> float:
        """Seconds until the next unit may be used."""
        return max(0.0, self._free_at - self._clock()) if self._rate else 0.0


class Throttle:
    """Additive increase, multiplicative decrease: documents a second that an overloaded engine can bear.

    Without a limit until the engine first says that it is too much.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rate = 0.0
        self._free_at = 0.0

    def took(self, documents: int, seconds: float, *, overloaded: bool) -> None:
        """Takes note of a request of so many documents that took so long, and whether the engine pushed back."""
        seen = documents / max(seconds, 0.001)
        if overloaded:
            self._rate = max(1.0, (min(self._rate, seen) if self._rate else seen) / 2)
        elif self._rate:
            self._rate += max(1.0, self._rate * 0.1)
        if self._rate:
            self._free_at = self._clock() - seconds + documents / self._rate

    def wait(self) -> float:
        """Seconds until the next request should be sent."""
        return max(0.0, self._free_at - self._clock()) if self._rate else 0.0

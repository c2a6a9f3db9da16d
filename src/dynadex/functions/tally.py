"""How many searches an instance answered and how long they took, told in one line every few seconds.

A line for each search would cost more than the search. What an instance has not told when it is taken away is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import report, service

_TELL_SECONDS = 10.0


class Tally:
    """Counts searches. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._told = clock, clock()
        self._searches, self._millis = 0, 0.0

    @contextmanager
    def search(self) -> Iterator[None]:
        """Counts one search that was answered, with the time that it took."""
        began = self._clock()
        yield
        self._searches += 1
        self._millis += (self._clock() - began) * 1000

    def tell(self) -> None:
        """Logs what came together, if the last line is old enough; health checks see to that it is asked."""
        now = self._clock()
        if self._searches and now - self._told >= _TELL_SECONDS:
            metrics = {"Searches": self._searches, "SearchMillis": round(self._millis, 1)}
            report.line("searched", service.project().name, "search", metrics)
            self._told, self._searches, self._millis = now, 0, 0.0

"""GET /health: whether this region should be sent searches. Route 53 asks this, several times a second.

Healthy is: the engine answers, every index is there, and where there are heartbeats, this region's own newest one in
each index is younger than the limit. The answer has the parts.

It is deep but cheap. One request to the engine tells all of it, and may take two seconds: Route 53 waits four. An
instance asks once a second at most; whoever comes meanwhile is told what was found last.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .. import freshness
from ..engine import EngineError
from ..project import Project
from . import service

ENGINE_SECONDS = 2.0
CACHE_SECONDS = 1.0

Document = dict[str, Any]


class Checked:
    """What `check` found last, looked up anew where that is older than a second, by one at a time."""

    def __init__(self, check: Callable[[], Document], clock: Callable[[], float] = time.monotonic) -> None:
        self._check, self._clock = check, clock
        self._lock = threading.Lock()
        self._found: tuple[float, Document] | None = None

    def get(self) -> Document:
        """The newest there is. Only who comes before anything was found waits for somebody else's look."""
        last = self._found
        if last is None:
            self._lock.acquire()
        elif self._clock() - last[0] < CACHE_SECONDS or not self._lock.acquire(blocking=False):
            return last[1]
        try:
            if self._found is not None and self._found is not last:
                return self._found[1]  # somebody else was looking
            document = self._check()
            self._found = (self._clock(), document)
            return document
        finally:
            self._lock.release()


def check() -> Document:
    """Looks at the engine and the indices."""
    project = service.project()
    began = time.monotonic()
    try:
        found = freshness.look(project, service.engine(), timeout=ENGINE_SECONDS)
        answered = any(seen.state != "engine away" for seen in found.values())
    except (EngineError, ValueError):  # none, or one that is no answer
        found, answered = {name: freshness.Seen("engine away") for name in project.indexes}, False
    milliseconds = round((time.monotonic() - began) * 1000, 1)
    states = {name: seen.state for name, seen in found.items()}
    fresh = _freshness(project, project.heartbeat.limit, found) if project.heartbeat else None
    healthy = all(state == "ok" for state in states.values()) and (fresh is None or fresh["ok"])
    return {
        "healthy": healthy,
        "region": service.region(),
        "engine": {"ok": answered, "milliseconds": milliseconds},
        "indexes": states,
        "freshness": fresh,
        "checked": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _freshness(project: Project, limit: int, found: dict[str, freshness.Seen]) -> Document:
    region, now = service.region(), time.time()
    beating = {name: seen for name, seen in found.items() if project.beats(project.indexes[name].table)}
    own = [seen.ages(now).get(region) for seen in beating.values()]
    ages = [age for age in own if age is not None]
    seconds = round(max(ages), 1) if ages and len(ages) == len(own) else None
    regions = {name: round(age, 1) for name, age in sorted(freshness.oldest(beating, now).items())}
    return {"seconds": seconds, "limit": limit, "ok": seconds is not None and seconds < limit, "regions": regions}


_checked = Checked(check)


def current() -> Document:
    """How this region is, as of the last second."""
    return _checked.get()


def respond() -> dict[str, Any]:
    """The answer for the HTTP API: 200 or 503, never to be cached."""
    document = current()
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    body = json.dumps(document, separators=(",", ":"))
    return {"statusCode": 200 if document["healthy"] else 503, "headers": headers, "body": body}

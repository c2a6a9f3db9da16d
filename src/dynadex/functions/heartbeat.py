"""The heartbeat function: started every minute, it shows how fresh this region's indices are until the next one starts.

Each beat puts this region's heartbeat into every table that has one, and looks how soon searches find it in each of the
table's indices: the metric Freshness, in milliseconds. Where that takes longer than the time between two beats, it is
how long ago the newest beat that was found was written. Once a minute it logs a `sample` of the region's numbers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .. import freshness
from ..aws import AwsUnavailable
from ..core import heartbeats, versions
from ..engine import EngineError
from ..project import Heartbeat, Project
from . import measuring, report, service

_MINUTE = 60.0
_LOOK_SECONDS = 2.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 0.25
#: An event's creation second may be that before the date of the answer to its put.
_DATE_SECONDS = 1


@dataclass(slots=True)
class Clock:
    """Time as the function sees it; tests have their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Heart:
    """Beats in this region. It lives as long as the function's instance, and knows when it last found a beat."""

    project: Project
    settings: Heartbeat
    clock: Clock = field(default_factory=Clock)
    last_found: dict[str, float] = field(default_factory=dict)

    def run(self, seconds_left: Callable[[], float]) -> None:
        """A minute of beats; the first is followed by a sample."""
        began = self.clock.now()
        for number in range(-(-int(_MINUTE) // self.settings.every)):
            due = began + number * self.settings.every
            self.clock.sleep(max(0.0, due - self.clock.now()))
            if seconds_left() < self.settings.every:
                return
            fresh = self.beat(due + self.settings.every - _LOOK_SECONDS / 2)
            if number == 0:
                sample(self.project, fresh)

    def beat(self, deadline: float) -> float:
        """One beat; returns the seconds that it took to be found, or since the newest beat that is."""
        began = self.clock.now()
        waiting = self._put()
        pause = _SHORTEST_PAUSE
        while waiting and self.clock.now() < deadline:
            self.clock.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.5)
            self._look(waiting)
        now = self.clock.now()
        late = [now - self.last_found.setdefault(name, began) for name in self._indexes()]
        fresh = max(late) if waiting else now - began
        report.line(
            "beat", self.project.name, "heartbeat", {"Freshness": round(fresh * 1000)}, late=sorted(waiting)
        )  # fmt: skip
        return round(fresh, 3)

    def _put(self) -> dict[str, int]:
        """Puts the beat into each table; returns the second of the put for each index that is to show it."""
        seconds: dict[str, int] = {}
        beat = {"dynadex_beat": {"S": datetime.fromtimestamp(self.clock.now(), UTC).isoformat(timespec="milliseconds")}}
        for name in self.settings.tables:
            table = self.project.tables[name]
            item = heartbeats.key(table.key, service.region()) | beat
            try:
                date = service.aws("dynamodb").call("PutItem", {"TableName": table.physical_name, "Item": item}).date
            except AwsUnavailable as error:
                report.line("put failed", self.project.name, "heartbeat", {}, table=name, code=error.code)
                date = int(self.clock.now())
            seconds |= {index.name: date for index in self.project.indexes_of(table)}
        return seconds

    def _look(self, waiting: dict[str, int]) -> None:
        """Takes out of `waiting` the indices in which searches find the beat."""
        try:
            found = freshness.look(self.project, service.engine(), timeout=_LOOK_SECONDS)
        except EngineError:
            return
        for name, second in list(waiting.items()):
            written = versions.second(found[name].beats.get(service.region(), 0))
            if written:
                self.last_found[name] = max(float(written), self.last_found.get(name, 0.0))
            if written >= second - _DATE_SECONDS:
                del waiting[name]

    def _indexes(self) -> list[str]:
        return [index.name for index in self.project.indexes.values() if index.table in self.settings.tables]


def sample(project: Project, fresh: float | None) -> None:
    """Logs the numbers of this region as they are now; what cannot be told is null."""
    items = {name: measuring.items(project, name) for name in project.tables}
    indexes = {
        name: {"documents": measuring.documents(name), "items": items[index.table]}
        for name, index in project.indexes.items()
    }
    report.line(
        "sample",
        project.name,
        "heartbeat",
        {},
        at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        freshness=fresh,
        lag=measuring.lag(),
        documents=measuring.total([one["documents"] for one in indexes.values()]),
        items=measuring.total(list(items.values())),
        failures=measuring.messages(os.environ["DYNADEX_FAILURES_QUEUE_URL"]),
        **measuring.searches(),
        indexes=indexes,
    )


_hearts: dict[str, Heart] = {}


def handler(event: dict[str, Any], context: service.Context) -> None:
    """Beats for a minute."""
    project = service.project()
    if project.heartbeat is not None:
        heart = _hearts.setdefault(project.name, Heart(project, project.heartbeat))
        heart.run(lambda: context.get_remaining_time_in_millis() / 1000)

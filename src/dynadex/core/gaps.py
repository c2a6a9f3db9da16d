"""Whether an index may have missed records of its table's stream.

A stream keeps its records for 24 hours. Nothing says afterwards what has expired, so a *mark* is kept for each table
and region: when its event source was last seen sound, which one that was, and of which stream. Sound is an event
source that is enabled and whose last batch went well. Whoever looks compares what is there with the mark:

- Sound within the last 24 hours: nothing is lost. A new event source begins at the oldest record, and has them all.
- Not sound, and not for more than 24 hours: records expire. That is a gap, and it is not over yet.
- Sound again after more than 24 hours in which it was seen not sound, was changed or was made anew: a gap, over now.
- Sound again after more than 24 hours in which nobody looked and nothing was changed: it went on by itself.
- Another stream than the mark's: what was written in between was in neither. A gap, however short.
- A batch was applied when its records were about to expire: those before it may have expired. That is a gap, and it
  is over at the first look since whose predecessor there was no such batch. An event source that was changed or made
  within the last hour does not count: it may have begun at the oldest record and apply again what was applied before.

A gap stays until the indices it is about are mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

#: So long a stream keeps its records.
HORIZON_SECONDS = 24 * 3600
#: Records that are applied when they are older than this are about to expire.
EXPIRING_SECONDS = 23 * 3600
_REPLAY_SECONDS = 3600

Reason = Literal["outage", "recreated", "stream", "behind"]


@dataclass(frozen=True, slots=True)
class Source:
    """An event source as it is. `changed` is when it was last changed or made, in seconds since 1970.

    `trouble` says why it is not sound, "" where it is; `expiring` whether records about to expire were applied since
    the last look. `state` and `result` (of its last batch) are the platform's own words.
    """

    id: str
    stream: str
    changed: int
    trouble: str = ""
    expiring: bool = False
    state: str = "Enabled"
    result: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Records between `since` and `until` may be missing in `indexes`: seconds since 1970, 0 while it goes on.

    `execution` is the verification that mends them, "" before one was started.
    """

    reason: Reason
    since: int
    until: int
    indexes: tuple[str, ...]
    execution: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the mark keeps it."""
        return {
            "reason": self.reason,
            "since": self.since,
            "until": self.until,
            "indexes": list(self.indexes),
            "execution": self.execution,
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept of an event source: `sound` is when it last was, `broken` whether it was not when last seen."""

    source: str
    stream: str
    sound: int
    broken: bool = False
    gap: Gap | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "source": self.source,
            "stream": self.stream,
            "sound": self.sound,
            "broken": self.broken,
            "gap": self.gap.to_json() if self.gap else None,
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Mark:
        """Reads what `to_json` made."""
        gap = kept["gap"]
        found = Gap(**gap | {"indexes": tuple(gap["indexes"])}) if gap else None
        return cls(kept["source"], kept["stream"], kept["sound"], kept["broken"], found)


def judge(mark: Mark | None, source: Source | None, now: int, indexes: Sequence[str]) -> Mark:
    """The mark after a look at the event source (None: there is none), in seconds since 1970."""
    if mark is None:
        return Mark(
            source.id if source else "", source.stream if source else "", now, not (source and not source.trouble)
        )
    if source is None or source.trouble:
        lost = now - mark.sound > HORIZON_SECONDS
        return replace(mark, broken=True, gap=_gap(mark, "outage", 0, indexes) if lost else mark.gap)
    after = Mark(source.id, source.stream, now, False, mark.gap)
    if source.expiring and now - source.changed > _REPLAY_SECONDS:
        return replace(after, gap=_gap(mark, "behind", 0, indexes))
    if mark.gap and not mark.gap.until:
        return replace(after, gap=replace(mark.gap, until=now))
    if mark.stream and source.stream != mark.stream:
        return replace(after, gap=_gap(mark, "stream", now, indexes))
    if now - mark.sound > HORIZON_SECONDS:
        if mark.source and source.id != mark.source:
            return replace(after, gap=_gap(mark, "recreated", now, indexes))
        if mark.broken or source.changed > mark.sound:
            return replace(after, gap=_gap(mark, "outage", now, indexes))
    return after


def _gap(mark: Mark, reason: Reason, until: int, indexes: Sequence[str]) -> Gap:
    """The gap from the mark on; one that was there is part of it, and what began to mend that began too early."""
    before = mark.gap
    if before and not until and not before.until:
        return before
    return Gap(
        before.reason if before else reason,
        min(mark.sound, before.since) if before else mark.sound,
        until,
        tuple(indexes),
    )


def mended(mark: Mark, index: str) -> Mark:
    """The mark after an index was verified and repaired in full; the last one closes the gap."""
    if mark.gap is None or not mark.gap.until:
        return mark
    left = tuple(name for name in mark.gap.indexes if name != index)
    return replace(mark, gap=replace(mark.gap, indexes=left) if left else None)

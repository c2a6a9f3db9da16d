"""Differences between what an index should hold and what it holds, until they are certain.

An item and its document are never read at the same moment, and the stream takes its time: what differs once may be a
write on its way. So a difference is a suspicion, and is looked at again, at growing pauses:

- It is gone: it was a write on its way.
- Both sides stood still for `STABLE_SECONDS` and still differ: it is certain.
- A side moved: the time begins anew. What does so for `LONGEST_SECONDS` is in flight: somebody writes it all the time,
  and each write brings the index its own chance to be right.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple

Kind = Literal["missing", "stale", "ghost", "failed"]

#: An item and its document that differ and do not move for so long are a difference, not a write on its way.
STABLE_SECONDS = 10.0
#: Who keeps moving is left alone after so long.
LONGEST_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 4.0


class Sight(NamedTuple):
    """What one look showed: the difference, if any, with its JSON path, and a mark for the state of each side.

    missing: no document where there should be one; stale: another document; ghost: a document where there should be
    none; failed: the item makes no document at all. `version` is the document's, None where there is none.
    """

    kind: Kind | None
    path: str
    expected: Hashable
    version: int | None


class Verdict(Enum):
    GONE = "gone"
    WAITING = "waiting"
    CERTAIN = "certain"
    IN_FLIGHT = "in flight"


@dataclass(slots=True)
class _Suspect:
    sight: Sight
    first: float
    since: float  # when it was first seen as it is now
    due: float
    pause: float = _FIRST_PAUSE_SECONDS


class Suspects:
    """The differences that are not certain yet, by document id. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._suspects: dict[str, _Suspect] = {}

    def __len__(self) -> int:
        return len(self._suspects)

    @property
    def documents(self) -> int:
        """How many of them there was a document of, when last looked at."""
        return sum(suspect.sight.version is not None for suspect in self._suspects.values())

    def ids(self) -> list[str]:
        """All of them."""
        return list(self._suspects)

    def suspect(self, id: str, sight: Sight, now: float) -> None:
        """Begins to look at a difference."""
        self._suspects[id] = _Suspect(sight, now, now, now + _FIRST_PAUSE_SECONDS)

    def due(self, now: float, most: int) -> list[str]:
        """Up to `most` ids that are to be looked at again by now."""
        found = []
        for id, suspect in self._suspects.items():
            if suspect.due <= now:
                found.append(id)
                if len(found) == most:
                    break
        return found

    def wait(self, now: float) -> float:
        """Seconds until one is due; 0 where there is none."""
        return max(0.0, min((suspect.due for suspect in self._suspects.values()), default=now) - now)

    def seen(self, id: str, sight: Sight, now: float) -> Verdict:
        """Takes in another look at one of them; unless it is `WAITING`, it is no suspect any more."""
        suspect = self._suspects[id]
        if sight.kind is None:
            del self._suspects[id]
            return Verdict.GONE
        moved = sight != suspect.sight
        if not moved and now - suspect.since >= STABLE_SECONDS:
            del self._suspects[id]
            return Verdict.CERTAIN
        if now - suspect.first >= LONGEST_SECONDS:
            del self._suspects[id]
            return Verdict.IN_FLIGHT
        if moved:
            suspect.sight, suspect.since, suspect.pause = sight, now, _FIRST_PAUSE_SECONDS
        else:
            suspect.pause = min(_LONGEST_PAUSE_SECONDS, suspect.pause * 2)
        suspect.due = now + min(suspect.pause, max(_FIRST_PAUSE_SECONDS, suspect.since + STABLE_SECONDS - now))
        return Verdict.WAITING

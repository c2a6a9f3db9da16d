"""How far a verification has come, kept in a file, so that one that was interrupted can be taken up.

The parts of a verification run side by side. Between two pages of the table, or two slices of the index, each notes
where it is, what it has counted, and which documents are under suspicion. Whoever goes on begins each part there, and
suspects the same documents again: nothing is passed over and nothing is counted twice. What a repair mended in the
seconds between the last note and a `kill -9` is right by then, and not counted as repaired.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DynadexError
from ..scanning import Key
from ..verifying import Check

_SECONDS_BETWEEN = 1.0


class ProgressError(DynadexError):
    """The file cannot be used; the message says what to do."""


@dataclass
class Part:
    """What one check has gone through: `key` is where its scan goes on; `check` is `Check.state`, None before any."""

    key: Key | None = None
    scanned: bool = False
    check: Mapping[str, Any] | None = None


@dataclass
class Progress:
    """`asked` is what is verified, and how. `slices` are those of the index, once that is known; `done` those of them
    that have been gone through.
    """

    path: Path
    asked: Mapping[str, Any]
    parts: list[Part]
    slices: list[int] | None = None
    done: set[int] = field(default_factory=set)
    earlier: float = 0.0  # seconds that were spent before this start

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._noted = [0.0] * len(self.parts)
        self._written = 0.0

    @classmethod
    def read(cls, path: Path) -> Progress | None:
        """What an interrupted verification has kept; None where there is none."""
        try:
            kept = json.loads(path.read_text())
            parts = [Part(**part) for part in kept["parts"]]
            return cls(path, kept["asked"], parts, kept["slices"], set(kept["done"]), kept["seconds"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProgressError(f"{path} cannot be read ({type(error).__name__}: {error}); remove it") from error

    @property
    def seconds(self) -> float:
        """Time spent so far, that of earlier starts included."""
        return self.earlier + time.monotonic() - self._began

    @property
    def items(self) -> int:
        """Items compared so far."""
        return sum(part.check["counts"]["items"] for part in self.parts if part.check)

    def page(self, number: int, check: Check, key: Key | None, *, scanned: bool, now: bool = False) -> None:
        """Notes that a part has compared all up to a key; often enough, or `now`."""
        if now or scanned or time.monotonic() - self._noted[number] > _SECONDS_BETWEEN:
            self._noted[number] = time.monotonic()
            part = Part(key, scanned, check.state())
            with self._lock:
                self.parts[number] = part
                self._write(now=now or scanned)

    def slice(self, number: int, check: Check, slice: int) -> None:
        """Notes that a part has gone through a slice of the index."""
        part = Part(None, True, check.state())
        with self._lock:
            self.parts[number] = part
            self.done.add(slice)
            self._write()

    def sliced(self, slices: list[int]) -> None:
        """Notes in how many slices the index is gone through."""
        with self._lock:
            self.slices = slices
            self._write(now=True)

    def save(self) -> bool:
        """Writes what was noted last; returns whether there is anything to go on from."""
        with self._lock:
            if any(part.check for part in self.parts):
                self._write(now=True)
                return True
        return False

    def forget(self) -> None:
        """It is over."""
        self.path.unlink(missing_ok=True)

    def _write(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._written < _SECONDS_BETWEEN:
            return
        self._written = time.monotonic()
        document = {
            "asked": dict(self.asked),
            "seconds": self.seconds,
            "parts": [{"key": part.key, "scanned": part.scanned, "check": part.check} for part in self.parts],
            "slices": self.slices,
            "done": sorted(self.done),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        (self.path.parent / ".gitignore").write_text("*\n")
        # Two may verify the same index at once, and must not take each other's file away.
        temporary = self.path.with_suffix(f".{os.getpid()}.new")
        temporary.write_text(json.dumps(document))
        temporary.replace(self.path)

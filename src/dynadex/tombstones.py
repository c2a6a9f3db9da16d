"""How far back a generation remembers deletions, which decides how old an export may be that it is refilled from.

An item that was deleted after the export is still in it. Its document stays deleted because the engine remembers the
deletion's version, which is higher. But it does so for `index.gc_deletes` only, an hour as a rule, and an export and
its refill can take longer. So a generation is made to hold on to them before the export, until the refill is done.

A generation's notes say since when: written before the setting and taken away after it, so that a setting without its
note, or a note without its setting, never counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import generations
from .core import versions
from .engine import Engine

#: Longer than an export can be old: point-in-time recovery goes back 35 days.
HELD = "40d"
#: For what the clocks of table, engine and function disagree by.
CLOCKS_SECONDS = 5
#: The setting holds so long after its note at the latest, or its request has failed.
_SETTING_SECONDS = 60

_NOTE = "tombstones"
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEFAULT = "60s"  # the engines' own


def complete_since(engine: Engine, generation: str, now: float, sight: float) -> float:
    """The second from which on a generation was told of every deletion and remembers it still.

    Only exports of a later time may be written to it. `sight` is how long a stream function may go on without knowing
    that a generation is fed, in seconds.
    """
    settings, notes = _state(engine, generation)
    if "fed" in notes:  # beside another, by a rebuild: for a while a change may have gone to one of them alone
        told = float(notes["fed"]) + sight + versions.MARGIN_SECONDS
    else:  # from the moment it was there
        told = int(settings["creation_date"]) / 1000
    return max(told, _remembered(settings, notes, now)) + CLOCKS_SECONDS


def hold(engine: Engine, generation: str, now: float) -> None:
    """Has a generation forget no deletion from now on."""
    settings, notes = _state(engine, generation)
    if _is_held(settings, notes):
        return
    since = _remembered(settings, notes, now) + _SETTING_SECONDS
    note = {"since": since, "before": settings.get("gc_deletes")}
    generations.note(engine, generation, **{_NOTE: note})
    engine.ask("PUT", f"/{quote(generation)}/_settings", {"index.gc_deletes": HELD})


def release(engine: Engine, generation: str) -> None:
    """Has a generation forget deletions as it did before it was made to hold on to them."""
    settings, notes = _state(engine, generation)
    if _is_held(settings, notes):
        engine.ask("PUT", f"/{quote(generation)}/_settings", {"index.gc_deletes": notes[_NOTE]["before"]})
    if _NOTE in notes:
        generations.note(engine, generation, **{_NOTE: None})


def _state(engine: Engine, generation: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    told = engine.ask("GET", f"/{quote(generation)}")[generation]
    return told["settings"]["index"], told.get("mappings", {}).get("_meta", {}).get("dynadex", {})


def _is_held(settings: Mapping[str, Any], notes: Mapping[str, Any]) -> bool:
    return _NOTE in notes and settings.get("gc_deletes") == HELD


def _remembered(settings: Mapping[str, Any], notes: Mapping[str, Any], now: float) -> float:
    if _is_held(settings, notes):
        return float(notes[_NOTE]["since"])
    found = re.fullmatch(r"([0-9.]+)([a-z]+)", settings.get("gc_deletes", _DEFAULT))
    return now - (float(found[1]) * _UNITS.get(found[2], 0.0) if found else 0.0)

"""The physical indices behind a logical index, and the aliases that lead to them.

For an index `lessons` (every name with the engine's prefix before it):
- `lessons-v3`: a generation, the physical index with its mapping;
- `lessons`: the read alias, on the one generation that searches read;
- `lessons-feed`: the feed alias, on all generations that are written to;
- `lessons-v3-Write`: each generation's write alias. All writes go through it and demand an alias (`require_alias`), so
  a late write to a dropped generation fails instead of making an index of its name with a guessed mapping. Deletions
  do not heed that demand; but a name with a capital cannot become an index.

Aliases come into being with their generation in one request, so nobody ever sees half of it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .engine import Engine, EngineError

#: Tombstones must outlive the longest write that can still arrive; the engines' default of 60 s is a hole.
GC_DELETES = "1h"


class IndexMissing(EngineError):
    """There is no such index in the cluster: it was never made, or was lost."""

    def __init__(self, index: str) -> None:
        super().__init__(404, "index_missing", f"no generation of the index {index!r} is fed; a refill makes one")


def read_alias(engine: Engine, index: str) -> str:
    """The name that searches read."""
    return engine.prefix + index


def feed_alias(engine: Engine, index: str) -> str:
    """The name that leads to all generations written to."""
    return f"{engine.prefix}{index}-feed"


def write_alias(generation: str) -> str:
    """The name through which a generation is written."""
    return f"{generation}-Write"


def fed(engine: Engine, index: str) -> list[str]:
    """The generations that are written to, oldest first. Raises `IndexMissing` where there is none."""
    return _behind(engine, feed_alias(engine, index), index)


def read(engine: Engine, index: str) -> list[str]:
    """The generations that searches read: one. Raises `IndexMissing` where there is none."""
    return _behind(engine, read_alias(engine, index), index)


def _behind(engine: Engine, alias: str, index: str) -> list[str]:
    try:
        answer = engine.ask("GET", f"/_alias/{quote(alias)}")
    except EngineError as error:
        if error.status == 404:
            raise IndexMissing(index) from None
        raise
    return sorted(answer, key=number)


def number(generation: str) -> int:
    """The 3 in `lessons-v3`."""
    return int(generation.rpartition("-v")[2])


def existing(engine: Engine, index: str) -> list[str]:
    """All generations in the cluster, fed or not, oldest first."""
    named = re.compile(re.escape(engine.prefix + index) + r"-v[0-9]+").fullmatch
    answer = engine.ask("GET", f"/{quote(engine.prefix + index)}-v*/_alias")
    return sorted(filter(named, answer), key=number)


def ensure(engine: Engine, index: str, mapping: Mapping[str, Any]) -> str | None:
    """Makes the index's first (or, where all are gone, next) generation if none is fed; returns its name if it did.

    `mapping` is the engine's own `{"settings": …, "mappings": …}`. Safe to run twice and by several at once.
    """
    while True:
        # Listed before the feed is looked at: so one that another makes in between has the very name chosen here.
        there = existing(engine, index)
        try:
            fed(engine, index)
            return None
        except IndexMissing:
            pass
        name = f"{engine.prefix}{index}-v{1 + max(map(number, there), default=0)}"
        aliases = [read_alias(engine, index), feed_alias(engine, index), write_alias(name)]
        try:
            engine.ask("PUT", f"/{quote(name)}", definition(mapping) | {"aliases": {alias: {} for alias in aliases}})
            return name
        except EngineError as error:
            if error.type != "resource_already_exists_exception":
                raise  # else somebody was quicker: see what they made


def definition(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The request that creates a generation, aliases aside: the mapping with tombstones kept, and with its digest."""
    made = copy.deepcopy(dict(mapping))
    settings = made.setdefault("settings", {})
    if "index.gc_deletes" not in settings and "gc_deletes" not in settings:
        nested = settings.get("index")
        if isinstance(nested, dict):
            nested.setdefault("gc_deletes", GC_DELETES)
        else:
            settings["index.gc_deletes"] = GC_DELETES
    mappings = made.setdefault("mappings", {})
    mappings["_meta"] = {**mappings.get("_meta", {}), "dynadex": {"mapping": digest(mapping)}}
    return made


def digest(mapping: Mapping[str, Any]) -> str:
    """Tells one mapping from another: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()[:16]

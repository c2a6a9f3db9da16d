"""The physical indices behind a logical index, and the aliases that lead to them.

For an index `lessons` (every name with the engine's prefix before it):
- `lessons-v3`: a generation, the physical index with its mapping;
- `lessons`: the read alias, on the one generation that searches read;
- `lessons-feed`: the feed alias, on all generations that are written to;
- `lessons-v3-Write`: each generation's write alias. All writes go through it and demand an alias (`require_alias`), so
  a late write to a dropped generation fails instead of making an index of its name with a guessed mapping. Deletions
  do not heed that demand; but a name with a capital cannot become an index.

Aliases come into being with their generation in one request, so nobody ever sees half of it.

A generation's `_meta` holds the mapping that it was made of, and how far a rebuild has come with it (its notes): so
whoever reaches the cluster can take a rebuild up.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .engine import Engine, EngineError

#: Tombstones must outlive the longest write that can still arrive; the engines' default of 60 s is a hole.
GC_DELETES = "1h"


#: No engine lets an alias have two write indices. So a swap that removes the read alias from where it is no more fails
#: instead of adding it a second time; Elasticsearch 7.10 does not know the `must_exist` that others have for that.
_ONE_ONLY: Mapping[str, Any] = {"is_write_index": True}
_TWO = "more than one write index"

#: While it is filled a generation need not be searchable, nor survive the loss of a node: it can be filled again.
_WHILE_FILLED: Mapping[str, Any] = {"refresh_interval": "-1", "number_of_replicas": 0, "auto_expand_replicas": "false"}


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation as it is now. `notes` are what its `_meta` says, times in seconds since 1970."""

    name: str
    read: bool
    fed: bool
    notes: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """That of the mapping it was made of; empty where nobody knows."""
        return str(self.notes.get("mapping", ""))

    @property
    def source(self) -> Any:
        """The mapping it was made of; None where nobody knows."""
        return json.loads(self.notes["source"]) if "source" in self.notes else None


class AliasMoved(EngineError):
    """The read alias is not where it was taken to be: somebody else moved it meanwhile."""

    def __init__(self, alias: str, generation: str) -> None:
        super().__init__(409, "alias_moved", f"{alias} does not lead to {generation} any more; look again")


class InUse(EngineError):
    """A generation that is still read or fed cannot be dropped."""

    def __init__(self, generation: str, use: str) -> None:
        super().__init__(409, "generation_in_use", f"{generation} is still {use}")


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
        name = name_after(engine, index, there)
        aliases = {read_alias(engine, index): _ONE_ONLY, feed_alias(engine, index): {}, write_alias(name): {}}
        try:
            engine.ask("PUT", f"/{quote(name)}", definition(mapping) | {"aliases": aliases})
            return name
        except EngineError as error:
            if error.type != "resource_already_exists_exception":
                raise  # else somebody was quicker: see what they made


def survey(engine: Engine, index: str) -> list[Generation]:
    """All generations in the cluster as they are at one moment, oldest first."""
    named = re.compile(re.escape(engine.prefix + index) + r"-v[0-9]+").fullmatch
    answer = engine.ask("GET", f"/{quote(engine.prefix + index)}-v*")
    found = []
    for name in sorted(filter(named, answer), key=number):
        aliases, meta = answer[name].get("aliases", {}), answer[name].get("mappings", {}).get("_meta", {})
        read, fed = read_alias(engine, index) in aliases, feed_alias(engine, index) in aliases
        found.append(Generation(name, read, fed, meta.get("dynadex", {})))
    return found


def name_after(engine: Engine, index: str, generations: Iterable[str]) -> str:
    """What the generation after all of these is called."""
    return f"{engine.prefix}{index}-v{1 + max(map(number, generations), default=0)}"


def prepare(engine: Engine, name: str, mapping: Mapping[str, Any]) -> None:
    """Makes a generation, neither fed nor read, and set for being filled, unless it is there already.

    Raises `EngineError` where the engine refuses the mapping.
    """
    made = definition(mapping)
    for setting, value in _WHILE_FILLED.items():
        _set(made["settings"], setting, value)
    try:
        engine.ask("PUT", f"/{quote(name)}", made | {"aliases": {write_alias(name): {}}})
    except EngineError as error:
        if error.type != "resource_already_exists_exception":
            raise


def restore(engine: Engine, generation: str, mapping: Mapping[str, Any]) -> None:
    """Gives a generation that was filled the settings that its mapping asks for, and makes it searchable."""
    settings = mapping.get("settings", {})
    wanted = {f"index.{setting}": _get(settings, setting) for setting in _WHILE_FILLED}
    engine.ask("PUT", f"/{quote(generation)}/_settings", wanted)  # None: the engine's own default
    engine.ask("POST", f"/{quote(generation)}/_refresh")


def attach(engine: Engine, index: str, generation: str) -> None:
    """Has a generation fed from now on; every function sees that a little later."""
    _change_aliases(engine, {"add": {"index": generation, "alias": feed_alias(engine, index)}})


def detach(engine: Engine, index: str, generation: str) -> None:
    """Has a generation fed no more, if it was; every function sees that a little later.

    Raises `InUse` where searches read it: also where somebody has them do so at the same moment.
    """
    reading = read(engine, index)[0]
    if reading == generation:
        raise InUse(generation, "read")
    alias = read_alias(engine, index)
    try:
        _change_aliases(
            engine,
            {"remove": {"index": generation, "alias": feed_alias(engine, index)}},
            {"add": {"index": reading, "alias": alias, **_ONE_ONLY}},  # changes nothing, or fails
        )
    except EngineError as error:
        if _TWO in error.reason:
            raise InUse(generation, "read") from error
        raise


def swap(engine: Engine, index: str, former: str, following: str) -> None:
    """Has searches read `following` instead of `former`, at once. Raises `AliasMoved` where they read another."""
    alias = read_alias(engine, index)
    if read(engine, index) != [former]:
        raise AliasMoved(alias, former)
    try:
        _change_aliases(
            engine,
            {"remove": {"index": former, "alias": alias}},
            {"add": {"index": following, "alias": alias, **_ONE_ONLY}},
        )
    except EngineError as error:
        if _TWO in error.reason:
            raise AliasMoved(alias, former) from error
        raise


def _change_aliases(engine: Engine, *actions: Mapping[str, Any]) -> None:
    engine.ask("POST", "/_aliases", {"actions": actions})


def drop(engine: Engine, index: str, generation: str) -> None:
    """Deletes a generation with its documents, if it is there. Raises `InUse` where it is still read or fed."""
    for found in survey(engine, index):
        if found.name == generation:
            if found.read or found.fed:
                raise InUse(generation, "read" if found.read else "fed")
            engine.ask("DELETE", f"/{quote(generation)}")


def note(engine: Engine, generation: str, **notes: Any) -> None:
    """Adds to a generation's notes, or takes away what is None."""
    answer = engine.ask("GET", f"/{quote(generation)}/_mapping")
    meta = answer[generation]["mappings"].get("_meta", {})
    kept = {name: value for name, value in {**meta.get("dynadex", {}), **notes}.items() if value is not None}
    if kept != meta.get("dynadex"):
        engine.ask("PUT", f"/{quote(generation)}/_mapping", {"_meta": {**meta, "dynadex": kept}})


def definition(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The request that creates a generation, aliases aside: the mapping with tombstones kept, and noted in it."""
    made = copy.deepcopy(dict(mapping))
    settings = made.setdefault("settings", {})
    if _get(settings, "gc_deletes") is None:
        _set(settings, "gc_deletes", GC_DELETES)
    mappings = made.setdefault("mappings", {})
    notes = {"mapping": digest(mapping), "source": json.dumps(mapping, sort_keys=True)}
    mappings["_meta"] = {**mappings.get("_meta", {}), "dynadex": notes}
    return made


def digest(mapping: Mapping[str, Any]) -> str:
    """Tells one mapping from another: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()[:16]


# A setting `x` of an index may be written as `index.x`, as `x`, or as `x` in a map `index`.


def _get(settings: Mapping[str, Any], name: str) -> Any:
    nested = settings.get("index")
    inner = nested.get(name) if isinstance(nested, Mapping) else None
    return settings.get(f"index.{name}", settings.get(name, inner))


def _set(settings: dict[str, Any], name: str, value: Any) -> None:
    settings.pop(name, None)
    nested = settings.get("index")
    if isinstance(nested, dict):
        nested.pop(name, None)
    settings[f"index.{name}"] = value

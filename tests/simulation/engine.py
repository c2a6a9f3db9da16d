"""The model of OpenSearch and Elasticsearch, as far as the write protocol relies on them.

- A write with an external version is applied only if its version is higher than the one there.
- A deletion is applied by the same rule, also of what is not there; its version is kept as a tombstone for the time of
  `index.gc_deletes`. A tombstone lives in memory: a restarted engine has none (so do OpenSearch 3.1 and
  Elasticsearch 7.10: after a restart, a put below the version of a deletion before it is taken).
- A document is parsed, and perhaps refused, before versions are compared.
- A write to an alias that is not there is answered 404 and makes no index.
- `_delete_by_query` deletes at the version that is there + 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from dynadex import generations
from dynadex.core import bulk
from dynadex.core.bulk import Answer, Operation
from dynadex.core.comparing import loads
from dynadex.core.writing import Found, Target

from .data import REFUSED_MARK

#: How long the product's indices keep tombstones, in ms.
GC_DELETES_MS = int(generations.GC_DELETES.removesuffix("h")) * 3_600_000

_MISSING = {"status": 404, "error": {"type": "index_not_found_exception", "reason": "no such index"}}
_REFUSED = {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "failed to parse"}}
_DONE = {"status": 200}
OVERLOADED = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
UNAVAILABLE = {"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "not active"}}
FORBIDDEN = {"status": 403, "error": {"type": "cluster_block_exception", "reason": "blocked by: read-only"}}

_action = re.compile(rb'\{"(index|delete)":\{"_index":"([^"]*)","_id":"([^"]*)","version":([0-9]+),').match

#: (generation, id, version before, version after): told of every document that becomes visible.
Watcher = Callable[["Generation", str, int, int], None]


class Generation:
    """A physical index: for each id its version, its source (None: a tombstone), and when that was written (ms)."""

    __slots__ = ("alias", "born", "broken", "highest", "slots")

    def __init__(self, alias: str, born: int) -> None:
        self.alias = alias
        self.born = born
        self.slots: dict[str, tuple[int, bytes | None, int]] = {}
        self.highest: dict[str, int] = {}  # for the checkers, of all that was there in a tombstone's time
        self.broken = False  # its mapping refuses every document

    def documents(self) -> dict[str, bytes]:
        """All that a search can find."""
        return {id: source for id, (_, source, _) in self.slots.items() if source is not None}


class Engine:
    """One cluster. The feed alias is on `fed`, oldest first; the read alias of each index on `read`."""

    __slots__ = ("fed", "gc_ms", "generations", "keeps_absent", "read", "strict", "watch")

    def __init__(self, watch: Watcher) -> None:
        self.generations: dict[str, Generation] = {}
        self.fed: tuple[str, ...] = ()
        self.read: dict[str, str] = {}
        self.watch = watch
        self.gc_ms = GC_DELETES_MS
        self.strict = True  # False: nobody sends versions, the last to come wins
        self.keeps_absent = True  # False: deletions of what is not there leave no tombstone

    def make(self, alias: str, now: int) -> Generation:
        """A new, empty generation; it is not fed yet."""
        made = self.generations[alias] = Generation(alias, now)
        return made

    def write(self, operations: Sequence[Operation], now: int) -> list[Answer]:
        """Applies a bulk request; one answer each."""
        return [self.apply(operation, now) for operation in operations]

    def apply(self, operation: Operation, now: int) -> Answer:
        """Applies one operation of a bulk request."""
        item = self._apply(operation, now)
        return bulk.APPLIED if item is _DONE else bulk.read_item(item)

    def wire(self, body: bytes, now: int) -> bytes:
        """Applies a bulk request as it comes over the network, answering in kind."""
        items = []
        lines = iter(body.splitlines())
        for line in lines:
            matched = _action(line)
            assert matched, line
            kind, alias, id, version = matched.groups()
            source = next(lines) if kind == b"index" else None
            item = self._apply(Operation(alias.decode(), id.decode(), int(version), source), now)
            items.append({kind.decode(): item})
        errors = any("error" in item for each in items for item in each.values())
        return orjson.dumps({"errors": errors, "items": items})

    def _apply(self, operation: Operation, now: int) -> dict[str, Any]:
        alias, id, version, source = operation
        generation = self.generations.get(alias)
        if generation is None:
            return _MISSING
        if source is not None and (generation.broken or source.startswith(REFUSED_MARK)):
            return _REFUSED
        slots = generation.slots
        there = slots.get(id)
        if there is not None:
            current, held, since = there
            if held is None and now - since > self.gc_ms:
                there = None
                del slots[id]
                if now - since > GC_DELETES_MS:
                    generation.highest.pop(id, None)
            elif self.strict and version <= current:
                reason = f"[{id}]: version conflict, current version [{current}] is higher or equal to [{version}]"
                return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": reason}}
        if source is None:
            if self.keeps_absent or (there is not None and there[1] is not None):
                slots[id] = (version, None, now)
                if version > generation.highest.get(id, 0):
                    generation.highest[id] = version
            return _DONE
        slots[id] = (version, source, now)
        before = generation.highest.get(id, 0)
        if version > before:
            generation.highest[id] = version
        else:
            self.watch(generation, id, before, version)
        return _DONE

    def look(self, targets: Sequence[Target], now: int) -> list[Found | Answer | None]:
        """What a real-time multi-get answers."""
        found: list[Found | Answer | None] = []
        for alias, id in targets:
            generation = self.generations.get(alias)
            if generation is None:
                found.append(Answer(bulk.Status.RETRY, 0, "not_answered", "no such index"))
                continue
            version, source, _ = generation.slots.get(id, (0, None, 0))
            found.append(None if source is None else Found(version, _parsed(source)))
        return found

    def delete_by_query(self, now: int) -> int:
        """Empties every generation as an operator would; returns how many documents that were."""
        count = 0
        for generation in self.generations.values():
            for id, (version, source, _) in list(generation.slots.items()):
                if source is not None:
                    generation.slots[id] = (version + 1, None, now)
                    generation.highest[id] = max(generation.highest.get(id, 0), version + 1)
                    count += 1
        return count

    def restart(self) -> int:
        """Forgets the tombstones; returns how many there were."""
        count = 0
        for generation in self.generations.values():
            for id, (_, source, _) in list(generation.slots.items()):
                if source is None:
                    del generation.slots[id]
                    generation.highest.pop(id, None)
                    count += 1
        return count


_sources: dict[bytes, Any] = {}


def _parsed(source: bytes) -> Any:
    if source not in _sources:
        _sources[source] = loads(source)
    return _sources[source]

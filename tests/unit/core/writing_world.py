"""A model of an engine and a table for the write protocol; both can be made to misbehave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dynadex.core import versions, writing
from dynadex.core.attributes import Item, KeyAttribute, KeySchema
from dynadex.core.bulk import APPLIED, Answer, Operation, Status
from dynadex.core.changes import Batch, Change
from dynadex.core.comparing import loads
from dynadex.core.documents import Recipe
from dynadex.core.writing import Feeds, Found, Items, Look, Outcome, Pause, Read, Request, Target, Write

SCHEMA = KeySchema(KeyAttribute("id", "S"))
NOW = 1_800_000_000
V = versions.of_record(NOW, 7)


def item(id: str, text: str = "x") -> dict[str, Any]:
    return {"id": {"S": id}, "text": {"S": text}}


def document(id: str, text: str = "x") -> dict[str, Any]:
    return {"id": id, "text": text}


def key(id: str) -> dict[str, Any]:
    return {"id": {"S": id}}


def put(id: str, text: str = "x", version: int = V) -> Change:
    return Change(id, key(id), item(id, text), version)


def gone(id: str, version: int = V) -> Change:
    return Change(id, key(id), None, version)


def batch(*changes: Change) -> Batch:
    return Batch(list(changes), [], NOW)


def feeds(**recipes: Recipe) -> Feeds:
    return Feeds(SCHEMA, {f"{name}-write": recipe for name, recipe in (recipes or {"v1": Recipe("lessons")}).items()})


def at(id: str, generation: str = "v1") -> Target:
    return Target(f"{generation}-write", id)


@dataclass
class World:
    """A strict engine that keeps tombstones, and a table. What each write finds may be overridden by `answer`."""

    table: dict[str, Item] = field(default_factory=dict)
    index: dict[Target, tuple[int, Any]] = field(default_factory=dict)  # None for a tombstone
    date: int = NOW
    answer: Callable[[Operation], Answer | None] = lambda operation: None
    before: Callable[[Request], None] = lambda request: None
    requests: list[Request] = field(default_factory=list)

    def run(self, protocol: writing.Protocol[Outcome]) -> Outcome:
        answer: Any = None
        while True:
            try:
                request = protocol.send(answer)
            except StopIteration as finished:
                outcome: Outcome = finished.value
                return outcome
            assert len(self.requests) < 50, "the protocol does not end"
            self.before(request)
            self.requests.append(request)
            match request:
                case Write(made):
                    operations = list(made)
                    assert len({(operation.alias, operation.id) for operation in operations}) == len(operations)
                    answer = [self.answer(operation) or self.write(operation) for operation in operations]
                case Look(targets):
                    answer = [self.look(target) for target in targets]
                case Read(keys):
                    answer = Items({id: self.table.get(id) for id in keys}, self.date)
                case Pause():
                    answer = None

    def write(self, operation: Operation) -> Answer:
        target = Target(operation.alias, operation.id)
        current = self.index.get(target, (-1, None))[0]
        if current >= operation.version:
            return Answer(Status.CONFLICT, current, "version_conflict_engine_exception", "")
        self.index[target] = (operation.version, None if operation.source is None else loads(operation.source))
        return APPLIED

    def look(self, target: Target) -> Found | None:
        version, source = self.index.get(target, (-1, None))
        return None if source is None else Found(version, source)

    @property
    def asked(self) -> list[str]:
        return [type(request).__name__ for request in self.requests]

    def written(self) -> list[list[str]]:
        """The ids of each write request."""
        return [[op.id for op in request.operations] for request in self.requests if isinstance(request, Write)]

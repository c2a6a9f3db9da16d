"""The engine under test, and the little that the suites do to it beside what the product does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynadex import generations
from dynadex.core.bulk import Answer, Operation
from dynadex.core.comparing import loads
from dynadex.core.writing import Found, Target
from dynadex.engine import Engine
from dynadex.pacing import Patience

#: Nothing is refreshed by itself, so what a test finds unrefreshed was not searchable yet.
SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"}


def patience() -> Patience:
    return Patience(30)


def mapping(**mappings: Any) -> dict[str, Any]:
    return {"settings": SETTINGS, "mappings": {"dynamic": False} | mappings}


@dataclass(frozen=True)
class Subject:
    """`name` is osmem, opensearch or elasticsearch; `engine` has a prefix of the test's own."""

    name: str
    engine: Engine

    def generation(self, index: str = "lessons", **mappings: Any) -> str:
        """Makes the index's first generation; returns its name."""
        made = generations.ensure(self.engine, index, mapping(**mappings))
        assert made is not None
        return made

    def write(self, *operations: Operation) -> list[Answer]:
        return self.engine.write(operations, patience())

    def look(self, *targets: Target) -> list[Found | Answer | None]:
        return self.engine.look(targets, patience())

    def documents(self, generation: str) -> dict[str, Any]:
        """All documents of a generation by id, searchable or not before."""
        self.refresh(generation)
        body = json.dumps({"size": 10_000}).encode()
        answer = loads(self.engine.send("POST", f"/{generation}/_search", body).body)
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def refresh(self, generation: str) -> None:
        self.engine.ask("POST", f"/{generation}/_refresh")

    def delete_all(self, generation: str) -> None:
        """Empties a generation as an operator would."""
        self.refresh(generation)
        body: dict[str, Any] = {"query": {"match_all": {}}}
        self.engine.ask("POST", f"/{generation}/_delete_by_query", body, refresh="true")

    def exists(self, index: str) -> bool:
        return self.engine.send("HEAD", f"/{index}").status == 200


@dataclass(frozen=True)
class Place:
    """One document of one generation, to be written at versions of the test's choice."""

    subject: Subject
    target: Target

    def index(self, version: int, source: Mapping[str, Any] | None = None) -> Answer:
        body = json.dumps(source if source is not None else {"at": version}).encode()
        return self.subject.write(Operation(*self.target, version, body))[0]

    def delete(self, version: int) -> Answer:
        return self.subject.write(Operation(*self.target, version, None))[0]

    def look(self) -> Found | Answer | None:
        return self.subject.look(self.target)[0]


def statuses(answers: Sequence[Answer]) -> list[str]:
    return [answer.status.value for answer in answers]

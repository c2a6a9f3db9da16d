"""How well the lessons example finds what is asked for: through the very code that the search function uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynadex import generations
from dynadex.core import bodies, querying, results
from dynadex.core.attributes import dumps
from dynadex.core.bulk import Operation
from dynadex.core.querying import Searchable
from dynadex.engine import Engine
from dynadex.pacing import Patience
from dynadex.project import load

from .kinds import Query
from .songs import LESSONS, Song, lessons

DEPTH = 10


@dataclass(frozen=True)
class Subject:
    """An index that holds the lessons."""

    engine: Engine
    searchable: Searchable

    def search(self, words: str, size: int = DEPTH) -> dict[str, Any]:
        asked = querying.request({"q": words, "size": str(size)}, self.searchable)
        answer = self._ask(bodies.query(asked, self.searchable))
        return results.result(answer, asked, self.searchable)

    def suggest(self, words: str, size: int = 10) -> list[Song]:
        asked = querying.suggest_request({"q": words, "size": str(size)})
        found = results.suggestions(self._ask(bodies.suggest(asked, self.searchable)), asked, self.searchable)
        return [Song(one["title"], one["artist"]) for one in found["suggestions"]]

    def _ask(self, body: Any) -> Any:
        return self.engine.search(generations.read_alias(self.engine, "lessons"), body)


def filled(engine: Engine) -> Subject:
    """The lessons in a new index, with the example's mapping."""
    index = load(LESSONS.parents[1]).indexes["lessons"]
    generation = generations.ensure(engine, "lessons", index.mapping)
    assert generation is not None
    alias = generations.write_alias(generation)
    engine.write([Operation(alias, str(lesson["id"]), 1, dumps(lesson)) for lesson in lessons()], Patience(60))
    engine.ask("POST", f"/{generation}/_refresh")
    return Subject(engine, index.search)


@dataclass
class Score:
    """Of the queries of one kind; `missed` are those whose first hit is not wanted, with what came instead."""

    count: int = 0
    first: int = 0
    five: int = 0
    nothing: int = 0
    reciprocal: float = 0.0
    took: list[int] = field(default_factory=list)
    missed: list[tuple[Query, Sequence[Song]]] = field(default_factory=list)

    def add(self, query: Query, found: Sequence[Song], took: int = 0) -> None:
        place = next((place for place, song in enumerate(found, 1) if song in query.wanted), 0)
        self.count += 1
        self.first += place == 1
        self.five += 1 <= place <= 5
        self.nothing += not found
        self.reciprocal += 1 / place if place else 0
        self.took.append(took)
        if place != 1:
            self.missed.append((query, found))


def measure(subject: Subject, queries: Iterable[Query]) -> dict[str, Score]:
    """A score for each kind, and one for all of them."""
    scores: dict[str, Score] = {}
    for query in queries:
        result = subject.search(query.query)
        found = [Song(hit["document"]["title"], hit["document"]["artist"]) for hit in result["hits"]]
        for kind in (query.kind, "all"):
            scores.setdefault(kind, Score()).add(query, found, result["took"])
    return {kind: score for kind, score in scores.items() if kind != "all"} | {"all": scores["all"]}


def keystrokes(subject: Subject, song: Song, most: int = 12) -> int:
    """How much of a title must be typed until its song is among the first three suggestions; `most` + 1: more."""
    typed = song.title.lower()
    for count in range(1, most + 1):
        if song in subject.suggest(typed[:count])[:3]:
            return count
    return most + 1

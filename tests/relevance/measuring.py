"""How well the lessons example finds what is asked for: through the very code that the search function uses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
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
FLOORS = Path(__file__).with_name("floors.json")


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
    return Subject(engine, replace(index.search, facets=()))  # to count values would only take time


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

    @property
    def recall_at_1(self) -> float:
        return self.first / self.count

    @property
    def recall_at_5(self) -> float:
        return self.five / self.count

    @property
    def mrr(self) -> float:
        """The mean of 1 / the place of the first wanted hit."""
        return self.reciprocal / self.count

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


def table(scores: Mapping[str, Score]) -> str:
    """The scores as a table of Markdown."""
    lines = [
        "| kind | queries | recall@1 | recall@5 | MRR | nothing found | engine, median |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, score in scores.items():
        lines.append(
            f"| {kind} | {score.count} | {score.recall_at_1:.3f} | {score.recall_at_5:.3f} | {score.mrr:.3f} "
            f"| {score.nothing / score.count:.1%} | {median(score.took):.0f} ms |"
        )
    return "\n".join(lines)


def below_floor(scores: Mapping[str, Score], typed: Sequence[int]) -> list[str]:
    """What is below its floor in floors.json."""
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))
    problems = []
    for kind, score in scores.items():
        floor = floors["all" if kind == "all" else "each kind"]
        found = {"recall@1": score.recall_at_1, "recall@5": score.recall_at_5, "MRR": score.mrr}
        problems += [
            f"{kind}: {name} is {value:.3f}, below its floor of {floor[name]}"
            for name, value in found.items()
            if value < floor[name]
        ]
    if (share := sum(count <= 5 for count in typed) / len(typed)) < floors["suggested after five keystrokes"]:
        problems.append(f"suggested after five keystrokes: {share:.3f} is below its floor")
    return problems

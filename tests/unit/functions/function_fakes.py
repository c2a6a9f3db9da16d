"""A region for a function: a strict engine, a table in pages, a failures queue, and a clock that sleeps at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dynadex.aws import AwsUnavailable, Reply
from dynadex.core.attributes import Item, KeyAttribute, KeySchema
from dynadex.core.bulk import APPLIED, Answer, Operation, Status
from dynadex.core.comparing import loads
from dynadex.core.querying import Searchable
from dynadex.core.writing import Found, Items, Target
from dynadex.engine import EngineError
from dynadex.pacing import Patience
from dynadex.project import (
    Functions,
    Index,
    Project,
    RefillFunction,
    SearchFunction,
    StreamFunction,
    Table,
)
from dynadex.table import Page

NOW = 1_800_000_000
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/shop-lessons/stream/2027-01-15T08:00:00.000"
SCHEMA = KeySchema(KeyAttribute("id", "S"))


def project(*, transform: str | None = None, consistent: bool = True, read_capacity: int = 0) -> Project:
    search = Searchable(("title^3",), ("level",), ("title",), default_size=10, max_size=50, suggest=("title",))
    lessons = Index("lessons", "lessons", {"mappings": {}}, transform, (), (), {}, search)
    return Project(
        name="shop",
        directory=Path(),
        regions=("us-east-1",),
        tables={"lessons": Table("lessons", "shop-lessons", KeyAttribute("id", "S"), None, None, existing=False)},
        indexes={"lessons": lessons},
        engines={},
        functions=Functions(
            architecture="arm64",
            memory=512,
            log_retention_days=30,
            modules=(),
            requirements=None,
            stream=StreamFunction(batch_size=1000, parallelization=1, timeout=60),
            refill=RefillFunction(300, 240.0, read_capacity, 1, consistent),
            search=SearchFunction(timeout=10),
        ),
    )


def with_another_index(one: Project) -> Project:
    songs = replace(one.indexes["lessons"], name="songs")
    return replace(one, indexes={**one.indexes, "songs": songs})


class Context:
    """Lambda's, with a minute left."""

    aws_request_id = "6f1f6a3e"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def patience(seconds: float = 60.0) -> Patience:
    """Its sleeps cost no time, but bring the deadline nearer."""
    clock = [0.0]

    def sleep(slept: float) -> None:
        clock[0] += max(slept, 0.001)

    return Patience(seconds, clock=lambda: clock[0], sleep=sleep)


@dataclass
class FakeEngine:
    """Strict versions, generations behind aliases; `answer` may override what a write finds, `error` all requests."""

    generations: list[str] = field(default_factory=lambda: ["lessons-v1"])
    documents: dict[Target, tuple[int, Any]] = field(default_factory=dict)
    answer: Callable[[Operation], Answer | None] = lambda operation: None
    error: EngineError | None = None
    hits: Mapping[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    prefix: str = ""

    def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        self.asked.append((method, path))
        if self.error:
            raise self.error
        if method == "PUT":
            self.generations.append(path.strip("/"))
            return {"acknowledged": True}
        if "*" in path:
            return {}
        if not self.generations:
            raise EngineError(404, "error", "alias is missing")
        return {name: {"aliases": {}} for name in self.generations}

    def write(self, operations: Sequence[Operation], patience: Patience) -> list[Answer]:
        return [self.answer(operation) or self._write(operation) for operation in operations]

    def _write(self, operation: Operation) -> Answer:
        target = Target(operation.alias, operation.id)
        current = self.documents.get(target, (-1, None))[0]
        if current >= operation.version:
            return Answer(Status.CONFLICT, current)
        self.documents[target] = (operation.version, None if operation.source is None else loads(operation.source))
        return APPLIED

    def look(
        self, targets: Sequence[Target], patience: Patience, texts: Sequence[bytes | None] = ()
    ) -> list[Found | Answer | None]:
        there = [self.documents.get(target, (-1, None)) for target in targets]
        return [None if source is None else Found(version, source) for version, source in there]

    def search(self, index: str, body: Mapping[str, Any], *, timeout: float) -> Any:
        self.asked.append(("SEARCH", index))
        if self.error:
            raise self.error
        return self.hits

    def found(self, generation: str = "lessons-v1") -> dict[str, Any]:
        """The documents of a generation, by id."""
        alias = f"{generation}-Write"
        return {target.id: source for target, (_, source) in self.documents.items() if target.alias == alias and source}


@dataclass
class FakeTable:
    """Items in pages of `page_size`; the first `throttled` scans are refused."""

    items: dict[str, Item] = field(default_factory=dict)
    page_size: int = 2
    throttled: int = 0
    capacity: float = 1.0
    scans: list[dict[str, Any]] = field(default_factory=list)
    on_scan: Callable[[], None] = lambda: None
    schema: KeySchema = SCHEMA
    name: str = "shop-lessons"

    def scan(self, start: Mapping[str, Any] | None = None, **options: Any) -> Page:
        self.scans.append({"start": start, **options})
        self.on_scan()
        if self.throttled:
            self.throttled -= 1
            raise AwsUnavailable("dynamodb", "Scan", "ThrottlingException", "slow down")
        ids = sorted(self.items)
        first = 0 if start is None else ids.index(start["id"]["S"]) + 1
        page = ids[first : first + self.page_size]
        last = {"id": {"S": page[-1]}} if first + self.page_size < len(ids) else None
        return Page([self.items[id] for id in page], last, NOW, self.capacity)

    def read(self, keys: Mapping[str, Any]) -> Items:
        return Items({id: self.items.get(id) for id in keys}, NOW)


@dataclass
class FakeQueue:
    """SQS; each of its first answers may be an error, or name the entries that it refuses."""

    answers: list[Exception | list[str]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0

    def call(self, operation: str, request: Mapping[str, Any]) -> Reply:
        assert operation == "SendMessageBatch"
        assert 1 <= len(request["Entries"]) <= 10
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        taken = [entry for entry in request["Entries"] if entry["Id"] not in answer]
        self.messages += [json.loads(entry["MessageBody"]) for entry in taken]
        return Reply(json.dumps({"Failed": [{"Id": id, "Code": "x"} for id in answer]}).encode(), NOW)


@dataclass
class Region:
    """What the function works with; `use` packages another project."""

    use: Callable[[Project], None]
    engine: FakeEngine = field(default_factory=FakeEngine)
    table: FakeTable = field(default_factory=FakeTable)
    queue: FakeQueue = field(default_factory=FakeQueue)
    seconds: float = 60.0


def item(id: str, title: str = "One") -> dict[str, Any]:
    return {"id": {"S": id}, "title": {"S": title}}


def record(id: str, title: str | None = "One", second: int = NOW, number: int = 1) -> dict[str, Any]:
    data: dict[str, Any] = {
        "Keys": {"id": {"S": id}},
        "ApproximateCreationDateTime": second,
        "SequenceNumber": str(number),
    }
    if title is not None:
        data["NewImage"] = item(id, title)
    return {"eventName": "REMOVE" if title is None else "INSERT", "eventSourceARN": ARN, "dynamodb": data}

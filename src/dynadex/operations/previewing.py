"""Shows what documents an index would hold, from sampled items, and what would be refused and why.

Nothing is written where searches read: an engine is asked with an index of its own, which is deleted again. The engine
is the region's, if it answers; else one in memory that is started for this; else only this program's own checks speak.
"""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from .. import generations
from ..core.attributes import InvalidKey, Item
from ..core.bulk import Operation, Status
from ..core.comparing import loads
from ..core.documents import TransformFailed
from ..engine import Engine, EngineError
from ..errors import DynadexError
from ..pacing import Patience
from ..platform.cloud import Cloud, CloudError
from ..project import Index, Project
from ..recipes import recipe_of
from . import sampling
from .linting import lint
from .steps import Steps

OWN_CHECKS = "dynadex's own checks only: no engine answers here"
_ENGINE_SECONDS = 60.0


class PreviewError(DynadexError):
    """No preview can be made; the message says why."""


class Document(NamedTuple):
    """A document to be: its id, and its JSON as it would be sent."""

    id: str
    source: bytes


class Refusal(NamedTuple):
    """Why an item makes no document: `step` is transform, id or mapping; `key` is the item's, as JSON."""

    step: str
    type: str
    reason: str
    key: str


@dataclass(slots=True)
class Preview:
    """What became of the sampled items: documents, those of no interest to the index, and refusals.

    `warnings` are taken without a word, but not found as one would expect: how often, by field and message.
    """

    index: str
    items: int
    read_units: float
    documents: list[Document] = field(default_factory=list)
    unwanted: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    warnings: Counter[tuple[str, str]] = field(default_factory=Counter)
    mapping_refused: str = ""
    checked_by: str = OWN_CHECKS

    @property
    def bytes_a_document(self) -> int:
        """The documents' average size."""
        return sum(len(one.source) for one in self.documents) // max(1, len(self.documents))

    def kinds(self) -> list[tuple[Refusal, int]]:
        """Each kind of refusal with an example and its count, the most frequent first."""
        counts = Counter((one.step, one.type, _kind_of(one.reason)) for one in self.refusals)
        examples = {(one.step, one.type, _kind_of(one.reason)): one for one in reversed(self.refusals)}
        return [(examples[kind], count) for kind, count in counts.most_common()]

    def to_json(self, shown: int) -> bytes:
        """As the CLI's JSON has it, with so many documents; their numbers are digit for digit."""
        return orjson.dumps(
            {
                "index": self.index,
                "items": self.items,
                "readUnits": self.read_units,
                "documents": len(self.documents),
                "bytesADocument": self.bytes_a_document,
                "unwanted": self.unwanted,
                "refused": len(self.refusals),
                "refusals": [
                    {**one._asdict(), "key": orjson.Fragment(one.key), "count": count} for one, count in self.kinds()
                ],
                "warnings": [
                    {"field": path, "message": message, "count": count}
                    for (path, message), count in self.warnings.most_common()
                ],
                "mappingRefused": self.mapping_refused or None,
                "checkedBy": self.checked_by,
                "examples": [{"id": one.id, "document": orjson.Fragment(one.source)} for one in self.documents[:shown]],
            }
        )


def _kind_of(reason: str) -> str:
    """A reason without what differs from document to document."""
    return reason.partition(" in document with id")[0][:120]


def preview(
    project: Project, cloud: Cloud, region: str, index: Index, steps: Steps, *, items: int, read_capacity: float
) -> Preview:
    """What the index would make of at most `items` items from all over its table."""
    table = project.table_of(index)
    sampling.describe(cloud, region, table.physical_name)  # for what it says where there is no such table
    sampled = sampling.sample(cloud, region, table, steps, count=items, read_capacity=read_capacity)
    found = Preview(index.name, len(sampled.items), sampled.read_units)
    keys = _make(project, index, sampled.items, found)
    parsed = [loads(one.source) for one in found.documents]
    suspected = _lint(index, parsed, found)
    with _engine(project, cloud, region, steps) as (engine, told):
        if engine is None:
            _refuse(found, {number: ("own check", reason) for number, reason in suspected.items()}, keys)
            return found
        found.checked_by = told
        with steps.step(f"ask {told}"):
            refused = _ask(engine, index, found)
    _refuse(found, refused, keys)
    return found


def _make(project: Project, index: Index, items: Sequence[Item], found: Preview) -> list[str]:
    """Makes the documents; returns their items' keys, in the same order."""
    try:
        recipe = recipe_of(project, index)
    except Exception as error:  # the project's own module, which may raise whatever it likes
        reason = f"{type(error).__name__}: {error}"
        raise PreviewError(f"indexes.{index.name}.transform: {index.transform} cannot be loaded: {reason}") from error
    schema = project.table_of(index).key
    keys = []
    for item in items:
        key = orjson.dumps(schema.key(item)).decode()
        try:
            source = recipe.document(item)
            if source is None:
                found.unwanted += 1
                continue
            found.documents.append(Document(schema.id_of(item), source))
            keys.append(key)
        except TransformFailed as error:
            found.refusals.append(Refusal("transform", error.type, error.reason, key))
        except InvalidKey as error:
            found.refusals.append(Refusal("id", "id_too_long", str(error), key))
    return keys


def _lint(index: Index, documents: Sequence[dict[str, Any]], found: Preview) -> dict[int, str]:
    """Counts the warnings; returns what this program would expect to be refused, by the document's number."""
    refused = {}
    there: set[str] = set()
    for number, document in enumerate(documents):
        findings = list(lint(index.mapping, document))
        reasons = [f"{one.path} {one.message}" for one in findings if one.refused]
        if reasons:
            refused[number] = reasons[0]
        found.warnings.update({(one.path, one.message) for one in findings if not one.refused})
        there.update(_paths(document, ""))
    if documents:
        named = dict.fromkeys([*(name.partition("^")[0] for name in index.search.fields), *index.search.filters])
        for name in named:
            if "*" not in name and not any(name == path or name.startswith(f"{path}.") for path in there):
                found.warnings[name, "is searched or filtered by, but in no sampled document"] = len(documents)
    return refused


def _paths(value: Any, path: str) -> Iterator[str]:
    """The paths of all that is no map."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from _paths(inner, f"{path}.{name}" if path else name)
        case list() if value:
            for inner in value:
                yield from _paths(inner, path)
        case _:
            yield path


@contextmanager
def _engine(project: Project, cloud: Cloud, region: str, steps: Steps) -> Iterator[tuple[Engine | None, str]]:
    """An engine that answers, and what to call it."""
    try:
        engine = cloud.engine(project, region)
        engine.ask("GET", "/", timeout=5.0)
    except (CloudError, EngineError) as error:
        steps.say(f"{region} has no engine to ask: {error}")
    else:
        yield engine, f"the engine of {region}"
        return
    try:
        from ..platform import servers  # only there with the laptop's extra
    except ImportError:
        yield None, OWN_CHECKS
        return
    with tempfile.TemporaryDirectory(prefix="dynadex-preview-") as folder:
        server = servers.start_osmem(servers.free_port(), Path(folder))
        try:
            yield Engine(server.url), "an engine in memory, started for this"
        finally:
            servers.stop(server)


def _ask(engine: Engine, index: Index, found: Preview) -> dict[int, tuple[str, str]]:
    """What the engine refuses, by the document's number: writes all into an index of its own and deletes that."""
    name = f"{engine.prefix}{index.name}-preview-{uuid.uuid4().hex[:12]}"
    alias = generations.write_alias(name)
    try:
        engine.ask("PUT", f"/{quote(name)}", generations.definition(index.mapping) | {"aliases": {alias: {}}})
    except EngineError as error:
        if error.status != 400:
            raise
        found.mapping_refused = f"{error.type}: {error.reason}"
        found.documents = []
        return {}
    try:
        operations = [Operation(alias, one.id, 1, one.source) for one in found.documents]
        answers = engine.write(operations, Patience(_ENGINE_SECONDS)) if operations else []
    finally:
        engine.ask("DELETE", f"/{quote(name)}")
    for answer in answers:
        if answer.status is Status.RETRY:
            raise PreviewError(f"the engine could not be asked: {answer.type}: {answer.reason}")
    return {
        number: (answer.type, answer.reason) for number, answer in enumerate(answers) if answer.status is Status.REFUSED
    }


def _refuse(found: Preview, refused: dict[int, tuple[str, str]], keys: Sequence[str]) -> None:
    for number, (type_, reason) in refused.items():
        found.refusals.append(Refusal("mapping", type_, reason, keys[number]))
    found.documents = [one for number, one in enumerate(found.documents) if number not in refused]

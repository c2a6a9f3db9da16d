"""Where the client's processor time for a stream record goes, stage by stage; beside it, parts of the plain version.

Each batch is read from JSON just before, as Lambda does it, and each stage takes what the one before made of it.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Any, TypeVar

import orjson
from boto3.dynamodb.types import TypeDeserializer

from dynadex.core import bulk, changes, writing
from dynadex.core.attributes import KeySchema
from dynadex.core.bulk import Operation
from dynadex.core.documents import Recipe
from dynadex.functions import service
from dynadex.recipes import recipe_of

from . import lessons
from .measuring import Plan

_RECORDS = 1000
_ANSWER = b'{"errors":false,"items":[%b]}' % b",".join([b'{"index":{"status":201}}'] * _RECORDS)
T = TypeVar("T")


class _Watch:
    """Processor time of this thread by stage, in microseconds a record."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        began = time.thread_time()
        made = work()
        self.took[stage].append((time.thread_time() - began) / _RECORDS * 1e6)
        return made


def measure(plan: Plan) -> dict[str, float]:
    """Microseconds a record of each stage, the median of the batches."""
    service.set_up_process()
    project = lessons.project()
    recipe, schema = recipe_of(project, project.indexes["lessons"]), project.tables["lessons"].key
    feeds = writing.Feeds(schema, {"lessons-v1-Write": recipe})
    texts = [json.dumps(event) for event in lessons.events(plan.batches, _RECORDS, time.time())]
    watch = _Watch()
    for _ in range(plan.rounds):
        for text in texts:
            _one(json.loads(text)["Records"], recipe, schema, feeds, watch)
    return {stage: round(median(times), 2) for stage, times in watch.took.items()}


def _one(records: list[Any], recipe: Recipe, schema: KeySchema, feeds: writing.Feeds, watch: _Watch) -> None:
    images = [record["dynamodb"]["NewImage"] for record in records]
    watch("floor: look at each value once", lambda: [[*typed.items()] for image in images for typed in image.values()])
    batch = watch("records to changes", lambda: changes.of_records(records, schema))
    documents = watch("items to documents", lambda: [recipe.document(change.image) for change in batch.changes])
    operations = [
        Operation("lessons-v1-Write", change.id, change.version, document)
        for change, document in zip(batch.changes, documents, strict=True)
    ]
    watch("documents to a request", lambda: bulk.encode(operations))
    watch("the protocol, its documents included", lambda: _protocol(batch, feeds))
    deserialize = TypeDeserializer().deserialize
    plain = watch(
        "plain: TypeDeserializer",
        lambda: [{name: deserialize(value) for name, value in image.items()} for image in images],
    )
    watch("plain: JSON", lambda: [orjson.dumps(item, default=float) for item in plain])


def _protocol(batch: changes.Batch, feeds: writing.Feeds) -> None:
    protocol = writing.sync(batch, feeds)
    written = protocol.send(None)
    assert isinstance(written, writing.Write)
    count = len(list(written.operations))
    with suppress(StopIteration):
        protocol.send(bulk.read(_ANSWER, count))

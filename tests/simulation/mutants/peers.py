"""The schemes that known peers use, in the place of the product's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from dynadex.core import changes, versions, writing
from dynadex.core.attributes import KeySchema
from dynadex.core.changes import Batch, Change
from dynadex.core.writing import Feeds, Outcome, Protocol

from .. import world
from ..engine import Engine, Watcher
from ..world import Instance
from .edits import Mutant, edited

_SETTLE = "yield from _settle(unsettled, keys, feeds, outcome)"


class _LastComesWins(Engine):
    """An engine to which nobody sends versions."""

    def __init__(self, watch: Watcher) -> None:
        super().__init__(lambda *_: None)
        self.strict = False


def _without_versions() -> ExitStack:
    with ExitStack() as stack:
        stack.enter_context(patch.object(world, "Engine", _LastComesWins))
        return stack.pop_all()


def _upserts_then_deletes() -> ExitStack:
    """One request for what is put, one for what is deleted, in the order of a batch but for that."""

    def of_records(records: Iterable[Mapping[str, Any]], schema: KeySchema) -> Batch:
        batch = original(records, schema)
        every = [
            Change(
                record["dynamodb"]["Keys"]["id"]["S"], record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage"), 1
            )
            for record in records
        ]
        return batch._replace(changes=every)

    def sync(batch: Batch, feeds: Feeds) -> Protocol[Outcome]:
        outcome = Outcome()
        operations = list(writing._operations(batch, feeds, outcome, skip_unmatched=False))
        puts = [operation for operation in operations if operation.source is not None]
        deletions = [operation for operation in operations if operation.source is None]
        for request in (puts, deletions):
            yield from writing._write(request, {each.id: each.key for each in batch.changes}, feeds, outcome)
        return outcome

    original = changes.of_records
    with ExitStack() as stack:
        stack.enter_context(patch.object(world, "Engine", _LastComesWins))
        stack.enter_context(patch.object(changes, "of_records", of_records))
        stack.enter_context(patch.object(writing, "sync", sync))
        return stack.pop_all()


def _counter_within_the_second() -> ExitStack:
    """The version is the creation second and how many records of it this invocation has seen; conflicts are dropped."""
    seen: dict[int, int] = {}

    def of_record(creation_second: int, sequence_number: int) -> int:
        seen[creation_second] = seen.get(creation_second, 0) + 1
        return creation_second << versions.SECOND_SHIFT | seen[creation_second] << versions.TIE_SHIFT

    def of_records(records: Iterable[Mapping[str, Any]], schema: KeySchema) -> Batch:
        seen.clear()
        return original(records, schema)

    original = changes.of_records
    with ExitStack() as stack:
        stack.enter_context(patch.object(versions, "of_record", of_record))
        stack.enter_context(patch.object(changes, "of_records", of_records))
        stack.enter_context(edited(writing, "sync", _SETTLE, "pass"))
        return stack.pop_all()


def _wall_clock() -> ExitStack:
    """The version is the function's clock when it writes."""

    def feeds(instance: Instance, region: world.Region, now: int) -> Feeds:
        clock[0] = now + instance.clock
        return original(instance, region, now)

    def sync(batch: Batch, feeds: Feeds) -> Protocol[Outcome]:
        version = (clock[0] // 1000) << versions.SECOND_SHIFT | (clock[0] % 1000 + 1) << versions.TIE_SHIFT
        stamped = [change._replace(version=version) for change in batch.changes]
        return (yield from protocol(batch._replace(changes=stamped), feeds))

    clock = [0]
    original = Instance.feeds
    with ExitStack() as stack:
        stack.enter_context(edited(writing, "sync", _SETTLE, "pass"))
        protocol = writing.sync
        stack.enter_context(patch.object(Instance, "feeds", feeds))
        stack.enter_context(patch.object(writing, "sync", sync))
        return stack.pop_all()


MUTANTS = (
    Mutant("no-versions", "no versions: what comes last wins", _without_versions),
    Mutant(
        "upserts-then-deletes", "a batch's puts are sent, then its deletions, without versions", _upserts_then_deletes
    ),
    Mutant(
        "counter-within-the-second",
        "the version is the second and a counter within it, and a conflict is dropped (Data Prepper)",
        _counter_within_the_second,
    ),
    Mutant("wall-clock", "the version is the clock's time when it is written, and the higher one wins", _wall_clock),
)

"""The write protocol against an engine, with a table that a test can turn as it likes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from dynadex import generations
from dynadex.core import changes, versions, writing
from dynadex.core.attributes import Item, KeyAttribute, KeySchema, dumps, jsonable, typed_item
from dynadex.core.bulk import Operation
from dynadex.core.comparing import loads
from dynadex.core.documents import Recipe
from dynadex.core.writing import BatchRefused, Feeds, Found, Items, Key, Outcome, Protocol, Target
from dynadex.driving import drive
from dynadex.table import Table
from tests.engine.subject import SETTINGS, Subject, patience

SCHEMA = KeySchema(KeyAttribute("id", "S"))
MAPPING = {
    "settings": SETTINGS,
    "mappings": {"dynamic": False, "properties": {"when": {"type": "date"}, "title": {"type": "text"}}},
}


@dataclass
class FakeTable:
    """What `driving.drive` asks of a table."""

    items: dict[str, Item] = field(default_factory=dict)
    reads: int = 0

    def read(self, keys: Mapping[str, Key]) -> Items:
        self.reads += 1
        return Items({id: self.items.get(id) for id in keys}, int(time.time()))


class World:
    """A table, its stream, and the generations it feeds."""

    def __init__(self, subject: Subject, indexes: tuple[str, ...] = ("lessons",)) -> None:
        self.subject, self.table, self.now = subject, FakeTable(), int(time.time())
        recipes: dict[str, Recipe] = {}
        for index in indexes:
            generation = generations.ensure(subject.engine, index, MAPPING)
            assert generation is not None
            recipes[generations.write_alias(generation)] = Recipe(index)
        self.feeds = Feeds(SCHEMA, recipes)
        self.alias = next(iter(recipes))
        self._sequence = 0

    def put(self, id: str, *, second: int = 0, **attributes: Any) -> dict[str, Any]:
        """Puts an item; returns its stream record, created `second` seconds from now."""
        self.table.items[id] = typed_item({"id": id, **attributes})
        return self._record("MODIFY", id, second)

    def delete(self, id: str, *, second: int = 0) -> dict[str, Any]:
        del self.table.items[id]
        return self._record("REMOVE", id, second)

    def _record(self, event: str, id: str, second: int) -> dict[str, Any]:
        self._sequence += 1
        data: dict[str, Any] = {
            "ApproximateCreationDateTime": self.now + second,
            "Keys": {"id": {"S": id}},
            "SequenceNumber": f"{self._sequence:021d}",
        }
        if event != "REMOVE":
            data["NewImage"] = self.table.items[id]
        return {"eventName": event, "dynamodb": data}

    def drive(self, protocol: Protocol[Outcome]) -> Outcome:
        return drive(protocol, cast(Table, self.table), self.subject.engine, patience())

    def sync(self, *records: dict[str, Any]) -> Outcome:
        return self.drive(writing.sync(changes.of_records(records, SCHEMA), self.feeds))

    def refill(self, date: int | None = None) -> Outcome:
        version = versions.of_page(self.now if date is None else date)
        return self.drive(writing.refill(changes.of_page(self.table.items.values(), SCHEMA, version), self.feeds))

    def mend(self, *ids: str) -> Outcome:
        return self.drive(writing.mend({id: {"id": {"S": id}} for id in ids}, self.feeds))

    def plant(self, id: str, version: int, source: bytes | None) -> None:
        """A write that nobody knows of."""
        self.subject.write(Operation(self.alias, id, version, source))

    def check(self) -> None:
        """Every generation holds just what the table does."""
        expected = {id: loads(dumps(jsonable(item))) for id, item in self.table.items.items()}
        for alias in self.feeds.recipes:
            assert self.subject.documents(alias) == expected


@pytest.fixture
def world(subject: Subject) -> World:
    return World(subject)


def test_a_batch_of_mixed_changes_is_applied_to_every_generation(subject: Subject) -> None:
    world = World(subject, ("lessons", "songs"))
    world.sync(world.put("1", n=1), world.put("2", n=1), world.put("3", n=1))
    outcome = world.sync(world.put("1", n=2), world.delete("2"), world.put("4", n=1), world.put("4", n=2))
    assert (outcome.indexed, outcome.deleted, outcome.conflicts) == (4, 2, 0)
    world.check()
    assert world.table.reads == 0


def test_a_batch_that_comes_again_changes_nothing_and_reads_nothing(world: World) -> None:
    world.sync(world.put("2", n=1))
    batch = [world.put("1", n=1), world.delete("2"), world.put("3", n=12345678901234567890123456789012345678)]
    world.sync(*batch)
    outcome = world.sync(*batch)
    assert (outcome.repeated, outcome.conflicts, outcome.indexed, outcome.deleted) == (3, 3, 0, 0)
    assert world.table.reads == 0
    world.check()


def test_an_old_batch_that_arrives_once_more_after_a_newer_one_is_settled_by_the_table(world: World) -> None:
    old = [world.put("1", n=1), world.put("2", n=1)]
    world.sync(*old)
    world.sync(world.put("1", n=2), world.delete("2"))
    outcome = world.sync(*old)
    assert (outcome.conflicts, outcome.settled) == (2, 2)
    world.check()


def test_a_clock_that_steps_back_loses_no_update(world: World) -> None:
    world.sync(world.put("1", n=1), world.put("2", n=1))
    outcome = world.sync(world.put("1", second=-1, n=2), world.delete("2", second=-1))
    assert (outcome.conflicts, outcome.settled) == (2, 2)
    world.check()


def test_history_that_is_replayed_costs_no_reads(world: World) -> None:
    old = [world.put(str(n), second=-1000, n=1) for n in range(20)]
    world.sync(*(world.put(str(n), n=2) for n in range(20)))
    outcome = world.sync(*old)
    assert (outcome.superseded, world.table.reads) == (20, 0)
    world.check()


def test_two_records_that_share_a_version_are_told_apart_by_what_is_there(world: World) -> None:
    first = world.put("1", n=1)
    second = world.put("1", n=2)
    second["dynamodb"]["SequenceNumber"] = first["dynamodb"]["SequenceNumber"]
    world.sync(first)
    outcome = world.sync(second)
    assert (outcome.repeated, outcome.settled) == (0, 1)
    world.check()


def test_a_deletion_before_its_put_leaves_no_ghost(world: World) -> None:
    put = world.put("1", n=1)
    removal = world.delete("1")
    world.sync(removal)
    world.sync(put)
    world.check()


def test_a_refill_fills_an_empty_index_and_leaves_newer_documents(world: World) -> None:
    records = [world.put(str(n), n=n) for n in range(300)]
    world.sync(*records[:100])
    world.plant("5", versions.after(versions.of_record(world.now, 9)), b'{"id":"5","n":"newer"}')
    outcome = world.refill()
    assert (outcome.indexed, outcome.superseded) == (200, 100)
    found = world.subject.look(Target(world.alias, "5"))[0]
    assert isinstance(found, Found)
    assert found.source == {"id": "5", "n": "newer"}
    world.mend("5")
    world.check()


def test_a_refill_after_delete_by_query_brings_everything_back(world: World) -> None:
    world.sync(*(world.put(str(n), n=n) for n in range(300)))
    world.subject.delete_all(world.alias)
    assert world.subject.documents(world.alias) == {}
    outcome = world.refill()
    assert (outcome.conflicts, outcome.settled) == (300, 300)
    world.check()
    world.sync(world.put("7", second=1, n="later"), world.delete("8", second=1))
    world.check()


def test_a_refill_of_a_lost_index_makes_it_again(world: World) -> None:
    world.sync(*(world.put(str(n), n=n) for n in range(10)))
    generation = generations.fed(world.subject.engine, "lessons")[0]
    world.subject.engine.ask("DELETE", f"/{generation}")
    assert generations.ensure(world.subject.engine, "lessons", MAPPING) == generation
    assert world.refill().indexed == 10
    world.check()


def test_a_refill_twice_is_as_one(world: World) -> None:
    world.sync(*(world.put(str(n), n=n) for n in range(10)))
    world.refill()
    assert world.refill().superseded == 10
    assert world.refill(world.now + 3600).indexed == 10  # a later page is newer, and writes
    world.check()


def test_a_page_does_not_bring_back_what_was_deleted_after_it(world: World) -> None:
    world.put("1", n=1)
    page = changes.of_page(list(world.table.items.values()), SCHEMA, versions.of_page(world.now))
    world.sync(world.delete("1"))
    outcome = world.drive(writing.refill(page, world.feeds))
    assert (outcome.conflicts, outcome.deleted) == (1, 1)
    world.check()


def test_mend_puts_right_whatever_is_wrong(world: World) -> None:
    for id in ("right", "wrong", "absent", "hidden"):
        world.put(id, n=1)
    world.plant("right", 2**60, b'{"id":"right","n":1}')
    world.plant("wrong", 2**60, b'{"id":"wrong","n":2}')
    world.plant("ghost", 2**60, b'{"id":"ghost"}')
    world.plant("hidden", 2**61, None)  # a tombstone, with a version far ahead of any clock
    outcome = world.mend("right", "wrong", "absent", "hidden", "ghost", "never")
    assert outcome.failures == []
    world.check()


def test_settle_goes_on_from_a_version_that_others_have_overtaken(world: World) -> None:
    world.put("1", n=1)
    world.plant("1", 5000, b'{"n":0}')
    outcome = world.drive(writing.settle({Target(world.alias, "1"): 10}, {"1": {"id": {"S": "1"}}}, world.feeds))
    assert (outcome.conflicts, outcome.settled, world.table.reads) == (1, 1, 2)
    assert world.subject.look(Target(world.alias, "1")) == [Found(5001, {"id": "1", "n": 1})]


def test_a_document_that_the_mapping_refuses_is_a_failure_and_the_rest_goes_on(world: World) -> None:
    outcome = world.sync(world.put("1", n=1), world.put("2", when="yesterday"), world.put("3", n=1))
    assert outcome.indexed == 2
    failure = outcome.failures[0]
    assert (failure.id, failure.index, failure.kind) == ("2", "lessons", "refused")
    assert (failure.type, failure.alias) == ("mapper_parsing_exception", world.alias)
    assert "[when]" in failure.reason
    assert world.mend("2").failures[0].id == "2"
    del world.table.items["2"]
    world.check()


def test_a_mapping_that_refuses_everything_raises_and_drains_nothing(world: World) -> None:
    with pytest.raises(BatchRefused, match="all 20 documents"):
        world.sync(*(world.put(str(n), when="yesterday") for n in range(20)))


def test_an_id_that_is_too_long_is_a_failure_of_its_own(world: World) -> None:
    outcome = world.sync(world.put("x" * 513, n=1), world.put("1", n=1))
    assert [failure.kind for failure in outcome.failures] == ["key"]
    del world.table.items["x" * 513]
    world.check()


def test_every_type_of_attribute_arrives(world: World) -> None:
    record = world.put("1")
    item: dict[str, dict[str, Any]] = {
        "id": {"S": "1"},
        "S": {"S": ""},
        "N": {"N": "1.2345678901234567890123456789012345678"},
        "B": {"B": "AP8="},
        "BOOL": {"BOOL": False},
        "NULL": {"NULL": True},
        "M": {"M": {"a.b": {"N": "1E+125"}, "empty": {"M": {}}}},
        "L": {"L": [{"S": "é"}, {"L": []}]},
        "SS": {"SS": ["b", "a"]},
        "NS": {"NS": ["10", "9"]},
        "BS": {"BS": ["AQ==", "AA=="]},
        "aws:rep:updatetime": {"N": "1"},
    }
    record["dynamodb"]["NewImage"] = item
    world.sync(record)
    found = world.subject.look(Target(world.alias, "1"))[0]
    assert isinstance(found, Found)
    expected = loads(dumps(jsonable({name: value for name, value in item.items() if not name.startswith("aws:rep:")})))
    assert found.source == expected
    assert found.source["NS"] == [9, 10]

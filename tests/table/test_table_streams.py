"""Stream records, as a function is given them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dynadex.core import changes, versions
from dynadex.core.changes import WrongView
from dynadex.table import Table
from tests.table.emulator import Emulator, wire
from tests.table.everything import EVERYTHING, as_document

VIEW = "NEW_AND_OLD_IMAGES"


@pytest.fixture
def table(emulator: Emulator) -> Table:
    return emulator.table(view=VIEW)


def test_a_keys_records_come_in_order_and_collapse_to_the_last(emulator: Emulator, table: Table) -> None:
    keys = ["a", "b", "c"]
    for n in range(5):
        emulator.put(table, ({"id": {"S": key}, "n": {"N": str(n)}} for key in keys))
    emulator.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "b"}})
    records = emulator.records(table, 16)
    for key in keys:
        mine = [record for record in records if record["dynamodb"]["Keys"] == {"id": {"S": key}}]
        told = [(record["eventName"], record["dynamodb"].get("NewImage", {}).get("n", {}).get("N")) for record in mine]
        expected = [("INSERT", "0"), *(("MODIFY", str(n)) for n in range(1, 5))]
        assert told == (expected if key != "b" else [*expected, ("REMOVE", None)])
        sequence = [int(record["dynamodb"]["SequenceNumber"]) for record in mine]
        assert sequence == sorted(set(sequence))
    batch = changes.of_records(records, table.schema)
    assert {change.id: change.image and change.image["n"]["N"] for change in batch.changes} == {
        "a": "4",
        "b": None,
        "c": "4",
    }
    alone = [changes.of_records([record], table.schema).changes[0] for record in records]
    for change in batch.changes:
        assert change.version >= max(each.version for each in alone if each.id == change.id)


def test_a_record_has_its_key_and_both_images(emulator: Emulator, table: Table) -> None:
    emulator.put(table, [{"id": {"S": "1"}, "n": {"N": "1"}}])
    emulator.put(table, [{"id": {"S": "1"}, "n": {"N": "2"}}])
    emulator.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "1"}})
    images = [
        (data["Keys"], data.get("OldImage"), data.get("NewImage"))
        for record in emulator.records(table, 3)
        for data in [record["dynamodb"]]
    ]
    key = {"id": {"S": "1"}}
    one, two = key | {"n": {"N": "1"}}, key | {"n": {"N": "2"}}
    assert images == [(key, None, one), (key, one, two), (key, two, None)]


def test_an_image_has_every_type_of_attribute(emulator: Emulator, table: Table) -> None:
    item = {"id": {"S": "1"}, **EVERYTHING}
    emulator.put(table, [item])
    image = changes.of_records(emulator.records(table, 1), table.schema).changes[0].image
    assert image is not None
    expected = as_document(item)
    if emulator.name == "dynamodb-local":
        # Its stream drops an empty map's type, so nothing tells what it was.
        assert image["empty M"] == {}
        del expected["empty M"]
    assert as_document(image) == expected
    assert image["B"] == {"B": wire(b"\x00\xff\x80")}


def test_an_image_is_the_item_that_a_read_gives(emulator: Emulator, table: Table) -> None:
    emulator.put(table, [{"id": {"S": "1"}, **{name: EVERYTHING[name] for name in EVERYTHING if name != "empty M"}}])
    image = changes.of_records(emulator.records(table, 1), table.schema).changes[0].image
    read = table.read({"1": {"id": {"S": "1"}}}).items["1"]
    assert as_document(image) == as_document(read) == as_document(table.scan().items[0])


def test_a_put_that_changes_nothing_makes_no_record(emulator: Emulator, table: Table) -> None:
    item = {"id": {"S": "1"}, **EVERYTHING}
    emulator.put(table, [item])
    emulator.put(table, [item])
    emulator.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "never there"}})
    emulator.put(table, [{"id": {"S": "2"}}])
    names = [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in emulator.records(table, 2)]
    assert names == [("INSERT", "1"), ("INSERT", "2")]


#: Seconds that creation times are rounded down to.
ROUNDED = {"ministack": 1, "dynamodb-local": 60}


def test_creation_times_are_rounded_down_by_less_than_the_margin(emulator: Emulator, table: Table) -> None:
    before = time.time()
    emulator.put(table, [{"id": {"S": "1"}}])
    after = time.time()
    created = emulator.records(table, 1)[0]["dynamodb"]["ApproximateCreationDateTime"]
    step = ROUNDED[emulator.name]
    assert created in {moment // step * step for moment in (before, after)}
    assert step < versions.MARGIN_SECONDS


def test_a_page_is_older_than_every_record_it_cannot_have_seen(emulator: Emulator, table: Table) -> None:
    page = table.scan()
    emulator.put(table, [{"id": {"S": "1"}}])
    version = changes.of_records(emulator.records(table, 1), table.schema).changes[0].version
    assert versions.of_page(page.date) < version


def test_an_expired_item_is_a_deletion(emulator: Emulator, table: Table) -> None:
    # Neither emulator's own expiry can be waited for; AWS's records differ from a deletion's in the identity alone.
    emulator.put(table, [{"id": {"S": "1"}, "expires": {"N": "1"}}])
    emulator.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "1"}})
    put, removal = emulator.records(table, 2)
    expiry: dict[str, Any] = {
        **removal,
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    }
    [change] = changes.of_records([put, expiry], table.schema).changes
    assert (change.id, change.key, change.image) == ("1", {"id": {"S": "1"}}, None)


def test_a_stream_without_new_images_is_told(emulator: Emulator) -> None:
    table = emulator.table(view="KEYS_ONLY")
    emulator.put(table, [{"id": {"S": "1"}}])
    with pytest.raises(WrongView, match=f"{table.name}/stream/.* NEW_AND_OLD_IMAGES or NEW_IMAGE"):
        changes.of_records(emulator.records(table, 1), table.schema)
    emulator.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "1"}})
    removal = emulator.records(table, 2)[1]
    assert changes.of_records([removal], table.schema).changes[0].image is None

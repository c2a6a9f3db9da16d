"""Consistent reads of many items by key, and the types that come back."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.table import Table
from tests.table.emulator import BY_ID, Emulator, wire
from tests.table.everything import EVERYTHING, as_document

BY_NUMBER = KeySchema(KeyAttribute("n", "N"))


def test_every_type_of_attribute_comes_back(emulator: Emulator) -> None:
    table = emulator.table()
    item = {"id": {"S": "1"}, **EVERYTHING}
    emulator.put(table, [item])
    assert as_document(table.scan().items[0]) == as_document(item)
    read = table.read({"1": {"id": {"S": "1"}}}).items["1"]
    assert as_document(read) == as_document(item)
    assert as_document(item)["N"] == 12345678901234567890123456789012345678
    assert as_document(item)["fraction"] == Decimal("-0.12345678901234567890123456789012345678")


def test_more_keys_than_a_request_takes_are_all_read(emulator: Emulator) -> None:
    table = emulator.table()
    emulator.put(table, ({"id": {"S": str(n)}, "n": {"N": str(n)}} for n in range(0, 250, 2)))
    before = int(time.time())
    found = table.read({str(n): {"id": {"S": str(n)}} for n in range(250)})
    assert found.items == {str(n): None if n % 2 else {"id": {"S": str(n)}, "n": {"N": str(n)}} for n in range(250)}
    assert before - 1 <= found.date <= time.time() + 1


def test_no_keys_no_request(emulator: Emulator) -> None:
    assert Table("missing", BY_ID, emulator.service()).read({}) == ({}, 0)


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        (BY_NUMBER, [{"n": {"N": n}} for n in ("1.0", "-0.50", "1E+3", "1E-130", "0")]),
        (KeySchema(KeyAttribute("b", "B")), [{"b": {"B": b}} for b in (b"\x00", b"\xff" * 9)]),
        (
            KeySchema(KeyAttribute("p", "S"), KeyAttribute("s", "S")),
            [{"p": {"S": p}, "s": {"S": s}} for p, s in (("a|b", "c"), ("a", "|b|c"), ("a%7Cb", "c"), ("a", "é b"))],
        ),
        (KeySchema(KeyAttribute("b", "B"), KeyAttribute("n", "N")), [{"b": {"B": b"|%"}, "n": {"N": "10.0"}}]),
    ],
    ids=["number", "binary", "strings", "binary and number"],
)
def test_keys_of_every_kind_are_read_by_their_ids(
    emulator: Emulator, schema: KeySchema, keys: list[dict[str, Any]]
) -> None:
    table = emulator.table(schema)
    emulator.put(table, ({**key, "at": {"N": str(n)}} for n, key in enumerate(keys)))
    ids = [schema.id_of(wire(key)) for key in keys]
    assert len(set(ids)) == len(keys)
    found = table.read({id: schema.key_of(id) for id in ids}).items
    assert [(found[id] or {}).get("at") for id in ids] == [{"N": str(n)} for n in range(len(keys))]


#: Whether a number key is found by another spelling of the number, as in AWS. What tables and ids give is the shortest.
RESPELLED = {"ministack": False, "dynamodb-local": True}


@pytest.mark.parametrize("spelling", ["5.0", "+5", "0.5E+1"])
def test_a_number_key_in_another_spelling(emulator: Emulator, spelling: str) -> None:
    table = emulator.table(BY_NUMBER)
    emulator.put(table, [{"n": {"N": "5.00"}}])
    assert table.scan().items == [{"n": {"N": "5"}}]
    found = table.read({"5": {"n": {"N": spelling}}}).items["5"]
    assert (found == {"n": {"N": "5"}}) is RESPELLED[emulator.name]


#: How many of 60 items of 390 kB one request answers: DynamoDB Local stops at 16 MB as AWS does, ministack does not.
ANSWERED = {"ministack": 60, "dynamodb-local": 43}


def test_keys_that_the_table_did_not_get_to_are_absent(emulator: Emulator) -> None:
    table = emulator.table()
    keys = {str(n): {"id": {"S": str(n)}} for n in range(60)}
    for key in keys.values():
        emulator.put(table, [{**key, "text": {"S": "x" * 390_000}}])
    waiting, rounds = dict(keys), []
    while waiting:
        found = table.read(waiting).items
        assert None not in found.values()
        rounds.append(len(found))
        waiting = {id: key for id, key in waiting.items() if id not in found}
    answered = ANSWERED[emulator.name]
    assert rounds == [answered, 60 - answered] if answered < 60 else [60]

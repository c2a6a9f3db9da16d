"""Every type that DynamoDB has, and every form of key, arrives in the index as documented and nothing is lost."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.platform.world import World, comparable, eventually, plain

_DIGITS = "12345678901234567890123456789012345678"  # 38, as many as DynamoDB keeps

#: attribute -> (its value in the table, in the document's JSON)
VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("Für Elise", "Für Elise"),
    "empty string": ("", ""),
    "unicode": (
        "日本語 🎸 \u0000\u001f\u2028 \"quoted\" \\ 'é' e\u0301",
        "日本語 🎸 \u0000\u001f\u2028 \"quoted\" \\ 'é' e\u0301",
    ),
    "long string": ("la " * 20_000, "la " * 20_000),
    "whole number": (Decimal(7), 7),
    "negative number": (Decimal("-0.125"), Decimal("-0.125")),
    "38 digits": (Decimal(_DIGITS), int(_DIGITS)),
    "38 digits, next": (Decimal(int(_DIGITS) + 1), int(_DIGITS) + 1),
    "38 digits, a fraction": (Decimal("0." + _DIGITS), Decimal("0." + _DIGITS)),
    "largest number": (Decimal("9.9999999999999999999999999999999999999E+125"),) * 2,
    "smallest number": (Decimal("1E-130"),) * 2,
    "most negative number": (Decimal("-9.9999999999999999999999999999999999999E+125"),) * 2,
    "beyond a double": (Decimal(2**53 + 1), 2**53 + 1),
    "zero": (Decimal(0), 0),
    "true": (True, True),
    "false": (False, False),
    "null": (None, None),
    "binary": (b"\x00\xff\xfe", "AP/+"),
    "empty binary": (b"", ""),
    "string set": ({"b", "a", "Ä", ""}, ["", "a", "b", "Ä"]),
    "number set": ({Decimal(10), Decimal(9), Decimal("-1.5")}, [Decimal("-1.5"), 9, 10]),
    "binary set": ({b"\xff", b"\x00"}, ["/w==", "AA=="]),
    "empty list": ([], []),
    "empty map": ({}, {}),
    "list": ([Decimal(1), "1", None, [True], {"a": []}], [1, "1", None, [True], {"a": []}]),
    "map": ({"a.b": {"c": [{Decimal(3), Decimal(20)}]}, "": ""}, {"a.b": {"c": [[3, 20]]}, "": ""}),
    "name.with.dots": ("dots", "dots"),
    'name with spaces, 日本語 and "quotes"': ("name", "name"),
}


def deep(levels: int) -> Any:
    return {"inner": deep(levels - 1)} if levels else [Decimal(1)]


def test_every_type_arrives_as_documented(world: World) -> None:
    key = {"player": "every type", "level": Decimal(1)}
    item = key | {name: value for name, (value, _) in VALUES.items()} | {"deep": deep(28)}
    world.put("scores", item)
    world.await_equal(["scores"])
    wanted: dict[str, Any] = {name: value for name, (_, value) in VALUES.items()}
    wanted |= {"player": "every type", "level": 1, "deep": deep(28)}
    for region in world.regions:
        document = world.documents("scores", region)["every type|1"].source
        assert document.keys() == wanted.keys()
        for name, value in wanted.items():
            assert comparable(document[name]) == comparable(value), name


def test_numbers_are_in_the_document_digit_for_digit(world: World) -> None:
    """As bytes: however they are parsed later, no double was on the way."""
    world.put("scores", {"player": "digits", "level": Decimal(0), "number": Decimal(_DIGITS), "near": Decimal("0.1")})
    world.await_equal(["scores"])
    for region in world.regions:
        text = world.engine(region).send("GET", "/scores/_doc/digits%7C0").body
        assert f'"number":{_DIGITS}'.encode() in text
        assert b'"near":0.1}' in text or b'"near":0.1,' in text


@pytest.mark.parametrize(
    ("table", "key", "id"),
    [
        pytest.param("songs", {"id": "plain"}, "plain", id="string"),
        pytest.param("songs", {"id": "a|b%7C/c d+e?f#g"}, "a|b%7C/c d+e?f#g", id="string, as it is"),
        pytest.param("songs", {"id": "日本語 🎸 é"}, "日本語 🎸 é", id="string, unicode"),
        pytest.param("songs", {"id": "x" * 512}, "x" * 512, id="string, the longest id"),
        pytest.param("scores", {"player": "ann", "level": Decimal("-1.50")}, "ann|-1.5", id="string and number"),
        pytest.param("scores", {"player": "a|b%", "level": Decimal("1E+2")}, "a%7Cb%25|100", id="escaped and number"),
        pytest.param("plays", {"number": Decimal("1.0")}, "1", id="number"),
        pytest.param("plays", {"number": Decimal(_DIGITS)}, _DIGITS, id="number of 38 digits"),
        pytest.param("plays", {"number": Decimal("-1E-130")}, "-0." + "0" * 129 + "1", id="number, the smallest"),
        pytest.param("plays", {"number": Decimal("1E+125")}, "1" + "0" * 125, id="number, a large one"),
        pytest.param("plays", {"number": Decimal("-0")}, "0", id="zero"),
        pytest.param("blobs", {"hash": b"\x00\xff\xfe"}, "AP/+", id="binary"),
        pytest.param("blobs", {"hash": b"\xfb" * 384}, "+/v7" * 128, id="binary, the longest id"),
        pytest.param("things", {"pk": "a|b", "sk": "c"}, "a%7Cb|c", id="composite, bar on the left"),
        pytest.param("things", {"pk": "a", "sk": "b|c"}, "a|b%7Cc", id="composite, bar on the right"),
        pytest.param("things", {"pk": "100%", "sk": "%7C"}, "100%25|%257C", id="composite, percent"),
    ],
)
def test_the_id_holds_the_key(world: World, table: str, key: dict[str, Any], id: str) -> None:
    index = "albums" if table == "things" else table
    world.put(table, key | {"title": "keyed", "artist": "someone", "kind": "album"})

    def arrived() -> bool:
        return all(
            world.engine(region).send("GET", f"/{index}/_doc/{quote(id, safe='')}").status == 200
            for region in world.regions
        )

    assert eventually(arrived), f"no document has the id {id!r}"
    world.await_equal([index])
    schema = world.project.tables[table].key
    read_back = schema.key_of(id)
    assert schema.id_of(read_back) == id
    binary_as_bytes = {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value for name, value in read_back.items()
    }
    for region in world.regions:
        found = world.client("dynamodb", region).get_item(TableName=world.physical(table), Key=binary_as_bytes)
        assert world.key(table, plain(found["Item"])) == key

"""What a mapping is proposed from, and why."""

from __future__ import annotations

from typing import Any

import pytest

from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.operations.proposing import MOST_FIELDS, Field, Proposal, propose

KEY = KeySchema(KeyAttribute("id", "S"))


def items_of(*values: dict[str, Any], name: str = "x", count: int = 40) -> list[dict[str, Any]]:
    """Items whose attribute takes the values in turn."""
    return [{"id": {"S": str(number)}, name: values[number % len(values)]} for number in range(count)]


def proposed(*values: dict[str, Any], name: str = "x") -> tuple[dict[str, Any], Field]:
    """The mapping and the reason of one attribute."""
    found = propose(items_of(*values, name=name), KEY)
    return properties(found)[name], next(one for one in found.fields if one.path == name)


def properties(found: Proposal) -> dict[str, Any]:
    inner: dict[str, Any] = found.mapping["mappings"]["properties"]
    return inner


def texts(*values: str) -> list[dict[str, Any]]:
    return [{"S": value} for value in values]


def numbers(*values: str) -> list[dict[str, Any]]:
    return [{"N": value} for value in values]


LONG = {"type": "long"}
KEYWORD = {"type": "keyword", "ignore_above": 1024}
TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
OFF = {"type": "object", "enabled": False}


@pytest.mark.parametrize(
    ("values", "mapping", "reason"),
    [
        (texts(*(f"word{n} other" for n in range(40))), TEXT, "several words"),
        (texts(*("word " * 300 + str(n) for n in range(40))), {"type": "text"}, "prose"),
        (texts("open", "closed"), KEYWORD, "few different values"),
        (texts("a@b.example"), KEYWORD, "the same in all"),
        (texts(*(f"a{n}@b.example" for n in range(40))), KEYWORD, "single words or codes"),
        (texts(*(f"2024-01-{n:02}" for n in range(1, 29))), {"type": "date"}, "ISO 8601"),
        (texts("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00"), {"type": "date"}, "ISO 8601"),
        (texts("2024-01-01 10:00:00"), {"type": "date", "format": "yyyy-MM-dd HH:mm:ss"}, "yyyy-MM-dd HH:mm:ss"),
        (texts("31/12/2023"), {"type": "date", "format": "dd/MM/yyyy"}, "dd/MM/yyyy"),
        (texts("12/31/2023"), {"type": "date", "format": "MM/dd/yyyy"}, "MM/dd/yyyy"),
        (texts("01/02/2023"), KEYWORD, "can be read as"),
        (texts(*["2024-01-01"] * 39, "soon"), {"type": "date", "ignore_malformed": True}, "the few values"),
        (texts("2024-02-30"), KEYWORD, "the same in all"),
        (numbers("1", "-2"), LONG, "whole numbers"),
        (numbers("1", "2.50"), {"type": "double"}, "fractions"),
        (numbers("9223372036854775807"), LONG, "64 bits"),
        (numbers("9223372036854775808"), KEYWORD, "beyond 64 bits"),
        (numbers("0.1234567890123456789"), KEYWORD, "more digits than a double"),
        ([{"N": "1"}, {"NULL": True}, {"S": "one"}, {"NULL": True}], KEYWORD, "mixed, 50% numbers, 50% texts"),
        ([{"M": {"a": {"S": "b"}}}, {"S": "c"}], OFF, "no field takes both"),
        ([{"BOOL": True}], {"type": "boolean"}, "true or false"),
        ([{"B": "aGk="}], {"type": "binary"}, "base64"),
        ([{"NULL": True}], KEYWORD, "only NULL"),
        ([{"L": []}], KEYWORD, "only NULL or nothing"),
        ([{"SS": ["a", "b"]}], KEYWORD, "few different values"),
        ([{"NS": ["1", "2"]}], LONG, "whole numbers"),
        ([{"L": [{"N": "1"}, {"N": "2"}]}], LONG, "whole numbers"),
        ([{"M": {}}], OFF, "without anything"),
    ],
)  # fmt: skip
def test_a_type_that_every_value_fits(values: list[dict[str, Any]], mapping: dict[str, Any], reason: str) -> None:
    found, field = proposed(*values)
    assert found == mapping
    assert reason in field.reason


@pytest.mark.parametrize(
    ("name", "value", "format"),
    [
        ("expiresAt", "1767225600", "epoch_second"),
        ("created_at", "1767225600", "epoch_second"),
        ("timestamp", "1767225600123", "epoch_millis"),
        ("ttl", "1767225600", "epoch_second"),
    ],
)
def test_numbers_are_times_where_both_their_name_and_their_range_say_so(name: str, value: str, format: str) -> None:
    assert proposed({"N": value}, name=name)[0] == {"type": "date", "format": format}
    assert proposed({"N": value}, name="amount")[0] == LONG
    assert proposed({"N": "12"}, name=name)[0] == LONG


def test_a_title_is_text_even_where_few_are_seen() -> None:
    assert proposed(*texts("Help!"), name="title")[0] == TEXT


def test_maps_become_objects_and_lists_of_maps_too() -> None:
    inner = {"sku": {"S": "a-1"}, "count": {"N": "2"}}
    found = propose(items_of({"L": [{"M": inner}, {"M": {"note": {"BOOL": True}}}]}, name="lines"), KEY)
    assert properties(found)["lines"] == {
        "properties": {"sku": KEYWORD, "count": LONG, "note": {"type": "boolean"}},
    }
    assert [one.path for one in found.fields if one.path.startswith("lines")] == [
        "lines", "lines.sku", "lines.count", "lines.note",
    ]  # fmt: skip
    assert "nested" in next(one.reason for one in found.fields if one.path == "lines")


def test_a_map_whose_names_are_data_does_not_become_fields() -> None:
    found, field = proposed(*({"M": {f"user{n}": {"N": "1"}}} for n in range(40)))
    assert found == OFF
    assert "40 different names" in field.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("_id", "keeps this name"),
        ("_source", "keeps this name"),
        (".a", "a level without a name"),
        ("a..b", "a level without a name"),
        ("a.", "a level without a name"),
        (" ", "a level without a name"),
        ("id.part", "id is there as well"),
    ],
)
def test_attributes_that_engines_refuse_are_excluded(name: str, reason: str) -> None:
    found = propose(items_of({"S": "x"}, name=name), KEY)
    assert list(found.exclude) == [name]
    assert reason in found.exclude[name]
    assert list(properties(found)) == ["id"]


def test_large_binaries_are_excluded() -> None:
    found = propose(items_of({"B": "QUJD" * 1000}), KEY)
    assert "binary of 3 KB" in found.exclude["x"]


def test_what_global_tables_add_is_not_looked_at() -> None:
    assert list(properties(propose(items_of({"S": "x"}, name="aws:rep:deleting"), KEY))) == ["id"]


def test_too_many_attributes_leave_the_rarest_unmapped() -> None:
    wide = [{"id": {"S": str(n)}, f"rare{n}": {"N": "1"}, "common": {"N": "1"}} for n in range(MOST_FIELDS + 50)]
    found = propose(wide, KEY)
    assert len(properties(found)) == MOST_FIELDS
    assert {"id", "common"} <= properties(found).keys()
    assert "52 of 552 attributes are not mapped" in found.advice[0]


def test_very_large_items_are_told_with_the_attribute_to_blame() -> None:
    found = propose([*items_of({"S": "x" * 200_000}, name="body", count=2), *items_of({"S": "y"}, count=8)], KEY)
    assert "2 of 10 items are larger than 100 KB" in found.advice[0]
    assert "'body'" in found.advice[0]
    assert "100%" in found.advice[0]


def test_searches_look_into_texts_titles_first_and_filter_by_choices() -> None:
    items: list[dict[str, Any]] = [
        {
            "id": {"S": str(n)},
            "body": {"S": f"some words {n}"},
            "title": {"S": f"Title {n}"},
            "state": {"S": ["open", "closed"][n % 2]},
            "flag": {"BOOL": True},
            "page": {"S": ["a", "b"][n % 2]},
            "odd name": {"S": ["a", "b"][n % 2]},
        }
        for n in range(40)
    ]
    found = propose(items, KEY)
    assert found.search == ("title^3", "body")
    # `page` is a parameter of every search, and dynadex.toml cannot name a field with a blank
    assert found.filters == ("state", "flag")


def test_without_texts_words_are_looked_for_among_exact_values() -> None:
    assert propose(items_of(*texts("a-1", "a-2")), KEY).search == ("id", "x")


def test_keys_are_exact_whatever_they_look_like() -> None:
    key = KeySchema(KeyAttribute("day", "S"), KeyAttribute("at", "N"))
    found = propose([{"day": {"S": f"some day {n}"}, "at": {"N": "1767225600"}} for n in range(5)], key)
    assert properties(found) == {"day": KEYWORD, "at": LONG}


def test_an_empty_table_gets_a_mapping_with_nothing_in_it() -> None:
    found = propose([], KEY)
    assert found.mapping["mappings"] == {"dynamic": False, "properties": {}}
    assert "no items" in found.advice[0]

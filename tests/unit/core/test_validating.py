"""Items are judged attribute by attribute: every mistake is told at its path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynadex.core.validating import Schema, WrongSchema, check

SCHEMA = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "title": {"$ref": "#/definitions/text"},
        "tempo": {"type": "integer", "minimum": 20},
        "chords": {"type": "array", "items": {"$ref": "#/definitions/text"}},
        "by": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    },
    "definitions": {"text": {"type": "string", "minLength": 1}},
}


def test_a_good_item_has_no_problems() -> None:
    item = {"title": "One", "tempo": 10**30, "chords": ["Am"], "by": {"name": "x"}}
    assert Schema(SCHEMA).problems(item) == {}


def test_all_mistakes_are_told_at_their_paths() -> None:
    item = {"tempo": "fast", "chords": ["Am", 3], "by": {}, "colour": "red"}
    problems = Schema(SCHEMA).problems(item)
    assert set(problems) == {"title", "tempo", "chords.1", "by", "colour"}
    assert problems["title"] == "is required"
    assert problems["tempo"] == "must be integer"


def test_what_is_wrong_with_attributes_together_is_told_of_the_whole() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}}
    assert list(Schema(schema).problems({"a": 1})) == [""]


def test_numbers_are_judged_as_the_schema_has_them() -> None:
    numbers: dict[str, dict[str, Any]] = {
        "step": {"multipleOf": 0.5},
        "least": {"minimum": 0.1},
        "most": {"maximum": 0.1},
        "one": {"enum": [0.1, 0.2]},
        "fixed": {"const": 0.1},
    }
    schema = Schema({"type": "object", "properties": {**numbers, "list": {"items": numbers["fixed"]}}})
    tenth = Decimal("0.1")
    right = {"step": Decimal("1.5"), "least": tenth, "most": tenth, "one": tenth, "fixed": tenth, "list": [tenth]}
    assert schema.problems(right) == {}
    other = Decimal("0.3")
    wrong = {"step": other, "least": Decimal("0.09"), "most": other, "one": other, "fixed": other, "list": [other]}
    assert set(schema.problems(wrong)) == {"step", "least", "most", "one", "fixed", "list.0"}


@pytest.mark.parametrize("number", ["1e999", "1.00000000000000000000000001"])
def test_a_number_that_no_float_is_like_is_no_integer(number: str) -> None:
    schema = Schema({"type": "object", "properties": {"n": {"type": "integer"}}})
    assert schema.problems({"n": Decimal(number)}) == {"n": "must be integer"}


@pytest.mark.parametrize("number", [Decimal("1e999"), 10**400])
def test_a_number_that_cannot_be_divided_is_a_problem_of_its_attribute(number: Any) -> None:
    schema = Schema({"type": "object", "properties": {"n": {"multipleOf": 0.5}, "m": {}}})
    assert schema.problems({"n": number, "m": 1}) == {"n": "has a number out of range"}


def test_attributes_may_refer_to_each_other() -> None:
    parts = {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}, "c": {"$ref": "s.json#/properties/b"}}
    schema = Schema({"$id": "https://example.com/s.json", "type": "object", "properties": parts})
    assert schema.problems({"a": "x", "b": "x", "c": "x"}) == {}
    assert schema.problems({"a": "x", "b": 1, "c": 2}) == {"b": "must be string", "c": "must be string"}


def test_defaults_are_not_filled_in() -> None:
    item: dict[str, Any] = {}
    assert Schema({"type": "object", "properties": {"a": {"default": 1}}}).problems(item) == {}
    assert item == {}


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"properties": {"a": {"minimum": "x"}}}, {"properties": {"a": {"pattern": "("}}}]
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(WrongSchema):
        check(schema)

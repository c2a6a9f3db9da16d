"""Items are judged attribute by attribute: every mistake is told at its path."""

from __future__ import annotations

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

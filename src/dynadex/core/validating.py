"""Items against a JSON Schema (draft 7), with what is wrong told by attribute.

fastjsonschema, which does the checking, stops at the first mistake. So the schema is taken apart: an item is judged as
a whole, and where that fails, attribute by attribute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import fastjsonschema

_DRAFT = "http://json-schema.org/draft-07/schema#"
#: What is said of an item as a whole, of none of its attributes.
WHOLE = ""
_OUT_OF_RANGE = "has a number out of range"


class WrongSchema(ValueError):
    """Not a JSON Schema."""


class Schema:
    """A compiled schema. Values are plain JSON ones, numbers as `int` or `Decimal`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises `WrongSchema`."""
        self.properties: Mapping[str, Any] = schema.get("properties", {})
        self._required: list[str] = list(schema.get("required", ()))
        self._closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
        self._whole = _compiled(schema)
        shared = {key: schema[key] for key in ("$id", "definitions", "$defs") if key in schema}
        # For one attribute at a time, but with all of them: their schemas may refer to each other.
        self._part = _compiled({**shared, "type": "object", "properties": self.properties})

    def problems(self, item: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with an item, by path (`title`, `chords.2`); empty where nothing is."""
        judged = {name: _with_floats(value) for name, value in item.items()}
        if (mistake := _mistake(self._whole, judged)) is None:
            return {}
        whole = {WHOLE: mistake[1]}
        found = {name: "is required" for name in self._required if name not in item}
        for name, value in judged.items():
            if name not in self.properties:
                if self._closed:
                    found[name] = "is not an attribute that the schema knows"
            elif mistake := _mistake(self._part, {name: value}):
                path, message = mistake
                found[path or name] = message
        return found or whole


def check(schema: Mapping[str, Any]) -> None:
    """Raises `WrongSchema` for what is no JSON Schema."""
    Schema(schema)


def _compiled(schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    try:
        # Without defaults: what is stored is what was sent.
        compiled: Callable[[Any], Any] = fastjsonschema.compile({"$schema": _DRAFT, **schema}, use_default=False)
    except (fastjsonschema.JsonSchemaException, AttributeError, TypeError, ValueError, re.error) as error:
        raise WrongSchema(f"not a JSON Schema: {error}") from error
    return compiled


def _mistake(judge: Callable[[Any], Any], item: dict[str, Any]) -> tuple[str, str] | None:
    """The path and the message of what is wrong first; None where nothing is."""
    try:
        judge(item)
    except fastjsonschema.JsonSchemaValueException as error:
        return _told(error)
    except ArithmeticError:
        return WHOLE, _OUT_OF_RANGE
    return None


def _with_floats(value: Any) -> Any:
    """The value with numbers as a schema has them: 0.1 there is a float, which no `Decimal` equals or divides.

    A `Decimal` that no float is near, or only a whole one that would pass for an integer, stays what it is.
    """
    match value:
        case Decimal():
            near = float(value)
            return value if not math.isfinite(near) or near.is_integer() else near
        case dict():
            return {name: _with_floats(inner) for name, inner in value.items()}
        case list():
            return [_with_floats(inner) for inner in value]
    return value


def _told(error: fastjsonschema.JsonSchemaValueException) -> tuple[str, str]:
    """The path and the message, which begins with the path in the library's own words."""
    path = ".".join(map(str, error.path[1:]))
    message = str(error.message).removeprefix(str(error.name)).strip()
    # fastjsonschema puts a pattern or the allowed values behind it, as Python writes them
    return path, message

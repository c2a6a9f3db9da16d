"""Items against a JSON Schema (draft 7), with what is wrong told by attribute.

fastjsonschema, which does the checking, stops at the first mistake. So the schema is taken apart: an item is judged as
a whole, and where that fails, attribute by attribute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import fastjsonschema

_DRAFT = "http://json-schema.org/draft-07/schema#"
#: What is said of an item as a whole, of none of its attributes.
WHOLE = ""


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
        shared = {key: schema[key] for key in ("definitions", "$defs") if key in schema}
        self._parts = {
            name: _compiled({**shared, "type": "object", "properties": {name: part}})
            for name, part in self.properties.items()
        }

    def problems(self, item: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with an item, by path (`title`, `chords.2`); empty where nothing is."""
        try:
            self._whole(dict(item))
            return {}
        except fastjsonschema.JsonSchemaValueException as error:
            whole = {WHOLE: _told(error)[1]}
        found = {name: "is required" for name in self._required if name not in item}
        for name, value in item.items():
            if name not in self._parts:
                if self._closed:
                    found[name] = "is not an attribute that the schema knows"
                continue
            try:
                self._parts[name]({name: value})
            except fastjsonschema.JsonSchemaValueException as error:
                path, message = _told(error)
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


def _told(error: fastjsonschema.JsonSchemaValueException) -> tuple[str, str]:
    """The path and the message, which begins with the path in the library's own words."""
    path = ".".join(map(str, error.path[1:]))
    message = str(error.message).removeprefix(str(error.name)).strip()
    # fastjsonschema puts a pattern or the allowed values behind it, as Python writes them
    return path, message

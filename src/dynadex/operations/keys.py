"""Keys as people name them: by document id, or as a JSON object, plain or in DynamoDB's types."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from ..core.attributes import InvalidKey, KeySchema, typed_item
from ..core.writing import Key
from ..errors import WrongUse


class WrongKey(WrongUse):
    """What was given names no key."""


def of_json(text: str) -> Key:
    """A JSON object as a key, typed. Raises `WrongKey`."""
    try:
        given = json.loads(text, parse_float=Decimal)
        if not isinstance(given, dict) or not given:
            raise ValueError("a JSON object with the key's attributes is expected")
        if all(_is_typed(value) for value in given.values()):
            return given
        return typed_item(given)
    except ValueError as error:
        raise WrongKey(f"--key: {text!r}: {error}") from None


def _is_typed(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("S", "N", "B")


def named(text: str, schema: KeySchema) -> tuple[str, Key | None]:
    """The id and the key that a text names: an id, or a JSON object. None for an id that is no key of the table.

    Raises `WrongKey` for a JSON object that is no key of the table, or whose key makes no id.
    """
    if text.lstrip().startswith("{"):
        try:
            key = schema.key(of_json(text))
            return schema.id_of(key), key
        except InvalidKey as error:
            raise WrongKey(f"KEY: {text}: {error}") from None
    try:
        return text, schema.key_of(text)
    except InvalidKey:
        return text, None

"""Items as boto3 has them and as DynamoDB's JSON has them: the one has binaries as bytes, the other in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..core.attributes import Item


def native(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item, or a key, of DynamoDB's JSON as boto3 takes it."""
    return {name: _native(value) for name, value in item.items()}


def _native(value: Mapping[str, Any]) -> dict[str, Any]:
    match value:
        case {"B": str(text)}:
            return {"B": base64.b64decode(text)}
        case {"BS": list(texts)}:
            return {"BS": [base64.b64decode(text) for text in texts]}
        case {"M": dict(inner)}:
            return {"M": native(inner)}
        case {"L": list(inner)}:
            return {"L": [_native(one) for one in inner]}
    return dict(value)


def wire(item: Mapping[str, Any]) -> Item:
    """An item of boto3's as DynamoDB's JSON has it."""
    made: Item = _wire(item)
    return made


def _wire(value: Any) -> Any:
    match value:
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _wire(inner) for name, inner in value.items()}
        case list():
            return [_wire(inner) for inner in value]
    return value

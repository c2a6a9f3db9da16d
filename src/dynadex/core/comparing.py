"""Whether two documents are the same, number for number.

Parsed with floats, two 38-digit numbers that differ in the last digit would be equal; so numbers are compared as
`Decimal`. `1` and `1.0` are the same number; `1` and `true` are not the same value.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def loads(text: bytes) -> Any:
    """JSON with exact numbers: integers as `int`, all others as `Decimal`."""
    return json.loads(text, parse_float=Decimal)


def same(one: Any, other: Any) -> bool:
    """Whether two values that `loads` read are the same JSON value; the order of an object's members is no matter."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)

"""Whether two documents are the same, number for number.

Parsed with floats, two 38-digit numbers that differ in the last digit would be equal; so numbers are compared as
`Decimal`. `1` and `1.0` are the same number; `1` and `true` are not the same value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_decode = json.JSONDecoder(parse_float=Decimal).decode


def loads(text: bytes) -> Any:
    """JSON with exact numbers: integers as `int`, all others as `Decimal`."""
    return _decode(text.decode("utf-8", "surrogatepass"))  # as json.loads does, which makes a decoder for every call


_head_of_document = re.compile(
    rb'\{(?:"_version":([0-9]+),|"_\w+":(?:"(?:[^"\\]|\\.)*"|[0-9]+),)*"found":true,"_source":'
).match
_BEGIN = b'{"docs":['


def unchanged(answer: bytes, texts: Sequence[bytes]) -> list[int] | None:
    """The versions of an mget answer's documents, in order, if each is byte for byte what `texts` has; else None.

    The engines give a document back as it was written, so most need not be parsed to be compared. A text is a whole
    JSON object: where an answer's document begins with it, it is all of it.
    """
    if not answer.startswith(_BEGIN):
        return None
    versions = []
    at = len(_BEGIN)
    for text in texts:
        head = _head_of_document(answer, at)
        if head is None or head[1] is None or not answer.startswith(text, head.end()):
            return None
        at = head.end() + len(text) + 2
        if answer[at - 2 : at] not in (b"},", b"}]"):
            return None
        versions.append(int(head[1]))
    return versions


def same(one: Any, other: Any) -> bool:
    """Whether two values that `loads` read are the same JSON value; the order of an object's members is no matter."""
    kind = type(one)
    if kind is str or one is None:
        return bool(one == other)
    if kind is dict:
        if type(other) is not dict or len(one) != len(other):
            return False
        return all(name in other and same(value, other[name]) for name, value in one.items())
    if kind is list:
        return type(other) is list and len(one) == len(other) and all(map(same, one, other))
    if kind is bool or type(other) is bool:
        return one is other
    return bool(one == other)


def first_difference(expected: Any, found: Any) -> str:
    """The JSON path of the first place where two values that `loads` read differ; "" where they are the same.

    It names members and positions, `$.chords[2]` or `$["a.b"]`, and never a value. What only one of the two has
    differs at its own path. Members are looked at in the order of `expected`, then those that only `found` has.
    """
    return "" if same(expected, found) else "$" + _path(expected, found)


def _path(expected: Any, found: Any) -> str:
    """The path, below two values that are known to differ."""
    match expected, found:
        case dict(), dict():
            for name, value in expected.items():
                if name not in found:
                    return _member(name)
                if not same(value, found[name]):
                    return _member(name) + _path(value, found[name])
            return _member(next(name for name in found if name not in expected))
        case list(), list():
            for position, (value, other) in enumerate(zip(expected, found, strict=False)):
                if not same(value, other):
                    return f"[{position}]" + _path(value, other)
            return f"[{min(len(expected), len(found))}]"
    return ""


def _member(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"

"""What a mapping makes of a document, as far as it can be told without an engine.

Two kinds of findings: what an engine would refuse, needed only where none can be asked, and what it takes without a
word although searches will not find it as one would expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from .observing import ISO, date_formats

_WHOLE = {"byte": 8, "short": 16, "integer": 32, "long": 64, "unsigned_long": 65}
_FRACTIONAL = {"double", "float", "half_float", "scaled_float"}
#: Digits that a type of number keeps at least.
_DIGITS = {"double": 15, "float": 6, "half_float": 3}
_TEXTS = {"keyword", "text", "wildcard", "match_only_text", "search_as_you_type", "constant_keyword"}


class Finding(NamedTuple):
    """Something about the field `path`; `refused` says that the engine takes no such document."""

    path: str
    message: str
    refused: bool


def lint(mapping: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Finding]:
    """The findings in a document; its numbers are exact (`int` or `Decimal`)."""
    yield from _object(mapping.get("mappings", {}), document, "", "true")


def _object(mapped: Mapping[str, Any], values: Mapping[str, Any], path: str, dynamic: str) -> Iterator[Finding]:
    dynamic = str(mapped.get("dynamic", dynamic)).lower()
    properties = mapped.get("properties", {})
    for name, value in values.items():
        where = f"{path}{name}"
        field = properties.get(name) or _dotted(properties, name)
        if field is not None:
            yield from _value(field, value, where, dynamic)
        elif value is None or value in ([], {}):
            continue
        elif dynamic == "strict":
            yield Finding(where, "is not in the mapping, which is strict", refused=True)
        elif dynamic == "false":
            yield Finding(where, "is not in the mapping: returned, but not searchable", refused=False)
        elif dynamic == "true":
            yield Finding(where, "is not in the mapping: the first value decides its type", refused=False)


def _dotted(properties: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The field that a name with dots stands for, one level after another."""
    first, dot, rest = name.partition(".")
    if not dot or first not in properties:
        return None
    inner: Mapping[str, Any] = properties[first].get("properties", {})
    found: Mapping[str, Any] | None = inner.get(rest)
    return found if found is not None else _dotted(inner, rest)


def _value(field: Mapping[str, Any], value: Any, path: str, dynamic: str) -> Iterator[Finding]:
    if isinstance(value, list):
        for one in value:
            yield from _value(field, one, path, dynamic)
        return
    kind = field.get("type", "object")
    if value is None or field.get("enabled") in (False, "false"):
        return
    if kind in ("object", "nested"):
        if isinstance(value, dict):
            yield from _object(field, value, f"{path}.", dynamic)
        else:
            yield Finding(path, f"is {_shown(value)}, but the mapping has maps there", refused=True)
    elif isinstance(value, dict):
        if kind in _TEXTS or kind in _WHOLE or kind in _FRACTIONAL or kind in ("date", "boolean", "binary"):
            yield Finding(path, f"is a map, but the mapping has {kind} there", refused=True)
    else:
        yield from _plain(field, kind, value, path)


def _plain(field: Mapping[str, Any], kind: str, value: Any, path: str) -> Iterator[Finding]:
    lenient = str(field.get("ignore_malformed", False)).lower() == "true"
    if kind in _TEXTS:
        limit = field.get("ignore_above")
        text = str(value)
        if limit is not None and len(text) > int(limit):
            yield Finding(path, f"is longer than ignore_above, {limit}: not searchable", refused=False)
        elif kind == "keyword" and len(text.encode()) > 32_766:
            yield Finding(path, "is longer than the 32,766 bytes of a keyword; set ignore_above", refused=True)
    elif kind in _WHOLE or kind in _FRACTIONAL:
        yield from _number(kind, value, path, lenient)
    elif kind == "boolean":
        if not isinstance(value, bool) and value not in ("true", "false", ""):
            yield _misfit(path, value, "true or false", lenient)
    elif kind == "date" and "format" not in field and isinstance(value, str) and not _is_date(value):
        yield _misfit(path, value, "an ISO 8601 date", lenient)


def _is_date(text: str) -> bool:
    """Whether the engine's default format takes it: ISO 8601, of which 2024 and 2024-05 are enough, or a number."""
    return ISO in date_formats(text) or all(part.isdigit() for part in text.lstrip("-").split("-", 1))


def _number(kind: str, value: Any, path: str, lenient: bool) -> Iterator[Finding]:
    try:
        number = Decimal(value) if not isinstance(value, bool) else None
    except (ArithmeticError, ValueError, TypeError):
        number = None
    if number is None or not number.is_finite():
        yield _misfit(path, value, "a number", lenient)
    elif kind in _WHOLE:
        bits = _WHOLE[kind]
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            yield _misfit(path, value, f"a number of {bits} bits", lenient)
        elif number != number.to_integral_value():
            yield Finding(path, f"has fractions, which {kind} cuts off for searches", refused=False)
    elif kind in _DIGITS and len(number.normalize().as_tuple().digits) > _DIGITS[kind] and not _kept(number, kind):
        yield Finding(path, f"has more digits than {kind} keeps: searches see it rounded", refused=False)


def _kept(number: Decimal, kind: str) -> bool:
    return kind == "double" and Decimal(repr(float(number))) == number


def _misfit(path: str, value: Any, wanted: str, lenient: bool) -> Finding:
    if lenient:
        return Finding(path, f"is not {wanted}: not searchable (ignore_malformed)", refused=False)
    return Finding(path, f"is {_shown(value)} and not {wanted}", refused=True)


def _shown(value: Any) -> str:
    """What kind of value it is: the value itself may be nobody's business."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | Decimal():
            return "a number"
        case dict():
            return "a map"
    return type(value).__name__

"""What an admin's edit makes of an item: its new state, its revision, and what changed.

An item's *revision* counts its edits by admins. One that was never edited, because it was loaded or written by
something else, has none and counts as revision 0. The attributes of `BOOKKEEPING` are kept by the API: what a request
says of them is passed over.

Values are JSON ones, with numbers as `int` or `Decimal`: what was stored as a set or as binary stays so as long as the
new value can be one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unicodedata import category, normalize

from .attributes import AttributeValue, Item, dumps, jsonable, typed
from .comparing import loads, same

REVISION, UPDATED_AT, UPDATED_BY = "revision", "updated_at", "updated_by"
BOOKKEEPING = frozenset({REVISION, UPDATED_AT, UPDATED_BY})
_MAX_SLUG = 200

#: An item as JSON values.
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One path of an item that an edit changed; a value is absent (`MISSING`) where there was or is none."""

    path: str
    before: Any
    after: Any

    def to_json(self) -> Plain:
        """As the history tells it: without `from` or `to` where there is no value."""
        sides = {"from": self.before, "to": self.after}
        return {"path": self.path} | {name: value for name, value in sides.items() if value is not MISSING}


class _Missing:
    __slots__ = ()


MISSING = _Missing()


def plain(item: Item) -> Plain:
    """An item as JSON values: sets as lists, binaries as base64, whole numbers as `int` and others as `Decimal`."""
    return dict(whole_numbers(loads(dumps(jsonable(item)))))


def read(text: bytes) -> Any:
    """JSON that can be written again, numbers as `whole_numbers` has them. Raises `ValueError`.

    Python also reads NaN, halves of surrogate pairs, any depth: these would fail later, where nobody looks out for it.
    """
    try:
        value = loads(text)
        dumps(value)
        return whole_numbers(value)
    except (TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from None


def whole_numbers(value: Any) -> Any:
    """The value with numbers such as `3.0` and `1E+2` as `int`: how a number is spelled must not change its type."""
    match value:
        case Decimal():
            # Beyond what DynamoDB holds it stays as it is: a few characters could ask for a gigabyte of digits.
            small = value.is_finite() and value.adjusted() < 130
            return int(value) if small and value == value.to_integral_value() else value
        case dict():
            return {name: whole_numbers(inner) for name, inner in value.items()}
        case list():
            return [whole_numbers(inner) for inner in value]
    return value


def revision_of(item: Item | None) -> int:
    """The revision of an item; 0 for one that no admin has edited, and for none."""
    text = ((item or {}).get(REVISION) or {}).get("N", "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,14}", text) else 0


def bare(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item without the attributes that the API keeps."""
    return {name: value for name, value in item.items() if name not in BOOKKEEPING}


def merged(value: Any, patch: Any) -> Any:
    """The value with a JSON merge patch (RFC 7396) applied: null takes an attribute away."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), inner)
    return result


def changes(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[Change]:
    """What differs between two states of an item, by path (`title`, `credits.producer`); lists are taken whole."""
    found: list[Change] = []
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name, MISSING), after.get(name, MISSING)
        if isinstance(one, dict) and isinstance(other, dict):
            found += changes(one, other, f"{path}{name}.")
        elif one is MISSING or other is MISSING or not same(one, other):
            found.append(Change(path + name, one, other))
    return found


def typed_like(after: Mapping[str, Any], before: Item) -> dict[str, AttributeValue]:
    """The new state as DynamoDB's values, of the types that the attributes had before where their values allow it.

    Raises `ValueError` for what DynamoDB cannot hold.
    """
    return {name: _typed_like(value, before.get(name)) for name, value in after.items()}


def _typed_like(value: Any, before: AttributeValue | None) -> AttributeValue:
    if before is None:
        return typed(value)
    if same(value, plain({"": before})[""]):
        return before
    [(kind, inner)] = before.items()
    match kind, value:
        case "M", dict():
            return {"M": typed_like(value, inner)}
        case "SS", [str(), *_] if _distinct(value, str):
            return {"SS": value}
        case "NS", [int() | Decimal(), *_] if _distinct(value, int | Decimal):
            return {"NS": [typed(number)["N"] for number in value]}
        case "BS", [str(), *_] if _distinct(value, str) and all(map(_is_base64, value)):
            return {"BS": value}
        case "B", str() if value and _is_base64(value):
            return {"B": value}
    return typed(value)


def _distinct(values: list[Any], kind: Any) -> bool:
    right = all(isinstance(value, kind) and not isinstance(value, bool) and value != "" for value in values)
    return right and len(set(values)) == len(values)


def _is_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False


def slug(values: Iterable[Any]) -> str:
    """An id made of values: `Hoppípolla`, `Sigur Rós`, `piano` make `hoppipolla-sigur-ros-piano`; "" of nothing."""
    text = " ".join(str(value) for value in values if isinstance(value, str | int))
    # Accents go; letters of every script stay, and apostrophes join what they stand between.
    folded = "".join(letter for letter in normalize("NFKD", text.casefold()) if category(letter) != "Mn")
    words = re.findall(r"\w+", re.sub(r"['\u2018\u2019\u02bc`\u00b4]", "", normalize("NFKC", folded)).replace("_", " "))
    return "-".join(words)[:_MAX_SLUG].rstrip("-")

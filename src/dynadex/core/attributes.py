"""DynamoDB attribute values, losslessly: to JSON, to Python values, and keys to document ids and back.

An *attribute value* is DynamoDB's typed form, as it stands in stream records, scan pages and exports:
`{"S": "x"}`, `{"N": "1.5"}`, `{"B": "<base64>"}`, `{"BOOL": true}`, `{"NULL": true}`, `{"M": {...}}`, `{"L": [...]}`,
`{"SS": [...]}`, `{"NS": [...]}`, `{"BS": [...]}`. An *item* is a dict of attribute name to attribute value.

Rules:
- A number is written to JSON digit for digit: DynamoDB keeps 38 digits, a double 15 to 17, so no float is on the way.
- Sets become arrays in a stable order (numbers by value, strings and binaries by their text): the same set is always
  the same JSON.
- Binary becomes base64, NULL becomes null.
- An id holds the whole key, so that the key can be read back from it.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal

import orjson

AttributeValue = Mapping[str, Any]
Item = Mapping[str, AttributeValue]

#: An id longer than this is refused by the engines.
MAX_ID_BYTES = 512

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII).fullmatch
# Integers of so many digits fit into 64 bits, signed or not.
_PLAIN_DIGITS = 18
# What DynamoDB can hold: 38 digits, 1E-130 to 9.9…E+125.
_MOST_DIGITS, _SMALLEST_EXPONENT, _LARGEST_EXPONENT = 38, -130, 125
# Wide enough for any of these, so nothing is ever rounded here.
_EXACT = Context(prec=400, Emax=9999, Emin=-9999)


class InvalidKey(ValueError):
    """A key that cannot be turned into an id, or an id that is no key of the table."""


def _number_text(text: str) -> str:
    """The number as JSON text, digit for digit; other spellings that Decimal reads (`+5`, `.5`) are made JSON."""
    if _JSON_NUMBER(text):
        return text
    number = _decimal(text)
    return str(number)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _json_number(text: str) -> int | orjson.Fragment:
    # orjson writes integers that fit into 64 bits as they are, quicker than fragments.
    return int(text) if len(text) <= _PLAIN_DIGITS and text.isdecimal() else orjson.Fragment(_number_text(text))


# Most of what items hold are strings. So these are told apart where values are met: a call for each would take longer
# than all the rest. DynamoDB Local's streams have values without a type (an empty map loses its): they are left out.


def _json_value(typed: AttributeValue) -> Any:
    if "N" in typed:
        return _json_number(typed["N"])
    for kind, value in typed.items():
        return _TO_JSON[kind](value)
    raise ValueError("an attribute value without a type")


def _json_map(value: Item) -> dict[str, Any]:
    return {name: typed["S"] if "S" in typed else _json_value(typed) for name, typed in value.items() if typed}


def _json_list(value: list[AttributeValue]) -> list[Any]:
    return [typed["S"] if "S" in typed else _json_value(typed) for typed in value if typed]


def _itself(value: Any) -> Any:
    return value


def _null(_: Any) -> None:
    return None


_TO_JSON: dict[str, Callable[[Any], Any]] = {
    "S": _itself,
    "N": _json_number,
    "BOOL": _itself,
    "M": _json_map,
    "L": _json_list,
    "NULL": _null,
    "B": _itself,
    "SS": sorted,
    "NS": lambda texts: [_json_number(text) for text in sorted(texts, key=_decimal)],
    "BS": sorted,
}


def jsonable(item: Item) -> dict[str, Any]:
    """The item as a value that `orjson.dumps` writes exactly (numbers are integers or fragments of JSON text)."""
    return _json_map(item)


def item_json(item: Item) -> bytes:
    """The item as JSON bytes: what `dumps` makes of `jsonable`, which holds nothing that `dumps` looks out for."""
    return orjson.dumps(_json_map(item))


def _python_number(text: str) -> int | Decimal:
    if text.isdecimal() or (text[:1] == "-" and text[1:].isdecimal()):
        return int(text)
    number = _decimal(text)
    # `1E+2` and `1.0` too: how a number is spelled, which differs between emulators, must not change its type
    return int(number) if number.adjusted() <= _LARGEST_EXPONENT and number == number.to_integral_value() else number


def _python_value(typed: AttributeValue) -> Any:
    if "N" in typed:
        return _python_number(typed["N"])
    for kind, value in typed.items():
        return _TO_PYTHON[kind](value)
    raise ValueError("an attribute value without a type")


def _python_map(value: Item) -> dict[str, Any]:
    return {name: typed["S"] if "S" in typed else _python_value(typed) for name, typed in value.items() if typed}


def _python_list(value: list[AttributeValue]) -> list[Any]:
    return [typed["S"] if "S" in typed else _python_value(typed) for typed in value if typed]


_TO_PYTHON: dict[str, Callable[[Any], Any]] = {
    "S": _itself,
    "N": _python_number,
    "BOOL": _itself,
    "M": _python_map,
    "L": _python_list,
    "NULL": _null,
    "B": base64.b64decode,
    "SS": set,
    "NS": lambda texts: {_python_number(text) for text in texts},
    "BS": lambda texts: {base64.b64decode(text) for text in texts},
}


def plain(item: Item) -> dict[str, Any]:
    """The item as plain Python values, what a transform is given.

    Whole numbers are `int`, others `Decimal` (never float), binaries `bytes`, sets `set`, NULL None.
    """
    return _python_map(item)


def typed(value: Any) -> dict[str, Any]:
    """A plain Python or JSON value as an attribute value: what `plain` reads, the other way round.

    Raises `ValueError` for what DynamoDB cannot hold: NaN, infinities, empty or mixed sets, other types.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(_decimal(str(value)))}
        case float():
            return {"N": str(_decimal(repr(value)))}
        case bytes() | bytearray():
            return {"B": base64.b64encode(value).decode()}
        case dict():
            return {"M": {str(name): typed(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [typed(inner) for inner in value]}
        case set() | frozenset():
            kinds: dict[str, list[str]] = {}
            for member in value:
                for kind, inner in typed(member).items():
                    kinds.setdefault(kind, []).append(inner)
            if len(kinds) == 1 and (kind := next(iter(kinds))) in ("S", "N", "B"):
                return {kind + "S": sorted(kinds[kind])}
            raise ValueError("a set must hold strings, numbers or binaries, of one kind and at least one")
    raise ValueError(f"DynamoDB has no type for {type(value).__name__}")


def typed_item(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A plain item (JSON object) as DynamoDB's typed item."""
    return {name: typed(value) for name, value in item.items()}


def _exactly(value: Any) -> Any:
    """What orjson cannot write by itself: `Decimal`, sets, binaries."""
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is not a JSON number")
            return orjson.Fragment(_number_text(str(value)))
        case set() | frozenset():
            try:
                return sorted(value)
            except TypeError:
                return sorted(value, key=repr)
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _with_wide_integers(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() if not -(2**63) <= value < 2**64:
            return orjson.Fragment(str(int(value)))
        case dict():
            return {name: _with_wide_integers(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_with_wide_integers(inner) for inner in value]
        case set() | frozenset():
            return [_with_wide_integers(inner) for inner in _exactly(value)]
    return value


_NO_NUMBER_WITHIN = frozenset({str, int, bool, type(None), Decimal})


def _holds_no_number(document: Any) -> bool:
    values = [document]
    for value in values:  # which grow on the way
        if type(value) in _NO_NUMBER_WITHIN:
            continue
        if isinstance(value, float):
            if not math.isfinite(value):
                return True
        elif isinstance(value, dict):
            values += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            values += value
    return False


def encode(document: Any) -> bytes:
    """The document as JSON bytes, where it is known to hold no NaN or infinity, as nothing that `loads` read does.

    Raises `TypeError` or `ValueError` for what else has no exact JSON form.
    """
    try:
        return orjson.dumps(document, default=_exactly)
    except TypeError as error:
        if "64-bit" not in str(error):  # orjson refuses wider integers without asking `default`
            raise
        return orjson.dumps(_with_wide_integers(document), default=_exactly)


def dumps(document: Any) -> bytes:
    """The document as JSON bytes; raises `TypeError` or `ValueError` for what has no exact JSON form."""
    text = encode(document)
    if b"null" in text and _holds_no_number(document):  # orjson writes NaN and the infinities as null
        raise ValueError("NaN or an infinity is not a JSON number")
    return text


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a table's key; `type` is DynamoDB's letter for it."""

    name: str
    type: Literal["S", "N", "B"]


@dataclass(frozen=True, slots=True)
class KeySchema:
    """A table's key: the partition key and perhaps a sort key.

    Ids: a string partition key alone is the id as it is. Otherwise the parts are joined by `|`, with `%` and `|` in
    strings escaped as `%25` and `%7C`, numbers in their shortest plain spelling, binaries in base64. Different keys
    have different ids, and `key_of(id_of(item))` is the key again.
    """

    partition: KeyAttribute
    sort: KeyAttribute | None = None

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def key(self, item: Item) -> dict[str, AttributeValue]:
        """The key attributes of an item, typed. Raises `InvalidKey` if one is absent or of another type."""
        key: dict[str, AttributeValue] = {}
        for attribute in self.attributes:
            value = item.get(attribute.name)
            if value is None or attribute.type not in value:
                raise InvalidKey(f"the key attribute {attribute.name!r} of type {attribute.type} is not in the item")
            key[attribute.name] = {attribute.type: value[attribute.type]}
        return key

    def id_of(self, item: Item) -> str:
        """The document id of an item or key. Raises `InvalidKey` if it is longer than 512 bytes of UTF-8."""
        first = self.partition
        try:
            if self.sort is None:
                text: str = item[first.name][first.type]
                if first.type == "N":
                    text = canonical_number(text)
            else:
                text = "|".join(_id_part(item[part.name], part.type) for part in (first, self.sort))
        except KeyError:
            self.key(item)
            raise
        # Most ids are short ASCII: encode only where 512 bytes are possible at all.
        if len(text) * 4 > MAX_ID_BYTES and (length := len(text.encode())) > MAX_ID_BYTES:
            raise InvalidKey(f"the id of this key has {length} bytes; the engine takes at most {MAX_ID_BYTES}")
        return text

    def key_of(self, id: str) -> dict[str, AttributeValue]:
        """The key that an id stands for. Raises `InvalidKey` if the id is no key of such a table."""
        if self.sort is None:
            values = [id if self.partition.type == "S" else _key_part(id, self.partition.type)]
        else:
            parts = id.split("|")
            if len(parts) != 2:
                raise InvalidKey(f"{id!r} is not an id of this table: two parts joined by '|' are expected")
            values = [_key_part(text, part.type) for text, part in zip(parts, self.attributes, strict=True)]
        key: dict[str, AttributeValue] = {
            part.name: {part.type: value} for part, value in zip(self.attributes, values, strict=True)
        }
        if not all(values) or self.id_of(key) != id:
            raise InvalidKey(f"{id!r} is not an id of this table: no key has it")
        return key


def canonical_number(text: str) -> str:
    """One spelling for each number: `1`, `1.0` and `+1E0` are the same key to DynamoDB."""
    number = _EXACT.normalize(_decimal(text))
    return format(number, "f") if number else "0"


def _number_of(text: str) -> str:
    try:
        number = _decimal(text)
    except ValueError as error:
        raise InvalidKey(f"{text!r} is not an id of this table: {error}") from None
    if number and not _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
        raise InvalidKey(f"{text!r} is not an id of this table: DynamoDB has no such number")
    if len(canonical_number(text).strip("-0.").replace(".", "")) > _MOST_DIGITS:
        raise InvalidKey(f"{text!r} is not an id of this table: a number has at most {_MOST_DIGITS} digits")
    return text


def _binary_of(text: str) -> str:
    try:
        if base64.b64encode(base64.b64decode(text, validate=True)).decode() == text:
            return text
    except ValueError:
        pass
    raise InvalidKey(f"{text!r} is not an id of this table: base64 is expected")


def _id_part(value: AttributeValue, type: str) -> str:
    text: str = value[type]
    match type:
        case "S":
            return text.replace("%", "%25").replace("|", "%7C")
        case "N":
            return canonical_number(text)
    return text


def _key_part(text: str, type: str) -> str:
    match type:
        case "S":
            return text.replace("%7C", "|").replace("%25", "%")
        case "N":
            return _number_of(text)
        case "B":
            return _binary_of(text)
    return text

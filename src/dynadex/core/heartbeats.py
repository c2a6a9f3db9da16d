"""The items by which regions show how fresh their indices are: reserved keys, one a region and table.

A region's heartbeat is an item that it writes again and again. It goes the way of every item, through the stream and
the write protocol; only its document is empty, `{}`, which every mapping takes. The version of that document says when
the newest beat that is in the index was written in the table *here*: another region's grows old when nothing arrives
from there any more, but a steady delay of replication does not show, and a refill or a repair makes it young again.
Searches and counts leave these documents out.

A reserved key holds the region's name in each of its attributes: strings as `dynadex.heartbeat.REGION`, binaries as the
bytes of that, numbers as one that nobody numbers items with: negative, of 38 digits, the first twelve always the same.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .attributes import AttributeValue, InvalidKey, Item, KeyAttribute, KeySchema, canonical_number

_PREFIX = "dynadex.heartbeat."
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d").fullmatch
#: The letters of a region's name are the digits of a number, to the base of as many: 0 stands for none.
_LETTERS = "-abcdefghijklmnopqrstuvwxyz0123456789"
_BASE = len(_LETTERS) + 1
_FIRST_DIGITS, _ROOM = 736_172_748_562, 10**26

EMPTY = b"{}"


def key(schema: KeySchema, region: str) -> dict[str, AttributeValue]:
    """The key of a region's heartbeat in a table."""
    return {attribute.name: {attribute.type: _value(attribute.type, region)} for attribute in schema.attributes}


def id_of(schema: KeySchema, region: str) -> str:
    """The id of a region's heartbeat in the indices of a table."""
    return schema.id_of(key(schema, region))


def region_of(schema: KeySchema, item: Item) -> str | None:
    """The region whose heartbeat an item or key is; None for every other item."""
    region = _region(item.get(schema.partition.name), schema.partition)
    if region is None or (schema.sort is not None and _region(item.get(schema.sort.name), schema.sort) != region):
        return None
    return region


def region_of_id(schema: KeySchema, id: str) -> str | None:
    """The region whose heartbeat a document is; None for every other document."""
    try:
        return region_of(schema, schema.key_of(id))
    except InvalidKey:
        return None


def left_out(query: Mapping[str, Any], ids: Iterable[str]) -> dict[str, Any]:
    """The engine's query, without the documents of these ids; scores stay as they are."""
    if not (values := list(ids)):
        return dict(query)
    return {"bool": {"must": [query], "must_not": [{"ids": {"values": values}}]}}


def _value(type: str, region: str) -> str:
    match type:
        case "N":
            number = 0
            for letter in region:
                number = number * _BASE + 1 + _LETTERS.index(letter)
            if number >= _ROOM:
                raise InvalidKey(f"{region} is too long a name for a heartbeat with a number as its key")
            return str(-(_FIRST_DIGITS * _ROOM + number))
        case "B":
            return base64.b64encode((_PREFIX + region).encode()).decode()
    return _PREFIX + region


def _region(value: AttributeValue | None, attribute: KeyAttribute) -> str | None:
    text = (value or {}).get(attribute.type)
    if not isinstance(text, str):
        return None
    match attribute.type:
        case "N":
            region = _region_of_number(text)
        case "B":
            region = _region_of_text(base64.b64decode(text)) if text.startswith(_BINARY) else ""
        case _:
            if not text.startswith(_PREFIX):  # nearly every item that is written
                return None
            region = text.removeprefix(_PREFIX)
    return region if _REGION(region) else None


#: The beginning of the prefix in base64, as far as it does not depend on what follows.
_BINARY = base64.b64encode(_PREFIX.encode()).decode()


def _region_of_text(text: bytes) -> str:
    return text.decode(errors="replace").removeprefix(_PREFIX)


def _region_of_number(text: str) -> str:
    if not text.startswith("-7"):  # what nearly every other number is told by
        return ""
    try:
        first, number = divmod(-int(canonical_number(text)), _ROOM)
    except ValueError:
        return ""
    if first != _FIRST_DIGITS:
        return ""
    letters = ""
    while number:
        number, digit = divmod(number, _BASE)
        letters = (_LETTERS[digit - 1] if digit else "?") + letters
    return letters

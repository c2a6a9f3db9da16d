"""What the values of sampled items are like, attribute by attribute and as deep as maps go.

Only what a mapping is chosen by is kept: types, lengths, ranges, how many different values, which date formats all
values have. No value is kept that was not needed to count the different ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..core.attributes import AttributeValue, Item

#: Different values are counted up to this many: beyond, it only matters that there are many.
MOST_DISTINCT = 200

#: The engine's default date format, which takes ISO 8601.
ISO = "strict_date_optional_time"
_ISO_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
).fullmatch
#: The engine's name of a format, a quick look at the shape, and Python's words for it.
_OTHER_DATES = (
    ("yyyy-MM-dd HH:mm:ss", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"), "%Y-%m-%d %H:%M:%S"),
    ("yyyy/MM/dd", re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}"), "%Y/%m/%d"),
    ("dd.MM.yyyy", re.compile(r"[0-9]{2}[.][0-9]{2}[.][0-9]{4}"), "%d.%m.%Y"),
    ("dd/MM/yyyy", re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"), "%d/%m/%Y"),
    ("MM/dd/yyyy", re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"), "%m/%d/%Y"),
)
_LONGEST_DATE = 35

# A number of seconds or milliseconds since 1970 that is a time from 1990 to 2100.
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800
_LONG = range(-(2**63), 2**63)


@dataclass(slots=True)
class Texts:
    """The strings at one place; lengths in characters, `longest_bytes` in bytes of UTF-8."""

    count: int = 0
    empty: int = 0
    longest: int = 0
    longest_bytes: int = 0
    worded: int = 0
    """How many have white space between words."""
    distinct: set[str] = field(default_factory=set)
    """Up to MOST_DISTINCT + 1 different ones."""
    dates: Counter[str] = field(default_factory=Counter)
    """How many have each of the engine's date formats."""

    def take(self, text: str) -> None:
        self.count += 1
        self.empty += not text
        self.longest = max(self.longest, len(text))
        self.longest_bytes = max(self.longest_bytes, len(text.encode()))
        self.worded += len(text.split(None, 1)) > 1
        if len(self.distinct) <= MOST_DISTINCT:
            self.distinct.add(text)
        self.dates.update(date_formats(text))


@dataclass(slots=True)
class Numbers:
    """The numbers at one place."""

    count: int = 0
    fractions: int = 0
    beyond_long: int = 0
    """Whole numbers that do not fit into 64 bits."""
    beyond_double: int = 0
    """Numbers with more digits than a double keeps."""
    seconds: int = 0
    milliseconds: int = 0

    def take(self, text: str) -> None:
        number = Decimal(text)
        self.count += 1
        whole = number == number.to_integral_value() if number.adjusted() < 40 else True
        self.fractions += not whole
        self.beyond_long += whole and (number.adjusted() > 20 or int(number) not in _LONG)
        self.beyond_double += Decimal(repr(float(number))) != number
        if whole:
            self.seconds += _FIRST_SECOND <= number < _LAST_SECOND
            self.milliseconds += _FIRST_SECOND * 1000 <= number < _LAST_SECOND * 1000


@dataclass(slots=True)
class Observed:
    """The values at one place, over all items (or maps) that have it.

    `kinds` counts DynamoDB's letters; what is in lists and sets counts as the thing itself, for an engine's field
    takes one value or many alike. `bytes` is about what DynamoDB counts for the values, names aside.
    """

    holders: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    many: int = 0
    """How many holders have a list or set there."""
    nested: int = 0
    """How many lists there are in lists."""
    texts: Texts = field(default_factory=Texts)
    numbers: Numbers = field(default_factory=Numbers)
    inner: dict[str, Observed] = field(default_factory=dict)
    bytes: int = 0
    largest: int = 0

    def take(self, value: AttributeValue) -> None:
        """Takes in the value that one more holder has."""
        self.holders += 1
        size = size_of(value)
        self.bytes += size
        self.largest = max(self.largest, size)
        self.many += next(iter(value)) in ("L", "SS", "NS", "BS")
        self._take(value)

    def _take(self, value: AttributeValue) -> None:
        for kind, content in value.items():
            match kind:
                case "L":
                    for one in content:
                        self.nested += "L" in one
                        self._take(one)
                    continue
                case "SS" | "NS" | "BS":
                    for one in content:
                        self._take({kind[0]: one})
                    continue
                case "S":
                    self.texts.take(content)
                case "N":
                    self.numbers.take(content)
                case "M":
                    _take_all(self.inner, content)
            self.kinds[kind] += 1

    @property
    def known(self) -> int:
        """How many values there are that are not NULL."""
        return self.kinds.total() - self.kinds["NULL"]


def observe(items: Iterable[Item]) -> dict[str, Observed]:
    """The items' attributes, in the order in which they were first met."""
    attributes: dict[str, Observed] = {}
    for item in items:
        _take_all(attributes, item)
    return attributes


def _take_all(attributes: dict[str, Observed], values: Mapping[str, AttributeValue]) -> None:
    for name, value in values.items():
        attributes.setdefault(name, Observed()).take(value)


def date_formats(text: str) -> list[str]:
    """The engine's date formats that the text has."""
    if not text[:1].isdigit() or len(text) > _LONGEST_DATE:
        return []
    if _ISO_DATE(text):
        return [ISO] if _is(lambda: datetime.fromisoformat(text)) else []
    return [
        name
        for name, shape, words in _OTHER_DATES
        if shape.fullmatch(text) and _is(lambda words=words: datetime.strptime(text, words))
    ]


def _is(parse: Any) -> bool:
    try:
        parse()
    except ValueError:
        return False
    return True


def size_of(value: AttributeValue) -> int:
    """About the bytes that DynamoDB counts for a value."""
    for kind, content in value.items():
        match kind:
            case "S":
                return len(content.encode())
            case "N":
                return len(content) // 2 + 2
            case "B":
                return len(content) * 3 // 4
            case "M":
                return 3 + item_size(content) + len(content)
            case "L":
                return 3 + sum(map(size_of, content)) + len(content)
            case "SS" | "NS" | "BS":
                return sum(size_of({kind[0]: one}) for one in content)
    return 1


def item_size(item: Item) -> int:
    """About the bytes that DynamoDB counts for an item: its names and its values."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())

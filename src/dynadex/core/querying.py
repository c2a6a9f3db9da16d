"""Search requests: what may be asked of an index, and what is wrong with what was.

Requests are small and closed: words, exact filters, ranges, an order, a page. The engine's own query language is never
exposed, and every input has a limit; all that is wrong with a request is told at once. What is asked for becomes a
query in `bodies`, and the engine's answer a result in `results`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from unicodedata import normalize

from . import cursors
from .cursors import Position, WrongCursor

MAX_WORDS_LENGTH = 256
MAX_FILTER_LENGTH = 256
MAX_FILTER_VALUES = 20
#: The engines refuse to page deeper than this many hits; cursors go on.
MAX_DEPTH = 10_000
MAX_SUGGESTIONS = 10
#: How hits are ordered where a request does not say.
RELEVANCE = "relevance"
#: The search API has these query parameters of its own.
PARAMETERS = ("q", "index", "page", "size", "cursor", "sort")

_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Searchable:
    """What may be asked of an index, by the names of its fields.

    `fields` are `name` or `name^boost`; each of `sorts` is fields to order by, `-name` for the highest first.
    """

    fields: tuple[str, ...]
    filters: tuple[str, ...]
    highlight: tuple[str, ...]
    default_size: int = 10
    max_size: int = 100
    ranges: tuple[str, ...] = ()
    """Numbers to filter by as `A-B`, `A-` or `-B`."""
    facets: tuple[str, ...] = ()
    """Those of the filters whose values are counted."""
    sorts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    """The field with a filter's exact values, where that is not the filter's own."""
    tie: str = "_id"
    """A field that differs in all documents: it decides between equal hits."""
    title: str | None = None
    """What people call a document. It has the sub-fields that `relevance` describes, as `by` has."""
    by: str | None = None
    """Whose it is: people may add that to the title, or ask for all of somebody's."""
    names: str | None = None
    """A field with the words of both, copied there."""
    popularity: str | None = None
    """A number that is higher for what is wanted more often."""
    suggest: tuple[str, ...] = ()
    """The fields that a suggestion shows."""
    did_you_mean: bool = True

    def field_of(self, name: str) -> str:
        """The field with the exact values of a filter."""
        return self.exact.get(name, name)


class Range(NamedTuple):
    """From the least to the most, both included; None is without an end. Numbers are as they were written."""

    least: str | None
    most: str | None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A checked request; `page` counts from 1, `after` is where a cursor goes on."""

    words: str
    filters: Mapping[str, tuple[str, ...]]
    page: int
    size: int
    ranges: Mapping[str, Range] = field(default_factory=dict)
    sort: str = RELEVANCE
    after: tuple[object, ...] | None = None

    @property
    def search(self) -> str:
        """What a cursor is bound to: all but the page."""
        conditions = sorted(self.filters.items()), sorted(map(repr, self.ranges.items()))
        return repr((self.words, *conditions, self.sort, self.size))


class SuggestRequest(NamedTuple):
    """What somebody has typed so far."""

    words: str
    size: int


class WrongRequest(ValueError):
    """What is wrong with a request, by parameter."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = dict(problems)


def request(parameters: Mapping[str, str], searchable: Searchable) -> SearchRequest:
    """Checks a search's parameters: `q`, `page`, `size`, `sort`, `cursor`, the filters and the ranges."""
    problems: dict[str, str] = {}
    words = _words(parameters, problems)
    size = _whole("size", parameters, searchable.default_size, searchable.max_size, problems)
    page = _whole("page", parameters, 1, MAX_DEPTH, problems)
    if not problems and page * size > MAX_DEPTH:
        problems["page"] = f"goes beyond hit {MAX_DEPTH:,}; go on with the cursor, or narrow the search"
    sort = parameters.get("sort") or RELEVANCE
    if sort != RELEVANCE and sort not in searchable.sorts:
        allowed = ", ".join((RELEVANCE, *searchable.sorts))
        problems["sort"] = f"{sort[:50]!r} is no order here; allowed are {allowed}"
    filters: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, Range] = {}
    for name, value in parameters.items():
        if name in PARAMETERS and name != "index":
            continue
        if name in searchable.ranges:
            if value.strip() and (found := _range(name, value.strip(), problems)):
                ranges[name] = found
        elif name in searchable.filters:
            if values := _values(name, value, problems):
                filters[name] = values
        else:
            allowed = ", ".join(("q", "page", "size", "sort", "cursor", *searchable.filters, *searchable.ranges))
            problems[name[:50]] = f"is no parameter here; allowed are {allowed}"
    asked = SearchRequest(words, filters, page, size, ranges, sort)
    if cursor := parameters.get("cursor", ""):
        asked = _from_cursor(asked, cursor, searchable, "page" in parameters, problems)
    if problems:
        raise WrongRequest(problems)
    return asked


def suggest_request(parameters: Mapping[str, str]) -> SuggestRequest:
    """Checks the parameters of a request for suggestions: `q` and `size`."""
    problems: dict[str, str] = {}
    words = _words(parameters, problems)
    size = _whole("size", parameters, MAX_SUGGESTIONS, MAX_SUGGESTIONS, problems)
    for name in parameters:
        if name not in ("q", "size"):
            problems[name[:50]] = "is no parameter here; allowed are q, size"
    if problems:
        raise WrongRequest(problems)
    return SuggestRequest(words, size)


def _words(parameters: Mapping[str, str], problems: dict[str, str]) -> str:
    words = normalize("NFC", parameters.get("q", "")).strip()  # engines fold é, not e with an accent after it
    if len(words) > MAX_WORDS_LENGTH:
        problems["q"] = f"has {len(words)} characters; {MAX_WORDS_LENGTH} are allowed"
    return words


def _whole(name: str, parameters: Mapping[str, str], default: int, most: int, problems: dict[str, str]) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most:
        return int(text)
    problems[name] = f"{text[:20]!r} is not a whole number from 1 to {most:,}"
    return default


def _values(name: str, text: str, problems: dict[str, str]) -> tuple[str, ...]:
    """The values between commas. As a value may itself have commas, neighbours are looked for together as well."""
    if len(text) > MAX_FILTER_LENGTH:
        problems[name] = f"has {len(text)} characters; {MAX_FILTER_LENGTH} are allowed"
        return ()
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > MAX_FILTER_VALUES:
        problems[name] = f"has {len(parts)} values; {MAX_FILTER_VALUES} are allowed"
        return ()
    places = range(len(parts))
    runs = (",".join(parts[start : start + length + 1]) for length in places for start in places[: len(parts) - length])
    return tuple(dict.fromkeys(run.strip() for run in runs))


def _range(name: str, text: str, problems: dict[str, str]) -> Range | None:
    least, dash, most = (part.strip() for part in text.partition("-"))
    if dash and (least or most) and all(not end or _NUMBER(end) for end in (least, most)):
        return Range(least or None, most or None)
    problems[name] = f"{text[:50]!r} is no range of numbers; allowed are A-B, A- and -B, such as 300-600"
    return None


def _from_cursor(
    asked: SearchRequest, cursor: str, searchable: Searchable, paged: bool, problems: dict[str, str]
) -> SearchRequest:
    if paged:
        problems["page"] = "is not used with a cursor, which knows its page"
        return asked
    if problems:  # then what is asked is not what the cursor came from
        return asked
    try:
        position = cursors.decode(asked.search, cursor, len(order(asked.sort, searchable)))
    except WrongCursor as error:
        problems["cursor"] = str(error)
        return asked
    return SearchRequest(
        asked.words, asked.filters, position.page, asked.size, asked.ranges, asked.sort, position.after
    )


def cursor_after(asked: SearchRequest, sort_values: tuple[object, ...]) -> str:
    """The cursor of the page after the one asked for, which ends with these sort values."""
    return cursors.encode(asked.search, Position(asked.page + 1, sort_values))


def order(sort: str, searchable: Searchable) -> tuple[str, ...]:
    """The fields that hits are ordered by, `-` before those with the highest first. The last decides between equals."""
    if sort == RELEVANCE:
        popular = (f"-{searchable.popularity}",) if searchable.popularity else ()
        return ("-_score", *popular, searchable.tie)
    return (*searchable.sorts[sort], searchable.tie)

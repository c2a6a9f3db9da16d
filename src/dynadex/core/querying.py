"""Search requests to engine queries, and engine answers to search results.

Requests are small and closed: words, exact filters, a page. The engine's own query language is never exposed, and every
input has a limit; all that is wrong with a request is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

MAX_WORDS_LENGTH = 256
MAX_FILTER_LENGTH = 256
#: The engines refuse to page deeper than this many hits.
MAX_DEPTH = 10_000


@dataclass(frozen=True, slots=True)
class Searchable:
    """What may be asked of an index: `fields` as `name` or `name^boost`, `filters` and `highlight` as field names."""

    fields: tuple[str, ...]
    filters: tuple[str, ...]
    highlight: tuple[str, ...]
    default_size: int = 10
    max_size: int = 100


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A checked request; `page` counts from 1."""

    words: str
    filters: Mapping[str, tuple[str, ...]]
    page: int
    size: int


class WrongRequest(ValueError):
    """What is wrong with a request, by parameter."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = dict(problems)


def request(parameters: Mapping[str, str], searchable: Searchable) -> SearchRequest:
    """Checks a request's parameters: `q`, `page`, `size` and the filters (several values with commas between them)."""
    problems: dict[str, str] = {}
    words = normalize("NFC", parameters.get("q", "")).strip()  # engines fold é, not e with an accent after it
    if len(words) > MAX_WORDS_LENGTH:
        problems["q"] = f"has {len(words)} characters; {MAX_WORDS_LENGTH} are allowed"
    size = _whole("size", parameters, searchable.default_size, searchable.max_size, problems)
    page = _whole("page", parameters, 1, MAX_DEPTH, problems)
    if not problems and page * size > MAX_DEPTH:
        problems["page"] = f"goes beyond hit {MAX_DEPTH:,}; narrow the search instead"
    filters: dict[str, tuple[str, ...]] = {}
    for name, value in parameters.items():
        if name in ("q", "page", "size"):
            continue
        if name not in searchable.filters:
            allowed = ", ".join(("q", "page", "size", *searchable.filters))
            problems[name[:50]] = f"is no parameter here; allowed are {allowed}"
        elif len(value) > MAX_FILTER_LENGTH:
            problems[name] = f"has {len(value)} characters; {MAX_FILTER_LENGTH} are allowed"
        elif values := tuple(part.strip() for part in value.split(",") if part.strip()):
            filters[name] = values
    if problems:
        raise WrongRequest(problems)
    return SearchRequest(words, filters, page, size)


def _whole(name: str, parameters: Mapping[str, str], default: int, most: int, problems: dict[str, str]) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most:
        return int(text)
    problems[name] = f"{text[:20]!r} is not a whole number from 1 to {most:,}"
    return default


def query(asked: SearchRequest, searchable: Searchable) -> dict[str, Any]:
    """The engine's search body for a request."""
    body: dict[str, Any] = {
        "query": {"bool": {"must": [_full_text(asked.words, searchable.fields)]}},
        "from": (asked.page - 1) * asked.size,
        "size": asked.size,
        "track_total_hits": True,
    }
    if asked.filters:
        body["query"]["bool"]["filter"] = [{"terms": {name: list(values)}} for name, values in asked.filters.items()]
    if asked.words and searchable.highlight:
        body["highlight"] = {
            "encoder": "html",  # the marks are HTML, so what they stand in must be too
            "number_of_fragments": 0,
            "require_field_match": False,
            "fields": {name: {} for name in searchable.highlight},
        }
    return body


def _full_text(words: str, fields: Sequence[str]) -> dict[str, Any]:
    """All words, over the fields together (a title's and an artist's words mixed) or, misspelt, within one of them."""
    if not words:
        return {"match_all": {}}
    asked: dict[str, Any] = {"query": words}
    if fields:  # else the engine searches its default fields, all of them
        asked["fields"] = list(fields)
    across = {**asked, "type": "cross_fields", "operator": "and", "boost": 3}
    within = {**asked, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1}
    phrase = {**asked, "type": "phrase", "boost": 2}
    return {
        "bool": {
            "should": [{"multi_match": across}, {"multi_match": within}, {"multi_match": phrase}],
            "minimum_should_match": 1,
        }
    }


def result(answer: Mapping[str, Any], asked: SearchRequest) -> dict[str, Any]:
    """The search result: `total`, `hits` with `id`, `score`, `document` and `highlights`, and the page."""
    hits = answer["hits"]
    return {
        "total": hits["total"]["value"],
        "page": asked.page,
        "size": asked.size,
        "hits": [
            {
                "id": hit["_id"],
                "score": hit["_score"],
                "document": hit["_source"],
                "highlights": hit.get("highlight", {}),
            }
            for hit in hits["hits"]
        ],
    }

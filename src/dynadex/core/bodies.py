"""Checked requests to the engine's search bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .querying import Searchable, SearchRequest, SuggestRequest, order
from .relevance import full_text, least_score, suggested

_MOST_VALUES = 50
"""So many values of a facet are counted, the most frequent ones."""
_SUGGESTED_DEEP = 40
"""So many hits are looked through for suggestions: several may have the same title."""


def query(asked: SearchRequest, searchable: Searchable, hidden: Sequence[str] = ()) -> dict[str, Any]:
    """The engine's search body for a request. Documents with one of the `hidden` ids are never found."""
    conditions = _conditions(asked, searchable)
    counted = {name: conditions.pop(name) for name in searchable.facets if name in conditions}
    body: dict[str, Any] = {
        "query": _found(full_text(asked.words, searchable), conditions.values(), hidden),
        "size": asked.size,
        "sort": [_ordered(name) for name in order(asked.sort, searchable)],
        "track_scores": True,
        "track_total_hits": True,
    }
    if least := least_score(asked.words, searchable):
        body["min_score"] = least
    if asked.after is None:
        body["from"] = (asked.page - 1) * asked.size
    else:
        body["search_after"] = list(asked.after)
    if counted:  # after the counting, as a field's own filter must not narrow its own counts
        body["post_filter"] = {"bool": {"filter": list(counted.values())}}
    if searchable.facets:
        body["aggs"] = {name: _facet(name, counted, searchable) for name in searchable.facets}
    if asked.words and searchable.highlight and not searchable.names:
        body["highlight"] = _highlight(searchable)
    return body


def suggest(asked: SuggestRequest, searchable: Searchable, hidden: Sequence[str] = ()) -> dict[str, Any]:
    """The engine's search body for suggestions; of several hits with the same title one is kept afterwards."""
    body: dict[str, Any] = {
        "query": _found(suggested(asked.words, searchable), (), hidden),
        "size": _SUGGESTED_DEEP,
        "sort": [_ordered(name) for name in order("relevance", searchable)],
        "track_scores": True,
        "track_total_hits": False,
        "_source": list(searchable.suggest),
    }
    if least := least_score(asked.words, searchable):
        body["min_score"] = least
    if asked.words and searchable.highlight and not searchable.names:
        body["highlight"] = _highlight(searchable)
    return body


def _found(scored: Mapping[str, Any], conditions: Iterable[Mapping[str, Any]], hidden: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"must": [scored]}
    if filters := list(conditions):
        found["filter"] = filters
    if hidden:
        found["must_not"] = [{"ids": {"values": list(hidden)}}]
    return {"bool": found}


def _conditions(asked: SearchRequest, searchable: Searchable) -> dict[str, dict[str, Any]]:
    """The filters and ranges asked for, by name."""
    found: dict[str, dict[str, Any]] = {
        name: {"terms": {searchable.field_of(name): list(values)}} for name, values in asked.filters.items()
    }
    for name, between in asked.ranges.items():
        ends = {"gte": between.least, "lte": between.most}
        found[name] = {"range": {name: {end: value for end, value in ends.items() if value is not None}}}
    return found


def _facet(name: str, counted: Mapping[str, Any], searchable: Searchable) -> dict[str, Any]:
    """How often each value is met, whatever of this field is asked for."""
    values = {"terms": {"field": searchable.field_of(name), "size": _MOST_VALUES}}
    others = [condition for other, condition in counted.items() if other != name]
    return {"filter": {"bool": {"filter": others}}, "aggs": {"values": values}} if others else values


def _ordered(name: str) -> dict[str, Any]:
    descending, field = name.startswith("-"), name.removeprefix("-")
    direction = {"order": "desc" if descending else "asc"}
    if field in ("_score", "_id"):
        return {field: direction}
    # A generation may be older than the project's file: what it does not have yet is missing from all documents.
    return {field: direction | {"missing": "_last", "unmapped_type": "keyword"}}


def _highlight(searchable: Searchable) -> dict[str, Any]:
    return {
        "encoder": "html",  # the marks are HTML, so what they stand in must be too
        "number_of_fragments": 0,
        "require_field_match": False,
        "fields": {name: {} for name in searchable.highlight},
    }

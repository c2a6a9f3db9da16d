"""The engine's answers to search results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .querying import Searchable, SearchRequest, SuggestRequest, cursor_after


def result(answer: Mapping[str, Any], asked: SearchRequest, searchable: Searchable) -> dict[str, Any]:
    """The search result: `total`, the page, `hits` with `id`, `score`, `document` and `highlights`, and `facets`."""
    hits = answer["hits"]["hits"]
    total = answer["hits"]["total"]["value"]
    more = len(hits) == asked.size and total > asked.page * asked.size
    return {
        "total": total,
        "page": asked.page,
        "size": asked.size,
        "hits": [
            {
                "id": hit["_id"],
                "score": hit["_score"],
                "document": hit["_source"],
                "highlights": hit.get("highlight", {}),
            }
            for hit in hits
        ],
        "facets": {name: _counts(answer["aggregations"][name]) for name in searchable.facets},
        "cursor": cursor_after(asked, tuple(hits[-1]["sort"])) if more else None,
        "didYouMean": did_you_mean(answer, asked, searchable),
        "took": answer["took"],
    }


def _counts(aggregation: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = aggregation.get("values", aggregation)
    return [{"value": bucket["key"], "count": bucket["doc_count"]} for bucket in values["buckets"]]


def did_you_mean(answer: Mapping[str, Any], asked: SearchRequest, searchable: Searchable) -> str | None:
    """The best hit's title, where what was asked for is only something like it."""
    return None


def suggestions(answer: Mapping[str, Any], asked: SuggestRequest, searchable: Searchable) -> dict[str, Any]:
    """The suggestions, best first: of hits that would look the same only the first is one."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for hit in answer["hits"]["hits"]:
        shown = {name: value(hit["_source"], name) for name in searchable.suggest}
        suggestion = {"id": hit["_id"], **shown, "highlights": hit.get("highlight", {})}
        found.setdefault(tuple(str(text).casefold() for text in shown.values()), suggestion)
    return {"suggestions": list(found.values())[: asked.size]}


def value(document: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as `song.title`; None where there is none."""
    found: Any = document
    if path in document:  # a name with dots in it
        return document[path]
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found

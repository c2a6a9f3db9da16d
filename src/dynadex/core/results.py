"""The engine's answers to search results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .marking import Meant, marks, near, value
from .querying import Searchable, SearchRequest, SuggestRequest, cursor_after
from .wording import SMALL, forms, whole, words_of


def result(answer: Mapping[str, Any], asked: SearchRequest, searchable: Searchable) -> dict[str, Any]:
    """The search result: `total`, the page, `hits` with `id`, `score`, `document` and `highlights`, and `facets`."""
    hits = answer["hits"]["hits"]
    total = answer["hits"]["total"]["value"]
    more = len(hits) == asked.size and total > asked.page * asked.size
    meant = Meant(asked.words)
    return {
        "total": total,
        "page": asked.page,
        "size": asked.size,
        "hits": [
            {
                "id": hit["_id"],
                "score": hit["_score"],
                "document": hit["_source"],
                "highlights": _highlights(hit, searchable, meant),
            }
            for hit in hits
        ],
        "facets": {name: _counts(answer["aggregations"][name]) for name in searchable.facets},
        "cursor": cursor_after(asked, tuple(hits[-1]["sort"])) if more else None,
        "didYouMean": did_you_mean(hits[0]["_source"], meant, searchable) if hits and asked.page == 1 else None,
        "took": answer["took"],
    }


def suggestions(answer: Mapping[str, Any], asked: SuggestRequest, searchable: Searchable) -> dict[str, Any]:
    """The suggestions, best first: of hits that would look the same only the first is one."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    meant = Meant(asked.words)
    for hit in answer["hits"]["hits"]:
        shown = {name: value(hit["_source"], name) for name in searchable.suggest}
        alike = tuple(str(text).casefold() for text in shown.values())
        if alike not in found:
            found[alike] = {"id": hit["_id"], **shown, "highlights": _highlights(hit, searchable, meant)}
        if len(found) == asked.size:
            break
    return {"suggestions": list(found.values())}


def did_you_mean(document: Mapping[str, Any], meant: Meant, searchable: Searchable) -> str | None:
    """The best hit's title, and author if one was asked for, where what was typed is only something like them."""
    if not (meant.words and searchable.did_you_mean and searchable.names and searchable.title):
        return None
    title, author = (str(value(document, name) or "") if name else "" for name in (searchable.title, searchable.by))
    titled, by = words_of(title), words_of(author)
    together = whole([*titled, *by]), whole([*by, *titled])
    if any(form in end for form in forms(meant.words) for end in together):
        return None  # nothing is wrong but perhaps where words are parted
    typed = Meant(" ".join([*titled, *by]))
    if all(typed.exactly(word) or word in SMALL for word in meant.words[:-1]) and any(
        word.startswith(meant.words[-1]) for word in (*titled, *by)
    ):
        return None
    if any(near(one, word) for word in meant.words if len(word) > 2 for one in by if one not in titled):
        return f"{title} {author}"
    return None if all(map(meant.exactly, titled)) else title  # with all of it there, something else is too much


def _highlights(hit: Mapping[str, Any], searchable: Searchable, meant: Meant) -> Mapping[str, Any]:
    if searchable.names:
        return marks(hit["_source"], searchable.highlight, meant)
    highlights: Mapping[str, Any] = hit.get("highlight", {})
    return highlights


def _counts(aggregation: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = aggregation.get("values", aggregation)
    return [{"value": bucket["key"], "count": bucket["doc_count"]} for bucket in values["buckets"]]

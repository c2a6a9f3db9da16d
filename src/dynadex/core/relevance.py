"""Words to a scored query."""

from __future__ import annotations

from typing import Any

from .querying import Searchable


def full_text(words: str, searchable: Searchable) -> dict[str, Any]:
    """All words, over the fields together (a title's and an artist's words mixed) or, misspelt, within one of them."""
    if not words:
        return {"match_all": {}}
    asked: dict[str, Any] = {"query": words}
    if searchable.fields:  # else the engine searches its default fields, all of them
        asked["fields"] = list(searchable.fields)
    across = {**asked, "type": "cross_fields", "operator": "and", "boost": 3}
    within = {**asked, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1}
    phrase = {**asked, "type": "phrase", "boost": 2}
    return {
        "bool": {
            "should": [{"multi_match": across}, {"multi_match": within}, {"multi_match": phrase}],
            "minimum_should_match": 1,
        }
    }


def suggested(words: str, searchable: Searchable) -> dict[str, Any]:
    """What somebody may be about to type, who has typed so much; without words, everything."""
    if not words:
        return {"match_all": {}}
    asked: dict[str, Any] = {"query": words, "type": "bool_prefix", "operator": "and"}
    if searchable.fields:
        asked["fields"] = list(searchable.fields)
    return {"multi_match": asked}


def marks(words: str, searchable: Searchable) -> dict[str, Any]:
    """Members of a highlight that say what is marked; empty for what the query itself looks for."""
    return {}

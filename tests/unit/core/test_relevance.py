"""Whatever is typed becomes a query that is small, and that asks for nothing but the names."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dynadex.core import bodies
from dynadex.core.marking import Meant
from dynadex.core.querying import MAX_WORDS_LENGTH, Searchable, request, suggest_request
from dynadex.core.relevance import LEAST
from dynadex.core.results import did_you_mean

KNOWN = Searchable(
    ("title",), (), ("title",), title="title", by="artist", names="names", popularity="plays", suggest=("title",)
)
FIELDS = {"title.whole", "artist.whole", "artist", "names", "names.beginnings", "names.threes", "plays"}

_words = st.text(max_size=MAX_WORDS_LENGTH) | st.lists(
    st.sampled_from(["the", "one", "7", "ninety", "nine", "a", "stairway", "&", "T.N.T.", "hundred"]), max_size=40
).map(" ".join)


def asked_fields(query: Any) -> set[str]:
    """The fields of a query's leaves."""
    found: set[str] = set()
    if isinstance(query, list):
        return found.union(*map(asked_fields, query))
    if isinstance(query, dict):
        for name, value in query.items():
            if name in ("match", "terms", "term", "fuzzy", "prefix", "range"):
                found |= value.keys()
            else:
                found |= asked_fields(value)
    return found


@given(_words)
def test_a_query_is_small_and_asks_only_for_names(text: str) -> None:
    if len(text) > MAX_WORDS_LENGTH:
        return
    for body in (
        bodies.query(request({"q": text}, KNOWN), KNOWN),
        bodies.suggest(suggest_request({"q": text}), KNOWN),
    ):
        assert asked_fields(body["query"]) <= FIELDS
        assert len(json.dumps(body)) < 40_000
        assert str(body).count("'fuzzy'") <= 30
        assert ("min_score" in body) == bool(text.strip())


def test_popularity_weighs_less_than_any_reason() -> None:
    body = bodies.query(request({"q": "one"}, KNOWN), KNOWN)
    assert body["min_score"] == LEAST
    assert body["query"]["bool"]["must"][0]["function_score"]["functions"][0]["weight"] < 0.5


def test_where_nothing_is_wrong_nothing_else_is_meant() -> None:
    stairway = {"title": "Stairway to Heaven", "artist": "Led Zeppelin"}
    for typed, meant in (
        ("stairway to heaven", None),
        ("heaven stairw", None),
        ("stair way toheaven", None),
        ("stairway by led zeppelin", None),
        ("stairwey to heaven", "Stairway to Heaven"),
        ("stairway zepelin", "Stairway to Heaven Led Zeppelin"),
        ("", None),
    ):
        assert did_you_mean(stairway, Meant(typed), KNOWN) == meant

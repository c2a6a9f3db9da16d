"""Search requests are closed and limited, and the engine never sees more than what was checked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.bodies import query
from dynadex.core.querying import MAX_DEPTH, Searchable, WrongRequest, request
from dynadex.core.results import result

SEARCHABLE = Searchable(("title^3", "artist"), ("level", "kind"), ("title",), default_size=10, max_size=50)


def problems(**parameters: str) -> dict[str, str]:
    with pytest.raises(WrongRequest) as wrong:
        request(parameters, SEARCHABLE)
    return wrong.value.problems


def test_nothing_asked_is_everything_on_the_first_page() -> None:
    asked = request({}, SEARCHABLE)
    assert (asked.words, asked.filters, asked.page, asked.size) == ("", {}, 1, 10)
    body = query(asked, SEARCHABLE)
    assert body["query"] == {"bool": {"must": [{"match_all": {}}]}}
    assert (body["from"], body["size"]) == (0, 10)
    assert "highlight" not in body


def test_words_filters_and_a_page_are_asked_for() -> None:
    asked = request({"q": " let it be ", "level": "easy, hard,", "kind": ",", "page": "3", "size": "20"}, SEARCHABLE)
    assert asked.words == "let it be"
    assert asked.filters == {"level": ("easy", "hard", "easy, hard")}  # the last: a value may have commas itself
    body = query(asked, SEARCHABLE)
    assert (body["from"], body["size"]) == (40, 20)
    assert body["query"]["bool"]["filter"] == [{"terms": {"level": ["easy", "hard", "easy, hard"]}}]
    assert list(body["highlight"]["fields"]) == ["title"]
    shoulds = body["query"]["bool"]["must"][0]["bool"]["should"]
    assert {clause["multi_match"]["query"] for clause in shoulds} == {"let it be"}


@pytest.mark.parametrize("text", ["0", "-1", "51", "ten", "", "1.5", "١٢", "²", "1e1", " 1", "9" * 5000, "+1", "1_0"])
def test_a_size_that_is_no_whole_number_in_bounds_is_told(text: str) -> None:
    assert list(problems(size=text)) == ["size"]


@pytest.mark.parametrize("name", ["page", "size"])
def test_a_long_wrong_value_is_not_told_back_in_full(name: str) -> None:
    assert len(problems(**{name: "x" * 10_000})[name]) < 100


def test_no_page_goes_deeper_than_the_engines_do() -> None:
    assert request({"page": "200", "size": "50"}, SEARCHABLE).page == 200
    assert "narrow" in problems(page="201", size="50")["page"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems(q="x" * 257, size="0", page="0", level="y" * 257, sort="title", **{"z" * 500: "1"})
    assert found.keys() == {"q", "size", "page", "level", "sort", "z" * 50}


@pytest.mark.parametrize("name", ["_source", "index", "title", "level.keyword", "q ", "from"])
def test_what_is_no_parameter_is_refused(name: str) -> None:
    assert "level" in problems(**{name: "x"})[name]


_names = st.sampled_from(["q", "page", "size", "level", "kind", "other"]) | st.text(max_size=4)


@given(st.dictionaries(_names, st.text(max_size=300) | st.integers(-1, 11_000).map(str), max_size=5))
def test_any_request_is_answered_or_told_what_is_wrong_and_stays_within_the_limits(parameters: dict[str, str]) -> None:
    try:
        asked = request(parameters, SEARCHABLE)
    except WrongRequest:
        return
    body = query(asked, SEARCHABLE)
    assert 0 <= body["from"] <= body["from"] + body["size"] <= MAX_DEPTH
    assert 1 <= body["size"] <= SEARCHABLE.max_size
    assert asked.filters.keys() <= {"level", "kind"}
    json.dumps(body)


def test_a_result_has_the_hits_and_their_highlights() -> None:
    asked = request({"q": "one", "page": "2"}, SEARCHABLE)
    hits: list[dict[str, Any]] = [
        {"_id": "a", "_score": 1.5, "_source": {"title": "One"}, "highlight": {"title": ["<em>One</em>"]}, "sort": [1]},
        {"_id": "b", "_score": 1.0, "_source": {"title": "One more"}, "sort": [1]},
    ]
    assert result({"took": 3, "hits": {"total": {"value": 12}, "hits": hits}}, asked, SEARCHABLE) == {
        "total": 12,
        "page": 2,
        "size": 10,
        "hits": [
            {"id": "a", "score": 1.5, "document": {"title": "One"}, "highlights": {"title": ["<em>One</em>"]}},
            {"id": "b", "score": 1.0, "document": {"title": "One more"}, "highlights": {}},
        ],
        "facets": {},
        "cursor": None,
        "didYouMean": None,
        "took": 3,
    }

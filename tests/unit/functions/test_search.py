"""The search function answers every request with JSON: results, or a problem document that says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dynadex.core.versions import of_record
from dynadex.core.writing import Target
from dynadex.engine import EngineError, EngineUnavailable
from dynadex.functions.search import handler
from tests.unit.functions.function_fakes import NOW, Context, Region, project, with_another_index

HITS: dict[str, Any] = {
    "took": 1,
    "hits": {
        "total": {"value": 1},
        "hits": [
            {
                "_id": "a",
                "_score": 2.0,
                "sort": [2.0, "a"],
                "_source": {"title": "Für Elise"},
                "highlight": {"title": ["x"]},
            }
        ],
    },
}


def get(path: str = "/search", **parameters: str) -> tuple[int, dict[str, str], Any]:
    event: dict[str, Any] = {"routeKey": f"GET {path}", "rawPath": path}
    if parameters:
        event["queryStringParameters"] = parameters
    response = handler(event, Context())
    return response["statusCode"], response["headers"], json.loads(response["body"])


def document(index: str, id: str) -> tuple[int, dict[str, str], Any]:
    event = {"routeKey": "GET /{index}/{id}", "pathParameters": {"index": index, "id": id}}
    response = handler(event, Context())
    return response["statusCode"], response["headers"], json.loads(response["body"])


def test_a_search_returns_hits_from_the_read_alias(region: Region) -> None:
    region.engine.hits = HITS
    status, headers, found = get(q="elise", level="easy")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert found["hits"][0]["document"] == {"title": "Für Elise"}
    assert region.engine.asked == [("SEARCH", "lessons")]


def test_a_search_without_parameters_is_allowed(region: Region) -> None:
    region.engine.hits = HITS
    assert get()[0] == 200


def test_another_index_is_asked_by_its_name(region: Region) -> None:
    region.use(with_another_index(project()))
    region.engine.hits = HITS
    assert get(index="songs")[0] == 200
    assert region.engine.asked == [("SEARCH", "songs")]


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ({"size": "0"}, "size"),
        ({"page": "x"}, "page"),
        ({"sort": "a"}, "sort"),
        ({"cursor": "a"}, "cursor"),
        ({"index": "_all"}, "index"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong_and_reaches_no_engine(
    region: Region, parameters: dict[str, str], wrong: str
) -> None:
    status, headers, problem = get(**parameters)
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert list(problem["problems"]) == [wrong]
    assert problem["status"] == 400
    assert region.engine.asked == []


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (EngineUnavailable(0, "ReadTimeoutError", "10.0.0.7 timed out"), 503, True),
        (EngineUnavailable(429, "too_many", "queue of node 7"), 503, True),
        (EngineError(404, "index_not_found_exception", "no such index"), 503, True),
        (EngineError(400, "parsing_exception", "internal detail"), 500, False),
    ],
)
def test_an_engine_s_trouble_is_a_problem_document_without_its_details(
    region: Region, error: EngineError, status: int, retry: bool
) -> None:
    region.engine.error = error
    found, headers, problem = get(q="x")
    assert found == problem["status"] == status
    assert ("Retry-After" in headers) is retry
    assert error.reason not in json.dumps(problem)
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("event", [{}, {"routeKey": "$default", "rawPath": "/x"}, {"routeKey": "GET /searches"}])
def test_what_is_not_there_is_404(region: Region, event: dict[str, Any]) -> None:
    assert handler(event, Context())["statusCode"] == 404


def test_a_document_is_returned_with_its_version(region: Region) -> None:
    region.engine.documents[Target("lessons", "a b")] = (of_record(NOW, 5), {"title": "Für Elise"})
    status, headers, found = document("lessons", "a b")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert (found["id"], found["document"]) == ("a b", {"title": "Für Elise"})
    assert (found["version"]["second"], found["version"]["kind"]) == (NOW, "record")


@pytest.mark.parametrize(("index", "id"), [("lessons", "b"), ("nope", "a"), ("lessons", "x" * 513), ("", "")])
def test_a_document_that_is_not_there_is_404(region: Region, index: str, id: str) -> None:
    status, headers, problem = document(index, id)
    assert (status, headers["Content-Type"], problem["status"]) == (404, "application/problem+json", 404)


def test_suggestions_that_would_look_the_same_are_one(region: Region) -> None:
    region.engine.hits = {
        "hits": {"hits": [{"_id": id, "_source": {"title": title}} for id, title in (("a", "One"), ("b", "ONE"))]}
    }
    assert get("/suggest", q="on")[2] == {"suggestions": [{"id": "a", "title": "One", "highlights": {}}]}


def test_a_cursor_that_the_engine_does_not_take_is_a_wrong_request(region: Region) -> None:
    region.engine.hits = {"took": 1, "hits": {"total": {"value": 9}, "hits": HITS["hits"]["hits"]}}
    cursor = get(q="x", size="1")[2]["cursor"]
    region.engine.error = EngineError(400, "illegal_argument_exception", "Failed to parse search_after value")
    status, _, problem = get(q="x", size="1", cursor=cursor)
    assert (status, list(problem["problems"])) == (400, ["cursor"])


def test_a_range_that_the_engine_does_not_take_is_a_wrong_request(region: Region) -> None:
    lessons = project().indexes["lessons"]
    searchable = replace(lessons.search, ranges=("duration",))
    region.use(replace(project(), indexes={"lessons": replace(lessons, search=searchable)}))
    region.engine.hits = {"took": 1, "hits": {"total": {"value": 9}, "hits": HITS["hits"]["hits"]}}
    asked = {"q": "x", "size": "1", "duration": "1-9999999999"}
    cursor = get(**asked)[2]["cursor"]
    region.engine.error = EngineError(400, "query_shard_exception", "Value [9999999999] is out of range for an integer")
    status, _, problem = get(**asked)
    assert (status, problem["problems"]) == (400, {"duration": "is beyond what this field holds"})
    status, _, problem = get(**asked, cursor=cursor)
    assert (status, list(problem["problems"])) == (400, ["duration", "cursor"])
    region.engine.error = EngineUnavailable(503, "away", "away")
    assert get(**asked)[0] == 503


def test_what_was_found_may_be_kept_for_a_moment_and_is_not_sent_again_while_it_is_the_same(region: Region) -> None:
    region.engine.hits = {**HITS, "took": 3}
    event: dict[str, Any] = {"routeKey": "GET /search", "queryStringParameters": {"q": "elise"}}
    first = handler(event, Context())
    assert first["headers"]["Cache-Control"] == "public, max-age=2"
    region.engine.hits = {**HITS, "took": 7}  # how long it took is no difference
    for tag in (first["headers"]["ETag"], f'"x", W/{first["headers"]["ETag"]}', "*"):
        again = handler({**event, "headers": {"if-none-match": tag}}, Context())
        assert (again["statusCode"], "body" in again) == (304, False)
    assert handler({**event, "headers": {"if-none-match": '"other"'}}, Context())["statusCode"] == 200


def test_the_openapi_document_is_that_of_the_packaged_project(region: Region) -> None:
    status, headers, document = get("/openapi.json")
    assert (status, document["info"]["title"]) == (200, "shop")
    assert headers["Cache-Control"] == "public, max-age=300"
    assert "/lessons/{id}" in document["paths"]

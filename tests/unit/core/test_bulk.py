"""The bulk request is the JSON that it stands for, and any answer at all is read as one answer an operation."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dynadex.core.bulk import APPLIED, Answer, Operation, Status, encode, read

_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
operations = st.lists(
    st.builds(
        Operation,
        alias=_texts,
        id=_texts,
        version=st.integers(0, 2**63 - 1),
        source=st.none() | st.dictionaries(_texts, _texts | st.integers(-5, 5), max_size=3).map(orjson.dumps),
    ),
    max_size=6,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["errors", "items", "index", "status", "error", "reason", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(operations)
def test_encoding_is_plain_json_line_by_line(operations: list[Operation]) -> None:
    expected: list[Any] = []
    for alias, id, version, source in operations:
        target = {"_index": alias, "_id": id, "version": version, "version_type": "external"}
        expected += [{"delete": target}] if source is None else [{"index": target}, json.loads(source)]
    body = encode(operations)
    lines = body.split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == expected


@given(st.binary(max_size=60) | json_values.map(_text), st.integers(0, 5))
@example(b"[" * 5000, 2)
@example(b'{"errors":true,"items":[{}]}', 1)
@example(
    b'{"errors":true,"items":[{"index":{"status":409,"error":{"reason":"current version [%b]"}}}]}' % (b"9" * 5000), 1
)
def test_reading_is_total(body: bytes, count: int) -> None:
    answers = read(body, count)
    assert len(answers) == count
    for answer in answers:
        assert isinstance(answer, Answer)
        assert isinstance(answer.status, Status)
        assert answer.status is not Status.CONFLICT or answer.current >= 0


@given(json_values)
def test_any_item_of_a_bulk_answer_is_read(item: Any) -> None:
    bodies: list[dict[str, Any]] = [{"errors": True, "items": [{"index": item}]}, {"items": [item, item]}]
    for body in bodies:
        count = len(body["items"])
        assert len(read(_text(body), count)) == count


def one(status: int, error: Any = None, action: str = "index") -> Answer:
    item: dict[str, Any] = {"status": status} | ({"error": error} if error is not None else {})
    (answer,) = read(orjson.dumps({"errors": True, "items": [{action: item}]}), 1)
    return answer


@pytest.mark.parametrize(("status", "action"), [(200, "index"), (201, "index"), (200, "delete"), (404, "delete")])
def test_what_went_well_is_applied_also_a_deletion_of_what_is_not_there(status: int, action: str) -> None:
    assert one(status, action=action) == APPLIED


def test_an_answer_without_errors_needs_no_items() -> None:
    assert read(b'{"errors":false}', 3) == [APPLIED] * 3


def test_a_conflict_tells_the_version_that_is_there() -> None:
    reason = "[a]: version conflict, current version [1836311903299600448] is higher or equal to the one provided [5]"
    answer = one(409, {"type": "version_conflict_engine_exception", "reason": reason})
    assert (answer.status, answer.current) == (Status.CONFLICT, 1836311903299600448)


@pytest.mark.parametrize(
    "reason", ["", "no version", "current version [-1]", "current version [٣]", "current version []"]
)
def test_a_conflict_that_tells_no_version_is_asked_again(reason: str) -> None:
    assert one(409, {"type": "version_conflict_engine_exception", "reason": reason}).status is Status.RETRY


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 504, 100, 302])
def test_what_speaks_of_the_cluster_is_asked_again(status: int) -> None:
    assert one(status, {"type": "x", "reason": "y"}) == Answer(Status.RETRY, 0, "x", "y")


def test_a_closed_index_is_not_the_document_s_fault() -> None:
    assert one(400, {"type": "index_closed_exception", "reason": "closed"}).status is Status.RETRY


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("failed to parse [n]. Preview of field's value: 'a secret'", "failed to parse [n]"),
        ('Numeric value out of range\n at [Source: (byte[])"POST /_bulk...', "Numeric value out of range\n at"),
        (
            "immense term in field=\"t\", whose length is 40000. The prefix of the first immense term is: '[97]'",
            'immense term in field="t", whose length is 40000',
        ),
    ],
)
def test_a_refusal_does_not_quote_the_document(reason: str, told: str) -> None:
    error = {"type": "t", "reason": reason, "caused_by": {"type": "x", "reason": 'For input string: "a secret"'}}
    assert one(400, error) == Answer(Status.REFUSED, 0, "t", told)


@pytest.mark.parametrize("error", ["text", {"reason": None}, {}, [], 7])
def test_a_refusal_without_the_usual_form_is_still_a_refusal(error: Any) -> None:
    assert one(400, error).status is Status.REFUSED


def test_answers_keep_the_order_of_the_operations() -> None:
    body = {
        "errors": True,
        "items": [
            {"index": {"status": 201}},
            {"delete": {"status": 404}},
            {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "full"}}},
            {"index": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no"}}},
        ],
    }
    statuses = [answer.status for answer in read(orjson.dumps(body), 4)]
    assert statuses == [Status.APPLIED, Status.APPLIED, Status.RETRY, Status.REFUSED]


def test_another_number_of_items_than_operations_is_no_answer() -> None:
    body = b'{"errors":true,"items":[{"index":{"status":201}}]}'
    assert [answer.status for answer in read(body, 2)] == [Status.RETRY] * 2

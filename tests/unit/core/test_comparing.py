"""Two documents are the same exactly when they are the same JSON, numbers by their value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.comparing import first_difference, loads, same, unchanged

_leaves = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, 1e100]) | st.text("a1é", max_size=2)
)
values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3),
    max_leaves=8,
).map(lambda value: loads(json.dumps(value).encode()))


def strictly(value: Any) -> Any:
    """A form in which `==` is what sameness means: bools and numbers are told apart, members have an order."""
    match value:
        case dict():
            return ("object", [(name, strictly(value[name])) for name in sorted(value)])
        case list():
            return ("array", [strictly(member) for member in value])
        case bool():
            return ("bool", value)
        case int() | Decimal():
            return ("number", Decimal(value))
    return value


@given(values)
def test_everything_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)
    assert same(value, loads(json.dumps(value, default=float).encode()))


@given(values, values)
def test_sameness_is_equality_of_json_in_both_directions(one: Any, other: Any) -> None:
    assert same(one, other) is same(other, one) is (strictly(one) == strictly(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"),
        ("0", "false"),
        ("[1]", "[true]"),
        ('{"a":1.0}', '{"a":true}'),
        ("1", '"1"'),
        ("null", "0"),
        ("null", "false"),
        ('{"a":null}', "{}"),
        ("[]", "{}"),
        ("[1,2]", "[2,1]"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345679"),
        ("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345679"),
    ],
)
def test_what_differs_is_told_apart(one: str, other: str) -> None:
    assert not same(loads(one.encode()), loads(other.encode()))
    assert not same(loads(other.encode()), loads(one.encode()))


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("100", "1E+2"), ("-0", "0.0"), ('{"a":1,"b":2}', '{"b":2.0,"a":1}'), ('"\\u00e9"', '"é"')],
)
def test_another_spelling_is_the_same(one: str, other: str) -> None:
    assert same(loads(one.encode()), loads(other.encode()))


@given(values, values)
def test_a_first_difference_has_a_path_exactly_where_two_values_differ(one: Any, other: Any) -> None:
    path = first_difference(one, other)
    assert (path == "") is same(one, other)
    assert path == "" or path.startswith("$")


@pytest.mark.parametrize(
    ("expected", "found", "path"),
    [
        ("1", "2", "$"),
        ("{}", "[]", "$"),
        ('{"a":1}', '{"a":true}', "$.a"),
        ('{"a":1,"b":2}', '{"b":3,"a":4}', "$.a"),
        ('{"a":1,"b":{"c":[1,{"d":"x"}]}}', '{"a":1,"b":{"c":[1,{"d":"y"}]}}', "$.b.c[1].d"),
        ('{"a":1}', "{}", "$.a"),
        ('{"a":1}', '{"a":1,"b":null}', "$.b"),
        ('{"a":null}', '{"b":null}', "$.a"),
        ("[1,2]", "[1]", "$[1]"),
        ("[]", "[1]", "$[0]"),
        ('{"a.b":{"":{"é\\"":1}}}', '{"a.b":{"":{"é\\"":2}}}', '$["a.b"][""]["é\\""]'),
        ('{"é":1}', '{"é":2}', "$.é"),
    ],
)
def test_a_path_leads_to_the_first_difference(expected: str, found: str, path: str) -> None:
    assert first_difference(loads(expected.encode()), loads(found.encode())) == path


def test_a_path_holds_no_value() -> None:
    expected, found = {"a": ["secret one"]}, {"a": ["secret two"]}
    assert first_difference(expected, found) == "$.a[0]"


_documents = st.dictionaries(st.text(max_size=3), st.integers(0, 9) | st.text('"}],:\\\\{a', max_size=4), max_size=3)


def _mget(*documents: Any) -> bytes:
    heads = ({"_index": "i", "_id": 'a"},{', "_version": 7, "found": True, "_source": one} for one in documents)
    return json.dumps({"docs": list(heads)}, separators=(",", ":")).encode()


def _text(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@given(st.lists(_documents, min_size=1, max_size=3), st.lists(_documents, min_size=1, max_size=3))
def test_documents_are_unchanged_exactly_when_their_texts_are_those_expected(
    there: list[Any], texts: list[Any]
) -> None:
    assert unchanged(_mget(*there), [_text(one) for one in there]) == [7] * len(there)
    if len(there) == len(texts) and list(map(_text, there)) != list(map(_text, texts)):
        assert unchanged(_mget(*there), [_text(one) for one in texts]) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'{"docs":[]}',
        b'{"docs":[{"_index":"i","_id":"1","found":false}]}',
        b'{"docs":[{"_index":"i","_id":"1","found":true,"_source":{"a":1}}]}',
        b'{"docs":[{"_index":"i","_id":"1","_version":2,"found":true,"_source":{"a":1.0}}]}',
        b'{"docs":[{"_index":"i","_id":"1","_version":2,"found":true,"_source":{"a":1}',
    ],
)
def test_what_cannot_be_told_without_parsing_is_left_to_that(answer: bytes) -> None:
    assert unchanged(answer, [b'{"a":1}']) is None

"""What is told of documents and their mapping without an engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynadex.operations.linting import lint


def findings(field: dict[str, Any], value: Any, **mappings: Any) -> list[tuple[str, bool]]:
    mapping = {"mappings": {"dynamic": False, "properties": {"x": field}, **mappings}}
    return [(one.message, one.refused) for one in lint(mapping, {"x": value})]


KEYWORD, LONG, DOUBLE, DATE = ({"type": name} for name in ("keyword", "long", "double", "date"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (KEYWORD, "a"),
        (KEYWORD, [1, True, None, ["a"]]),
        (LONG, 2**63 - 1),
        (LONG, "12"),
        (DOUBLE, Decimal("1.5")),
        (DOUBLE, Decimal("0.1234567890123456")),
        (DATE, "2024-01-01T10:00:00Z"),
        (DATE, "2024-05"),
        (DATE, "2024"),
        (DATE, "1700000000000"),
        (DATE, 1700000000),
        ({"type": "boolean"}, "true"),
        ({"type": "object", "enabled": False}, 5),
        ({"properties": {"a": LONG}}, [{"a": 1}, {"a": 2}]),
        ({"type": "date", "format": "dd.MM.yyyy"}, "31.12.2023"),
    ],
    ids=repr,
)
def test_what_fits_is_not_mentioned(field: dict[str, Any], value: Any) -> None:
    assert findings(field, value) == []


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (LONG, "x", "text and not a number"),
        (LONG, 2**63, "not a number of 64 bits"),
        (LONG, True, "not a number"),
        (DOUBLE, {"a": 1}, "a map"),
        (DATE, "soon", "not an ISO 8601 date"),
        (DATE, "2024-02-30", "not an ISO 8601 date"),
        ({"type": "boolean"}, 1, "not true or false"),
        (KEYWORD, "x" * 40_000, "32,766"),
        ({"properties": {"a": LONG}}, "x", "has maps there"),
        ({"properties": {"a": LONG}}, {"a": "x"}, "not a number"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_an_engine_refuses_is_told_as_such(field: dict[str, Any], value: Any, told: str) -> None:
    ((message, refused),) = findings(field, value)
    assert told in message
    assert refused


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (LONG, Decimal("1.5"), "cuts off"),
        (DOUBLE, Decimal("0.12345678901234567890"), "rounded"),
        ({"type": "float"}, Decimal("1.23456789"), "rounded"),
        ({"type": "keyword", "ignore_above": 3}, "four", "ignore_above, 3"),
        ({"type": "long", "ignore_malformed": True}, "x", "not searchable (ignore_malformed)"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_taken_but_not_found_is_told_as_such(field: dict[str, Any], value: Any, told: str) -> None:
    ((message, refused),) = findings(field, value)
    assert told in message
    assert not refused


@pytest.mark.parametrize(
    ("dynamic", "refused", "told"),
    [(False, False, "not searchable"), ("strict", True, "strict"), (True, False, "first value decides")],
)
def test_a_field_that_the_mapping_does_not_have(dynamic: Any, refused: bool, told: str) -> None:
    mapping = {"mappings": {"dynamic": dynamic, "properties": {"x": {"properties": {}}}}}
    ((path, message, is_refused),) = lint(mapping, {"x": {"new": 1}})
    assert (path, is_refused) == ("x.new", refused)
    assert told in message


def test_a_name_with_dots_is_found_by_its_levels() -> None:
    mapping = {"mappings": {"dynamic": "strict", "properties": {"a": {"properties": {"b": LONG}}, "c.d": LONG}}}
    assert list(lint(mapping, {"a.b": 1, "c.d": 2})) == []
    assert [one.path for one in lint(mapping, {"a.c": 1})] == ["a.c"]


def test_no_value_is_told() -> None:
    assert all("secret" not in message for message, _ in findings(LONG, "secret"))

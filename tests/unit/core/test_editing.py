"""What an edit makes of an item: nothing is lost, nothing changes its type by itself, every change is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.attributes import typed_item
from dynadex.core.editing import (
    bare,
    changes,
    merged,
    plain,
    revision_of,
    slug,
    typed_like,
    whole_numbers,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=4), JSON, max_size=4))
def test_an_item_that_is_written_as_it_was_read_is_the_same(item: dict[str, Any]) -> None:
    stored = typed_item(item)
    assert plain(stored) == item
    assert typed_like(plain(stored), stored) == stored


def test_sets_and_binaries_stay_what_they_are_when_their_values_change() -> None:
    before: dict[str, dict[str, Any]] = {
        "tags": {"SS": ["a", "b"]},
        "n": {"NS": ["1", "2.50"]},
        "b": {"B": "AAE="},
        "m": {"M": {"s": {"SS": ["x"]}}},
    }
    after = {**plain(before), "tags": ["c", "a"], "n": [3, Decimal("1.5")], "b": "AAI=", "m": {"s": ["y", "x"]}}
    assert typed_like(after, before) == {
        "tags": {"SS": ["c", "a"]},
        "n": {"NS": ["3", "1.5"]},
        "b": {"B": "AAI="},
        "m": {"M": {"s": {"SS": ["y", "x"]}}},
    }


@pytest.mark.parametrize("value", [["a", "a"], ["a", 1], [], "a", [""]])
def test_what_can_be_no_set_becomes_a_list_or_what_it_is(value: Any) -> None:
    [(kind, _)] = typed_like({"tags": value}, {"tags": {"SS": ["a"]}})["tags"].items()
    assert kind in ("L", "S")


def test_numbers_keep_all_their_digits() -> None:
    stored = {"n": {"N": "1.2345678901234567890123456789012345678"}}
    assert typed_like(plain(stored), {}) == stored


def test_how_a_number_is_spelled_does_not_change_its_type() -> None:
    assert [repr(whole_numbers(Decimal(text))) for text in ("3.0", "1E+2", "0.5")] == ["3", "100", "Decimal('0.5')"]
    assert whole_numbers(Decimal("1E+999999")) == Decimal("1E+999999")


@pytest.mark.parametrize(
    ("item", "revision"),
    [
        (None, 0),
        ({}, 0),
        ({"revision": {"N": "7"}}, 7),
        ({"revision": {"S": "7"}}, 0),
        ({"revision": {"N": "-1"}}, 0),
        ({"revision": {"N": "1.5"}}, 0),
    ],
)
def test_an_item_that_no_admin_edited_has_revision_0(item: Any, revision: int) -> None:
    assert revision_of(item) == revision


def test_a_merge_patch_adds_changes_and_takes_away() -> None:
    before = {"a": 1, "m": {"x": 1, "y": 2}, "gone": True}
    patch = {"b": [1, None], "m": {"x": None, "z": {"deep": 1}}, "gone": None}
    assert merged(before, patch) == {"a": 1, "m": {"y": 2, "z": {"deep": 1}}, "b": [1, None]}
    assert before["m"] == {"x": 1, "y": 2}


def test_changes_name_what_came_went_and_differs() -> None:
    before = {"same": 1, "gone": None, "m": {"x": 1, "y": [1]}}
    after = {"same": Decimal(1), "m": {"x": 2, "y": [1]}, "new": False}
    assert [change.to_json() for change in changes(before, after)] == [
        {"path": "gone", "from": None},
        {"path": "m.x", "from": 1, "to": 2},
        {"path": "new", "to": False},
    ]


def test_true_is_not_1_in_a_history() -> None:
    assert [change.path for change in changes({"a": 1}, {"a": True})] == ["a"]


def test_what_the_api_keeps_is_no_part_of_an_edit() -> None:
    assert bare({"title": "One", "revision": 3, "updated_at": "x", "updated_by": "y"}) == {"title": "One"}


@pytest.mark.parametrize(
    ("values", "id"),
    [
        (["Hoppípolla", "Sigur Rós", "piano"], "hoppipolla-sigur-ros-piano"),
        (["Don\u2019t Stop", "AC/DC", None], "dont-stop-ac-dc"),
        (["上を向いて歩こう", "坂本九"], "上を向いて歩こう-坂本九"),
        (["  ", "!?"], ""),
        (["Straße", 1979], "strasse-1979"),
    ],
)
def test_an_id_is_made_of_words(values: list[Any], id: str) -> None:
    assert slug(values) == id


def test_a_long_id_is_cut_short() -> None:
    assert len(slug(["word " * 100])) <= 200

"""A cursor leads on exactly where its page ended, and is refused wherever it does not belong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.comparing import loads
from dynadex.core.cursors import Position, WrongCursor, decode, encode

_values = st.lists(
    st.none() | st.booleans() | st.text(max_size=30) | st.integers(-(2**63), 2**64 - 1) | st.floats(0, 1e6), max_size=4
)


@given(st.text(max_size=40), st.integers(1, 10**9), _values)
def test_a_cursor_is_read_as_it_was_written(search: str, page: int, values: list[Any]) -> None:
    position = decode(search, encode(search, Position(page, tuple(values))), len(values))
    assert position.page == page
    assert list(position.after) == values


def test_a_score_is_handed_back_to_the_digit() -> None:
    score = loads(b"12.3456789")
    assert decode("x", encode("x", Position(2, (score,))), 1).after == (12.3456789,)


@given(st.text(max_size=20), st.text(max_size=20), _values)
def test_a_cursor_is_good_for_its_own_search_only(search: str, other: str, values: list[Any]) -> None:
    cursor = encode(search, Position(2, tuple(values)))
    if search != other:
        with pytest.raises(WrongCursor, match="another search"):
            decode(other, cursor, len(values))
    with pytest.raises(WrongCursor):
        decode(search, cursor, len(values) + 1)


@given(st.text(max_size=200) | st.text("abcXYZ09-_=", max_size=200))
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(WrongCursor):
        decode("search", text, 1)


@given(st.integers(0, 60), st.sampled_from("ABCabc019-_"))
def test_an_altered_cursor_is_refused(place: int, letter: str) -> None:
    cursor = encode("search", Position(3, (1.5, "some-lesson-id", 17)))
    altered = cursor[:place] + letter + cursor[place + 1 :]
    if place < len(cursor) - 1 and altered != cursor:  # the last letter has bits that mean nothing
        with pytest.raises(WrongCursor):
            decode("search", altered, 3)


def test_a_cursor_of_any_length_is_refused_at_once() -> None:
    with pytest.raises(WrongCursor, match="longer"):
        decode("search", "A" * 1_000_000, 1)

"""Versions order a key's history, and say how they came about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core import versions

seconds = st.integers(0, 2**33 - 2)
sequence_numbers = st.integers(0, 10**40)
any_versions = st.integers(0, (2**33 - 2) << versions.SECOND_SHIFT)


@given(st.lists(seconds, min_size=2, max_size=6, unique=True), st.data())
def test_of_records_in_different_seconds_the_later_has_the_higher_version(
    creations: list[int], data: st.DataObject
) -> None:
    history = [versions.of_record(second, data.draw(sequence_numbers)) for second in sorted(creations)]
    assert history == sorted(set(history))


@given(seconds, sequence_numbers)
def test_a_record_says_its_second_and_has_a_tie_and_no_gen(second: int, sequence_number: int) -> None:
    version = versions.of_record(second, sequence_number)
    decoded = versions.decode(version)
    assert (decoded.second, decoded.gen, decoded.kind) == (second, 0, "record")
    assert decoded.tie == 1 + sequence_number % (2**24 - 1)
    assert 0 < decoded.tie < 2**24
    assert version < 2**63


@given(st.integers(1000, 2**33 - 2), sequence_numbers)
def test_a_page_is_below_every_record_that_it_cannot_have_seen(date: int, sequence_number: int) -> None:
    page = versions.of_page(date)
    assert versions.decode(page) == versions.Decoded(date - versions.MARGIN_SECONDS, 0, 0, "page")
    lagging = versions.of_record(date - 60, sequence_number)  # rounded down to the minute
    assert page < lagging


@given(any_versions)
def test_the_next_version_is_the_nearest_above_that_no_record_or_page_can_have(version: int) -> None:
    following = versions.after(version)
    assert version < following <= version + 2
    assert versions.gen(following) != 0
    assert versions.decode(following).kind == "settled"
    if following == version + 2:
        assert versions.gen(version + 1) == 0


@given(any_versions)
def test_decode_holds_the_whole_version(version: int) -> None:
    decoded = versions.decode(version)
    assert decoded.second << 30 | decoded.tie << 6 | decoded.gen == version


@pytest.mark.parametrize(
    ("sequence_number", "tie"), [(0, 1), (2**24 - 2, 2**24 - 1), (2**24 - 1, 1), (111_100_000_000_000_000_000_001, 0)]
)
def test_a_tie_is_never_zero(sequence_number: int, tie: int) -> None:
    found = versions.decode(versions.of_record(7, sequence_number)).tie
    assert found == tie if tie else found > 0


def test_the_last_version_of_a_second_is_followed_by_one_of_the_next() -> None:
    last = versions.of_record(8, 0) & ~((1 << 30) - 1)
    assert versions.after(last - 1) == last + 1

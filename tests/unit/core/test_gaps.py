"""When records of a stream may have been missed: judged from the mark, and from nothing that has expired."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dynadex.core.gaps import HORIZON_SECONDS, Gap, Mark, Source, judge, mended

NOW = 1_800_000_000
DAY = HORIZON_SECONDS
INDEXES = ["albums", "labels"]
SOURCE = Source("one", "stream/1", NOW - 30 * DAY)
OFF = replace(SOURCE, trouble="its event source is disabled")


def sound(ago: int, *, broken: bool = False, gap: Gap | None = None) -> Mark:
    return Mark("one", "stream/1", NOW - ago, broken, gap)


def look(mark: Mark | None, source: Source | None, now: int = NOW) -> Mark:
    return judge(mark, source, now, INDEXES)


def test_the_first_look_makes_a_mark_and_knows_of_no_gap() -> None:
    assert look(None, SOURCE) == sound(0)
    assert look(None, OFF) == sound(0, broken=True)
    assert look(None, None) == Mark("", "", NOW, broken=True)


@pytest.mark.parametrize("ago", [1, DAY])
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SOURCE, id="as it was"),
        pytest.param(replace(SOURCE, changed=NOW - 1), id="changed"),
        pytest.param(replace(SOURCE, id="two", changed=NOW - 1), id="made anew"),
    ],
)
@pytest.mark.parametrize("broken", [False, True])
def test_within_a_day_nothing_is_lost(ago: int, source: Source, broken: bool) -> None:
    assert look(sound(ago, broken=broken), source) == Mark(source.id, "stream/1", NOW)


@pytest.mark.parametrize("source", [OFF, None])
def test_what_is_not_sound_for_more_than_a_day_is_a_gap_that_goes_on(source: Source | None) -> None:
    assert look(sound(DAY), source) == sound(DAY, broken=True)
    lost = look(sound(DAY + 1), source)
    assert lost == sound(DAY + 1, broken=True, gap=Gap("outage", NOW - DAY - 1, 0, tuple(INDEXES)))
    assert look(lost, source, NOW + DAY) == lost


def test_it_is_over_when_the_source_is_sound_again() -> None:
    lost = look(sound(2 * DAY), OFF)
    over = look(lost, SOURCE, NOW + 60)
    assert over == Mark("one", "stream/1", NOW + 60, gap=Gap("outage", NOW - 2 * DAY, NOW + 60, tuple(INDEXES)))
    assert look(over, SOURCE, NOW + 120) == replace(over, sound=NOW + 120)


@pytest.mark.parametrize(
    ("mark", "source", "reason"),
    [
        (sound(2 * DAY, broken=True), SOURCE, "outage"),
        (sound(2 * DAY), replace(SOURCE, changed=NOW - DAY), "outage"),
        (sound(2 * DAY), replace(SOURCE, id="two", changed=NOW), "recreated"),
        (sound(60), replace(SOURCE, stream="stream/2"), "stream"),
    ],
)
def test_what_was_lost_while_nobody_looked_is_a_gap_that_is_over(mark: Mark, source: Source, reason: str) -> None:
    gap = look(mark, source).gap
    assert gap is not None
    assert (gap.reason, gap.since, gap.until, gap.indexes) == (reason, mark.sound, NOW, tuple(INDEXES))


def test_a_source_that_went_on_while_nobody_looked_lost_nothing() -> None:
    assert look(sound(9 * DAY), SOURCE) == sound(0)


def test_records_applied_when_about_to_expire_are_a_gap_until_a_look_finds_no_more_of_them() -> None:
    behind = replace(SOURCE, expiring=True)
    first = look(sound(60), behind)
    assert first == sound(0, gap=Gap("behind", NOW - 60, 0, tuple(INDEXES)))
    second = look(first, behind, NOW + 900)
    assert second.gap == first.gap
    assert look(second, SOURCE, NOW + 1800).gap == Gap("behind", NOW - 60, NOW + 1800, tuple(INDEXES))


def test_an_event_source_made_a_moment_ago_may_apply_old_records_again() -> None:
    assert look(sound(60), replace(SOURCE, id="two", changed=NOW - 3600, expiring=True)) == replace(
        sound(0), source="two"
    )


def test_trouble_before_any_source_was_seen_is_none_of_another_stream() -> None:
    assert look(Mark("", "", NOW - 60, broken=True), SOURCE) == sound(0)


def test_another_gap_while_one_is_being_repaired_begins_the_repair_anew() -> None:
    first = Gap("outage", NOW - 9 * DAY, NOW - 3 * DAY, ("labels",), "execution/1")
    going_on = look(sound(2 * DAY, gap=first), OFF).gap
    assert going_on == Gap("outage", NOW - 9 * DAY, 0, tuple(INDEXES))


def test_a_gap_is_closed_when_its_last_index_is_mended() -> None:
    over = sound(0, gap=Gap("stream", NOW - 60, NOW, tuple(INDEXES)))
    half = mended(over, "albums")
    assert half.gap is not None
    assert half.gap.indexes == ("labels",)
    assert mended(half, "albums") == half
    assert mended(half, "labels").gap is None


def test_a_gap_that_goes_on_cannot_be_mended_yet() -> None:
    mark = sound(2 * DAY, broken=True, gap=Gap("outage", NOW - 2 * DAY, 0, tuple(INDEXES)))
    assert mended(mark, "albums") == mark


def test_a_mark_is_kept_as_it_is() -> None:
    for mark in (sound(5), sound(5, broken=True, gap=Gap("stream", 1, 2, ("a", "b"), "arn"))):
        assert Mark.of_json(mark.to_json()) == mark

"""A difference is certain once it stood still for long enough, and no earlier."""

from __future__ import annotations

import pytest

from dynadex.core.suspects import LONGEST_SECONDS, STABLE_SECONDS, Kind, Sight, Suspects, Verdict


def seen(version: int | None = 1, expected: str = "x", kind: Kind | None = "stale") -> Sight:
    return Sight(kind, "$.title" if kind == "stale" else "", expected, version)


FINE = seen(kind=None)


def until_decided(suspects: Suspects, id: str, look: list[Sight] | Sight, start: float = 0.0) -> tuple[Verdict, float]:
    """Looks whenever one is due, at each of these sights in turn, the last for ever; the verdict and its time."""
    sights = iter(look if isinstance(look, list) else [look])
    now, last = start, seen()
    for _ in range(1000):
        now += suspects.wait(now)
        assert suspects.due(now, 10) == [id]
        last = next(sights, last)
        verdict = suspects.seen(id, last, now)
        if verdict is not Verdict.WAITING:
            return verdict, now
        assert suspects.due(now, 10) == []
    raise AssertionError("it is never decided")


def test_what_stands_still_is_certain_after_that_time_and_a_few_looks() -> None:
    suspects = Suspects()
    suspects.suspect("a", seen(), 0.0)
    looks = [seen()] * 1000
    verdict, now = until_decided(suspects, "a", looks)
    assert verdict is Verdict.CERTAIN
    assert STABLE_SECONDS <= now <= STABLE_SECONDS + 1
    assert len(suspects) == 0


@pytest.mark.parametrize("looks", [1, 2, 4])
def test_what_is_gone_was_a_write_on_its_way(looks: int) -> None:
    suspects = Suspects()
    suspects.suspect("a", seen(), 0.0)
    verdict, _ = until_decided(suspects, "a", [seen()] * (looks - 1) + [FINE])
    assert (verdict, len(suspects)) == (Verdict.GONE, 0)


@pytest.mark.parametrize("moved", [seen(version=2), seen(expected="y"), seen(version=None, kind="missing")])
def test_the_time_begins_anew_when_a_side_moves(moved: Sight) -> None:
    suspects = Suspects()
    suspects.suspect("a", seen(), 0.0)
    now = 0.0
    while now + suspects.wait(now) < STABLE_SECONDS - 1:
        now += suspects.wait(now)
        assert suspects.seen("a", seen(), now) is Verdict.WAITING
    now += suspects.wait(now)
    assert suspects.seen("a", moved, now) is Verdict.WAITING
    verdict, decided = until_decided(suspects, "a", moved, now)
    assert verdict is Verdict.CERTAIN
    assert decided >= now + STABLE_SECONDS


def test_what_never_stands_still_is_in_flight() -> None:
    suspects = Suspects()
    suspects.suspect("a", seen(0), 0.0)
    verdict, now = until_decided(suspects, "a", [seen(version) for version in range(1, 1000)])
    assert verdict is Verdict.IN_FLIGHT
    assert LONGEST_SECONDS <= now < LONGEST_SECONDS + STABLE_SECONDS


def test_each_is_looked_at_by_itself_and_no_more_at_once_than_asked_for() -> None:
    suspects = Suspects()
    for number in range(5):
        suspects.suspect(f"k{number}", seen(None, kind="missing") if number % 2 else seen(), 0.0)
    assert (len(suspects), suspects.documents) == (5, 3)
    assert suspects.due(0.0, 10) == []
    now = suspects.wait(0.0)
    assert suspects.due(now, 2) == ["k0", "k1"]
    suspects.seen("k0", FINE, now)
    suspects.seen("k1", seen(None, kind="missing"), now)
    assert suspects.due(now, 10) == ["k2", "k3", "k4"]
    assert suspects.wait(now) == 0


def test_none_are_due_where_there_are_none() -> None:
    assert Suspects().wait(7.0) == 0
    assert Suspects().due(7.0, 10) == []

"""Waiting: retries with jitter inside a deadline, a rate of reads, and a rate that the engine can bear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.pacing import Budget, OutOfTime, Patience, Throttle


class Clock:
    """Goes on only when told, or when slept by."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patience(clock: Clock, seconds: float) -> Patience:
    return Patience(seconds, first=0.1, longest=2.0, clock=clock, sleep=clock.sleep)


@given(st.integers(1, 10_000))
def test_a_wait_is_random_up_to_a_bound_that_doubles_and_has_an_end(attempt: int) -> None:
    clock = Clock()
    patience(clock, 1000).pause(attempt, "busy")
    assert 0 <= clock.slept[0] <= min(2.0, 0.1 * 2 ** (min(attempt, 30) - 1))


def test_waits_of_many_are_spread_over_the_whole_bound() -> None:
    clock = Clock()
    waiting = patience(clock, 10_000)
    for _ in range(400):
        waiting.pause(5, "busy")
    assert min(clock.slept) < 0.4
    assert max(clock.slept) > 1.2
    assert len(set(clock.slept)) > 390


@given(st.floats(0.001, 30))
def test_retries_end_before_the_deadline_with_the_reason(seconds: float) -> None:
    clock = Clock()
    waiting = patience(clock, seconds)
    attempt = 0
    with pytest.raises(OutOfTime, match="the table is throttled"):  # noqa: PT012
        while True:
            attempt += 1
            assert attempt < 10_000
            waiting.pause(attempt, "the table is throttled")
    assert clock.now < 1000 + seconds


@pytest.mark.parametrize("seconds", [0, -5])
def test_without_time_there_is_no_wait_at_all(seconds: float) -> None:
    clock = Clock()
    waiting = patience(clock, seconds)
    assert waiting.left() == seconds
    with pytest.raises(OutOfTime):
        waiting.pause(1, "busy")
    assert clock.slept == []


@given(st.lists(st.floats(0.5, 200), min_size=1, max_size=30), st.floats(1, 1000))
def test_a_budget_is_never_exceeded_over_time(pages: list[float], rate: float) -> None:
    clock = Clock()
    budget = Budget(rate, clock=clock)
    for units in pages:
        clock.now += budget.wait()
        budget.spend(units)
    clock.now += budget.wait()
    assert sum(pages) <= rate * (clock.now - 1000) * 1.001
    assert budget.wait() == 0


def test_a_budget_that_was_not_used_is_not_saved_up() -> None:
    clock = Clock()
    budget = Budget(10, clock=clock)
    clock.now += 3600
    budget.spend(50)
    assert budget.wait() == pytest.approx(5)


def test_no_budget_is_no_limit() -> None:
    budget = Budget(0, clock=Clock())
    budget.spend(1e9)
    assert budget.wait() == 0


def test_an_engine_that_keeps_up_is_never_waited_for() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(10):
        throttle.took(1000, 0.1, overloaded=False)
    assert throttle.wait() == 0


def test_an_overloaded_engine_gets_half_of_what_it_did_and_then_slowly_more() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    throttle.took(1000, 1.0, overloaded=True)  # 1,000 a second were too many: 500
    assert throttle.wait() == pytest.approx(1.0)
    waits = []
    for _ in range(10):
        clock.now += throttle.wait() + 1.0
        throttle.took(1000, 1.0, overloaded=False)
        waits.append(throttle.wait())
    assert waits == sorted(waits, reverse=True)
    assert waits[0] == pytest.approx(1000 / 550 - 1)
    assert waits[-1] < 0.01
    throttle.took(1000, 1.0, overloaded=True)
    assert throttle.wait() > 0.4


def test_an_engine_that_goes_on_refusing_is_still_asked_now_and_then() -> None:
    throttle = Throttle(clock=Clock())
    for _ in range(50):
        throttle.took(10, 30.0, overloaded=True)
    assert throttle.wait() <= 10


def test_a_request_that_took_no_time_divides_by_nothing() -> None:
    throttle = Throttle(clock=Clock())
    throttle.took(0, 0.0, overloaded=True)
    throttle.took(100, 0.0, overloaded=True)
    assert throttle.wait() >= 0

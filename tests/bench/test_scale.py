"""The simulation does what can be worked out by hand."""

from __future__ import annotations

import pytest

from bench.scale import pages
from bench.scale.simulation import Course, Rates, Scenario, System, between, raised, run, steady

# A lane takes 10 ms and, for each record, 1 ms of the engine: at most 900 records a second.
_SYSTEM = System(2, 1, 100, invocation_ms=10, record_ms=0, engine_threads=2, engine_ms=1)


def test_records_arrive_as_their_rates_say() -> None:
    rates = Rates([(0.0, 10.0), (5.0, 20.0), (10.0, 10.0)])
    assert [rates.arrived(now) for now in (0.0, 5.0, 7.0, 12.0)] == [0, 50, 90, 170]
    assert rates.when(90) == pytest.approx(7.0)


def test_traffic_that_the_cluster_can_take_has_no_lag_to_speak_of() -> None:
    course = run(Scenario("", "", 60, lambda shard: steady(200)), _SYSTEM)
    assert 0 < course.worst < 2
    assert course.recovered(0, 2) == 0


def test_lag_grows_as_long_as_the_engine_is_away_and_is_worked_off_at_the_rate_that_is_over() -> None:
    course = run(Scenario("", "", 300, lambda shard: steady(450), between(30, 90, 0)), _SYSTEM)
    assert 55 < course.worst < 70
    again = course.recovered(90, 2)
    assert again is not None
    assert 40 < again < 90  # a minute's records, at about as much over as the writes are


def test_a_hot_shard_keeps_only_its_own_records_late() -> None:
    def writes(shard: int) -> Rates:
        return raised(200, 10, 60, 8) if shard == 0 else steady(200)

    course = run(Scenario("", "", 60, writes), System(3, 1, 100, 10, 0, 3, 1))
    assert course.worst > 10
    assert max(course.median) < 2


def test_formulas_and_simulation_have_the_same_time_for_a_record() -> None:
    rows = [
        {"name": "stream", "ours": 4000.0, "limit": 5000.0},
        {"name": "stream-cpu", "ours": 25.0},
        {"name": "refill", "ours": 8000.0},
    ]
    found = pages.measured({"rows": rows, "machine": {"processors": 2}})
    carried = pages.system(found)
    assert found.assumed.record_ms == pytest.approx(0.025 + 2 * 1000 / 2500)
    assert found.assumed.record_ms == carried.record_ms + carried.engine_ms


@pytest.mark.parametrize("rate", [1000.0, 5000.0, 40000.0])
def test_a_hot_partition_has_more_than_its_lanes_can_apply(rate: float) -> None:
    rows = [
        {"name": "stream", "ours": rate, "limit": rate},
        {"name": "stream-cpu", "ours": 25.0},
        {"name": "refill", "ours": rate},
    ]
    carried = pages.system(pages.measured({"rows": rows, "machine": {"processors": 2}}))
    hot = next(scenario for scenario in pages.scenarios(carried) if scenario.name == "hot")
    writes = hot.writes(0)
    assert (writes.arrived(800) - writes.arrived(400)) / 400 > 1.2 * carried.parallelization * carried.lane


def test_the_same_seed_has_the_same_course() -> None:
    def course() -> Course:
        return run(Scenario("", "", 30, lambda shard: steady(300), between(5, 10, 0)), _SYSTEM, seed=4)

    assert course() == course()

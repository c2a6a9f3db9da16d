"""Each formula, by numbers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dynadex.errors import WrongUse
from dynadex.operations import estimating
from dynadex.operations.estimating import Assumptions, Load, Means

LOAD = Load(items=1_000_000, item_bytes=2048)
MEANS = Means(
    memory_mb=512,
    architecture="arm64",
    segments=4,
    read_capacity=0,
    halt_after_seconds=240,
    consistent=True,
    batch_size=1000,
    parallelization=2,
)
ASSUMED = Assumptions(documents_a_second_a_segment=1000, scanned_mb_a_second_a_segment=100)


def test_a_scan_costs_a_unit_for_4_kb_and_half_of_it_if_eventually_consistent() -> None:
    assert estimating.scan_read_units(4096 * 10, consistent=True) == 10
    assert estimating.scan_read_units(4096 * 10 + 1, consistent=True) == 11
    assert estimating.scan_read_units(4096 * 10, consistent=False) == 5


def test_rounds_are_as_many_as_halts_fit_into_the_time_in_each_segment() -> None:
    assert estimating.rounds(0, 4, 240) == 4
    assert estimating.rounds(240, 4, 240) == 4
    assert estimating.rounds(241, 4, 240) == 8


def test_a_refill_by_scan_bound_by_writing() -> None:
    found = estimating.refill_by_scan(LOAD, MEANS, ASSUMED)
    assert (found.seconds, found.bound_by) == (250, "writing")  # 1,000,000 / (1,000 * 4)
    assert found.read_units == 500_000  # 2,048,000,000 / 4,096
    assert found.invocations == 8  # 2 rounds of 240 s in each of 4 segments
    assert found.gb_seconds == 500  # 250 * 4 * 0.5
    assert found.transitions == 16
    assert found.cost_usd["DynamoDB"] == pytest.approx(0.0625)
    assert found.cost_usd["Lambda"] == pytest.approx(500 * 0.0000133334 + 8 * 0.2 / 1e6)
    assert found.cost_usd["Step Functions"] == pytest.approx(0.0004)


def test_a_refill_by_scan_bound_by_the_read_budget_or_by_scanning() -> None:
    budget = estimating.refill_by_scan(LOAD, replace(MEANS, read_capacity=100), ASSUMED)
    assert (budget.seconds, budget.bound_by, budget.invocations) == (5000, "the read budget", 4 * 21)
    slow = estimating.refill_by_scan(LOAD, MEANS, replace(ASSUMED, scanned_mb_a_second_a_segment=1))
    assert (slow.seconds, slow.bound_by) == (512, "scanning")  # 2,048 MB / (1 * 4)


def test_more_segments_take_less_time_at_the_same_cost_of_reading() -> None:
    one = estimating.refill_by_scan(LOAD, replace(MEANS, segments=1), ASSUMED)
    ten = estimating.refill_by_scan(LOAD, replace(MEANS, segments=10), ASSUMED)
    assert one.seconds == ten.seconds * 10
    assert one.read_units == ten.read_units
    assert one.gb_seconds == ten.gb_seconds


def test_a_refill_from_an_export_reads_nothing_of_the_table() -> None:
    assumed = replace(ASSUMED, export_minutes=10, export_mb_a_second=64)
    found = estimating.refill_from_export(LOAD, MEANS, assumed)
    assert found.read_units == 0
    assert found.seconds == 600 + 32 + 250
    assert found.bound_by == "the export"
    assert found.invocations == 8  # nothing runs while the export is made
    assert found.cost_usd["DynamoDB export"] == pytest.approx(0.2048)
    assert "DynamoDB" not in found.cost_usd


def test_architectures_have_prices_of_their_own() -> None:
    arm = estimating.refill_by_scan(LOAD, MEANS, ASSUMED).cost_usd["Lambda"]
    intel = estimating.refill_by_scan(LOAD, replace(MEANS, architecture="x86_64"), ASSUMED).cost_usd["Lambda"]
    assert intel / arm == pytest.approx(1.25, rel=1e-3)


def test_a_stream_has_a_shard_for_each_partition_by_size_or_by_writes() -> None:
    assert estimating.stream_shards(0, 0, ASSUMED) == 1
    assert estimating.stream_shards(25e9, 0, ASSUMED) == 3
    assert estimating.stream_shards(25e9, 4500, ASSUMED) == 5


def test_few_writes_are_an_invocation_each_and_many_fill_batches() -> None:
    few = estimating.traffic(LOAD, 2, MEANS, ASSUMED)
    assert (few.stream_shards, few.most_invocations_a_second) == (1, 2)
    assert few.least_invocations_a_second == 0.002
    many = estimating.traffic(LOAD, 900, MEANS, ASSUMED)
    assert many.most_invocations_a_second == 8  # 4 polls a second of 1 shard, 2 batches at once
    flood = estimating.traffic(Load(1, 1), 900_000, replace(MEANS, batch_size=10), ASSUMED)
    assert flood.stream_shards == 900
    assert flood.most_invocations_a_second == flood.least_invocations_a_second == 90_000


def test_what_traffic_costs_and_can_be_kept_up_with() -> None:
    assumed = replace(ASSUMED, invocation_ms=20, record_ms=0.5)
    found = estimating.traffic(LOAD, 100, MEANS, assumed)
    # 8 invocations of 20 ms and 100 records of 0.5 ms a second, at half a GB
    assert found.gb_seconds_a_month == pytest.approx(0.21 * 0.5 * 730 * 3600)
    requests = 8 * 730 * 3600 * 0.2 / 1e6
    assert found.cost_usd_a_month["Lambda"] == pytest.approx(requests + found.gb_seconds_a_month * 0.0000133334)
    assert found.most_writes_a_second == pytest.approx(2 * 1000 / 0.52)


def test_shards_follow_size_and_growth() -> None:
    assert estimating.index(Load(1000, 100), ASSUMED).primary_shards == 1
    found = estimating.index(Load(100_000_000, 1024), ASSUMED)
    assert found.index_bytes == pytest.approx(112_640_000_000)
    assert found.primary_shards == 7  # 157.4 GiB with room to grow, in shards of 25
    assert found.disk_bytes == pytest.approx(102_400_000_000 * 2.9)
    half = estimating.index(Load(100_000_000, 1024, indexed_share=0.5), ASSUMED)
    assert half.index_bytes == pytest.approx(found.index_bytes / 2)


def test_assumptions_and_prices_can_be_set_and_mistakes_are_told() -> None:
    given = Assumptions().given("--assume", estimating.of_texts(["shard_gib=50", "usd_export_gb = 0.12"]))
    assert (given.shard_gib, given.usd_export_gb) == (50, 0.12)
    for text, told in {
        "shard_gb=50": "--price: there is no 'shard_gb' .did you mean shard_gib",
        "shard_gib": "a number above 0 is expected",
        "shard_gib=many": "a number above 0",
        "shard_gib=0": "above 0",
        "shard_gib=inf": "above 0",
    }.items():
        with pytest.raises(WrongUse, match=told):
            Assumptions().given("--price", estimating.of_texts([text]))
    for value in ("1", True, None, [1]):
        with pytest.raises(WrongUse, match="a number above 0"):
            Assumptions().given("--prices", {"shard_gib": value})


def test_every_assumption_and_price_says_where_it_comes_from() -> None:
    prices, others = (Assumptions().why(prices=prices) for prices in (True, False))
    assert all(why for _, why in (prices | others).values())
    assert all(name.startswith("usd_") for name in prices)
    assert not any(name.startswith("usd_") for name in others)


def test_an_export_costs_its_gigabytes_requests_storage_and_the_recovery_it_needs() -> None:
    load = Load(1_000_000, 100_000)  # 100 GB, in 2,000 files
    cost = estimating.refill_from_export(load, MEANS, ASSUMED).cost_usd
    assert cost["DynamoDB export"] == pytest.approx(10)
    assert cost["S3 requests"] == pytest.approx(2000 * (0.005 / 1000 + 0.4 / 1e6))
    assert cost["S3 storage"] == pytest.approx(25 * 0.023 * 14 / (730 / 24))
    assert estimating.recovery_usd_a_month(load, ASSUMED) == pytest.approx(20)


def test_every_number_of_an_estimate_has_its_total_and_formulas() -> None:
    document = estimating.refill_by_scan(LOAD, MEANS, ASSUMED).to_json()
    cost = document["costUsd"]
    assert cost["total"] == pytest.approx(sum(usd for name, usd in cost.items() if name != "total"), abs=2e-4)
    assert {"seconds", "readUnits", "invocations", "gbSeconds", "stateTransitions"} <= document["formulas"].keys()

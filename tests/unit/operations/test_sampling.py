"""A sample is held to its bounds whatever the table is like."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from dynadex.aws import AwsUnavailable
from dynadex.core.attributes import Item, KeyAttribute
from dynadex.operations import sampling
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud
from dynadex.project import Table
from dynadex.table import Page

TABLE = Table("t", "t", KeyAttribute("id", "S"), None, None, existing=True)


class Scanned:
    """A table of so many items a segment, each read costing as much as is said."""

    def __init__(self, items_a_segment: int, *, page: int = 1000, units: float = 1.0, refusals: int = 0) -> None:
        self.items_a_segment, self.page, self.units, self.refusals = items_a_segment, page, units, refusals
        self.reads: list[tuple[int, int]] = []

    def table(self, table: Table, region: str) -> Scanned:
        return self

    def scan(self, start: Any, *, segment: int, total_segments: int, consistent: bool, limit: int) -> Page:
        assert not consistent
        if self.refusals:
            self.refusals -= 1
            raise AwsUnavailable("dynamodb", "Scan", "ThrottlingException", "slow down")
        self.reads.append((segment, limit))
        first = start["n"] if start else 0
        last = min(first + min(limit, self.page), self.items_a_segment)
        items: list[Item] = [{"id": {"S": f"{segment}-{number}"}} for number in range(first, last)]
        return Page(items, cast(Any, {"n": last}) if last < self.items_a_segment else None, 0, self.units)


def sample(scanned: Scanned, count: int, read_capacity: float = 0) -> sampling.Sample:
    cloud = cast(Cloud, scanned)
    return sampling.sample(cloud, "us-east-1", TABLE, Quiet(), count=count, read_capacity=read_capacity)


def segments(found: sampling.Sample) -> set[str]:
    return {item["id"]["S"].partition("-")[0] for item in found.items}


def test_items_come_in_equal_parts_from_all_over_the_table() -> None:
    scanned = Scanned(10_000)
    found = sample(scanned, 1000)
    assert (len(found.items), found.whole, len(segments(found))) == (1000, False, 50)
    assert {limit for _, limit in scanned.reads} == {20}
    assert found.read_units == 50


def test_few_items_are_not_spread_thinner_than_a_read_is_worth() -> None:
    assert len(segments(sample(Scanned(10_000), 100))) == 5
    assert len(segments(sample(Scanned(10_000), 10))) == 1


def test_a_small_table_is_taken_whole_and_each_item_once() -> None:
    found = sample(Scanned(3), 1000)
    assert (len(found.items), found.whole) == (150, True)
    assert len({item["id"]["S"] for item in found.items}) == 150


def test_large_items_whose_pages_are_short_take_more_reads() -> None:
    found = sample(Scanned(10_000, page=3), 1000)
    assert (len(found.items), found.whole) == (1000, False)


def test_a_sample_ends_when_it_costs_too_much() -> None:
    found = sample(Scanned(10_000, page=1, units=100.0), 1000)
    assert len(found.items) < 1000
    assert sampling.MOST_READ_UNITS <= found.read_units <= sampling.MOST_READ_UNITS + 50 * 100


def test_reads_are_held_to_their_budget() -> None:
    began = time.monotonic()
    found = sample(Scanned(10_000, units=2.0), 1000, read_capacity=200)
    assert found.read_units == 100
    # Those that are under way at once, 4 of them, may be beyond the budget.
    assert time.monotonic() - began >= (100 - 5 * 2) / 200


def test_a_throttled_read_is_made_again() -> None:
    assert len(sample(Scanned(10_000, refusals=5), 100).items) == 100


def test_a_table_that_does_not_answer_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_PATIENCE_SECONDS", 0.2)
    with pytest.raises(Exception, match="slow down"):
        sample(Scanned(10_000, refusals=10_000), 100)

"""The bench's own parts work: tiny sizes, an engine in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import charts, report
from bench.measuring import Row, quantile

_ROOT = Path(__file__).parents[2]
_NAMES = [
    "stream",
    "stream-cpu",
    "refill",
    "freshness-p50",
    "freshness-p99",
    "cold-start-stream",
    "cold-start-search",
    "search-p50",
    "search-throughput",
    "verify",
]


def test_the_last_line_of_a_run_is_every_row_as_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--engine", "osmem", "--plan", "tiny", "--results", str(tmp_path)]
    ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout.splitlines()[-1])
    assert [row["name"] for row in rows] == _NAMES
    assert all(set(row) == set(Row.NAMES) for row in rows)
    assert all(row["ours"] > 0 and row["plain"] > 0 and row["ratioToPlain"] > 0 for row in rows)
    (kept,) = tmp_path.glob("*.json")
    results = json.loads(kept.read_text())
    assert results["growth"][0]["refill"]["rate"] > 0
    assert report.table(results).count("\n") == len(_NAMES)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    row = Row("stream", "records/s", {"ours": [10, 20, 90], "limit": [10, 40, 100], "plain": []})
    assert row.ratio("limit") == pytest.approx(0.9)
    assert row.ratio("plain") is None
    assert row.value("ours") == 20


@pytest.mark.parametrize(("unit", "met"), [("records/s", True), ("ms", False)])
def test_a_rate_is_to_be_at_least_its_goal_and_a_time_at_most(unit: str, met: bool) -> None:
    row = Row("x", unit, {"ours": [95.0], "limit": [100.0], "plain": [30.0]})
    assert row.against(limit=0.9, plain=3).met is met


@pytest.mark.parametrize("ours", [95.0, 50.0])
def test_what_was_not_measured_is_no_goal_met(ours: float) -> None:
    row = Row("x", "records/s", {"ours": [ours], "limit": [], "plain": [30.0]})
    assert row.against(limit=0.9, plain=2).met is (None if ours > 60 else False)
    assert row.against(over=10).met is None


def test_quantiles_are_interpolated() -> None:
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([0, 10], 0.99) == pytest.approx(9.9)


def test_a_chart_is_well_formed_and_names_its_lines() -> None:
    drawn = charts.lines(
        "Lag & more", {"<a>": [(1, 2), (10, 3)], "b": [(1, 1)]}, across="s", up="records", logarithmic=True
    )
    assert {"<a>", "b", "Lag & more"} <= {text.text for text in ET.fromstring(drawn).iter() if text.text}

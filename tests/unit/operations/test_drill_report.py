"""What a drill says of what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dynadex.core import routing
from dynadex.operations.drill import Options, Result
from dynadex.operations.drill_load import Search, Turn, Writing
from dynadex.operations.drill_report import as_page, bars, document, longest_failure, sent_to_known_down, write
from dynadex.platform.edge.settings import Settings

HOME, LOST = "us-east-1", "eu-west-1"
RECORDS = routing.records(HOME, {"EU": LOST}, {}, [HOME, LOST])
SETTINGS = Settings({HOME: "http://a", LOST: "http://b"}, RECORDS, (), 1.0, 2)


def search(at: float, failure: str = "", location: str = "EU", region: str = LOST) -> Search:
    return Search(at, location, region, 0.05, failure)


@pytest.fixture
def result() -> Result:
    found = Result(LOST, Options(), SETTINGS, [HOME, LOST], ["EU", "*"], began=100.0)
    found.taken, found.detected, found.returned, found.equal = 110.0, 112.5, 130.0, 134.0
    found.let_in, found.routed_back, found.ended = 134.1, 136.5, 150.0
    found.events = [(100.0, "writes and searches go on"), (112.6, f"the edge leaves {LOST} out, 2.5 s after")]
    found.turns = [Turn(112.5, LOST, False), Turn(136.2, LOST, True)]
    found.writes = 300
    found.searches = [search(at, location="*", region=HOME) for at in range(100, 150)]
    for at in range(100, 150):
        away = 110 <= at < 113
        region = HOME if 112.5 < at < 136.2 else LOST
        found.searches.append(search(at, "503" if away and region == LOST else "", region=region))
    found.lags = [(float(at), LOST, float(at - 110) if 110 <= at < 132 else 0.2) for at in range(100, 150)]
    return found


def test_the_numbers_are_counted_from_the_loss_and_from_the_return(result: Result) -> None:
    told = document(result)
    assert told["searches"] == {"total": 100, "failed": 3, "longestFailureSeconds": 3.0}
    assert told["writes"] == {"total": 300, "lost": 0}
    assert (told["detectedSeconds"], told["paritySeconds"], told["routedBackSeconds"]) == (2.5, 4.0, 6.5)
    assert told["parity"] is True
    assert [entry["event"] for entry in told["timeline"]] == [
        "writes and searches go on",
        f"the edge leaves {LOST} out",
        f"the edge takes {LOST} in",
    ]


def test_what_never_came_has_no_number(result: Result) -> None:
    result.detected = result.routed_back = None
    told = document(result)
    assert told["detectedSeconds"] is told["routedBackSeconds"] is None
    assert "never" in as_page(result)


def test_a_failure_lasts_at_its_location_until_a_search_begins_that_succeeds() -> None:
    assert longest_failure([]) == 0
    assert longest_failure([search(1), search(2), search(9)]) == 0
    assert longest_failure([search(1, "503"), search(2), search(3, "503"), search(4, "502"), search(7)]) == 4
    assert longest_failure([search(7), search(4, "502"), search(3, "503")]) == 4  # in whatever order they ended
    assert longest_failure([search(1, "503"), search(2, location="*"), search(5)]) == 4
    assert longest_failure([search(1, "503"), search(6, "not found")]) == 5  # to the end


def test_every_bar_holds_for_a_loss_that_went_well(result: Result) -> None:
    assert [holds for holds, _ in bars(result).values()] == [True, True, True, True]
    assert "Every bar was met" in as_page(result)


def test_each_bar_that_is_missed_is_shown(result: Result) -> None:
    result.lost = ["dynadex.drill.1: the index of eu-west-1 has not what the table has"]
    result.differences = ["eu-west-1: 1 missing (<x>)"]
    result.searches.append(search(120.0, "503"))  # sent there, though known to be down
    result.searches += [search(float(at), "503", "AS", HOME) for at in range(140, 149)]
    result.searches.sort(key=lambda search: search.at)
    assert len(sent_to_known_down(result)) == 1
    page = as_page(result)
    assert "A bar was missed" in page
    assert "&lt;x&gt;" in page
    assert [holds for holds, _ in bars(result).values()] == [False, False, False, False]


def test_a_search_may_meet_a_region_that_is_taken_in_while_it_is_on_its_way(result: Result) -> None:
    result.searches = [Search(136.0, "EU", LOST, 0.5, "")]
    assert sent_to_known_down(result) == []
    result.searches = [Search(136.0, "EU", LOST, 0.1, "")]
    assert len(sent_to_known_down(result)) == 1


def test_where_every_region_is_down_a_search_has_to_go_somewhere(result: Result) -> None:
    result.turns.insert(1, Turn(113.0, HOME, False))
    result.searches = [search(120.0, "503")]
    assert sent_to_known_down(result) == []


def test_the_report_is_a_page_and_its_numbers(result: Result, tmp_path: Path) -> None:
    page = write(result, tmp_path / "new" / "folder")
    report = json.loads((page.parent / "report.json").read_text())
    assert report.items() >= document(result).items()
    assert report["drill"]["kind"] == "region"
    assert len(report["series"]) == 100
    text = page.read_text()
    assert text.count("<svg") == 4
    assert "{{" not in text
    assert "<script" not in text


def test_a_drill_too_short_for_a_chart_makes_one_all_the_same(result: Result) -> None:
    result.searches, result.lags, result.ended = [], [], result.began
    assert as_page(result).count("<svg") == 4


def test_what_is_not_acknowledged_may_or_may_not_have_happened() -> None:
    writing = Writing()
    writing.about_to(1)
    writing.acknowledged()
    assert writing.states == [1]
    writing.about_to(None)
    writing.about_to(3)
    assert writing.states == [1, None, 3]
    writing.acknowledged()
    assert writing.states == [3]

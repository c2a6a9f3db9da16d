"""Searches are counted in the instance, and told now and then."""

from __future__ import annotations

import json

import pytest

from dynadex.functions.tally import Tally
from tests.unit.functions.function_fakes import Region


def test_what_came_together_is_told_in_one_line_every_few_seconds(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    tally = Tally(lambda: now[0])
    for _ in range(3):
        with tally.search():
            now[0] += 0.02
        tally.tell()
    assert capsys.readouterr().out == ""
    now[0] = 10.0
    tally.tell()
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["Searches"], line["SearchMillis"]) == ("searched", 3, 60.0)
    now[0] = 30.0
    tally.tell()
    assert capsys.readouterr().out == ""


def test_a_search_that_fails_is_not_counted(region: Region, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tally = Tally(lambda: now[0])
    with pytest.raises(ValueError, match="x"), tally.search():
        raise ValueError("x")
    now[0] = 60.0
    tally.tell()
    assert capsys.readouterr().out == ""

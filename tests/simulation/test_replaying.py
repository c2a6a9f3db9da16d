"""A failing schedule can be replayed exactly, read, and made short."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from . import mutants, running, schedule, shrinking
from .choices import Choices, Recorded, Replayed
from .regressions import REGRESSIONS, Regression
from .running import Hunt

MUTANT = "no-settle"


@pytest.fixture(scope="module")
def caught() -> Hunt:
    return running.hunt(MUTANT)


@pytest.fixture
def broken() -> Iterator[None]:
    with schedule.scaled(), mutants.ALL[MUTANT].made():
        yield


@pytest.mark.usefixtures("broken")
def test_a_seed_is_the_same_schedule_every_time(caught: Hunt) -> None:
    assert caught.seed is not None
    first, _ = schedule.run(Choices(caught.seed), traced=True)
    again, _ = schedule.run(Choices(caught.seed), traced=True)
    assert first == again
    assert first.violation == caught.violation


@pytest.mark.usefixtures("broken")
def test_the_choices_of_a_seed_are_its_schedule(caught: Hunt) -> None:
    assert caught.seed is not None
    recorded = Recorded(caught.seed)
    seeded, _ = schedule.run(recorded, traced=True)
    replayed, _ = schedule.run(Replayed(recorded.made), traced=True)
    assert replayed == seeded


@pytest.mark.usefixtures("broken")
def test_a_shrunk_schedule_fails_alike_and_is_much_shorter(caught: Hunt) -> None:
    assert caught.seed is not None
    choices = shrinking.recorded(caught.seed)
    short = shrinking.shrink(choices)
    result, _ = schedule.run(Replayed(short))
    assert result.checker == schedule.run(Choices(caught.seed))[0].checker
    assert len(short) < len(choices) / 2


def test_the_command_tells_what_happened_to_the_key(caught: Hunt) -> None:
    command = [sys.executable, "-m", "tests.simulation", "replay", str(caught.seed), "--mutant", MUTANT]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.splitlines()[-1] == caught.violation
    assert "conflict, there is" in ended.stdout
    assert "VIOLATION" in ended.stdout


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.mutant)
def test_what_was_once_a_hole_is_none_any_more(regression: Regression) -> None:
    with schedule.scaled():
        result, _ = schedule.run(Replayed(regression.choices))
        assert result.violation is None
        with mutants.ALL[regression.mutant].made():
            result, _ = schedule.run(Replayed(regression.choices))
            assert result.violation is not None

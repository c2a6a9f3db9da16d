"""A rebuild whose new generation is filled from an export of the table, which is newer than its being fed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dynadex import generations
from dynadex.exports import ExportError
from dynadex.operations import refill
from dynadex.operations.steps import Bar, Quiet
from tests.platform.test_rebuild import Hurried, Killed, hurried, places, play, run, there
from tests.platform.world import World

_NEW = {"label": {"type": "keyword"}}


@pytest.fixture
def world(world: World) -> Iterator[World]:
    """Some plays, and in the end the index as it was."""
    plays = [play(number, f"take {uuid.uuid4().hex[:8]}") for number in range(900, 940)]
    world.put_all("plays", plays)
    world.await_equal(["plays"])
    yield world
    if len(there(world, "plays")) > 1:
        hurried(world, "plays", None, back=True, drop_new=True)
    world.delete_all("plays", plays)
    world.await_equal(["plays"])


def exports(world: World) -> set[str]:
    return {one["ExportArn"] for one in world.client("dynamodb").list_exports()["ExportSummaries"]}


def input_of_newest(world: World) -> str:
    """What the newest refill of the index was started with."""
    execution = refill.newest(world.project, world.cloud, world.home)["plays"]["execution"]
    return str(world.client("stepfunctions").describe_execution(executionArn=execution)["input"])


def test_the_new_generation_is_filled_from_an_export_that_is_made_once_it_is_fed(world: World) -> None:
    before = exports(world)
    made = hurried(world, "plays", _NEW, from_export=True)
    assert made.items >= 40
    assert [place for _, place in places(world, "plays")] == ["fed", "read and fed"]
    assert len(exports(world) - before) == 1
    started = json.loads(input_of_newest(world))
    for part in started.get("segments", [started]):
        assert part["generation"] == made.read
        assert part["export"]["manifest"].endswith("manifest-summary.json")
    world.await_equal(["plays"], [world.home])
    notes = there(world, "plays")[-1].notes
    assert not {"export", "tombstones"} & set(notes)


def test_an_export_of_before_the_new_generation_was_fed_is_refused(world: World) -> None:
    before = exports(world)
    hurried(world, "plays", _NEW, from_export=True)
    [old] = exports(world) - before
    hurried(world, "plays", None, back=True, drop_new=True)
    world.put("plays", play(900, "of later"))
    world.await_equal(["plays"])
    with pytest.raises(Killed):
        run(world, "plays", _NEW, Hurried())
    generations.note(world.engine(), there(world, "plays")[-1].name, seen=True)  # as if it had waited
    with pytest.raises(ExportError, match="a newer export is needed"):
        run(world, "plays", _NEW, from_export=True, export=old)
    assert [place for _, place in places(world, "plays")] == ["read and fed", "fed"]


class CutOff(Hurried):
    """Ends the run while the refill is followed."""

    @contextmanager
    def bar(self, title: str) -> Iterator[Bar]:
        if "refill" in title:
            raise KeyboardInterrupt
        with Quiet().bar(title) as bar:
            yield bar


def test_one_that_was_cut_off_goes_on_with_its_export_though_nobody_says_so_again(world: World) -> None:
    before = exports(world)
    with pytest.raises(KeyboardInterrupt):
        hurried(world, "plays", _NEW, CutOff(), from_export=True)
    assert "export" in there(world, "plays")[-1].notes
    made = hurried(world, "plays", _NEW)
    assert len(exports(world) - before) == 1
    assert generations.read(world.engine(), "plays") == [made.read]
    world.await_equal(["plays"], [world.home])

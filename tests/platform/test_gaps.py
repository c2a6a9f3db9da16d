"""Records of a stream that an index may have missed are noticed, told, and made good."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynadex import project as projects
from dynadex.core.gaps import HORIZON_SECONDS, Mark
from dynadex.operations import gaps
from dynadex.operations import status as statuses
from dynadex.operations.deploy import deploy
from dynadex.operations.status import SourceStatus
from dynadex.operations.steps import Quiet
from dynadex.watching import Watcher
from tests.platform.world import World, eventually

_DAYS = 3 * HORIZON_SECONDS


@pytest.fixture
def watcher(world: World) -> Iterator[Watcher]:
    """The home region's, with every mark as a first look makes it, before and after the test."""
    watch(world)
    found = gaps.watcher(world.project, world.cloud, world.home)
    marks = {table: found.mark(table) for table in world.project.tables}
    yield found
    for table, mark in marks.items():
        assert mark is not None
        found.keep(table, mark)


def watch(world: World) -> dict[str, Any]:
    """One look of the watch function."""
    answer = world.client("lambda").invoke(FunctionName=world.output("WatchFunctionArn"))
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def mark(watcher: Watcher, table: str = "songs") -> Mark:
    found = watcher.mark(table)
    assert found is not None
    return found


def status(world: World, code: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "dynadex", "status", "--json", "--project", str(world.project.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)["regions"]
    return found


def test_a_sound_stream_has_a_mark_and_no_gap(world: World, watcher: Watcher) -> None:
    before = int(time.time())
    assert watch(world) == {"gaps": {}, "troubles": {}}
    found = mark(watcher)
    assert before <= found.sound <= time.time()
    assert "/stream/" in found.stream
    assert (found.broken, found.gap) == (False, None)


def test_an_event_source_that_is_off_is_trouble_and_after_a_day_a_gap_that_is_repaired(
    world: World, watcher: Watcher
) -> None:
    name = uuid.uuid4().hex[:12]
    lost, kept = ({"id": f"{name}-{n}", "title": "lost or kept", "artist": "someone"} for n in range(2))
    with world.paused("songs"):
        assert watch(world) == {"gaps": {}, "troubles": {"songs": "its event source is disabled"}}
        watcher.keep("songs", replace(mark(watcher), sound=int(time.time()) - _DAYS))
        assert watch(world)["gaps"]["songs"]["until"] == 0
        told = status(world, code=1)
        assert "mend what keeps the stream function from them" in told[world.home]["songs"]["gap"]
        assert told[world.regions[1]]["songs"]["gap"] is None
        world.put("songs", kept)
    # What expires is made here by writing behind the stream's back.
    world.await_equal(["songs"])
    world.engine().ask("PUT", f"/songs-v1/_doc/{lost['id']}", {"title": "a document whose deletion expired"})
    first = watch(world)["gaps"]["songs"]
    assert first["until"] > 0
    assert first["indexes"] == ["songs"]
    assert ":execution:" in first["execution"]
    assert eventually(lambda: watch(world) == {"gaps": {}, "troubles": {}}, 90)
    assert mark(watcher).gap is None
    assert world.difference("songs") == []
    assert status(world, code=0)[world.home]["songs"]["gap"] is None
    world.delete("songs", kept)


def test_status_tells_at_once_of_an_event_source_that_is_off(world: World) -> None:
    with world.paused("songs"):
        told = status(world, code=1)
        for region in world.regions:
            source = told[region]["songs"]["source"]
            assert source["state"] == "Disabled"
            assert source["trouble"].startswith("its event source is disabled: aws lambda update-event-source-mapping ")
            assert source["trouble"].endswith(f" --enabled --region {region} --endpoint-url {world.cloud.url}")
            assert told[region]["scores"]["source"]["trouble"] == ""
    source = status(world, code=0)[world.home]["songs"]["source"]
    assert (source["state"], source["trouble"]) == ("Enabled", "")


def test_status_tells_at_once_of_a_stream_function_that_fails(world: World) -> None:
    song = {"id": uuid.uuid4().hex[:12], "title": "waits", "artist": "someone"}
    songs = world.project.indexes["songs"]

    def source() -> SourceStatus:
        return statuses.status(world.project, world.cloud, [world.home], count=False)[world.home][songs.name].source

    with world.door().refusing(lambda method, path: 403 if path.startswith("/_bulk") else None):
        world.put("songs", song)
        assert eventually(lambda: "FAILED" in source().trouble)
        found = source()
        assert (found.state, found.last_result) == ("Enabled", "FAILED")
        assert found.trouble == (
            f"its event source says: FAILED; the stream function's log says why ({world.output('StreamLogGroup')})"
        )
    world.await_equal(["songs"])
    assert eventually(lambda: source().trouble == "")
    world.delete("songs", song)


def test_an_event_source_made_anew_after_a_long_time_is_a_gap_and_soon_is_none(world: World, watcher: Watcher) -> None:
    soon = replace(mark(watcher), source="another")
    watcher.keep("songs", soon)
    assert watch(world)["gaps"] == {}
    assert mark(watcher).source != "another"
    watcher.keep("songs", replace(soon, sound=soon.sound - _DAYS))
    assert watch(world)["gaps"]["songs"]["reason"] == "recreated"


def test_another_stream_is_a_gap_of_every_index_of_the_table(world: World, watcher: Watcher) -> None:
    watcher.keep("things", replace(mark(watcher, "things"), stream="arn:aws:dynamodb:us-east-1:0:table/t/stream/old"))
    found = watch(world)["gaps"]["things"]
    assert found["reason"] == "stream"
    assert sorted(found["indexes"]) == ["albums", "labels"]
    assert eventually(lambda: watch(world)["gaps"] == {}, 90)


def test_records_applied_when_about_to_expire_are_found_in_the_log(world: World, watcher: Watcher) -> None:
    """The stream function's line stands here for a day's wait."""
    logs, group = world.client("logs"), world.output("StreamLogGroup")

    def expiring(table: str) -> bool:
        source = watcher.look(table, world.physical(table), mark(watcher, table))
        assert source is not None
        return source.expiring

    assert not expiring("songs")
    line = json.dumps({"event": "expiring", "table": "songs", "newest": 1})
    logs.create_log_stream(logGroupName=group, logStreamName="late")
    try:
        events = [{"timestamp": int(time.time() * 1000), "message": line}]
        logs.put_log_events(logGroupName=group, logStreamName="late", logEvents=events)
        assert expiring("songs")
        assert not expiring("things")
    finally:
        logs.delete_log_stream(logGroupName=group, logStreamName="late")


@pytest.fixture
def failing(world: World) -> Iterator[None]:
    """The project with `on_gap = "fail"`, deployed."""
    file = Path(world.project.directory) / "dynadex.toml"
    text = file.read_text()
    packages = world.project.directory / ".dynadex" / "packages"
    file.write_text(text.replace("[functions.stream]", '[functions.stream]\non_gap = "fail"'))
    deploy(projects.load(world.project.directory), world.cloud, world.regions, Quiet(), packages)
    yield
    file.write_text(text)
    deploy(world.project, world.cloud, world.regions, Quiet(), packages)


def test_where_a_gap_is_only_told_a_full_repair_closes_it(world: World, watcher: Watcher, failing: None) -> None:
    watcher.keep("things", replace(mark(watcher, "things"), stream="arn:aws:dynamodb:us-east-1:0:table/t/stream/old"))
    for _ in range(2):
        found = watch(world)["gaps"]["things"]
        assert (found["execution"], len(found["indexes"])) == ("", 2)
    told = status(world, code=1)[world.home]["albums"]["gap"]
    assert f"dynadex verify albums --full --repair --region {world.home}" in told
    for index in ("albums", "labels"):
        command = [sys.executable, "-m", "dynadex", "verify", index, "--full", "--repair"]
        done = subprocess.run(
            [*command, "--project", str(world.project.directory)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert watch(world)["gaps"] == {}
    assert status(world, code=0)[world.home]["albums"]["gap"] is None

"""Verify as the region's functions and the command do it, on a project that is up."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from dynadex import generations
from dynadex.cli import app
from dynadex.core import suspects
from dynadex.core.bulk import Operation
from dynadex.operations import status as statuses
from dynadex.operations import verify as verifying
from dynadex.operations.verify import Options
from dynadex.pacing import Patience
from tests.platform.world import World, eventually

_LATER = 1 << 62


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is on its way here, so what differs is certain sooner; in the functions it takes its time."""
    monkeypatch.setattr(suspects, "STABLE_SECONDS", 1.0)


@pytest.fixture
def name(world: World) -> Iterator[str]:
    """A text that no other test has in its ids; the indices equal their tables before and after."""
    world.await_equal(["songs", "scores"])
    yield uuid.uuid4().hex[:12]
    world.await_equal(["songs", "scores"])


def song(id: str, **attributes: Any) -> dict[str, Any]:
    return {"id": id, "title": "Blackbird", "artist": "The Beatles", "year": 1968} | attributes


def plant(world: World, index: str, documents: Mapping[str, bytes | None], region: str | None = None) -> None:
    """Writes documents past the protocol; None deletes."""
    engine = world.engine(region)
    alias = generations.write_alias(generations.read(engine, index)[-1])
    engine.write([Operation(alias, id, _LATER, source) for id, source in documents.items()], Patience(10))


def run(world: World, *arguments: str) -> tuple[int, dict[str, Any]]:
    """What the command says."""
    ran = CliRunner().invoke(app, [*arguments, "--project", str(world.project.directory), "--json"])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, json.loads(ran.stdout)


def test_the_state_machine_verifies_by_segments_and_repairs(world: World, name: str) -> None:
    scores = [{"player": name, "level": Decimal(number), "title": f"score {number}"} for number in range(60)]
    world.put_all("scores", scores)
    world.await_equal(["scores"])
    planted = {f"{name}|7": None, f"{name}|8": b'{"title": "stale"}', f"{name}|ghost": b'{"title": "foreign"}'}
    plant(world, "scores", planted)
    index = world.project.indexes["scores"]
    asked = Options(segments=3, repair=True)
    execution = verifying.start(world.project, world.cloud, world.home, index, asked)
    assert verifying.running(world.project, world.cloud, world.home, index) == execution
    code, found = run(world, "verify", "scores", "--remote")  # takes up the one under way
    assert (code, [found[kind] for kind in ("missing", "stale", "ghosts", "repaired")]) == (0, [1, 1, 1, 3])
    assert found["items"] == len(world.items("scores"))
    assert {one["id"]: one["kind"] for one in found["examples"]} == {
        f"{name}|7": "missing",
        f"{name}|8": "stale",
        f"{name}|ghost": "ghost",
    }
    assert world.difference("scores") == []
    assert verifying.running(world.project, world.cloud, world.home, index) is None


def test_every_index_is_verified_on_a_schedule(world: World) -> None:
    for region in world.regions:
        schedule = world.client("scheduler", region).get_schedule(Name=f"{world.project.name}-verify")
        assert schedule["State"] == "ENABLED"
        assert schedule["ScheduleExpression"] == "rate(7 days)"
        assert schedule["Target"]["Arn"] == world.output("VerifyStateMachineArn", region)
        given = json.loads(schedule["Target"]["Input"])
        assert given == {"segments": [{"index": index} for index in world.project.indexes]}


def run_schedule_now(world: World) -> str:
    """Has the platform's scheduler start what the weekly schedule starts; returns the execution."""
    scheduler, client = world.client("scheduler"), world.client("stepfunctions")
    machine = world.output("VerifyStateMachineArn")

    def executions() -> set[str]:
        return {one["executionArn"] for one in client.list_executions(stateMachineArn=machine)["executions"]}

    before = executions()
    weekly = scheduler.get_schedule(Name=f"{world.project.name}-verify")
    scheduler.create_schedule(
        Name=f"once-{uuid.uuid4().hex[:8]}",
        ScheduleExpression="at(2024-01-01T00:00:00)",
        FlexibleTimeWindow=weekly["FlexibleTimeWindow"],
        Target=weekly["Target"],
        ActionAfterCompletion="DELETE",
    )
    assert eventually(lambda: executions() > before)
    [started] = executions() - before
    return started


def test_status_has_what_the_newest_verification_in_the_cloud_found(world: World, name: str) -> None:
    world.put("songs", song(name))
    world.await_equal(["songs"])
    plant(world, "songs", {f"{name}-ghost": b'{"title": "ghost"}'})
    for arguments, told in (([], (1, 0)), (["--repair"], (1, 1)), ([], (0, 0))):
        run(world, "verify", "songs", "--remote", "--full", *arguments)
        found = statuses.status(world.project, world.cloud, [world.home], count=False)[world.home]
        verify = found["songs"].verify
        assert verify is not None
        assert verify["status"] == "SUCCEEDED"
        assert abs(time.time() - verify["at"]) < 60
        assert (verify["ghosts"], verify["repaired"]) == told
        assert verify["seconds"] >= 0


def test_what_the_schedule_starts_covers_all_indexes_and_says_its_number_once(world: World, name: str) -> None:
    world.put("songs", song(name))
    world.await_equal(["songs"])
    plant(world, "songs", {f"{name}-ghost": b'{"title": "ghost"}'})
    client = world.client("stepfunctions")
    started = run_schedule_now(world)
    assert eventually(lambda: client.describe_execution(executionArn=started)["status"] != "RUNNING", 90)
    described = client.describe_execution(executionArn=started)
    assert described["status"] == "SUCCEEDED", described
    found = {one["index"]: one for one in json.loads(described["output"])["indexes"]}
    assert found.keys() == world.project.indexes.keys()
    assert found["songs"]["ghosts"] == 1
    assert found["songs"]["examples"] == [{"id": f"{name}-ghost", "kind": "ghost", "path": ""}]
    since = described["startDate"].timestamp()

    def lines() -> list[dict[str, Any]]:
        logged = [json.loads(line) for line in world.logs(since=since - 1) if line.startswith('{"_aws"')]
        return [line for line in logged if line["event"] == "verified"]

    assert eventually(lambda: bool(lines()))
    [line] = lines()
    assert line["Differences"] == sum(
        one["missing"] + one["stale"] + one["ghosts"] + one["failed"] for one in found.values()
    )
    assert name not in json.dumps(line)
    assert run(world, "verify", "songs", "--repair")[1]["repaired"] == 1


def test_the_command_says_what_differs_and_mends_it(world: World, name: str) -> None:
    world.put_all("songs", [song(f"{name}-{number}") for number in range(4)])
    world.put("songs", song(f"{name}-hidden", published=False))
    world.await_equal(["songs"])
    code, clean = run(world, "verify", "songs")
    assert (code, clean["missing"], clean["stale"], clean["ghosts"], clean["inFlight"]) == (0, 0, 0, 0, 0)
    plant(
        world,
        "songs",
        {
            f"{name}-0": None,
            f"{name}-1": json.dumps(song(f"{name}-1", title="Other")).encode(),
            f"{name}-hidden": json.dumps(song(f"{name}-hidden")).encode(),
            f"{name}-gone": json.dumps(song(f"{name}-gone")).encode(),
        },
    )
    code, found = run(world, "verify", "songs", "--segments", "2")
    assert code == 1
    assert [found[kind] for kind in ("missing", "stale", "ghosts", "repaired")] == [1, 1, 2, 0]
    assert found["documents"] == clean["documents"] + 1
    assert sorted((one["id"], one["kind"], one["path"]) for one in found["examples"]) == [
        (f"{name}-0", "missing", ""),
        (f"{name}-1", "stale", "$.title"),
        (f"{name}-gone", "ghost", ""),
        (f"{name}-hidden", "ghost", ""),
    ]
    code, mended = run(world, "verify", "songs", "--repair")
    assert (code, mended["repaired"]) == (0, 4)
    assert world.difference("songs") == []


def test_an_item_without_a_document_differs_and_its_repair_is_a_failure_to_work_through(
    world: World, name: str
) -> None:
    world.put("songs", song(name, raises="x"))
    assert eventually(lambda: len(world.failures()) > 0)
    for where in ([], ["--remote"]):
        world.forget_failures()
        code, found = run(world, "verify", "songs", "--repair", *where)
        assert (code, found["failed"], found["repaired"]) == (1, 1, 0)
        assert found["examples"] == [{"id": name, "kind": "failed", "path": ""}]
        [kept] = world.failures()
        assert (kept["id"], kept["index"], kept["kind"], kept["table"]) == (name, "songs", "transform", "songs")
        assert kept["region"] == world.home
    world.delete("songs", song(name))
    world.await_equal(["songs"])
    assert run(world, "verify", "songs")[0] == 0
    world.forget_failures()


def test_two_regions_indices_are_compared_by_content(world: World, name: str) -> None:
    here, there = world.regions
    world.put_all("songs", [song(f"{name}-{number}") for number in range(4)])
    world.await_equal(["songs"])
    assert run(world, "verify", "songs", "--region", here, "--against", there)[0] == 0
    plant(world, "songs", {f"{name}-0": None, f"{name}-1": b'{"title": "Other"}'}, here)
    plant(world, "songs", {f"{name}-2": None}, there)
    code, found = run(world, "verify", "songs", "--region", here, "--against", there)
    assert code == 1
    assert sorted((one["id"], one["kind"]) for one in found["examples"]) == [
        (f"{name}-0", "missing"),
        (f"{name}-1", "stale"),
        (f"{name}-2", "ghost"),
    ]
    for region, repaired in ((here, 2), (there, 1)):
        assert run(world, "verify", "songs", "--region", region, "--repair")[1]["repaired"] == repaired
    assert run(world, "verify", "songs", "--region", there, "--against", here)[0] == 0

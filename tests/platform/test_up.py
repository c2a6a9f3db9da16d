"""What a newcomer and a developer do with `up` and `down` every day, and what goes wrong there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynadex.engine import Engine
from dynadex.platform import servers
from dynadex.platform.embedded import Folder
from dynadex.platform.jars import ELASTICSEARCH, OPENSEARCH, JavaServer, MissingTool, fetch, find_jdk
from dynadex.platform.servers import Server
from tests.platform.console import HOME, SECOND, Console, await_true, make_project

SEEDED = {"Song 1", "Song 2", "Song 3"}
ADDED = {"id": "4", "title": "Here Comes the Sun"}


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Console]:
    console = make_project(tmp_path / "tiny")
    yield console
    console.run("down", "--wipe")
    assert console.ports() == []


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Console]:
    console = make_project(tmp_path / "neighbour", name="neighbour")
    yield console
    console.run("down", "--wipe")
    assert console.ports() == []


def test_up_ends_with_the_one_document_that_tools_read_and_again_says_the_same(tiny: Console) -> None:
    ran = tiny.up()
    assert ran.code == 0, ran.err
    document = ran.document()
    region = document["regions"][HOME]
    assert document == {
        "platform": f"http://127.0.0.1:{tiny.port}",
        "web": None,
        "admin": None,
        "edge": None,
        "regions": {
            HOME: {
                "api": region["api"],
                "engine": f"http://127.0.0.1:{tiny.port + 10}",
                "tables": {"songs": "tiny-songs"},
                "indexes": {"songs": "songs"},
            }
        },
    }
    assert region["api"].startswith(document["platform"])
    assert Engine(region["engine"]).ask("GET", "/songs/_count")["count"] == 3
    assert tiny.titles() == SEEDED
    for step in ("start the platform", "package the functions", "functions, refill, API and queues", "ready after"):
        assert step in ran.err
    processes = tiny.processes()
    again = tiny.up()
    assert (again.code, again.out) == (0, ran.out)
    assert "runs already" in again.err
    assert "load" not in again.err
    assert "refill songs" not in again.err
    assert tiny.processes() == processes


def test_down_keeps_the_items_and_up_fills_the_index_from_them(tiny: Console) -> None:
    tiny.up()
    tiny.change(put=[ADDED], delete=["1"])
    down = tiny.run("down", "--json")
    assert (down.code, down.document()) == (0, {"stopped": True, "wiped": False})
    assert tiny.ports() == []
    again = tiny.up()
    assert again.code == 0
    assert "refill songs" in again.err
    assert "load" not in again.err
    assert tiny.titles() == SEEDED - {"Song 1"} | {ADDED["title"]}
    # And the stream is taken up too.
    tiny.change(put=[{"id": "5", "title": "Blackbird"}])
    tiny.await_documents(4)


def test_wipe_removes_everything(tiny: Console) -> None:
    tiny.up()
    tiny.change(put=[ADDED])
    assert tiny.run("down", "--wipe", "--json").document() == {"stopped": True, "wiped": True}
    assert sorted(path.name for path in tiny.directory.iterdir()) == ["dynadex.toml", "mapping.json", "songs.jsonl"]
    assert tiny.ports() == []
    tiny.up()
    assert tiny.titles() == SEEDED


def test_down_where_nothing_runs_is_no_error(tiny: Console) -> None:
    ran = tiny.run("down", "--json")
    assert (ran.code, ran.document()) == (0, {"stopped": False, "wiped": False})
    assert "nothing was running" in ran.err


@pytest.mark.parametrize("offset", [0, 1, 10], ids=["cloud", "web", "engine"])
def test_a_taken_port_is_named_and_nothing_is_left_running(tiny: Console, offset: int) -> None:
    with socket.socket() as other:
        other.bind((servers.HOST, tiny.port + offset))
        other.listen()
        ran = tiny.up()
        assert (ran.code, ran.out) == (1, "")
        assert f"port {tiny.port + offset} is taken" in ran.err
        assert "--port" in ran.err
        assert tiny.ports() == [tiny.port + offset]
    assert tiny.up().code == 0


def test_two_projects_run_side_by_side(tiny: Console, neighbour: Console) -> None:
    tiny.up()
    neighbour.up()
    neighbour.change(put=[ADDED])
    neighbour.await_documents(4)
    assert tiny.titles() == SEEDED
    tiny.run("down")
    assert neighbour.titles() == SEEDED | {ADDED["title"]}


def test_a_project_on_other_ports_moves_with_its_items(tiny: Console, neighbour: Console) -> None:
    tiny.up()
    tiny.change(put=[ADDED])
    ran = tiny.up("--port", str(neighbour.port))  # the last --port counts
    assert ran.document()["platform"].endswith(f":{neighbour.port}")
    assert tiny.ports() == []
    assert tiny.titles() == SEEDED | {ADDED["title"]}
    tiny.run("down")


# -- Half-finished starts, and ends that were no ends


def test_an_engine_that_was_killed_is_started_again_and_filled(tiny: Console) -> None:
    tiny.up()
    tiny.change(put=[ADDED])
    os.kill(tiny.processes()[HOME], signal.SIGKILL)
    await_true(lambda: not servers.port_in_use(tiny.port + 10), "the engine's end")
    asked = tiny.run("status")
    assert asked.code == 1
    assert "start it with `dynadex up`" in asked.err
    assert tiny.up().code == 0
    assert tiny.titles() == SEEDED | {ADDED["title"]}


def test_up_just_works_after_the_cloud_was_killed(tiny: Console) -> None:
    tiny.up()
    os.kill(tiny.processes()["cloud"], signal.SIGKILL)
    await_true(lambda: not servers.port_in_use(tiny.port), "the cloud's end")
    assert tiny.up().code == 0
    assert tiny.titles() == SEEDED


def test_a_state_of_a_past_that_is_over_harms_no_process_of_today(tiny: Console) -> None:
    tiny.up()
    state = tiny.directory / ".dynadex/state.json"
    saved = json.loads(state.read_text())
    tiny.run("down")
    # After a restart of the machine, other processes have those ids.
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for server in (saved["cloud"], saved["engines"][HOME]):
            server["pid"] = bystander.pid
        state.write_text(json.dumps(saved))
        assert "start it with `dynadex up`" in tiny.run("status").err
        assert tiny.up().code == 0
        assert tiny.titles() == SEEDED
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


def test_a_state_that_cannot_be_read_is_named_with_the_remedy(tiny: Console) -> None:
    state = tiny.directory / ".dynadex/state.json"
    state.parent.mkdir()
    (state.parent / "cloud").mkdir()
    verbs = (["up", "--detach"], ["down"], ["status"], ["down", "--wipe"])
    for text, verb in zip(("", '{"port": 1', "[]", '{"port": 1, "kind": "memory", "cloud": 1}'), verbs, strict=True):
        state.write_text(text)
        ran = tiny.run(*verb)
        assert ran.code == 1
        assert f"{state} cannot be read" in ran.err
        assert "remove that file" in ran.err
    state.unlink()
    assert tiny.run("down").code == 0


def test_up_killed_on_its_way_is_taken_up(tiny: Console) -> None:
    with tiny.foreground() as command:
        command.await_said("start the platform")
        command.end(signal.SIGKILL)
    assert tiny.up().code == 0
    assert tiny.titles() == SEEDED


# -- In the foreground


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: signal.Signals(number).name)
def test_a_foreground_up_stops_gracefully_and_keeps_the_items(tiny: Console, number: int) -> None:
    with tiny.foreground() as command:
        command.await_said("Try next")
        tiny.change(put=[ADDED])
        ran = command.end(number)
    assert ran.code == 0
    assert "keeping its data" in ran.err
    assert "Traceback" not in ran.err
    assert tiny.ports() == []
    tiny.up()
    assert tiny.titles() == SEEDED | {ADDED["title"]}


def test_a_foreground_up_ends_when_it_is_stopped_from_elsewhere(tiny: Console) -> None:
    with tiny.foreground() as command:
        command.await_said("Try next")
        assert tiny.run("down").code == 0
        assert command.process.wait(30) == 0


def test_a_foreground_up_names_a_process_that_ended_by_itself_and_stops_the_rest(tiny: Console) -> None:
    with tiny.foreground() as command:
        command.await_said("Try next")
        running = Folder(tiny.directory).running()
        assert running is not None
        engine = running.engines[HOME]
        assert engine is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert command.process.wait(30) == 1
        ran = command.end()
    assert "osmem ended by itself; its log is" in ran.err
    assert tiny.ports() == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "start the platform"), (signal.SIGTERM, "table tiny-songs"), (signal.SIGINT, "event sources")],
    ids=["Ctrl-C at once", "SIGTERM at the table", "Ctrl-C at the end"],
)
def test_an_interrupted_start_leaves_nothing_running(tiny: Console, number: int, moment: str) -> None:
    with tiny.foreground() as command:
        command.await_said(moment)
        ran = command.end(number)
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert tiny.ports() == []
    assert tiny.up().code == 0
    assert tiny.titles() == SEEDED


@pytest.mark.parametrize("remedy", ["down", "up"])
def test_what_a_killed_start_leaves_is_ended_by_the_next_command(tiny: Console, remedy: str) -> None:
    tiny.run("down")
    folder = Folder(tiny.directory)
    with tiny.foreground() as command:
        await_true(lambda: len(folder.left_over()) == 2, "the platform and an engine coming up")
        command.end(signal.SIGKILL)
    left = folder.left_over()
    assert (len(left), folder.running()) == (2, None)
    ran = tiny.run("down") if remedy == "down" else tiny.up()
    assert ran.code == 0
    assert "stop" in ran.err
    assert not any(map(servers.is_running, left))
    assert folder.left_over() == []
    assert bool(tiny.processes()) == (remedy == "up")


def test_up_without_a_port_takes_what_runs_already(tiny: Console) -> None:
    assert tiny.up().code == 0
    before = tiny.processes()
    again = tiny.run("up", "--detach", "--json")
    assert again.code == 0
    assert f"the platform runs already at http://127.0.0.1:{tiny.port}" in again.err
    assert again.document()["platform"] == f"http://127.0.0.1:{tiny.port}"
    assert tiny.processes() == before


def test_two_starts_at_once_do_not_meet(tiny: Console) -> None:
    with tiny.foreground() as command:
        command.await_said("start the platform")
        ran = tiny.up()
        command.await_said("Try next")
    assert ran.code == 1
    assert "another start or stop of this project is under way" in ran.err


# -- The user's own engine, and real servers


def test_regions_that_share_the_users_engine_have_prefixes_there(tmp_path: Path, osmem: Server) -> None:
    shared = make_project(tmp_path / "shared", regions=(HOME, SECOND), name="shared")
    try:
        document = shared.up("--engine-url", osmem.url).document()
        engine = Engine(osmem.url)
        for region in (HOME, SECOND):
            assert document["regions"][region]["engine"] == osmem.url
            assert document["regions"][region]["indexes"] == {"songs": f"{region}-songs"}
            assert engine.ask("GET", f"/{region}-songs/_count")["count"] == 3
            assert shared.titles(region) == SEEDED
        shared.run("down")
        assert servers.is_running(osmem)
        again = shared.up("--engine-url", osmem.url)
        assert again.code == 0
        assert "refill songs" not in again.err
        assert shared.titles(SECOND) == SEEDED
    finally:
        shared.run("down", "--wipe")
    assert shared.ports() == []


@pytest.mark.java
@pytest.mark.parametrize("server", [OPENSEARCH, ELASTICSEARCH], ids=lambda server: server.name)
def test_a_real_engine_keeps_its_index_over_down_and_up(tiny: Console, server: JavaServer) -> None:
    try:
        find_jdk(server)
        fetch(server)
    except MissingTool as missing:
        pytest.skip(str(missing))
    assert tiny.up("--engine", server.name).code == 0
    tiny.change(put=[ADDED])
    tiny.await_documents(4)
    tiny.run("down")
    assert tiny.ports() == []
    again = tiny.up("--engine", server.name)
    assert again.code == 0
    assert "refill songs" not in again.err
    assert tiny.titles() == SEEDED | {ADDED["title"]}
    tiny.change(delete=["4"])
    tiny.await_documents(3)

"""A region is lost in five ways and got back, while writes and searches go on: the drill, shortened.

And what becomes of a drill that is cut off, and of clusters that are all lost at once.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dynadex.operations import status
from dynadex.platform import embedded
from dynadex.platform.embedded import Folder
from tests.platform.console import HOME, SECOND, Console, Ran, await_true, make_project

_ROUTING = f"""
[routing]
domain = "songs.example.com"
default = "{HOME}"

[routing.regions.{SECOND}]
continents = ["EU"]

[functions.stream]
timeout = 10
"""
INTERVAL, THRESHOLD = 1.0, 2
#: What the checks need to see a loss, with two seconds for an answer, and one interval more.
BOUND = INTERVAL + 2 + 2 + INTERVAL
_CHECKS = ("--interval", str(INTERVAL), "--threshold", str(THRESHOLD))
#: Few writes and searches: the machine may be busy with other things.
_SHORT = (*_CHECKS, "--hold", "1", "--calm", "1", "--searches", "2", "--writes", "3")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Three songs in two regions, up."""
    console = make_project(tmp_path_factory.mktemp("drill") / "songs", regions=(HOME, SECOND), name="drilled")
    with (console.directory / "dynadex.toml").open("a") as toml:
        toml.write(_ROUTING)
    ran = console.up()
    assert ran.code == 0, ran.err
    yield console
    console.run("down", "--wipe")
    assert console.ports() == []


def drill(console: Console, kind: str, region: str = SECOND, *more: str) -> Ran:
    command = ("drill", "region-outage", "--region", region, "--kind", kind, *_SHORT, "--json", *more)
    return console.run(*command)


def edge(console: Console) -> dict[str, Any]:
    running = Folder(console.directory).running()
    assert running is not None
    assert running.door is not None
    found: dict[str, Any] = urllib3.request("GET", f"{running.door.url}/edge").json()
    return found


def assert_as_before(console: Console) -> None:
    """The region is back, the drill's items are gone, and nothing is left of what was changed for it."""
    assert not (console.directory / ".dynadex/drill.json").exists()
    for region in (HOME, SECOND):
        assert status.items_in(console.project(), console.cloud(), region, console.project().tables["songs"]) == 3
        console.await_documents(3, region)
        sources = console.cloud().client("lambda", region).list_event_source_mappings()["EventSourceMappings"]
        assert [source["State"] for source in sources] == ["Enabled"]
        assert not any(source.get("FilterCriteria", {}).get("Filters") for source in sources)
    state = edge(console)
    assert (state["interval"], state["threshold"]) == (10, 3)
    assert all(region["open"] and region["routed"] for region in state["regions"].values())
    running = Folder(console.directory).running()
    assert running is not None
    assert running.whole()
    assert running.away == ()


@pytest.mark.parametrize(
    ("kind", "region"),
    [
        ("region", SECOND),
        ("engine", HOME),  # the default region too
        ("engine-keeps-data", SECOND),
        ("stream", SECOND),
        ("stream-gap", SECOND),
    ],
)
def test_a_lost_region_fails_no_search_for_long_loses_no_write_and_comes_back_equal(
    songs: Console, kind: str, region: str, tmp_path: Path
) -> None:
    ran = drill(songs, kind, region, "--report", str(tmp_path))
    assert ran.code == 0, ran.err
    told = ran.document()
    assert told.keys() == {
        *("searches", "writes", "detectedSeconds", "routedBackSeconds", "paritySeconds", "parity", "timeline"),
    }
    searches, writes = told["searches"], told["writes"]
    assert searches["total"] > 10
    assert searches["longestFailureSeconds"] <= BOUND
    assert writes["total"] > 10
    assert writes["lost"] == 0
    assert told["parity"] is True
    assert told["paritySeconds"] > 0
    assert told["timeline"][0]["event"] == "writes and searches go on"
    if "stream" in kind:
        assert searches["failed"] == 0
        assert told["detectedSeconds"] is None  # only a heartbeat shows that a stream is not read
    else:
        assert searches["failed"] > 0
        assert 0 < told["detectedSeconds"] <= BOUND
        assert told["routedBackSeconds"] > 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: report[name] for name in told} == told
    assert all(bar["holds"] for bar in report["bars"])
    assert {search["region"] for search in report["series"]} >= {HOME, SECOND}
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4
    assert "{{" not in page
    assert "http" not in page.replace("http-equiv", "")  # nothing of it comes from elsewhere
    assert_as_before(songs)


# -- Cut off


@contextmanager
def started(console: Console, kind: str) -> Iterator[subprocess.Popen[str]]:
    """A drill that holds the region away for long, once it is away."""
    command = console.command("drill", "region-outage", "--region", SECOND, "--kind", kind, *_SHORT, "--hold", "100")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            note = console.directory / ".dynadex/drill.json"
            await_true(note.exists, "the note of what is away")
            await_true(lambda: not edge(console)["regions"][SECOND]["healthy"], "the loss seen")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: signal.Signals(number).name)
def test_an_interrupted_drill_brings_the_region_back_first(songs: Console, number: int) -> None:
    with started(songs, "region") as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in errors
    assert_as_before(songs)


@pytest.mark.parametrize("remedy", ["drill --recover", "up"])
def test_what_a_killed_drill_left_away_is_told_and_brought_back(songs: Console, remedy: str) -> None:
    with started(songs, "engine") as process:
        process.kill()
        process.wait()
    refused = drill(songs, "engine")
    assert refused.code == 1
    assert "dynadex drill --recover" in refused.err
    ran = songs.up() if remedy == "up" else songs.run("drill", "--recover")
    assert ran.code == 0, ran.err
    if remedy != "up":  # the settings of the edge are its own until it is told others
        songs.up()
    assert_as_before(songs)
    for region in (HOME, SECOND):
        assert songs.run("verify", "songs", "--full", "--region", region).code == 0


def test_a_second_drill_and_up_wait_for_the_first(songs: Console) -> None:
    with started(songs, "engine") as process:
        for ran in (drill(songs, "engine"), songs.up()):
            assert ran.code == 1
            assert "a drill or a start of this project is under way" in ran.err
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert_as_before(songs)


def test_wrong_use_is_told_before_anything_is_done(songs: Console) -> None:
    for command, said in (
        (("drill",), "region-outage"),
        (("drill", "region-outage", "--region", "mars-1"), "not a region"),
        (("drill", "region-outage", "--index", "albums"), "not an index"),
    ):
        ran = songs.run(*command)
        assert ran.code == 2
        assert said in ran.err
    assert songs.run("drill", "--recover").code == 0


# -- From nothing


def test_the_clusters_of_all_regions_are_filled_again_from_the_tables_while_writes_go_on(songs: Console) -> None:
    """The runbook of docs/regions.md, command by command."""
    folder, stop = Folder(songs.directory), threading.Event()
    written: dict[str, str] = {}

    def write() -> None:
        number = 0
        while not stop.wait(0.05):
            number += 1
            id = f"late-{number % 5}"
            songs.change(put=[{"id": id, "title": f"Late song {number}"}])
            written[id] = f"Late song {number}"

    def running() -> embedded.Running:
        found = folder.running()
        assert found is not None
        return found

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for region in (HOME, SECOND):
            with folder.locked():
                embedded.stop_engine(folder, running(), region, keep=False)
        lost = len(written)
        await_true(lambda: len(written) >= min(5, lost + 1), "writes while there is no cluster at all")
        for region in (HOME, SECOND):
            with folder.locked():
                embedded.start_engine(folder, running(), region)
        for region in (HOME, SECOND):
            assert songs.run("refill", "songs", "--wait", "--region", region).code == 0
    finally:
        stop.set()
        writer.join()
    for region in (HOME, SECOND):
        ran = songs.run("verify", "songs", "--full", "--region", region, "--json")
        assert (ran.code, ran.document()["items"]) == (0, 8), ran.err
        assert set(written.values()) < songs.titles(region)
    assert songs.run("verify", "songs", "--region", SECOND, "--against", HOME).code == 0
    songs.change(delete=list(written))
    for region in (HOME, SECOND):
        songs.await_documents(3, region)

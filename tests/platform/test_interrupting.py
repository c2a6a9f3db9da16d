"""Long commands that somebody ends, and how they go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dynadex.operations.verify_progress import Progress
from tests.platform.console import HOME, Console, await_true, make_project

MANY = 600
#: So many units a second, that a scan takes some seconds.
SLOWLY = ("--read-capacity", "60")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A project that is up, with enough items to be interrupted at."""
    console = make_project(tmp_path_factory.mktemp("interrupting"))
    with (console.directory / "songs.jsonl").open("a") as seed:
        seed.writelines(json.dumps({"id": f"many-{number}", "title": "Many"}) + "\n" for number in range(MANY))
    assert console.up().code == 0
    yield console
    assert console.run("down", "--wipe").code == 0


def begun(console: Console, *arguments: str) -> subprocess.Popen[str]:
    """A command under way; with what it says on stderr."""
    command = console.command(*arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str], number: int) -> str:
    """Sends a signal; returns what was said."""
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    return err


def kept(console: Console) -> Path:
    return console.directory / ".dynadex" / "verify" / f"{HOME}-songs.json"


def await_some_compared(console: Console) -> int:
    """Waits until a verification has noted how far it is; returns how many items that are."""
    found: list[Progress] = []

    def noted() -> bool:
        progress = Progress.read(kept(console))
        if progress is not None and progress.items:
            found.append(progress)
        return bool(found)

    await_true(noted, "a verification that has noted how far it is")
    return found[-1].items


def test_an_interrupted_verification_says_how_to_go_on(tiny: Console) -> None:
    process = begun(tiny, "verify", "songs", "--segments", "2", *SLOWLY)
    compared = await_some_compared(tiny)
    said = " ".join(ended(process, signal.SIGINT).split())
    assert (process.returncode, 0 < compared < MANY) == (1, True)
    assert f"`dynadex verify songs --resume --region {HOME}` (kept in {kept(tiny)})" in said
    wrong = tiny.run("verify", "songs", "--resume", "--repair")
    assert (wrong.code, "--repair: the interrupted one was without" in wrong.err) == (2, True)
    done = tiny.run("verify", "songs", "--resume", "--json")
    assert (done.code, done.document()["items"], kept(tiny).exists()) == (0, MANY + 3, False)


def test_a_killed_verification_goes_on_from_where_it_was(tiny: Console) -> None:
    engine = tiny.cloud().engine(tiny.project(), HOME)
    for lost in ("1", "2", "3"):
        engine.ask("DELETE", f"/songs-v1/_doc/{lost}?version_type=external&version={1 << 62}")
    process = begun(tiny, "verify", "songs", "--segments", "2", "--full", *SLOWLY)
    await_some_compared(tiny)
    ended(process, signal.SIGKILL)
    progress = Progress.read(kept(tiny))
    assert progress is not None
    assert 0 < progress.items < MANY
    done = tiny.run("verify", "songs", "--resume", "--json")
    found = done.document()
    assert (done.code, found["items"], found["missing"], found["ghosts"]) == (1, MANY + 3, 3, 0)
    assert found["seconds"] >= progress.earlier
    assert not kept(tiny).exists()


def test_there_is_nothing_to_take_up_where_nothing_was_interrupted(tiny: Console) -> None:
    ran = tiny.run("verify", "songs", "--resume")
    assert (ran.code, ran.out) == (2, "")
    assert f"--resume: no verification of songs in {HOME} was interrupted here" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("refill", "songs", "--wait", "--read-capacity", "5"),
            "a refill that has begun goes on in the cloud; dynadex status shows how it goes",
        ),
        (
            ("verify", "songs", "--remote", *SLOWLY),
            "a verification that has begun goes on; the same command follows it again",
        ),
        (("rebuild", "songs", "--force"), "the same command goes on from here, and searches find all meanwhile"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_goes_on_in_the_cloud_says_so_when_the_watching_ends(
    tiny: Console, arguments: Sequence[str], said: str
) -> None:
    process = begun(tiny, *arguments)
    machines = tiny.cloud().client("stepfunctions", HOME)

    def under_way() -> bool:
        if arguments[0] == "rebuild":
            return "songs-v2" in tiny.cloud().engine(tiny.project(), HOME).ask("GET", "/songs-v*/_alias")
        name = "refill" if arguments[0] == "refill" else "verify"
        [machine] = [one for one in machines.list_state_machines()["stateMachines"] if one["name"].endswith(name)]
        found = machines.list_executions(stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING")
        return bool(found["executions"])

    await_true(under_way, "it under way")
    assert said in " ".join(ended(process, signal.SIGINT).split())
    assert process.returncode == 1


def test_a_load_that_was_ended_is_loaded_again(tiny: Console, tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    with file.open("w") as lines:
        lines.writelines(json.dumps({"id": f"more-{number}", "title": "More"}) + "\n" for number in range(20_000))
    process = begun(tiny, "load", "songs", str(file))
    dynamodb, table = tiny.cloud().client("dynamodb", HOME), tiny.project().tables["songs"].physical_name
    await_true(lambda: "Item" in dynamodb.get_item(TableName=table, Key={"id": {"S": "more-0"}}), "some items in it")
    said = ended(process, signal.SIGTERM)
    assert "the same command puts all of them, which is harmless" in said
    assert process.returncode == 1

"""`dynadex rebuild` as its users have it: told of a changed mapping, killed, taken up, taken back, ended."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dynadex import generations
from tests.platform.console import HOME, SEED, Console, Foreground, make_project

_FORWARD = ["create", "feed", "wait", "refill", "restore", "verify", "swap"]
_CHANGE = '~ mappings.properties.title.type: "text" -> "keyword"'


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = make_project(tmp_path_factory.mktemp("rebuild") / "tiny")
    assert console.up().code == 0
    yield console
    console.run("down", "--wipe")
    assert console.ports() == []


@contextmanager
def waiting(console: Console, *arguments: str) -> Iterator[Foreground]:
    """A rebuild that has come to where it waits."""
    process = subprocess.Popen(
        console.command("rebuild", "songs", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = Foreground(process)
    try:
        command.await_said("waits ")
        yield command
    finally:
        command.end(signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def wait_no_longer(console: Console) -> None:
    """As if it had waited for long; right here, where nobody writes to the table."""
    engine = console.cloud().engine(console.project(), HOME)
    for one in generations.survey(engine, "songs"):
        dates = {note: one.notes[note] - 1000 for note in ("fed", "detached") if note in one.notes}
        generations.note(engine, one.name, **dates)


def changes(console: Console) -> list[str]:
    found: list[str] = console.run("status", "--json").document()["regions"][HOME]["songs"]["mappingChanges"]
    return found


def test_an_index_is_rebuilt_whatever_becomes_of_the_command(tiny: Console) -> None:
    nothing = tiny.run("rebuild", "songs")
    assert nothing.code == 2
    assert "songs-v1 was made of the mapping that songs has now: nothing to do; --force" in nothing.err
    assert changes(tiny) == []

    file = tiny.directory / "mapping.json"
    file.write_text(json.dumps({"mappings": {"dynamic": False, "properties": {"title": {"type": "keyword"}}}}))
    assert changes(tiny) == [_CHANGE]
    advice = f"the mapping of songs changed: `dynadex rebuild songs --region {HOME}` makes it anew"
    for told in (tiny.run("status"), tiny.up()):
        assert told.code == 0
        assert advice in told.err
        assert _CHANGE in told.err

    with waiting(tiny) as command:
        pass  # killed without a word
    assert "▸ make songs-v2 with the mapping as it is now" in command.err
    assert "· have searches read songs-v2 instead of songs-v1" in command.err
    shown = tiny.run("rebuild", "songs", "--steps", "--json").document()["steps"]
    assert [step["name"] for step in shown] == _FORWARD
    assert [step["state"] for step in shown] == ["done", "done", "now"] + ["to come"] * 4
    assert "▸ wait until every function feeds songs-v2" in tiny.run("rebuild", "songs", "--steps").out
    assert "takes the rebuild up that is under way" in tiny.run("status").err

    wait_no_longer(tiny)
    made = tiny.run("rebuild", "songs", "--json")
    assert made.code == 0, made.err
    document = made.document()
    assert document["steps"] == _FORWARD[2:]
    assert (document["read"], document["kept"], document["dropped"]) == ("songs-v2", ["songs-v1"], [])
    assert (document["items"], document["documents"], document["failures"]) == (len(SEED), len(SEED), 0)
    assert document["changes"] == [_CHANGE]
    assert changes(tiny) == []
    tiny.await_documents(len(SEED))

    back = tiny.run("rebuild", "songs", "--rollback")
    assert back.code == 0
    assert "searches of songs in us-east-1 read songs-v1" in back.out
    assert "songs-v2 is kept, and fed" in back.out
    again = tiny.run("rebuild", "songs")
    assert again.code == 1
    assert "were taken back from songs-v2" in again.err
    assert tiny.run("rebuild", "songs", "--force", "--json").document()["steps"] == ["swap"]

    with waiting(tiny, "--drop-old") as command:
        ended = command.end(signal.SIGINT)
    assert ended.code == 1
    assert "the same command goes on from here" in ended.err
    assert "error: interrupted" in ended.err
    wait_no_longer(tiny)
    gone = tiny.run("rebuild", "songs", "--drop-old", "--json").document()
    assert (gone["read"], gone["kept"], gone["dropped"], gone["steps"]) == (
        "songs-v2",
        [],
        ["songs-v1"],
        ["wait", "drop"],
    )
    tiny.change(put=[{"id": "after", "title": "After"}])
    tiny.await_documents(len(SEED) + 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("song",), "INDEX: 'song' is not an index of tiny: songs"),
        (("songs", "--drop-new"), "--drop-new: only with --rollback"),
        (("songs", "--rollback", "--drop-old"), "--rollback: only with --drop-new"),
        (("songs", "--rollback", "--force"), "--rollback: only with --drop-new"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_told(tiny: Console, arguments: tuple[str, ...], message: str) -> None:
    ran = tiny.run("rebuild", *arguments)
    assert ran.code == 2
    assert message in ran.err

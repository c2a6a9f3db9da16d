"""The command line: its documents for tools, its errors for people, its exit codes, and what a terminal shows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dynadex.cli import app
from tests.platform.console import HOME, SEED, Console, await_true, make_project
from tests.platform.screen import in_terminal

VERBS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
MANY = 500


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = make_project(tmp_path_factory.mktemp("cli") / "tiny")
    assert console.up().code == 0
    yield console
    console.run("down", "--wipe")
    assert console.ports() == []


@pytest.fixture
def idle(tmp_path: Path) -> Console:
    """A project that was never started."""
    return make_project(tmp_path / "idle")


@pytest.fixture(scope="module")
def many(tiny: Console) -> Path:
    """A file of so many items that a terminal has something to show; they are in the table."""
    file = tiny.directory / "many.jsonl"
    items = [{"id": f"many-{number}", "title": f"Number {number}"} for number in range(MANY)]
    file.write_text("".join(json.dumps(item) + "\n" for item in items))
    assert tiny.run("load", "songs", str(file)).code == 0
    tiny.await_whole()
    return file


# -- Help


def test_help_names_every_verb(idle: Console) -> None:
    ran = idle.run("--help")
    assert (ran.code, ran.err) == (0, "")
    for verb in VERBS:
        assert f" {verb} " in ran.out
    assert idle.run("-h").out == ran.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(idle: Console, verb: str) -> None:
    ran = idle.run(verb, "--help")
    assert (ran.code, ran.err) == (0, "")
    for text in ("Usage:", f" {verb} ", "--json", "--help"):
        assert text in ran.out


# -- Documents for tools


def test_status_has_what_tools_read(tiny: Console) -> None:
    ran = tiny.run("status", "--count", "--json")
    assert ran.code == 0
    songs = ran.document()["regions"][HOME]["songs"]
    assert songs["documents"] == songs["items"] >= len(SEED)
    assert ran.document()["queues"] == {HOME: {"failures": 0, "undelivered": 0}}
    assert songs["lagSeconds"] > 0
    assert (songs["source"]["state"], songs["source"]["trouble"]) == ("Enabled", "")
    assert {"refill", "generations", "problem", "verify"} <= set(songs)
    assert tiny.run("status", "--json", "--region", HOME).document()["regions"][HOME]["songs"]["items"] is None


def test_search_has_what_tools_read(tiny: Console) -> None:
    ran = tiny.run("search", "songs", "song", "--json", "--size", "2")
    assert (ran.code, ran.err) == (0, "")
    document = ran.document()
    assert document["total"] == 3
    assert len(document["hits"]) == 2
    hit = document["hits"][0]
    assert set(hit) == {"id", "score", "document", "highlights"}
    assert hit["document"] in SEED
    assert hit["id"] == hit["document"]["id"]
    assert hit["score"] > 0
    second = tiny.run("search", "songs", "song", "--json", "--size", "2", "--page", "2").document()
    assert len(second["hits"]) == 1


def test_refill_has_what_tools_read(tiny: Console) -> None:
    ran = tiny.run("refill", "songs", "--segments", "2", "--wait", "--json")
    assert ran.code == 0
    document = ran.document()
    assert document["status"] == "SUCCEEDED"
    assert document["items"] >= len(SEED)
    assert document["rounds"] == 2
    assert 0 < document["seconds"] < 60
    assert document["execution"].startswith(f"arn:aws:states:{HOME}:")
    known = tiny.run("status", "--json").document()["regions"][HOME]["songs"]["refill"]
    assert (known["status"], known["execution"]) == ("SUCCEEDED", document["execution"])
    started = tiny.run("refill", "songs", "--json").document()
    assert started["status"] == "RUNNING"
    assert started["execution"] != document["execution"]


def test_load_has_what_tools_read(tiny: Console, tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text('{"id": "ü|1", "title": "Für Elise"}\n\n{"id": "1", "title": "Song 1"}\n')
    ran = tiny.run("load", "songs", str(file), "--json")
    assert ran.code == 0
    assert ran.document() | {"seconds": 0} == {"table": "songs", "region": HOME, "items": 2, "seconds": 0}
    await_true(lambda: "Für Elise" in tiny.titles(), "the loaded item found")
    assert '"Für Elise"' in tiny.run("search", "songs", "Elise", "--json").out


def test_people_read_tables(tiny: Console) -> None:
    found = tiny.run("search", "songs", "song")
    assert found.code == 0
    assert "3 found" in found.out
    assert "Song 2" in found.out
    told = tiny.run("status", "--count")
    assert told.code == 0
    assert HOME in told.out
    assert "songs" in told.out


# -- Errors

WRONG_USE = [
    pytest.param(["serch", "songs"], ["serch", "search"], id="verb"),
    pytest.param(["search", "songs", "--sizes", "3"], ["--sizes", "--size"], id="option"),
    pytest.param(["search"], ["Missing argument", "index"], id="argument"),
    pytest.param(
        ["search", "songs", "x", "--size", "0"], ["--size", "greater than or equal to 1"], id="option's value"
    ),
    pytest.param(["refill", "songs", "--segments", "41"], ["--segments", "less than or equal to 40"], id="segments"),
    pytest.param(["up", "--engine", "solr"], ["--engine", "'memory', 'opensearch', 'elasticsearch'"], id="engine"),
    pytest.param(["up", "--port", "80"], ["--port", "greater than or equal to 1024"], id="port"),
    pytest.param(["up", "--engine-url", "localhost"], ["--engine-url", "http://127.0.0.1:9200"], id="url"),
    pytest.param(["up", "--engine-url", "eu-west-2=http://x"], ["--engine-url: eu-west-2", HOME], id="url's region"),
    pytest.param(["search", "song", "x"], ["INDEX: 'song'", "songs"], id="index"),
    pytest.param(["refill", "song"], ["INDEX: 'song'", "songs"], id="refill's index"),
    pytest.param(["status", "--region", "eu-west-2"], ["--region: eu-west-2", HOME], id="region"),
    pytest.param(["refill", "songs", "--region", "eu-west-2"], ["--region: eu-west-2", HOME], id="refill's region"),
    pytest.param(["load", "song", __file__], ["TABLE: 'song'", "songs"], id="table"),
    pytest.param(["load", "songs", "none.jsonl"], ["file", "none.jsonl", "does not exist"], id="file"),
    pytest.param(["search", "songs", "x", "--filter", "title"], ["--filter: 'title'", "FIELD=VALUE"], id="filter"),
]


@pytest.mark.parametrize(("arguments", "texts"), WRONG_USE)
def test_wrong_use_names_the_entry_and_the_remedy(tiny: Console, arguments: list[str], texts: list[str]) -> None:
    ran = tiny.run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    for text in texts:
        assert text in ran.err


def test_every_mistake_in_the_project_is_named(idle: Console) -> None:
    described = idle.directory / "dynadex.toml"
    described.write_text(
        described.read_text().replace("partition_key", "partition_kay").replace('"us-east-1"', '"mars"')
    )
    ran = idle.run("status")
    assert ran.code == 2
    for text in ("tables.songs.partition_kay", "partition_key", "project.regions", '"mars"'):
        assert text in ran.err


def test_a_project_that_is_no_toml_or_not_there_is_named(idle: Console) -> None:
    described = idle.directory / "dynadex.toml"
    described.write_text("[project\n")
    broken = idle.run("status")
    assert broken.code == 2
    assert str(described) in broken.err
    described.unlink()
    missing = idle.run("up")
    assert missing.code == 2
    assert str(described) in missing.err
    assert "--project" in missing.err


def test_lines_that_are_no_items_are_named_and_nothing_is_written(tiny: Console, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    lines = ['{"id": "good", "title": "Good"}', "{", "[1]", '{"title": "no key"}', '{"id": 7}', '{"id": ""}']
    file.write_text("\n".join(lines))
    ran = tiny.run("load", "songs", str(file), "--json")
    assert (ran.code, ran.out) == (1, "")
    for number in range(2, 7):
        assert f"bad.jsonl: line {number}: " in ran.err
    assert "line 1:" not in ran.err
    assert "id" in ran.err.split("line 4: ")[1].splitlines()[0]
    assert "Good" not in tiny.titles()


def test_a_platform_that_does_not_run_is_told_with_the_remedy(idle: Console) -> None:
    (idle.directory / ".dynadex/cloud").mkdir(parents=True)
    for arguments in (["status"], ["search", "songs", "x"], ["refill", "songs"], ["load", "songs", __file__]):
        ran = idle.run(*arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "start it with `dynadex up`" in ran.err


def test_a_project_never_started_is_looked_for_on_aws_and_says_so(idle: Console, tmp_path: Path) -> None:
    nobody = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }
    ran = idle.run("status", environment=nobody)
    assert (ran.code, ran.out) == (1, "")
    assert "`dynadex up`" in ran.err
    assert "AWS" in ran.err
    assert "credentials" in ran.err


def test_nothing_deployed_is_told_with_the_remedy(tiny: Console, tmp_path: Path) -> None:
    other = make_project(tmp_path / "other", name="other")
    (other.directory / ".dynadex").symlink_to(tiny.directory / ".dynadex")
    for arguments in (["status"], ["search", "songs", "x"], ["refill", "songs"]):
        ran = other.run(*arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "other is not deployed in us-east-1; `dynadex up` runs it here" in ran.err


def test_a_lost_index_is_a_problem_of_status_with_the_remedy(tiny: Console) -> None:
    engine = tiny.cloud().engine(tiny.project(), HOME)
    for physical in engine.ask("GET", "/_alias/songs"):
        engine.ask("DELETE", f"/{physical}")
    for arguments in (["status"], ["status", "--json"]):
        ran = tiny.run(*arguments)
        assert ran.code == 1
        assert "songs" in ran.out
    songs = ran.document()["regions"][HOME]["songs"]
    assert songs["documents"] is None
    assert "dynadex refill songs" in songs["problem"]
    refilled = tiny.run("refill", "songs", "--wait", "--json")
    assert refilled.code == 0
    due = datetime.fromisoformat(refilled.document()["verifyFrom"])
    assert timedelta(minutes=14) < due - datetime.now(UTC) < timedelta(minutes=16)
    assert f"`dynadex verify songs --full --repair --region {HOME}` is due from" in refilled.err
    assert tiny.run("refill", "songs", "--wait", "--json").document()["verifyFrom"] is None
    assert tiny.run("status").code == 0


def test_a_refill_that_does_not_succeed_ends_with_1(tiny: Console, many: Path) -> None:
    command = tiny.command("refill", "songs", "--wait", "--json", "--read-capacity", "10")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    execution = ""
    refill: dict[str, Any] = {}

    def running() -> bool:
        nonlocal execution, refill
        refill = tiny.run("status", "--json").document()["regions"][HOME]["songs"]["refill"]
        execution = refill["execution"] if refill and refill["status"] == "RUNNING" else ""
        return execution != ""

    await_true(running, "the refill under way")
    assert {"items", "documents", "progress"} <= set(refill)
    tiny.cloud().client("stepfunctions", HOME).stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    document = json.loads(out)
    assert (document["status"], document["execution"]) == ("ABORTED", execution)
    assert f"✗ {HOME}: refill songs" in err
    assert "Traceback" not in err
    resumed = tiny.run("refill", "songs", "--resume", "--wait")
    assert resumed.code == 0


# -- In a terminal


def test_load_shows_a_bar_and_leaves_one_clean_line(tiny: Console, many: Path) -> None:
    shown = in_terminal(tiny.command("load", "songs", str(many)))
    assert shown.code == 0
    assert "━" in shown.written
    assert f"/{MANY}" in shown.written
    first, last = shown.lines
    assert first.startswith(f"✓ load many.jsonl into tiny-songs  {MANY} items, ")
    assert last.startswith(f"{MANY} items in ")


def test_refill_shows_a_bar_and_leaves_one_clean_line(tiny: Console, many: Path) -> None:
    shown = in_terminal(tiny.command("refill", "songs", "--wait", "--read-capacity", "100"))
    assert shown.code == 0
    assert "━" in shown.written
    first, last = shown.lines
    assert first.startswith(f"✓ {HOME}: refill songs  ")
    assert " documents written, " in last


def test_an_error_in_a_terminal_is_a_line_or_two(tiny: Console) -> None:
    shown = in_terminal(tiny.command("search", "song", "x"))
    assert shown.code == 2
    assert shown.lines == ["error: INDEX: 'song' is not an index of tiny: songs"]


def test_steps_where_there_is_no_terminal_are_plain_lines(tiny: Console, many: Path) -> None:
    ran = tiny.run("load", "songs", str(many))
    assert "\x1b" not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1

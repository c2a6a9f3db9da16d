"""What a drill may do to a region on AWS, and how it is undone. The clients play AWS here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from dynadex import project as projects
from dynadex.cli.drill import _ask_first
from dynadex.errors import DynadexError
from dynadex.operations import deployed, edge, outage, routing
from dynadex.operations.drill import Drill, Options, WrongDrill
from dynadex.operations.outage import MEANING, Kind, Note, Outage, OutageError, WrongOutage
from dynadex.operations.routing import HealthCheck
from dynadex.operations.steps import Quiet
from dynadex.operations.up import UpError, down
from dynadex.platform.cloud import Cloud
from dynadex.platform.edge.settings import Settings, everybody_home
from dynadex.platform.embedded import Folder
from dynadex.platform.laptop import Laptop
from dynadex.project import Project

REGION = "eu-west-1"
TOML = """\
[project]
name = "songs"
regions = ["us-east-1", "eu-west-1"]
[tables.songs]
partition_key = "id"
[indexes.songs]
table = "songs"
mapping = "mapping.json"
"""


class Aws:
    """The clients of AWS that an outage uses; keeps what was changed."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, dict[str, Any]]] = []

    def client(self, service: str, region: str) -> Any:
        return self

    def list_event_source_mappings(self, FunctionName: str) -> dict[str, Any]:
        return {"EventSourceMappings": [{"UUID": "one"}, {"UUID": "two"}]}

    def __getattr__(self, name: str) -> Any:
        return lambda **given: self.changes.append((name, given))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "dynadex.toml").write_text(TOML)
    (tmp_path / "mapping.json").write_text('{"mappings": {"dynamic": false, "properties": {}}}')
    monkeypatch.setattr(deployed, "outputs", lambda *_: {"StreamFunctionArn": "arn"})
    checks = {REGION: HealthCheck("check-7", "host", "/health", 10, 3)}
    monkeypatch.setattr(routing, "health_checks", lambda *_: checks)
    return projects.load(tmp_path)


@contextmanager
def standing(*_: object) -> Iterator[tuple[str, Settings]]:
    apis = dict.fromkeys(("us-east-1", REGION), "http://127.0.0.1:1")
    yield "http://127.0.0.1:1", Settings(apis, everybody_home(list(apis)))


def outage_of(project: Project, aws: Aws, kind: Kind) -> Outage:
    folder = Folder(project.directory)
    folder.path.mkdir(exist_ok=True)
    return Outage(project, cast(Cloud, aws), folder, Note(kind, REGION, "0a1b2c3d", "songs"), None)


def test_on_aws_a_region_is_taken_out_of_routing_and_its_stream_not_read_and_both_are_undone(project: Project) -> None:
    aws, folder = Aws(), Folder(project.directory)
    away = outage_of(project, aws, "region")
    away.begin()
    assert aws.changes == [
        ("update_health_check", {"HealthCheckId": "check-7", "Disabled": True, "Inverted": True}),
        ("update_event_source_mapping", {"UUID": "one", "Enabled": False}),
        ("update_event_source_mapping", {"UUID": "two", "Enabled": False}),
    ]
    note = outage.noted(folder)
    assert note is not None
    assert note.check == "check-7"
    aws.changes.clear()
    again = Outage(project, cast(Cloud, aws), folder, note, None)  # whoever comes after one that was cut off
    again.start_engine()
    again.start_stream()
    again.let_in()
    again.end()
    assert aws.changes == [
        ("update_event_source_mapping", {"UUID": "one", "Enabled": True}),
        ("update_event_source_mapping", {"UUID": "two", "Enabled": True}),
        ("update_health_check", {"HealthCheckId": "check-7", "Disabled": False, "Inverted": False}),
    ]
    assert outage.noted(folder) is None


@pytest.mark.parametrize("kind", ["engine", "engine-keeps-data", "stream-gap"])
def test_on_aws_no_cluster_is_stopped_and_no_record_lost(project: Project, kind: Kind) -> None:
    aws = Aws()
    with pytest.raises(WrongOutage, match="on AWS only region and stream"):
        outage_of(project, aws, kind).begin()
    assert aws.changes == []
    assert outage.noted(Folder(project.directory)) is None


def test_what_cannot_be_done_is_told_before_anything_is_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "standing", standing)
    aws, folder = Aws(), Folder(project.directory)
    with pytest.raises(WrongOutage, match="on AWS only region and stream"):
        Drill(project, cast(Cloud, aws), folder, REGION, Options("engine")).run(Quiet())
    assert aws.changes == []


def test_a_drill_that_is_interrupted_before_the_loss_leaves_no_items(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Load:
        def start(self) -> None:
            raise KeyboardInterrupt

        def stop(self) -> None:
            pass

    monkeypatch.setattr(edge, "standing", standing)
    monkeypatch.setattr(Drill, "_prepare", lambda *_: Load())
    aws, folder = Aws(), Folder(project.directory)
    with pytest.raises(KeyboardInterrupt):
        Drill(project, cast(Cloud, aws), folder, REGION, Options("stream")).run(Quiet())
    assert {name for name, _ in aws.changes} == {"delete_item"}
    assert outage.noted(folder) is None


def test_what_was_left_on_aws_is_not_brought_back_here(project: Project) -> None:
    folder = Folder(project.directory)
    outage_of(project, Aws(), "stream").begin()
    here = cast(Cloud, Laptop("http://127.0.0.1:1", {}))
    with pytest.raises(OutageError, match=r"on AWS left eu-west-1 away: `dynadex drill --recover --aws`"):
        outage.recover(project, here, folder, None, Quiet())
    assert outage.noted(folder) is not None
    with pytest.raises(UpError, match="--recover --aws"):
        down(project, Quiet(), wipe=True)
    assert outage.noted(folder) is not None


def test_what_is_not_the_projects_any_more_does_not_keep_the_rest_away(project: Project) -> None:
    aws, folder = Aws(), Folder(project.directory)
    outage_of(project, aws, "stream").begin()
    (project.directory / "dynadex.toml").write_text(TOML.replace(', "eu-west-1"', ""))
    aws.changes.clear()
    outage.recover(projects.load(project.directory), cast(Cloud, aws), folder, None, Quiet())
    assert {name for name, _ in aws.changes} == {"delete_item"}
    assert outage.noted(folder) is None


def test_on_aws_nothing_is_done_without_asking() -> None:
    with pytest.raises(DynadexError, match="--yes"):
        _ask_first(REGION, "songs", "region")


def test_a_note_that_cannot_be_read_is_named(project: Project) -> None:
    folder = Folder(project.directory)
    folder.path.mkdir(exist_ok=True)
    for text in ("{", json.dumps({"kind": "region"}), "[]"):
        (folder.path / "drill.json").write_text(text)
        with pytest.raises(OutageError, match=r"drill\.json cannot be read"):
            outage.noted(folder)


def test_a_project_of_one_region_has_nobody_to_answer_for_it(project: Project) -> None:
    (project.directory / "dynadex.toml").write_text(TOML.replace(', "eu-west-1"', ""))
    alone = projects.load(project.directory)
    with pytest.raises(WrongDrill, match="one region only"):
        Drill(alone, cast(Cloud, Aws()), Folder(alone.directory), "us-east-1", Options())


def test_two_drills_do_not_meet(project: Project) -> None:
    folder = Folder(project.directory)
    with (
        outage.one_at_a_time(folder),
        pytest.raises(OutageError, match="a drill or a start of this project is under way"),
        outage.one_at_a_time(folder),
    ):
        pass
    with outage.one_at_a_time(folder):
        pass


def test_every_kind_is_told_in_words() -> None:
    assert set(MEANING) == set(get_args(Kind))

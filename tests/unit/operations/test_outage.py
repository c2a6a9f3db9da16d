"""What a drill may do to a region on AWS, and how it is undone. The clients play AWS here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from dynadex import project as projects
from dynadex.cli.drill import _ask_first
from dynadex.errors import DynadexError
from dynadex.operations import deployed, outage, routing
from dynadex.operations.drill import Drill, Options, WrongDrill
from dynadex.operations.outage import KINDS, MEANING, Kind, Note, Outage, OutageError, WrongOutage
from dynadex.operations.routing import HealthCheck
from dynadex.platform.cloud import Cloud
from dynadex.platform.embedded import Folder
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
    assert set(MEANING) == set(KINDS)

"""Who interrupts a command is told how to go on, also where nothing goes on by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dynadex.cli import app
from dynadex.operations import deploy, failures, sampling
from dynadex.platform.cloud import Cloud

TOML = """
[project]
name = "shop"
regions = ["us-east-1"]
[tables.songs]
partition_key = "id"
[indexes.songs]
table = "songs"
mapping = "mapping.json"
"""


class Described:
    """A table that nobody has."""

    def table(self) -> None:
        """Nobody needs it."""


def interrupt(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose cloud nobody asks."""
    (tmp_path / "dynadex.toml").write_text(TOML)
    (tmp_path / "mapping.json").write_text("{}")
    monkeypatch.setattr(Cloud, "account", lambda *_: "123456789012")
    monkeypatch.setattr(sampling, "describe", lambda *_: Described())
    monkeypatch.setattr(sampling, "sample", interrupt)
    monkeypatch.setattr(failures, "redrive", interrupt)
    monkeypatch.setattr(deploy, "deploy", interrupt)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["failures", "redrive", "--project", "."], "what was settled is done, the rest waits in the queue"),
        (["deploy", "--project", "."], "what CloudFormation has begun goes on; the same command takes it up"),
        (["init", "songs", "--region", "us-east-1", "--directory", "new"], "nothing was written; the same command"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_interrupted_command_says_how_to_go_on(
    folder: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code != 0
    assert said in " ".join(ran.stderr.split())
    assert not (folder / "new").exists()

"""Each test runs in a region of its own: nothing that `service` keeps for an instance's life outlives a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dynadex.functions import service
from dynadex.project import Project
from tests.unit.functions.function_fakes import Region, patience, project


def _forget() -> None:
    service.project.cache_clear()
    service.recipe.cache_clear()
    service.forget_generations()


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Region]:
    packaged = tmp_path / "project.json"

    def use(used: Project) -> None:
        packaged.write_bytes(used.to_json())
        _forget()

    made = Region(use)
    use(project())
    monkeypatch.setenv("DYNADEX_PROJECT", str(packaged))
    monkeypatch.setenv("DYNADEX_FAILURES_QUEUE_URL", "http://queue.test/failures")
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    def aws(name: str) -> Any:
        assert name == "sqs"
        return made.queue

    monkeypatch.setattr(service, "engine", lambda: made.engine)
    monkeypatch.setattr(service, "table", lambda name: made.table)
    monkeypatch.setattr(service, "aws", aws)
    monkeypatch.setattr(service, "patience", lambda context: patience(made.seconds))
    yield made
    monkeypatch.undo()
    _forget()

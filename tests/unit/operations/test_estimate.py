"""Where an estimate's numbers come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dynadex import project as projects
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.operations import deployed, estimate, refill, sampling
from dynadex.operations.estimate import EstimateError
from dynadex.operations.estimating import Assumptions, Load
from dynadex.operations.sampling import Described
from dynadex.platform.cloud import Cloud, CloudError
from dynadex.project import Project

_TOML = """\
[project]
name = "p"
regions = ["us-east-1"]
[tables.t]
partition_key = "id"
[indexes.i]
table = "t"
mapping = "m.json"
[functions]
memory = 1024
[functions.refill]
segments = 3
read_capacity = 50
"""


class Named:
    name = "AWS"


CLOUD = cast(Cloud, Named())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "dynadex.toml").write_text(_TOML)
    (tmp_path / "m.json").write_text(json.dumps({}))
    return projects.load(tmp_path)


def newest(monkeypatch: pytest.MonkeyPatch, items: int, seconds: float, status: str = "SUCCEEDED") -> None:
    """Makes the newest refill one of 2 segments with so many items together."""
    described = {"i": {"status": status, "started": 100.0, "stopped": 100.0 + seconds, "execution": "e"}}
    lines = [{"index": "i", "segment": part, "total": {"items": items // 2}} for part in (0, 1)]
    monkeypatch.setattr(refill, "newest", lambda *_: described)
    monkeypatch.setattr(deployed, "outputs", lambda *_: {"RefillLogGroup": "g"})

    def log_lines(*_: Any, **__: Any) -> Iterator[Any]:
        yield from [*lines, {"index": "other", "segment": 0, "total": {"items": 10**9}}]

    monkeypatch.setattr(deployed, "log_lines", log_lines)


def rate(project: Project) -> tuple[float, str] | None:
    return estimate.measured_rate(project, CLOUD, "us-east-1", project.indexes["i"])


def test_the_means_are_the_projects_unless_others_are_tried_out(project: Project) -> None:
    means = estimate.means_of(project)
    assert (means.segments, means.read_capacity, means.memory_mb) == (3, 50, 1024)
    tried = estimate.means_of(project, segments=8, read_capacity=0)
    assert (tried.segments, tried.read_capacity) == (8, 0)


def test_the_newest_refills_own_rate_is_taken(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    newest(monkeypatch, 40_000, 10)
    measured = rate(project)
    assert measured is not None
    assert measured[0] == 2000  # a segment: 40,000 items in 10 s by 2
    found = estimate.estimate(
        project.indexes["i"], Load(12_000, 100), estimate.means_of(project), Assumptions(), measured=measured
    )
    assert found.assumptions.documents_a_second_a_segment == 2000
    assert any("40,000 items in 10.0 s" in note for note in found.notes)


@pytest.mark.parametrize(
    ("items", "seconds", "status"), [(10, 10, "SUCCEEDED"), (40_000, 1, "SUCCEEDED"), (40_000, 10, "FAILED")]
)
def test_a_refill_that_tells_nothing_is_not_gone_by(
    project: Project, monkeypatch: pytest.MonkeyPatch, items: int, seconds: float, status: str
) -> None:
    newest(monkeypatch, items, seconds, status)
    assert rate(project) is None


def test_a_project_that_is_not_deployed_has_no_rate(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_deployed(*_: Any) -> Any:
        raise CloudError("p is not deployed")

    monkeypatch.setattr(refill, "newest", not_deployed)
    assert rate(project) is None


def described(items: int, *, on_demand: bool = True) -> Described:
    key = KeySchema(KeyAttribute("id", "S"))
    return Described("p-t", "us-east-1", key, items, items * 300, "NEW_IMAGE", None, (), on_demand)


def test_the_tables_own_count_is_taken(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "describe", lambda *_: described(1000, on_demand=False))
    load, notes = estimate.load_of(project, CLOUD, "us-east-1", project.indexes["i"], share=0.5)
    assert (load.items, load.item_bytes, load.document_bytes) == (1000, 300, 150_000)
    assert any("provisioned" in note for note in notes)


def test_a_table_that_was_not_counted_yet_asks_for_numbers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "describe", lambda *_: described(0))
    with pytest.raises(EstimateError, match="--items and --item-bytes"):
        estimate.load_of(project, CLOUD, "us-east-1", project.indexes["i"], share=1)

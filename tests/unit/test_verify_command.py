"""When `dynadex verify` closes a gap: after it has looked at all of it, and at nothing less."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import typer

from dynadex.operations import gaps, verify
from dynadex.platform.cloud import Cloud
from dynadex.verifying import Counts
from tests.unit.functions.function_fakes import project


def prepared(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """The command on a project without a cloud, and the gaps that it closed."""
    command = import_module("dynadex.cli.verify")
    closed: list[str] = []
    shop = project()
    monkeypatch.setattr(command, "load_project", lambda _: shop)
    monkeypatch.setattr(command, "choose_index", lambda *_: shop.indexes["lessons"])
    monkeypatch.setattr(command, "choose_region", lambda *_: shop.home_region)
    monkeypatch.setattr(command, "choose_cloud", lambda *_: Cloud())
    monkeypatch.setattr(command, "show", lambda *_: None)
    monkeypatch.setattr(gaps, "close", lambda *_: closed.append("closed"))
    return command, closed


@pytest.mark.parametrize(
    ("repair", "full", "resume", "left", "closed"),
    [
        (True, True, False, 0, True),
        (True, True, False, 1, False),
        (True, False, False, 0, False),
        (False, True, False, 0, False),
        (True, True, True, 0, False),
    ],
)
def test_a_gap_is_closed_by_a_whole_repair_and_not_by_the_rest_of_one(
    monkeypatch: pytest.MonkeyPatch, repair: bool, full: bool, resume: bool, left: int, closed: bool
) -> None:
    command, told = prepared(monkeypatch)
    monkeypatch.setattr(verify, "interrupted", lambda *_: verify.Options(repair=True, full=True))
    monkeypatch.setattr(verify, "verify", lambda *_, **__: Counts(missing=2, failed=left, stale=left, repaired=2))
    try:
        command.verify("lessons", repair=repair, full=full, resume=resume, read_capacity=0, examples=10)
    except typer.Exit:
        assert left
    assert bool(told) is closed


@pytest.mark.parametrize(("under_way", "closed"), [(None, True), ("arn:of-one-without-repair", False)])
def test_one_in_the_cloud_that_is_only_followed_closes_no_gap(
    monkeypatch: pytest.MonkeyPatch, under_way: str | None, closed: bool
) -> None:
    command, told = prepared(monkeypatch)
    monkeypatch.setattr(verify, "running", lambda *_: under_way)
    monkeypatch.setattr(verify, "start", lambda *_: "arn:new")
    monkeypatch.setattr(verify, "follow", lambda *_: Counts())
    command.verify("lessons", repair=True, full=True, remote=True, read_capacity=0, examples=10)
    assert bool(told) is closed

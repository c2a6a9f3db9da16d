"""A region that is added serves once its indices hold what their tables say, as far as anything can be done for it."""

from __future__ import annotations

import pytest

from dynadex.operations import filling, gaps, refill, verify
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud
from dynadex.project import Index
from dynadex.verifying import Counts
from tests.unit.functions.function_fakes import project

REGION = "eu-west-1"


class Heard(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Region:
    """A region whose verification finds `found`; `closed` are the indices whose gap is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found = Counts()
        self.under_way: str | None = None
        self.closed: list[str] = []
        self.steps = Heard()

        def close(project: object, cloud: object, region: str, index: Index) -> None:
            self.closed.append(index.name)

        filled = refill.Refill("SUCCEEDED", 9, 9, 0, 1, 1.0, "refill")
        monkeypatch.setattr(refill, "running", lambda *_: "refill")
        monkeypatch.setattr(refill, "wait", lambda *_: filled)
        monkeypatch.setattr(verify, "running", lambda *_: self.under_way)
        monkeypatch.setattr(verify, "start", lambda *_: "new")
        monkeypatch.setattr(verify, "follow", lambda *_: self.found)
        monkeypatch.setattr(gaps, "close", close)

    def fill(self) -> None:
        filling.fill(project(), Cloud(), REGION, self.steps)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Region:
    return Region(monkeypatch)


def test_items_that_make_no_document_are_told_and_keep_no_region_out(added: Region) -> None:
    added.found = Counts(items=9, documents=7, missing=1, failed=1, repaired=1)
    added.fill()
    assert added.steps.said == [
        f"{REGION}: 1 items of lessons make no document: dynadex failures list --region {REGION}"
    ]
    assert added.closed == ["lessons"]


@pytest.mark.parametrize("found", [Counts(missing=1), Counts(stale=2, repaired=1), Counts(ghosts=1, failed=3)])
def test_a_document_that_still_differs_keeps_the_region_out(added: Region, found: Counts) -> None:
    added.found = found
    with pytest.raises(filling.FillingError, match="1 documents of lessons differ"):
        added.fill()
    assert added.closed == []


@pytest.mark.parametrize(("under_way", "closed"), [(None, ["lessons"]), ("somebody's", [])])
def test_a_gap_from_before_the_region_was_added_again_is_closed_by_its_own_verification(
    added: Region, under_way: str | None, closed: list[str]
) -> None:
    added.under_way = under_way
    added.fill()
    assert added.closed == closed

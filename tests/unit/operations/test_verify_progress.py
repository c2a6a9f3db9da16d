"""A verification that is cut off at any page or slice is taken up, and counts what an uninterrupted one counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dynadex import verifying
from dynadex.operations.verify_progress import Part, Progress, ProgressError
from dynadex.scanning import Pages
from dynadex.verifying import Counts, TableTruth
from tests.unit.core.writing_world import V, document, item
from tests.unit.test_verifying import NAMES, Place, patience


class Cut(Exception):
    """A kill."""


def place() -> Place:
    """Nine items: one document is missing, one stale, one has no item, one item is on its way."""
    names = [*NAMES, "k7", "k8"]
    made = Place({name: item(name) for name in names}, {name: (V, document(name)) for name in names})
    del made.documents["k1"]
    made.documents["k4"] = (V, document("k4", "old"))
    made.documents["other"] = (V, document("other"))
    return made


def go(place: Place, path: Path, *, repair: bool, pages_before_cut: int) -> Counts:
    """Scans and sweeps from where the file says; cut off after so many pages."""
    progress = Progress.read(path) or Progress(path, {}, [Part()])
    check = place.check(repair=repair)
    part = progress.parts[0]
    if part.check:
        check.restore(part.check)
    left = pages_before_cut

    def compared(key: Any) -> None:
        nonlocal left
        progress.page(0, check, key, scanned=key is None, now=True)
        left -= 1
        if not left:
            raise Cut

    pages = Pages(place.table, patience)
    try:
        if not part.scanned:
            verifying.scan(check, cast(TableTruth, check.truth), pages, part.key, lambda: False, compared)
    finally:
        pages.close()
    if progress.slices is None:
        progress.sliced([verifying.sweep_slices(check, check.documents, full=True)])
    [slices] = progress.slices or [0]
    for slice in range(slices):
        if slice not in progress.done:
            verifying.sweep(check, slice, slices)
            progress.slice(0, check, slice)
    check.finish()
    progress.forget()
    return check.counts


@pytest.mark.parametrize("pages", [1, 2, 3])
@pytest.mark.parametrize("repair", [False, True])
def test_what_is_cut_off_after_any_page_counts_the_same_in_the_end(tmp_path: Path, pages: int, repair: bool) -> None:
    whole = go(place(), tmp_path / "whole", repair=repair, pages_before_cut=0)
    assert (whole.items, whole.missing, whole.stale, whole.ghosts) == (9, 1, 1, 1)
    assert whole.repaired == (3 if repair else 0)
    cut, path = place(), tmp_path / "cut" / "state.json"
    with pytest.raises(Cut):
        go(cut, path, repair=repair, pages_before_cut=pages)
    cut.now = 0.0  # another process has another clock
    assert go(cut, path, repair=repair, pages_before_cut=0) == whole
    assert not path.exists()


def test_a_suspect_that_is_right_by_then_is_no_difference(tmp_path: Path) -> None:
    cut, path = place(), tmp_path / "state.json"
    with pytest.raises(Cut):
        go(cut, path, repair=False, pages_before_cut=3)
    cut.documents["k1"] = (V + 64, document("k1"))
    found = go(cut, path, repair=False, pages_before_cut=0)
    assert (found.items, found.documents, found.missing, found.stale, found.ghosts) == (9, 10, 0, 1, 1)


def test_slices_that_were_gone_through_are_not_gone_through_again(tmp_path: Path) -> None:
    check, path = place().check(), tmp_path / "state.json"
    progress = Progress(path, {"region": "us-east-1"}, [Part(), Part()])
    assert not progress.save()
    progress.page(0, check, {"id": {"S": "k4"}}, scanned=False, now=True)
    progress.page(1, check, None, scanned=True)
    progress.sliced([5])
    progress.slice(1, check, 3)
    assert progress.save()
    found = Progress.read(path)
    assert found is not None
    assert (found.slices, found.done, found.asked) == ([5], {3}, {"region": "us-east-1"})
    assert [part.key for part in found.parts] == [{"id": {"S": "k4"}}, None]
    assert [part.scanned for part in found.parts] == [False, True]
    assert found.seconds >= found.earlier >= 0


def test_two_that_verify_the_same_at_once_do_not_take_each_other_s_file_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, check = tmp_path / "state.json", place().check()
    mine, theirs = Progress(path, {"who": "me"}, [Part()]), Progress(path, {"who": "they"}, [Part()])
    theirs.parts[0] = mine.parts[0] = Part({"id": {"S": "k4"}}, False, check.state())
    replace, process = Path.replace, 1

    def meanwhile(temporary: Path, target: Path) -> Path:
        nonlocal process
        if process == 1:  # the other process saves between this one's writing and its renaming
            process = 2
            assert theirs.save()
        return replace(temporary, target)

    monkeypatch.setattr("os.getpid", lambda: process)
    monkeypatch.setattr(Path, "replace", meanwhile)
    assert mine.save()
    found = Progress.read(path)
    assert found is not None
    assert found.asked == {"who": "me"}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ProgressError, match=r"state\.json cannot be read"):
        Progress.read(tmp_path / "state.json")

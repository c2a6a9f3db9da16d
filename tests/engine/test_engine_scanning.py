"""Going through an index from its beginning to its end, and comparing two indices document by document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynadex import generations, verifying
from dynadex.core import suspects
from dynadex.core.bulk import Operation
from dynadex.scanning import count, scroll
from dynadex.verifying import Check, IndexTruth
from tests.engine.subject import Subject, patience

WIDE = "12345678901234567890.123456789012345678"


def filled(subject: Subject, index: str, ids: list[str]) -> str:
    """An index of these documents over several shards; returns its write alias."""
    mapping = {"settings": {"number_of_shards": 3, "number_of_replicas": 0, "refresh_interval": "-1"}}
    generation = generations.ensure(subject.engine, index, mapping | {"mappings": {"dynamic": False}})
    assert generation is not None
    alias = generations.write_alias(generation)
    if ids:
        subject.write(*(Operation(alias, id, 7, b'{"wide":%b}' % WIDE.encode()) for id in ids))
    return alias


@pytest.mark.parametrize("slices", [1, 2, 3, 5, 16])
def test_the_slices_of_an_index_hold_each_document_once(subject: Subject, slices: int) -> None:
    ids = [f"a|{number}%7C" for number in range(250)]
    alias = filled(subject, "lessons", ids)
    assert count(subject.engine, alias, patience) == len(ids)
    found: list[Any] = []
    for slice in range(slices):
        options: dict[str, Any] = {"slice": slice, "slices": slices, "page": 20}
        for hits in scroll(subject.engine, alias, patience, source=True, **options):
            assert len(hits) <= 60  # a page a shard at the most
            found += hits
    assert sorted(hit["_id"] for hit in found) == sorted(ids)
    assert {hit["_version"] for hit in found} == {7}
    assert all(hit["_source"] == {"wide": Decimal(WIDE)} for hit in found)


def test_a_scroll_leaves_sources_out_where_they_are_not_wanted(subject: Subject) -> None:
    alias = filled(subject, "lessons", ["a"])
    count(subject.engine, alias, patience)
    [[hit]] = scroll(subject.engine, alias, patience, source=False)
    assert (hit["_id"], "_source" in hit) == ("a", False)


def test_an_empty_index_has_no_pages(subject: Subject) -> None:
    assert list(scroll(subject.engine, filled(subject, "lessons", []), patience, source=True)) == []


def test_two_indices_are_compared_in_both_directions(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "STABLE_SECONDS", 0.5)
    ids = [f"k{number}" for number in range(100)]
    one, other = filled(subject, "one", ids[:-1]), filled(subject, "other", ids[1:])
    subject.write(Operation(one, "k50", 8, b'{"wide":%b1}' % WIDE.encode()))
    for alias in (one, other):
        count(subject.engine, alias, patience)
    truth = IndexTruth(subject.engine, other)
    check = Check(truth, subject.engine, one, patience)
    for slice in range(2):
        verifying.scan_index(check, truth, slice, 2)
        verifying.sweep(check, slice, 2)
    check.finish()
    assert sorted(check.counts.examples) == [("k0", "ghost", ""), ("k50", "stale", "$.wide"), ("k99", "missing", "")]
    assert (check.counts.items, check.counts.documents) == (99, 99)

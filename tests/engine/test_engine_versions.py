"""External versions, strict: the ground that the write protocol stands on."""

from __future__ import annotations

import time

import pytest

from dynadex import generations
from dynadex.core import versions
from dynadex.core.bulk import APPLIED, Operation, Status
from dynadex.core.writing import Found, Target
from tests.engine.subject import SETTINGS, Place, Subject, statuses


def test_a_higher_version_is_applied(place: Place) -> None:
    assert place.index(5) == APPLIED
    assert place.index(6) == APPLIED
    assert place.look() == Found(6, {"at": 6})


@pytest.mark.parametrize("version", [5, 4, 1])
def test_an_equal_or_lower_version_is_refused_and_told_the_current_one(place: Place, version: int) -> None:
    place.index(5)
    for answer in (place.index(version, {"other": 1}), place.delete(version)):
        assert (answer.status, answer.current) == (Status.CONFLICT, 5)
    assert place.look() == Found(5, {"at": 5})


def test_a_deletion_with_a_higher_version_is_applied(place: Place) -> None:
    place.index(5)
    assert place.delete(6) == APPLIED
    assert place.look() is None


@pytest.mark.parametrize("there_before", [True, False])
def test_a_tombstone_holds_against_all_but_a_higher_version(place: Place, there_before: bool) -> None:
    if there_before:
        place.index(5)
    assert place.delete(8) == APPLIED
    for answer in (place.index(7), place.index(8), place.delete(7), place.delete(8)):
        assert (answer.status, answer.current) == (Status.CONFLICT, 8)
    assert place.look() is None
    assert place.index(9) == APPLIED
    assert place.look() == Found(9, {"at": 9})


def test_a_tombstone_outlives_refresh_flush_and_merge(place: Place) -> None:
    place.index(5)
    place.delete(6)
    for call in ("_refresh", "_flush", "_forcemerge?max_num_segments=1", "_refresh"):
        place.subject.engine.ask("POST", f"/{place.target.alias}/{call}")
    answer = place.index(5)
    assert (answer.status, answer.current) == (Status.CONFLICT, 6)


def test_a_tombstone_is_forgotten_after_gc_deletes(subject: Subject) -> None:
    # What the setting is for: with the engines' default of 60 s, a write that is late by a minute brings a ghost.
    settings = SETTINGS | {"gc_deletes": "100ms"}
    generation = generations.ensure(subject.engine, "lessons", {"settings": settings})
    assert generation is not None
    place = Place(subject, Target(generations.write_alias(generation), "1"))
    place.delete(100)
    deadline = time.monotonic() + 20
    while place.index(50).status is Status.CONFLICT:
        assert time.monotonic() < deadline
        subject.refresh(generation)
    assert place.look() == Found(50, {"at": 50})


@pytest.mark.parametrize("version", [2**62, 2**63 - 2, versions.of_record(2**33 - 2, 49_999_999_999_999_999_999_999)])
def test_versions_are_exact_to_their_63_bits(place: Place, version: int) -> None:
    assert place.index(version) == APPLIED
    answer = place.index(version - 1)
    assert (answer.status, answer.current) == (Status.CONFLICT, version)
    assert place.look() == Found(version, {"at": version})
    assert place.delete(version + 1) == APPLIED
    answer = place.index(version)
    assert (answer.status, answer.current) == (Status.CONFLICT, version + 1)


def test_delete_by_query_raises_the_version_by_one_and_hides_the_document(place: Place) -> None:
    place.index(2**60)
    place.subject.delete_all(place.target.alias)
    assert place.look() is None
    answer = place.index(2**60 + 1)
    assert (answer.status, answer.current) == (Status.CONFLICT, 2**60 + 1)
    assert place.index(2**60 + 2) == APPLIED


def test_two_operations_of_one_document_in_a_request_are_applied_in_order(place: Place) -> None:
    alias, id = place.target
    operations = [
        Operation(alias, id, 2, b'{"n":2}'),
        Operation(alias, id, 1, b'{"n":1}'),
        Operation(alias, id, 3, None),
        Operation(alias, id, 4, b'{"n":4}'),
    ]
    answers = place.subject.write(*operations)
    assert statuses(answers) == ["applied", "conflict", "applied", "applied"]
    assert place.look() == Found(4, {"n": 4})

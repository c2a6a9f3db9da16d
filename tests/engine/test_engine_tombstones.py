"""How far back generations remember deletions, and that they can be made to hold on to them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dynadex import generations, tombstones
from dynadex.core.bulk import Operation, Status
from dynadex.engine import EngineError
from tests.engine.subject import SETTINGS, Subject

_SECONDS = 30


def note_of(subject: Subject, generation: str) -> Any:
    (found,) = [one for one in generations.survey(subject.engine, "lessons") if one.name == generation]
    return found.notes.get("tombstones")


def gc_deletes(subject: Subject, generation: str) -> Any:
    told = subject.engine.ask("GET", f"/{generation}/_settings")[generation]
    return told["settings"]["index"].get("gc_deletes")


def test_a_generation_knows_all_deletions_since_it_was_made_or_for_as_long_as_it_remembers(subject: Subject) -> None:
    began = time.time()
    generation = subject.generation()
    made = tombstones.complete_since(subject.engine, generation, began, 90) - tombstones.CLOCKS_SECONDS
    assert began - 1 <= made <= time.time() + 1
    in_a_day = tombstones.complete_since(subject.engine, generation, began + 86_400, 90)
    assert in_a_day == began + 86_400 - 3600 + tombstones.CLOCKS_SECONDS


def test_one_that_is_fed_beside_another_knows_them_when_all_functions_have_seen_it(subject: Subject) -> None:
    generation = subject.generation()
    generations.note(subject.engine, generation, fed=2_000_000_000)
    since = tombstones.complete_since(subject.engine, generation, 2_000_000_000, 90)
    assert since == 2_000_000_000 + 90 + 65 + tombstones.CLOCKS_SECONDS


def test_one_that_holds_on_to_them_knows_them_from_then_on_until_it_is_released(subject: Subject) -> None:
    generation, engine = subject.generation(), subject.engine
    now = time.time() + 86_400
    tombstones.hold(engine, generation, now)
    assert gc_deletes(subject, generation) == tombstones.HELD
    since = now - 3600 + 60 + tombstones.CLOCKS_SECONDS
    assert tombstones.complete_since(engine, generation, now + 864_000, 90) == since
    tombstones.hold(engine, generation, now + 7200)  # again: it has been holding on since the first time
    assert tombstones.complete_since(engine, generation, now + 864_000, 90) == since
    tombstones.release(engine, generation)
    assert gc_deletes(subject, generation) == "1h"
    assert note_of(subject, generation) is None
    tombstones.release(engine, generation)
    assert gc_deletes(subject, generation) == "1h"


def test_a_setting_without_its_note_or_a_note_without_its_setting_does_not_count(subject: Subject) -> None:
    generation, engine = subject.generation(), subject.engine
    later = time.time() + 86_400
    remembered = later - 3600 + tombstones.CLOCKS_SECONDS
    generations.note(engine, generation, tombstones={"since": 0, "before": "1h"})  # cut off before the setting
    assert tombstones.complete_since(engine, generation, later, 90) == remembered
    tombstones.hold(engine, generation, later)
    engine.ask("PUT", f"/{generation}/_settings", {"index.gc_deletes": "1h"})  # cut off before the note went
    assert tombstones.complete_since(engine, generation, later, 90) == remembered
    tombstones.release(engine, generation)
    assert (gc_deletes(subject, generation), note_of(subject, generation)) == ("1h", None)


def test_a_generation_that_is_gone_cannot_be_held(subject: Subject) -> None:
    with pytest.raises(EngineError):
        tombstones.hold(subject.engine, f"{subject.engine.prefix}lessons-v7", time.time())


def test_an_old_write_finds_the_deletion_where_it_is_held_and_not_where_it_is_forgotten(subject: Subject) -> None:
    short = {"settings": {**SETTINGS, "index.gc_deletes": "1s"}}
    forgetful, held = (generations.ensure(subject.engine, index, short) for index in ("lessons", "songs"))
    assert forgetful is not None
    assert held is not None
    tombstones.hold(subject.engine, held, time.time())
    aliases = [generations.write_alias(name) for name in (forgetful, held)]
    subject.write(*(Operation(alias, "1", 20, None) for alias in aliases))
    deadline = time.monotonic() + _SECONDS
    while True:
        for name in (forgetful, held):
            subject.refresh(name)
        answers = subject.write(*(Operation(alias, "1", 10, b"{}") for alias in aliases))
        assert answers[1].status is Status.CONFLICT
        assert answers[1].current == 20
        if answers[0].status is Status.APPLIED:
            break
        assert time.monotonic() < deadline, f"{forgetful} remembers on and on"

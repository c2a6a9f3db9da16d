"""What a rebuild asks of the engine: the next generation, its place in the aliases, and its notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynadex import generations
from dynadex.core.bulk import Operation
from dynadex.engine import Engine, EngineError
from tests.engine.subject import SETTINGS, Subject, mapping, statuses

NEXT = mapping(properties={"title": {"type": "text"}})


class Overtaken(Engine):
    """Has somebody else do something between its first look and what it does after it."""

    def __init__(self, subject: Subject, by: Callable[[], None]) -> None:
        super().__init__(subject.engine.url, prefix=subject.engine.prefix)
        self.looked, self._by = False, by

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = super().ask(method, path, body, **options)
        if method == "GET" and not self.looked:
            self.looked = True
            self._by()
        return answer


@pytest.fixture
def both(subject: Subject) -> tuple[str, str]:
    """The first generation, and the next one, which is neither fed nor read."""
    return subject.generation(), prepared(subject)


def prepared(subject: Subject, definition: dict[str, Any] = NEXT) -> str:
    """Makes the next generation; returns its name."""
    name = generations.name_after(subject.engine, "lessons", generations.existing(subject.engine, "lessons"))
    generations.prepare(subject.engine, name, definition)
    return name


def settings_of(subject: Subject, generation: str) -> dict[str, Any]:
    found: dict[str, Any] = subject.engine.ask("GET", f"/{generation}/_settings")[generation]["settings"]["index"]
    return found


def test_the_next_generation_has_its_write_alias_alone(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    assert second == f"{subject.engine.prefix}lessons-v2"
    told = subject.engine.ask("GET", f"/{second}")[second]
    assert told["aliases"].keys() == {generations.write_alias(second)}
    assert generations.fed(subject.engine, "lessons") == [first]
    assert generations.read(subject.engine, "lessons") == [first]
    written = subject.write(Operation(generations.write_alias(second), "1", 5, b'{"title":"One"}'))
    assert statuses(written) == ["applied"]


def test_it_is_made_once(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    generations.note(subject.engine, second, fed=1)
    generations.prepare(subject.engine, second, mapping())
    assert generations.existing(subject.engine, "lessons") == [first, second]
    made = generations.survey(subject.engine, "lessons")[1]
    assert (made.digest, made.notes["fed"]) == (generations.digest(NEXT), 1)


def test_a_mapping_that_is_refused_leaves_nothing(subject: Subject) -> None:
    first = subject.generation()
    with pytest.raises(EngineError) as raised:
        prepared(subject, mapping(properties={"n": {"type": "no_such_type"}}))
    assert raised.value.status == 400
    assert generations.existing(subject.engine, "lessons") == [first]


@pytest.mark.parametrize(
    "settings",
    [
        {"number_of_shards": 1, "number_of_replicas": 2, "refresh_interval": "7s"},
        {"index.number_of_shards": 1, "index.number_of_replicas": 2, "index.refresh_interval": "7s"},
        {"index": {"number_of_shards": 1, "number_of_replicas": 2, "refresh_interval": "7s"}},
    ],
    ids=["plain", "dotted", "nested"],
)
def test_it_is_neither_refreshed_nor_replicated_until_it_is_filled(subject: Subject, settings: dict[str, Any]) -> None:
    wanted = {"settings": settings}
    subject.generation()
    made = prepared(subject, wanted)
    there = settings_of(subject, made)
    assert (there["refresh_interval"], str(there["number_of_replicas"])) == ("-1", "0")
    assert there["gc_deletes"] == generations.GC_DELETES
    subject.write(Operation(generations.write_alias(made), "1", 5, b"{}"))
    for _ in range(2):  # it may be asked for again
        generations.restore(subject.engine, made, wanted)
        there = settings_of(subject, made)
        assert (there["refresh_interval"], str(there["number_of_replicas"])) == ("7s", "2")
    assert subject.engine.ask("GET", f"/{made}/_count")["count"] == 1


def test_what_a_mapping_does_not_set_is_restored_to_the_engine_s_default(subject: Subject) -> None:
    first = generations.ensure(subject.engine, "lessons", {})
    second = prepared(subject, {})
    generations.restore(subject.engine, second, {})
    assert first is not None
    before, there = settings_of(subject, first), settings_of(subject, second)
    for name, default in (("refresh_interval", None), ("number_of_replicas", "1"), ("auto_expand_replicas", None)):
        assert str(there.get(name, default)) == str(before.get(name, default)), name


def test_a_generation_is_fed_from_its_attachment_to_its_detachment(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    for _ in range(2):
        generations.attach(subject.engine, "lessons", second)
        assert generations.fed(subject.engine, "lessons") == [first, second]
    assert generations.read(subject.engine, "lessons") == [first]
    for _ in range(2):
        generations.detach(subject.engine, "lessons", second)
        assert generations.fed(subject.engine, "lessons") == [first]


def test_what_searches_read_is_never_detached_not_even_when_they_only_just_do(
    subject: Subject, both: tuple[str, str]
) -> None:
    first, second = both
    generations.attach(subject.engine, "lessons", second)
    with pytest.raises(generations.InUse, match=f"{first} is still read"):
        generations.detach(subject.engine, "lessons", first)
    overtaken = Overtaken(subject, lambda: generations.swap(subject.engine, "lessons", first, second))
    with pytest.raises(generations.InUse, match=f"{second} is still read"):
        generations.detach(overtaken, "lessons", second)
    assert overtaken.looked
    assert generations.read(subject.engine, "lessons") == [second]
    assert generations.fed(subject.engine, "lessons") == [first, second]


def test_the_read_alias_moves_at_once_and_back(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    generations.swap(subject.engine, "lessons", first, second)
    assert generations.read(subject.engine, "lessons") == [second]
    assert generations.fed(subject.engine, "lessons") == [first]
    generations.swap(subject.engine, "lessons", second, first)
    assert generations.read(subject.engine, "lessons") == [first]


def test_a_swap_from_where_the_read_alias_is_no_more_changes_nothing(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    third = prepared(subject)
    generations.swap(subject.engine, "lessons", first, second)
    with pytest.raises(generations.AliasMoved, match=f"{subject.engine.prefix}lessons does not lead to {first}"):
        generations.swap(subject.engine, "lessons", first, third)
    assert generations.read(subject.engine, "lessons") == [second]


def test_of_two_swaps_at_once_one_is_refused_by_the_engine(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    third = prepared(subject)
    overtaken = Overtaken(subject, lambda: generations.swap(subject.engine, "lessons", first, second))
    with pytest.raises(generations.AliasMoved):
        generations.swap(overtaken, "lessons", first, third)
    assert overtaken.looked
    assert generations.read(subject.engine, "lessons") == [second]


def test_a_generation_is_only_dropped_when_it_is_neither_fed_nor_read(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    generations.attach(subject.engine, "lessons", second)
    with pytest.raises(generations.InUse, match=f"{second} is still fed"):
        generations.drop(subject.engine, "lessons", second)
    generations.detach(subject.engine, "lessons", second)
    generations.swap(subject.engine, "lessons", first, second)
    with pytest.raises(generations.InUse, match=f"{second} is still read"):
        generations.drop(subject.engine, "lessons", second)
    generations.swap(subject.engine, "lessons", second, first)
    for _ in range(2):
        generations.drop(subject.engine, "lessons", second)
        assert generations.existing(subject.engine, "lessons") == [first]


def test_a_dropped_generation_takes_no_write_and_is_not_made_anew_by_one(
    subject: Subject, both: tuple[str, str]
) -> None:
    _, second = both
    generations.drop(subject.engine, "lessons", second)
    alias = generations.write_alias(second)
    subject.write(Operation(alias, "1", 5, b"{}"), Operation(alias, "2", 5, None))
    assert not subject.exists(second)
    assert not subject.exists(alias)


def test_a_survey_tells_each_generation_s_place_and_mapping(subject: Subject, both: tuple[str, str]) -> None:
    first, second = both
    subject.engine.ask("PUT", f"/{subject.engine.prefix}lessons-video", {"settings": SETTINGS})
    generations.attach(subject.engine, "lessons", second)
    old, new = generations.survey(subject.engine, "lessons")
    assert [(one.name, one.read, one.fed) for one in (old, new)] == [(first, True, True), (second, False, True)]
    assert [one.digest for one in (old, new)] == [generations.digest(mapping()), generations.digest(NEXT)]
    assert [one.source for one in (old, new)] == [mapping(), NEXT]


def test_notes_stay_with_a_generation_beside_its_mapping(subject: Subject) -> None:
    mine: dict[str, Any] = {
        "_meta": {"owner": "search team"},
        "dynamic": "strict",
        "properties": {"title": {"type": "text"}},
    }
    generation = subject.generation(**mine)
    before = generations.survey(subject.engine, "lessons")[0]
    generations.note(subject.engine, generation, fed=1_800_000_000, refilled={"items": 3, "failures": 0})
    generations.note(subject.engine, generation, verified=1_800_000_100, refilled=None)
    after = generations.survey(subject.engine, "lessons")[0]
    assert after.notes == {**before.notes, "fed": 1_800_000_000, "verified": 1_800_000_100}
    assert after.digest == generations.digest(mapping(**mine))
    told = subject.engine.ask("GET", f"/{generation}/_mapping")[generation]["mappings"]
    assert told["_meta"]["owner"] == "search team"
    assert told["dynamic"] == "strict"
    assert told["properties"] == {"title": {"type": "text"}}

"""Generations and their aliases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynadex import generations
from dynadex.core.bulk import Operation
from dynadex.engine import EngineError, EngineUnavailable
from tests.engine.subject import SETTINGS, Subject, mapping, statuses


def test_the_first_generation_comes_with_its_three_aliases(subject: Subject) -> None:
    prefix = subject.engine.prefix
    assert subject.generation() == f"{prefix}lessons-v1"
    assert generations.read(subject.engine, "lessons") == [f"{prefix}lessons-v1"]
    assert generations.fed(subject.engine, "lessons") == [f"{prefix}lessons-v1"]
    told = subject.engine.ask("GET", f"/{prefix}lessons-v1")[f"{prefix}lessons-v1"]
    assert told["aliases"].keys() == {f"{prefix}{name}" for name in ("lessons", "lessons-feed", "lessons-v1-Write")}


def test_the_mapping_carries_its_digest_and_long_lived_tombstones(subject: Subject) -> None:
    generation = subject.generation(properties={"n": {"type": "long"}})
    told = subject.engine.ask("GET", f"/{generation}")[generation]
    assert told["settings"]["index"]["gc_deletes"] == generations.GC_DELETES
    notes = told["mappings"]["_meta"]["dynadex"]
    assert notes["mapping"] == generations.digest(mapping(properties={"n": {"type": "long"}}))
    assert json.loads(notes["source"]) == mapping(properties={"n": {"type": "long"}})
    assert told["mappings"]["properties"] == {"n": {"type": "long"}}


@pytest.mark.parametrize(
    "settings", [{"index.gc_deletes": "2h"}, {"gc_deletes": "2h"}, {"index": {"gc_deletes": "2h"}}], ids=str
)
def test_a_mapping_may_set_how_long_tombstones_live(subject: Subject, settings: dict[str, object]) -> None:
    generation = generations.ensure(subject.engine, "lessons", {"settings": settings})
    assert generation is not None
    told = subject.engine.ask("GET", f"/{generation}/_settings")[generation]
    assert told["settings"]["index"]["gc_deletes"] == "2h"


def test_nothing_is_made_where_a_generation_is_fed(subject: Subject) -> None:
    subject.generation()
    assert generations.ensure(subject.engine, "lessons", mapping()) is None
    assert len(generations.existing(subject.engine, "lessons")) == 1


def test_of_several_that_ensure_at_once_one_makes_the_generation(subject: Subject) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: generations.ensure(subject.engine, "lessons", mapping()), range(8)))
    assert [name for name in made if name] == [f"{subject.engine.prefix}lessons-v1"]
    assert generations.existing(subject.engine, "lessons") == [f"{subject.engine.prefix}lessons-v1"]


def test_a_deleted_index_is_missing_and_made_again(subject: Subject) -> None:
    generation = subject.generation()
    subject.engine.ask("DELETE", f"/{generation}")
    for resolve in (generations.read, generations.fed):
        with pytest.raises(generations.IndexMissing, match="'lessons'"):
            resolve(subject.engine, "lessons")
    assert generations.ensure(subject.engine, "lessons", mapping()) == generation


def test_a_generation_that_is_no_longer_fed_is_left_and_the_next_one_made(subject: Subject) -> None:
    first = subject.generation()
    subject.engine.ask("DELETE", f"/{first}/_alias/{subject.engine.prefix}lessons*")
    second = generations.ensure(subject.engine, "lessons", mapping())
    assert second == f"{subject.engine.prefix}lessons-v2"
    assert generations.existing(subject.engine, "lessons") == [first, second]
    assert generations.fed(subject.engine, "lessons") == [second]


def test_generations_are_told_from_other_indices_and_sorted_by_number(subject: Subject) -> None:
    prefix = subject.engine.prefix
    for name in ("lessons-v10", "lessons-v9", "lessons-video", "lessons-v1-old", "other-v1"):
        subject.engine.ask("PUT", f"/{prefix}{name}", {"settings": SETTINGS})
    assert generations.existing(subject.engine, "lessons") == [f"{prefix}lessons-v9", f"{prefix}lessons-v10"]


def test_the_feed_alias_leads_to_all_generations_and_the_read_alias_moves_at_once(subject: Subject) -> None:
    engine, first = subject.engine, subject.generation()
    second = f"{engine.prefix}lessons-v2"
    feed, read = generations.feed_alias(engine, "lessons"), generations.read_alias(engine, "lessons")
    aliases: dict[str, object] = {feed: {}, generations.write_alias(second): {}}
    engine.ask("PUT", f"/{second}", generations.definition(mapping()) | {"aliases": aliases})
    assert generations.fed(engine, "lessons") == [first, second]
    assert generations.read(engine, "lessons") == [first]

    operations = [
        Operation(generations.write_alias(generation), "1", 1, b'{"in":"%b"}' % generation.encode())
        for generation in generations.fed(engine, "lessons")
    ]
    assert statuses(subject.write(*operations)) == ["applied", "applied"]
    for generation in (first, second):
        subject.refresh(generation)

    def searched() -> list[str]:
        return [hit["_source"]["in"] for hit in engine.search(read, {})["hits"]["hits"]]

    assert searched() == [first]
    moves = [{"remove": {"index": first, "alias": read}}, {"add": {"index": second, "alias": read}}]
    engine.ask("POST", "/_aliases", {"actions": moves})
    assert generations.read(engine, "lessons") == [second]
    assert searched() == [second]


def test_users_of_one_cluster_do_not_see_each_other(subject: Subject) -> None:
    subject.generation()
    other = type(subject.engine)(subject.engine.url, prefix=f"other-{subject.engine.prefix}")
    with pytest.raises(generations.IndexMissing):
        generations.fed(other, "lessons")
    assert generations.existing(other, "lessons") == []


def test_a_mapping_that_the_engine_refuses_is_told(subject: Subject) -> None:
    with pytest.raises(EngineError, match="no_such_type") as raised:
        subject.generation(properties={"n": {"type": "no_such_type"}})
    assert raised.value.status == 400
    assert not isinstance(raised.value, EngineUnavailable)
    assert generations.existing(subject.engine, "lessons") == []


def test_a_search_of_a_missing_index_is_told(subject: Subject) -> None:
    with pytest.raises(EngineError) as raised:
        subject.engine.search(f"{subject.engine.prefix}lessons", {})
    assert (raised.value.status, raised.value.type) == (404, "index_not_found_exception")

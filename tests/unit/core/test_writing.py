"""The write protocol, a rule a test, against a model of an engine and a table that can be made to misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynadex.core import versions, writing
from dynadex.core.bulk import Answer, Operation, Status
from dynadex.core.changes import Batch, Change, of_page, of_records
from dynadex.core.documents import Recipe
from dynadex.core.writing import BatchRefused, Failure, Feeds, Found, Items, Look, Outcome, Pause, Read, Request, Write
from tests.unit.core.writing_world import NOW, SCHEMA, V, World, at, batch, document, feeds, gone, item, key, put

BUSY = Answer(Status.RETRY, 0, "es_rejected_execution_exception", "the queue is full")
BAD = Answer(Status.REFUSED, 0, "mapper_parsing_exception", "failed to parse field [x]")


def test_changes_without_conflicts_take_one_write_and_nothing_else() -> None:
    world = World(index={at("b"): (V - 64, document("b"))})
    outcome = world.run(writing.sync(batch(put("a"), gone("b"), gone("c")), feeds()))
    assert world.index == {at("a"): (V, document("a")), at("b"): (V, None), at("c"): (V, None)}
    assert world.asked == ["Write"]
    assert outcome == Outcome(indexed=1, deleted=2)


@pytest.mark.parametrize("protocol", [writing.sync, writing.refill])
def test_an_empty_batch_asks_for_nothing(protocol: Callable[[Batch, Feeds], writing.Protocol[Outcome]]) -> None:
    world = World()
    assert world.run(protocol(batch(), feeds())) == Outcome()
    assert world.run(writing.mend({}, feeds())) == Outcome()
    assert world.run(writing.settle({}, {}, feeds())) == Outcome()
    assert world.requests == []


@pytest.mark.parametrize(("change", "there"), [(put("a"), document("a")), (gone("a"), None)])
def test_a_conflict_of_equal_version_with_what_i_write_is_a_retry(change: Change, there: Any) -> None:
    world = World(index={at("a"): (V, there)})
    outcome = world.run(writing.sync(batch(change), feeds()))
    assert world.asked == ["Write", "Look"]
    assert outcome == Outcome(conflicts=1, repeated=1)


@pytest.mark.parametrize(
    ("change", "there"),
    [(put("a", "mine"), document("a", "other")), (put("a", "mine"), None), (gone("a"), document("a", "other"))],
)
def test_a_conflict_of_equal_version_with_anything_else_is_settled(change: Change, there: Any) -> None:
    world = World(table={"a": item("a", "true")}, index={at("a"): (V, there)})
    outcome = world.run(writing.sync(batch(change), feeds()))
    assert world.index[at("a")] == (V + 1, document("a", "true"))
    assert outcome == Outcome(indexed=1, conflicts=1, settled=1)


def test_an_equal_version_that_is_not_a_record_s_own_proves_nothing_and_is_settled_without_a_look() -> None:
    mine = V + 1  # collapsed: gen 1
    world = World(table={"a": item("a")}, index={at("a"): (mine, document("a"))})
    world.run(writing.sync(batch(put("a", version=mine)), feeds()))
    assert world.asked == ["Write", "Read", "Write"]
    assert world.index[at("a")] == (V + 2, document("a"))


def test_a_conflict_with_something_far_ahead_costs_no_reads() -> None:
    later = versions.of_record(NOW + versions.MARGIN_SECONDS + 1, 0)
    world = World(index={at("a"): (later, document("a", "later"))})
    outcome = world.run(writing.sync(batch(put("a", "old")), feeds()))
    assert world.asked == ["Write"]
    assert world.index[at("a")] == (later, document("a", "later"))
    assert outcome == Outcome(conflicts=1, superseded=1)


@pytest.mark.parametrize("ahead", [0, 1, versions.MARGIN_SECONDS])
def test_a_conflict_within_the_margin_is_settled_above_what_was_there(ahead: int) -> None:
    there = versions.of_record(NOW + ahead, 99)
    world = World(table={"a": item("a", "true")}, index={at("a"): (there, document("a", "there"))})
    outcome = world.run(writing.sync(batch(put("a", "mine")), feeds()))
    assert world.asked == ["Write", "Read", "Write"]
    assert world.index[at("a")] == (versions.after(there), document("a", "true"))
    assert outcome == Outcome(indexed=1, conflicts=1, settled=1)


def test_what_the_table_no_longer_has_is_settled_as_a_deletion() -> None:
    there = V + (5 << 6)
    world = World(index={at("a"): (there, document("a"))})
    outcome = world.run(writing.sync(batch(put("a")), feeds()))
    assert world.index[at("a")] == (there + 1, None)
    assert outcome == Outcome(deleted=1, conflicts=1, settled=1)


def test_many_keys_are_settled_with_one_read_and_one_write() -> None:
    names = [f"k{number}" for number in range(40)]
    world = World(table={name: item(name) for name in names}, index={at(name): (V + 64, None) for name in names})
    world.run(writing.sync(batch(*map(put, names)), feeds()))
    assert world.asked == ["Write", "Read", "Write"]


def test_settling_goes_on_from_each_new_version_and_reads_the_table_after_it() -> None:
    """Somebody else writes the document between each of the reads and writes."""
    world = World(table={"a": item("a", "0")}, index={at("a"): (V, document("a"))})
    rivals = iter([V + 300, V + 600, V + 900])

    def interfere(request: Request) -> None:
        if isinstance(request, Write) and (rival := next(rivals, None)):
            world.index[at("a")] = (rival, document("a", "rival"))
            world.table["a"] = item("a", f"after {rival}")

    world.before = interfere
    outcome = world.run(writing.settle({at("a"): V}, {"a": key("a")}, feeds()))
    assert world.index[at("a")] == (V + 901, document("a", f"after {V + 900}"))
    assert [name for name in world.asked if name != "Pause"] == ["Read", "Write"] * 4
    assert (outcome.conflicts, outcome.settled, outcome.indexed) == (3, 1, 1)


def test_settling_lets_others_finish_who_write_the_same_document_again_and_again() -> None:
    world = World(table={"a": item("a")})
    rivals = iter([V + 300, V + 600, V + 900])
    world.answer = lambda operation: Answer(Status.CONFLICT, rival) if (rival := next(rivals, 0)) else None
    world.run(writing.settle({at("a"): V}, {"a": key("a")}, feeds()))
    assert world.asked == ["Read", "Write", "Read", "Write", "Read", "Write", "Pause", "Read", "Write"]


def test_settling_never_writes_a_version_that_only_records_have() -> None:
    there = V | versions.GEN_MASK
    world = World(table={"a": item("a")}, index={at("a"): (there, None)})
    world.run(writing.settle({at("a"): there}, {"a": key("a")}, feeds()))
    assert world.index[at("a")][0] == there + 2


def test_only_what_conflicted_again_is_settled_again() -> None:
    world = World(table={"a": item("a"), "b": item("b")}, index={at("b"): (V + 64, None)})
    world.run(writing.settle({at("a"): V, at("b"): V}, {"a": key("a"), "b": key("b")}, feeds()))
    assert world.written() == [["a", "b"], ["b"]]
    assert [list(request.keys) for request in world.requests if isinstance(request, Read)] == [["a", "b"], ["b"]]


def test_ids_that_the_table_did_not_get_to_are_read_again_and_not_taken_for_absent() -> None:
    protocol = writing.settle({at("a"): V, at("b"): V}, {"a": key("a"), "b": key("b")}, feeds())
    assert next(protocol) == Read({"a": key("a"), "b": key("b")})
    assert protocol.send(Items({}, 0)) == Pause(1, "the table did not get to all keys")
    assert protocol.send(None) == Read({"a": key("a"), "b": key("b")})
    assert protocol.send(Items({}, 0)) == Pause(2, "the table did not get to all keys")
    protocol.send(None)
    assert protocol.send(Items({"b": None}, NOW)) == Pause(1, "the table did not get to all keys")
    assert protocol.send(None) == Read({"a": key("a")})
    write = protocol.send(Items({"a": item("a")}, NOW))
    assert isinstance(write, Write)
    assert [(op.id, op.source is None, op.version) for op in write.operations] == [
        ("a", False, V + 1),
        ("b", True, V + 1),
    ]


PAGE = versions.of_page(NOW)


def test_a_refill_writes_a_page_s_items_at_the_page_s_version() -> None:
    world = World()
    outcome = world.run(writing.refill(of_page([item("a"), item("b")], SCHEMA, PAGE), feeds()))
    assert world.index == {at("a"): (PAGE, document("a")), at("b"): (PAGE, document("b"))}
    assert (world.asked, outcome) == (["Write"], Outcome(indexed=2))


def test_a_refill_skips_a_document_that_is_there_for_it_is_newer() -> None:
    world = World(table={"a": item("a", "table")}, index={at("a"): (V, document("a", "newer"))})
    outcome = world.run(writing.refill(batch(put("a", "page", PAGE)), feeds()))
    assert world.index[at("a")] == (V, document("a", "newer"))
    assert (world.asked, outcome) == (["Write", "Look"], Outcome(conflicts=1, superseded=1))


def test_a_refill_settles_where_only_a_tombstone_is_left() -> None:
    world = World(table={"a": item("a", "table")}, index={at("a"): (V, None)})
    outcome = world.run(writing.refill(batch(put("a", "page", PAGE)), feeds()))
    assert world.index[at("a")] == (V + 1, document("a", "table"))
    assert outcome == Outcome(indexed=1, conflicts=1, settled=1)


def test_a_refill_sends_nothing_for_items_that_are_not_the_index_s() -> None:
    recipe = Recipe("lessons", match={"text": ("lesson",)})
    world = World()
    world.run(writing.refill(batch(put("a", "lesson", PAGE), put("b", "song", PAGE)), feeds(v1=recipe)))
    assert world.written() == [["a"]]


def test_mending_writes_what_the_table_says_above_the_document_that_is_there() -> None:
    world = World(
        table={"a": item("a", "true")}, index={at("a"): (V, document("a", "wrong")), at("b"): (V, document("b"))}
    )
    outcome = world.run(writing.mend({"a": key("a"), "b": key("b")}, feeds()))
    assert world.index == {at("a"): (V + 1, document("a", "true")), at("b"): (V + 1, None)}
    assert (outcome.indexed, outcome.deleted, outcome.conflicts) == (1, 1, 0)


def test_mending_what_no_document_shows_begins_with_a_refill_s_version() -> None:
    world = World(table={"a": item("a")})
    world.run(writing.mend({"a": key("a"), "absent": key("absent")}, feeds()))
    assert world.index == {at("a"): (PAGE, document("a"))}


def test_mending_finds_the_version_that_a_tombstone_hides() -> None:
    world = World(table={"a": item("a")}, index={at("a"): (V, None)})
    outcome = world.run(writing.mend({"a": key("a")}, feeds()))
    assert world.index[at("a")] == (V + 1, document("a"))
    assert world.asked == ["Look", "Read", "Write", "Read", "Write"]
    assert outcome == Outcome(indexed=1, conflicts=1, settled=1)


def test_mending_dates_its_version_by_the_earliest_of_its_reads() -> None:
    protocol = writing.mend({"a": key("a"), "b": key("b")}, feeds())
    next(protocol)
    protocol.send([None, None])
    protocol.send(Items({"a": item("a")}, NOW - 9))
    assert protocol.send(None) == Read({"b": key("b")})
    write = protocol.send(Items({"b": item("b")}, NOW))
    assert isinstance(write, Write)
    assert {op.version for op in write.operations} == {versions.of_page(NOW - 9)}


def test_mending_covers_every_generation() -> None:
    world = World(table={"a": item("a")}, index={at("a", "v2"): (V, document("a", "wrong"))})
    world.run(writing.mend({"a": key("a")}, feeds(v1=Recipe("x"), v2=Recipe("x"))))
    assert world.index == {at("a"): (PAGE, document("a")), at("a", "v2"): (V + 1, document("a"))}


def test_mending_with_a_transform_that_raises_is_one_failure_a_document() -> None:
    world = World(table={"a": item("a")})
    outcome = world.run(writing.mend({"a": key("a")}, feeds(v1=Recipe("x", transform=failing()))))
    assert [(failure.kind, failure.id) for failure in outcome.failures] == [("transform", "a")]


def failing(*ids: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A transform that raises for these ids, or for all."""

    def transform(item: dict[str, Any]) -> dict[str, Any]:
        if not ids or item["id"] in ids:
            raise KeyError("title")
        return item

    return transform


def many(count: int, start: int = 0) -> list[Change]:
    return [put(f"k{number}") for number in range(start, start + count)]


def refusing(world: World, ids: Iterable[str]) -> World:
    refused = set(ids)
    world.answer = lambda operation: BAD if operation.source is not None and operation.id in refused else None
    return world


def test_a_transform_that_raises_is_its_item_s_failure_and_the_rest_goes_on() -> None:
    world = World()
    outcome = world.run(writing.sync(batch(put("a"), put("b"), gone("c")), feeds(v1=Recipe("x", failing("a")))))
    assert world.written() == [["b", "c"]]
    assert outcome.failures == [Failure(key("a"), "a", "x", "v1-write", "transform", "KeyError", "'title'", V)]


def test_one_index_s_transform_failing_leaves_the_other_index_alone() -> None:
    world = World()
    world.run(writing.sync(batch(put("a")), feeds(bad=Recipe("bad", failing()), good=Recipe("good"))))
    assert world.index == {at("a", "good"): (V, document("a"))}


def test_a_document_that_the_engine_refuses_is_a_failure_and_the_rest_goes_on() -> None:
    world = refusing(World(), ["a"])
    outcome = world.run(writing.sync(batch(put("a"), put("b")), feeds()))
    assert outcome.failures == [Failure(key("a"), "a", "lessons", "v1-write", "refused", BAD.type, BAD.reason, V)]
    assert outcome.indexed == 1


def test_a_key_that_makes_no_id_is_a_failure_for_each_generation() -> None:
    page = of_page([item("x" * 600), item("a")], SCHEMA, PAGE)
    outcome = World().run(writing.refill(page, feeds(v1=Recipe("x"), v2=Recipe("x"))))
    assert [(failure.kind, failure.id, failure.alias) for failure in outcome.failures] == [
        ("key", "", "v1-write"),
        ("key", "", "v2-write"),
    ]


@pytest.mark.parametrize("protocol", [writing.sync, writing.refill])
def test_twenty_refused_and_none_taken_is_a_broken_mapping(
    protocol: Callable[[Batch, Feeds], writing.Protocol[Outcome]],
) -> None:
    changes = many(20)
    with pytest.raises(BatchRefused, match=r"all 20 documents for v1-write .* mapper_parsing_exception") as broken:
        refusing(World(), [change.id for change in changes]).run(protocol(batch(*changes), feeds()))
    assert len(broken.value.failures) == 20


def test_nineteen_refused_are_failures() -> None:
    changes = many(19)
    outcome = refusing(World(), [change.id for change in changes]).run(writing.sync(batch(*changes), feeds()))
    assert len(outcome.failures) == 19


def test_one_taken_among_many_refused_makes_them_failures() -> None:
    world = refusing(World(), [change.id for change in many(30)])
    assert len(world.run(writing.sync(batch(*many(31)), feeds())).failures) == 30


def test_a_retry_among_many_refused_makes_them_failures() -> None:
    world = refusing(World(index={at("k30"): (V, document("k30"))}), [change.id for change in many(30)])
    assert len(world.run(writing.sync(batch(*many(31)), feeds())).failures) == 30


def test_deletions_prove_no_mapping_neither_the_first_time_nor_when_the_batch_comes_again() -> None:
    changes = batch(*many(20), gone("old"))
    world = refusing(World(), [change.id for change in many(20)])
    for _ in range(3):
        with pytest.raises(BatchRefused):
            world.run(writing.sync(changes, feeds()))
    assert world.index == {at("old"): (V, None)}


def test_twenty_transforms_that_raise_are_a_broken_transform_and_nothing_is_written() -> None:
    world = World()
    with pytest.raises(BatchRefused, match="KeyError"):
        world.run(writing.sync(batch(*many(20)), feeds(v1=Recipe("x", failing()))))
    assert world.requests == []
    assert len(world.run(writing.sync(batch(*many(19)), feeds(v1=Recipe("x", failing())))).failures) == 19


def test_only_what_could_not_be_answered_is_sent_again_after_a_pause() -> None:
    world = World()
    busy = iter([BUSY, None, BUSY, BUSY, BUSY, None, None])
    world.answer = lambda operation: next(busy, None)
    outcome = world.run(writing.sync(batch(*many(3)), feeds()))
    assert world.written() == [["k0", "k1", "k2"], ["k0", "k2"], ["k0", "k2"]]
    pauses = [request for request in world.requests if isinstance(request, Pause)]
    assert pauses == [Pause(1, f"{BUSY.type}: {BUSY.reason}"), Pause(2, f"{BUSY.type}: {BUSY.reason}")]
    assert outcome == Outcome(indexed=3, pauses=2)


def test_looks_that_could_not_be_answered_are_asked_again() -> None:
    protocol = writing.mend({"a": key("a"), "b": key("b")}, feeds())
    assert next(protocol) == Look([at("a"), at("b")])
    assert protocol.send([Found(V, {}), BUSY]) == Pause(1, f"{BUSY.type}: {BUSY.reason}")
    assert protocol.send(None) == Look([at("b")])
    assert protocol.send([Found(V + 64, {})]) == Read({"a": key("a"), "b": key("b")})


def test_a_lost_answer_is_a_retry_and_no_conflict_with_others() -> None:
    world = World()
    lost = iter([True])

    def applied_but_not_told(operation: Operation) -> Answer | None:
        if next(lost, False):
            world.write(operation)
            return BUSY
        return None

    world.answer = applied_but_not_told
    outcome = world.run(writing.sync(batch(put("a")), feeds()))
    assert (outcome.repeated, outcome.pauses, world.index[at("a")]) == (1, 1, (V, document("a")))


def test_a_transform_s_none_and_a_mismatch_delete_what_was_there() -> None:
    recipes = {"t": Recipe("t", transform=lambda item: None), "m": Recipe("m", match={"text": ("lesson",)})}
    world = World(index={at("a", name): (V - 64, document("a")) for name in recipes})
    outcome = world.run(writing.sync(batch(put("a")), feeds(**recipes)))
    assert world.index == {at("a", name): (V, None) for name in recipes}
    assert outcome == Outcome(deleted=2)


def test_replication_s_attributes_include_and_exclude_shape_each_index_s_document() -> None:
    image = {**item("a"), "aws:rep:deleting": {"BOOL": False}}
    recipes = {
        "all": Recipe("x"),
        "some": Recipe("x", include=frozenset({"id"})),
        "less": Recipe("x", exclude=frozenset({"id"})),
    }
    world = World()
    world.run(writing.sync(batch(Change("a", key("a"), image, V)), feeds(**recipes)))
    assert [world.index[at("a", name)][1] for name in recipes] == [{"id": "a", "text": "x"}, {"id": "a"}, {"text": "x"}]


_acts = st.sampled_from(["put", "put", "remove", "sync", "sync", "again", "page", "refill", "refill", "mend", "wait"])
_steps = st.lists(st.tuples(_acts, st.integers(0, 70)), min_size=10, max_size=40)


@settings(max_examples=400)
@given(_steps)
def test_whatever_is_doubled_or_stale_the_index_becomes_the_table(steps: list[tuple[str, int]]) -> None:
    """Creation times lag by up to a minute and ties do not order; a shard delivers in order, and may do so again."""
    world, now, delivered = World(), NOW, 0
    stream: list[dict[str, Any]] = []
    pages: list[Batch] = []
    for step, number in [*steps, ("sync", 999)]:
        id = "ab"[number % 2]
        world.date = now
        match step:
            case "put" | "remove":
                data = {
                    "Keys": key(id),
                    "ApproximateCreationDateTime": now - now % 60,
                    "SequenceNumber": str(number % 3),
                }
                if step == "put":
                    world.table[id] = data["NewImage"] = item(id, str(len(stream)))
                elif world.table.pop(id, None) is None:
                    continue
                stream.append({"eventName": "MODIFY" if step == "put" else "REMOVE", "dynamodb": data})
            case "sync":
                until = min(len(stream), delivered + 1 + number % 4 if number < 999 else len(stream))
                world.run(writing.sync(of_records(stream[delivered:until], SCHEMA), feeds()))
                delivered = until
            case "again" if delivered:
                start = number % delivered
                world.run(writing.sync(of_records(stream[start : start + 3][: delivered - start], SCHEMA), feeds()))
            case "page":
                pages.append(of_page(list(world.table.values()), SCHEMA, versions.of_page(now)))
            case "refill" if pages:
                world.run(writing.refill(pages[number % len(pages)], feeds()))
            case "mend":
                world.run(writing.mend({id: key(id)}, feeds()))
            case "wait":
                now += number
        world.requests.clear()
    found = {target.id: source for target, (_, source) in world.index.items() if source is not None}
    assert found == {id: document(id, made["text"]["S"]) for id, made in world.table.items()}

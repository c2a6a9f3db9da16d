"""Comparing an index with its table: what differs is found, what is on its way is not, and repair is checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from dynadex import verifying
from dynadex.core.attributes import Item, KeyAttribute, KeySchema
from dynadex.core.bulk import APPLIED, Answer, Operation, Status
from dynadex.core.comparing import loads
from dynadex.core.documents import Recipe
from dynadex.core.suspects import LONGEST_SECONDS, STABLE_SECONDS
from dynadex.core.writing import BROKEN_FROM, Failure, Found, Items, Target
from dynadex.engine import Engine, EngineError, EngineUnavailable, Response
from dynadex.mending import Mender
from dynadex.pacing import OutOfTime, Patience
from dynadex.scanning import Pages
from dynadex.table import Page, Table
from dynadex.verifying import Check, Counts, Example, IndexTruth, TableTruth
from tests.unit.core.writing_world import NOW, SCHEMA, V, document, item

ALIAS = "lessons-v1-write"


@dataclass
class Place:
    """A table and an index, with a clock that pauses move on; `on_pause` is told the time after each."""

    items: dict[str, Item] = field(default_factory=dict)
    documents: dict[str, tuple[int, Any]] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=lambda: Recipe("lessons"))
    schema: KeySchema = SCHEMA
    page_size: int = 3
    now: float = 0.0
    on_pause: Callable[[float], None] = lambda now: None
    refused: int = 0  # scans and looks that are refused before they are answered
    writes: list[Operation] = field(default_factory=list)
    refuse: bool = False
    kept: list[Failure] = field(default_factory=list)
    scrolled: list[Any] = field(default_factory=list)

    # -- A table

    def scan(self, start: Any = None, **options: Any) -> Page:
        keys = list(self.items)
        first = keys.index(start["id"]["S"]) + 1 if start else 0
        chosen = keys[first : first + self.page_size]
        last = {"id": {"S": chosen[-1]}} if first + self.page_size < len(keys) else None
        return Page([self.items[id] for id in chosen], last, NOW, 1.0)

    def read(self, keys: dict[str, Any]) -> Items:
        return Items({id: self.items.get(id) for id in keys}, NOW)

    # -- An index

    def look(
        self, targets: Sequence[Target], patience: Patience, texts: Sequence[bytes | None] = ()
    ) -> list[Found | Answer | None]:
        if self.refused:
            self.refused -= 1
            return [Answer(Status.RETRY, 0, "busy", "busy")] * len(targets)
        found = [self.documents.get(target.id, (0, None)) for target in targets]
        return [None if source is None else Found(version, source) for version, source in found]

    def write(self, operations: Sequence[Operation], patience: Patience) -> list[Answer]:
        return [self._write(operation) for operation in operations]

    def _write(self, operation: Operation) -> Answer:
        self.writes.append(operation)
        current = self.documents.get(operation.id, (-1, None))[0]
        if self.refuse and operation.source is not None:
            return Answer(Status.REFUSED, 0, "mapper_parsing_exception", "no")
        if current >= operation.version:
            return Answer(Status.CONFLICT, current)
        self.documents[operation.id] = (operation.version, operation.source and loads(operation.source))
        return APPLIED

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return {}

    def count(self, index: str, unseen: Collection[str] = (), **options: Any) -> int:
        return sum(source is not None and id not in unseen for id, (_, source) in self.documents.items())

    def send(self, method: str, path: str, body: bytes = b"", **options: Any) -> Response:
        asked = json.loads(body)
        self.scrolled.append((path, asked))
        first = int(asked["scroll_id"]) if "scroll_id" in asked else 0
        there = [(id, found) for id, found in sorted(self.documents.items()) if found[1] is not None]
        hits = [
            {
                "_id": id,
                "_version": version,
                **({"_source": source} if "scroll_id" in asked or asked["_source"] else {}),
            }
            for id, (version, source) in there[first : first + 2]
        ]
        answer = {"_scroll_id": str(first + 2), "hits": {"hits": hits}, "timed_out": False, "_shards": {"failed": 0}}
        return Response(200, json.dumps(answer).encode())

    # -- Verifying

    def pause(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += max(seconds, 0.001)
        self.on_pause(self.now)

    @property
    def table(self) -> Table:
        return cast(Table, self)

    @property
    def engine(self) -> Engine:
        return cast(Engine, self)

    def check(self, truth: Any = None, *, repair: bool = False, examples: int = 10) -> Check:
        truth = truth or TableTruth(self.table, self.recipe)
        mender = Mender(self.table, self.engine, ALIAS, self.recipe, patience, self.kept.extend) if repair else None
        return Check(
            truth,
            self.engine,
            ALIAS,
            patience,
            examples=examples,
            mender=mender,
            pause=self.pause,
            clock=lambda: self.now,
        )

    def verify(self, *, repair: bool = False, full: bool = False, examples: int = 10) -> Counts:
        check = self.check(repair=repair, examples=examples)
        pages = Pages(self.table, patience)
        try:
            truth = cast(TableTruth, check.truth)
            assert verifying.scan(check, truth, pages, None, lambda: False) is None
        finally:
            pages.close()
        slices = verifying.sweep_slices(check, check.documents, full=full)
        for slice in range(slices):
            verifying.sweep(check, slice, slices)
        check.finish()
        return check.counts


def patience() -> Patience:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += max(seconds, 0.001)

    return Patience(60, clock=lambda: clock[0], sleep=sleep)


NAMES = [f"k{number}" for number in range(7)]


@pytest.fixture
def place() -> Place:
    """Seven items and their documents."""
    return Place({name: item(name) for name in NAMES}, {name: (V, document(name)) for name in NAMES})


def test_an_index_that_is_right_has_no_differences_and_costs_no_time(place: Place) -> None:
    assert place.verify() == Counts(items=7, documents=7)
    assert (place.now, place.scrolled) == (0.0, [])


def test_what_differs_is_found_by_kind(place: Place) -> None:
    del place.documents["k1"]
    place.documents["k3"] = (V, document("k3", "old"))
    place.documents["other"] = (V, document("other"))
    found = place.verify()
    assert found == Counts(
        items=7,
        documents=7,
        missing=1,
        stale=1,
        ghosts=1,
        examples=[Example("k1", "missing", ""), Example("k3", "stale", "$.text"), Example("other", "ghost", "")],
    )
    assert found.differences == 3
    assert STABLE_SECONDS <= place.now <= STABLE_SECONDS + 1


def test_only_so_many_examples_are_kept(place: Place) -> None:
    place.documents.clear()
    found = place.verify(examples=2)
    assert (found.missing, [example.id for example in found.examples]) == (7, ["k0", "k1"])


def test_a_document_of_an_item_that_the_index_does_not_want_is_a_ghost_and_counted_once(place: Place) -> None:
    place.recipe = Recipe("lessons", match={"text": ("x",)})
    place.items["k2"] = item("k2", "not a lesson")
    place.items["k4"] = item("k4", "not a lesson")
    del place.documents["k4"]
    assert place.verify(full=True) == Counts(items=7, documents=6, ghosts=1, examples=[Example("k2", "ghost", "")])


def test_documents_without_items_are_only_looked_for_where_the_counts_say_so_or_all_are_asked_for(place: Place) -> None:
    place.verify()
    assert place.scrolled == []
    place.verify(full=True)
    assert place.scrolled
    place.documents["other"] = (V, document("other"))
    assert place.verify().ghosts == 1


def test_a_document_missing_and_another_without_item_are_both_found_though_the_counts_agree(place: Place) -> None:
    del place.documents["k1"]
    place.documents["other"] = (V, document("other"))
    found = place.verify()
    assert (found.missing, found.ghosts) == (1, 1)


def test_a_write_on_its_way_is_no_difference(place: Place) -> None:
    place.items["k1"] = item("k1", "new")
    del place.items["k2"]
    place.items["k7"] = item("k7")

    def arrive(now: float) -> None:
        if now > 3:
            place.documents["k1"] = (V + 64, document("k1", "new"))
            place.documents["k2"] = (V + 64, None)
            place.documents["k7"] = (V + 64, document("k7"))

    place.on_pause = arrive
    assert place.verify(full=True) == Counts(items=7, documents=7)


def test_a_key_that_never_stands_still_is_in_flight(place: Place) -> None:
    def write(now: float) -> None:
        place.items["k1"] = item("k1", f"at {now}")
        place.documents["k1"] = (V + int(now * 1000), document("k1", "behind"))

    write(0.0)
    place.on_pause = write
    found = place.verify()
    assert (found.in_flight, found.differences, found.documents) == (1, 0, 7)
    assert place.now >= LONGEST_SECONDS


def test_repair_lets_the_table_settle_what_differs_and_compares_it_again(place: Place) -> None:
    place.documents["k1"] = (V + 4096, None)  # a tombstone
    place.documents["k3"] = (V, document("k3", "old"))
    place.documents["other"] = (V, document("other"))
    found = place.verify(repair=True)
    assert (found.missing, found.stale, found.ghosts, found.repaired, found.differences) == (1, 1, 1, 3, 0)
    assert found.documents == 7
    assert {id: source for id, (_, source) in place.documents.items() if source} == {n: document(n) for n in NAMES}
    assert all(place.documents[id][0] > V for id in ("k1", "k3", "other"))
    assert {operation.id for operation in place.writes} == {"k1", "k3", "other"}


def test_a_document_whose_id_is_no_key_is_deleted_at_the_version_after_its_own() -> None:
    place = Place(schema=KeySchema(KeyAttribute("id", "S"), KeyAttribute("text", "S")))
    place.items = {"a|x": item("a")}
    place.documents = {"a|x": (V, document("a")), "foreign": (V, {"any": "thing"}), "a|b|c": (1, {})}
    found = place.verify(repair=True)
    assert (found.ghosts, found.repaired, found.documents) == (2, 2, 1)
    assert place.documents["foreign"] == (V + 1, None)
    assert place.documents["a|b|c"] == (2, None) or place.documents["a|b|c"] == (3, None)


def test_what_the_engine_refuses_stays_a_difference_and_is_counted_once(place: Place) -> None:
    del place.documents["k1"]
    place.refuse = True
    found = place.verify(repair=True)
    assert (found.missing, found.repaired, found.differences) == (1, 0, 1)
    [kept] = place.kept
    assert (kept.id, kept.index, kept.kind, kept.type) == ("k1", "lessons", "refused", "mapper_parsing_exception")


def test_where_the_engine_takes_none_of_many_all_stay_differences(place: Place) -> None:
    place.items = {f"k{number}": item(f"k{number}") for number in range(30)}
    place.documents.clear()
    place.refuse = True
    found = place.verify(repair=True)
    assert (found.missing, found.repaired, found.differences) == (30, 0, 30)
    assert len(place.kept) < BROKEN_FROM, "they drained into the queue"


def test_many_that_fail_among_more_that_are_right_are_failures_of_their_own(place: Place) -> None:
    place.items = {f"k{number}": item(f"k{number}") for number in range(90)}
    place.documents = {f"k{number}": (V, document(f"k{number}")) for number in range(60)}
    place.page_size = 30
    place.refuse = True
    found = place.verify(repair=True)
    assert (found.missing, found.differences) == (30, 30)
    assert sorted(failure.id for failure in place.kept) == sorted(f"k{number}" for number in range(60, 90))


def test_an_item_that_makes_no_document_differs_and_is_not_repaired(place: Place) -> None:
    def broken(plain: dict[str, Any]) -> dict[str, Any]:
        if plain["text"] == "broken":
            raise KeyError("no")
        return plain

    place.recipe = Recipe("lessons", broken)
    place.items["k1"] = item("k1", "broken")
    found = place.verify(repair=True)
    assert (found.failed, found.repaired, found.documents, place.writes) == (1, 0, 7, [])
    assert found.examples == [Example("k1", "failed", "")]
    [kept] = place.kept
    assert (kept.id, kept.kind, kept.type) == ("k1", "transform", "KeyError")


def test_an_item_whose_key_makes_no_id_differs(place: Place) -> None:
    place.items["long"] = item("x" * 600)
    found = place.verify()
    assert (found.failed, found.items) == (1, 8)
    place.verify(repair=True)
    [kept] = place.kept
    assert (kept.id, kept.kind, kept.key) == ("", "key", {"id": {"S": "x" * 600}})


def test_a_halt_hands_on_the_key_of_the_last_page_that_was_compared(place: Place) -> None:
    keys, seen, start = [], 0, None
    while True:
        check = place.check()
        pages = Pages(place.table, patience)
        start = verifying.scan(check, cast(TableTruth, check.truth), pages, start, lambda: True)
        pages.close()
        seen += check.counts.items
        if start is None:
            break
        keys.append(start["id"]["S"])
    assert (keys, seen) == (["k2", "k5"], 7)


def test_what_the_engine_cannot_answer_now_is_asked_again_and_in_the_end_raised(place: Place) -> None:
    place.refused = 3
    assert place.verify() == Counts(items=7, documents=7)
    place.refused = 10_000
    with pytest.raises(OutOfTime, match="busy"):
        place.verify()


def test_more_differences_than_may_be_under_suspicion_wait_for_each_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_SUSPECTS", 2)
    place.documents.clear()
    check = place.check()
    pages = Pages(place.table, patience)
    most = 0

    def count(now: float) -> None:
        nonlocal most
        most = max(most, check.doubts)

    place.on_pause = count
    verifying.scan(check, cast(TableTruth, check.truth), pages, None, lambda: False)
    pages.close()
    check.finish()
    assert check.counts.missing == 7
    assert most <= 2 + place.page_size


def test_two_indices_are_compared_in_both_directions(place: Place) -> None:
    other = Place(documents=dict(place.documents))
    del place.documents["k1"]
    place.documents["k3"] = (V + 9, document("k3", "here"))
    place.documents["here"] = (V, document("here"))
    truth = IndexTruth(other.engine, ALIAS)
    check = place.check(truth)
    verifying.scan_index(check, truth, 0, 1)
    verifying.sweep(check, 0, 1)
    check.finish()
    found = check.counts
    assert (found.items, found.documents, found.missing, found.stale, found.ghosts) == (7, 7, 1, 1, 1)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Response(404, b'{"error": "no such index"}')], EngineError),
        ([Response(200, b'{"_scroll_id":"2","hits":{"hits":[{"_id":"a"}]},"_shards":{"failed":0}}')] * 1
         + [Response(503, b"")], EngineUnavailable),
        ([Response(200, b'{"_scroll_id":"2","hits":{"hits":[{"_id":"a"}]},"_shards":{"failed":0}}')] * 1
         + [Response(200, b'{"_scroll_id":"2","hits":{"hits":[]},"_shards":{"failed":1}}')], EngineUnavailable),
    ],
)  # fmt: skip
def test_a_page_of_a_sweep_that_is_lost_is_never_passed_over(
    place: Place, answers: list[Response], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = iter(answers)
    monkeypatch.setattr(place, "send", lambda *arguments, **options: next(waiting))
    with pytest.raises(error):
        verifying.sweep(place.check(), 0, 1)


def test_counts_are_handed_on_as_they_are() -> None:
    counts = Counts(1, 2, 3, 4, 5, 6, 7, 8, 9.5, [Example("a", "stale", "$.b")])
    assert Counts.of_json(json.loads(json.dumps(counts.to_json()))) == counts
    assert counts.to_json()["inFlight"] == 7
    assert Counts.of_json({}) == Counts()
    total = Counts()
    total.add(counts, 10)
    total.add(counts, 1)
    assert (total.items, total.seconds, total.examples) == (2, 19.0, [Example("a", "stale", "$.b")])

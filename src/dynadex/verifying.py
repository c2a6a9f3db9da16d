"""Whether an index holds what its table says, and its repair.

Two directions, for neither finds what the other does:
- `scan`, from the table: each item makes the document that the index must have, or none that it must not have. This
  finds what is missing or stale, and documents of items that the index does not want.
- `sweep`, from the index: documents that no item is behind, foreign ones too, whose id is no key of the table. It is
  only needed where the engine counts other documents than the scan saw.

A difference is a suspicion first (`core.suspects`): both sides are read again until it is certain, so writes on their
way give no false report. What is certain can be repaired: settled by the table through the write protocol, and
compared again. Memory is flat: a page, and at most `MOST_SUSPECTS` ids under suspicion.

Two regions' indices are compared in the same way, with the other index in the place of the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, Protocol

from .core import versions
from .core.attributes import InvalidKey, Item, dumps
from .core.bulk import Answer
from .core.comparing import first_difference, loads
from .core.documents import Recipe, TransformFailed
from .core.suspects import Kind, Sight, Suspects, Verdict
from .core.writing import BROKEN_FROM, Failure, Found, Target
from .engine import Engine
from .mending import Mender, keys_of
from .pacing import Budget, Patience
from .scanning import Key, Pages, count, scroll
from .table import Table

#: So many differences are under suspicion at once; more wait for these, so that memory stays flat.
MOST_SUSPECTS = 10_000
#: A slice of a sweep has about so many documents: few enough for the time that a round has left after its halt.
SLICE_DOCUMENTS = 20_000
#: The engines' default limit.
_MOST_SLICES = 1024
_LOOKS_AT_ONCE = 1_000
_PATH_LENGTH = 200
_READ_UNIT_BYTES = 4096


class Example(NamedTuple):
    """A difference: the document's id, and for a stale one the first path that differs. It never holds a value."""

    id: str
    kind: Kind
    path: str


@dataclass(slots=True)
class Counts:
    """What was found. `documents` are those there in the end; `failed` items make no document, as the failures queue
    says; `repaired` ones are among the differences. `seconds` is time spent.
    """

    items: int = 0
    documents: int = 0
    missing: int = 0
    stale: int = 0
    ghosts: int = 0
    failed: int = 0
    in_flight: int = 0
    repaired: int = 0
    seconds: float = 0.0
    examples: list[Example] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """How many documents still differ."""
        return self.missing + self.stale + self.ghosts + self.failed - self.repaired

    def add(self, other: Counts, examples: int) -> None:
        """Adds what was found elsewhere; keeps up to `examples` of both."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.examples = (self.examples + other.examples)[:examples]

    def count(self, id: str, sight: Sight, examples: int) -> None:
        """Counts a difference that is certain."""
        match sight.kind:
            case "missing":
                self.missing += 1
            case "stale":
                self.stale += 1
            case "ghost":
                self.ghosts += 1
            case "failed":
                self.failed += 1
        if sight.kind and len(self.examples) < examples:
            self.examples.append(Example(id, sight.kind, sight.path[:_PATH_LENGTH]))

    def to_json(self) -> dict[str, Any]:
        """As rounds hand it on and the command prints it."""
        document: dict[str, Any] = {_JSON.get(name, name): getattr(self, name) for name in _NUMBERS}
        document["seconds"] = round(self.seconds, 3)
        return document | {"examples": [example._asdict() for example in self.examples]}

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Counts:
        """Reads what `to_json` made; what is absent is none."""
        numbers = {name: document.get(_JSON.get(name, name), 0) for name in _NUMBERS}
        return cls(**numbers, examples=[Example(**example) for example in document.get("examples", ())])


_NUMBERS = ("items", "documents", "missing", "stale", "ghosts", "failed", "in_flight", "repaired", "seconds")
_JSON = {"in_flight": "inFlight"}


class Expected(NamedTuple):
    """What an index should hold for an id: as a recipe made it, or as `comparing.loads` read it; None for no document.

    `mark` changes whenever that does.
    """

    made: Any
    mark: Hashable
    failed: bool = False

    @property
    def document(self) -> Any:
        """The document as `comparing.loads` reads it; JSON values are never bytes."""
        return loads(self.made) if type(self.made) is bytes else self.made


_NOTHING = Expected(None, None)


class Truth(Protocol):
    """What an index is compared with."""

    @property
    def unseen(self) -> frozenset[str]:
        """The ids that are passed over: heartbeats, which change all the time."""

    def expect(self, ids: Sequence[str], patience: Patience) -> dict[str, Expected]:
        """What should be there now for each of these ids."""

    def there(self, ids: Sequence[str], patience: Patience) -> Collection[str]:
        """The ids that there is anything behind now, wanted or not."""


class TableTruth:
    """The items of a table, read consistently, as the index's recipe makes documents of them."""

    def __init__(
        self, table: Table, recipe: Recipe, budget: Budget | None = None, unseen: Collection[str] = ()
    ) -> None:
        self.table, self.recipe, self.unseen = table, recipe, frozenset(unseen)
        self._budget = budget or Budget(0)

    def expect(self, ids: Sequence[str], patience: Patience) -> dict[str, Expected]:
        items = self._read(ids, patience)
        return {id: self.of(items.get(id)) for id in ids}

    def there(self, ids: Sequence[str], patience: Patience) -> Collection[str]:
        return self._read(ids, patience).keys()

    def _read(self, ids: Sequence[str], patience: Patience) -> dict[str, Item]:
        """The items that are there."""
        found: dict[str, Item] = {}
        waiting = {id: key for id, key in keys_of(ids, self.table.schema).items() if key is not None}
        attempt = 0
        while waiting:
            time.sleep(self._budget.wait())
            items = self.table.read(waiting).items
            for id, item in items.items():
                if item is not None:
                    found[id] = item
                self._budget.spend(1 if item is None else -(-len(dumps(item)) // _READ_UNIT_BYTES))
            waiting = {id: key for id, key in waiting.items() if id not in items}
            attempt = 1 if items else attempt + 1
            if waiting:
                patience.pause(attempt, "the table did not get to all keys")
        return found

    def of(self, item: Item | None) -> Expected:
        """What one item makes."""
        if item is None:
            return _NOTHING
        try:
            document = self.recipe.document(item)
        except TransformFailed as error:
            return Expected(None, error.type, failed=True)
        return Expected(None, None) if document is None else Expected(document, hash(document))


class IndexTruth:
    """The documents of another index."""

    def __init__(self, engine: Engine, alias: str, unseen: Collection[str] = ()) -> None:
        self.engine, self.alias, self.unseen = engine, alias, frozenset(unseen)

    def expect(self, ids: Sequence[str], patience: Patience) -> dict[str, Expected]:
        found = look(self.engine, self.alias, ids, patience)
        return {id: _NOTHING if one is None else Expected(one.source, one.version) for id, one in found.items()}

    def there(self, ids: Sequence[str], patience: Patience) -> Collection[str]:
        return {id for id, one in look(self.engine, self.alias, ids, patience).items() if one is not None}


def look(
    engine: Engine, alias: str, ids: Sequence[str], patience: Patience, expected: Mapping[str, Expected] | None = None
) -> dict[str, Found | None]:
    """The documents as they are now; one that is byte for byte what is `expected` has that as its source.

    Raises `OutOfTime` where the engine does not answer for long.
    """
    found: dict[str, Found | None] = {}
    waiting = list(ids)
    attempt = 0
    while waiting:
        reason, again = "", []
        texts = [_text(expected[id]) for id in waiting] if expected else ()
        answers = engine.look([Target(alias, id) for id in waiting], patience, texts)
        for id, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Answer):
                reason = f"{answer.type}: {answer.reason}"
                again.append(id)
            else:
                found[id] = answer
        attempt = attempt + 1 if len(again) == len(waiting) else 1
        waiting = again
        if waiting:
            patience.pause(attempt, reason)
    return found


class Check:
    """Compares documents of one index with what should be there, and counts what differs.

    `mender`, if given, repairs. What fails then goes into the failures queue, unless most documents looked at do: that
    is a broken mapping or transform, and nothing may drain there. `pause` waits, `clock` counts seconds.
    """

    def __init__(
        self,
        truth: Truth,
        engine: Engine,
        alias: str,
        patience: Callable[[], Patience],
        *,
        examples: int = 10,
        mender: Mender | None = None,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.truth, self.engine, self.alias, self.patience = truth, engine, alias, patience
        self.counts = Counts()
        self.passed = 0  # items and documents gone through so far, for a progress bar
        self._examples, self._mender, self._pause, self._clock = examples, mender, pause, clock
        self._suspects = Suspects()
        self._mended: set[str] = set()
        self._right = self._failed = 0

    @property
    def documents(self) -> int:
        """How many documents were there, those under suspicion included."""
        return self.counts.documents + self._suspects.documents

    @property
    def doubts(self) -> int:
        """How many documents are under suspicion."""
        return len(self._suspects)

    def compare(self, expected: Mapping[str, Expected]) -> None:
        """Compares the documents of these ids; what differs is suspected from now on."""
        for id, sight in self._sights(self.seen(expected)).items():
            if sight.kind is None:
                self._right += 1
                self.counts.documents += sight.version is not None
            else:
                self._suspects.suspect(id, sight, self._clock())
        self.look_again()
        while len(self._suspects) > MOST_SUSPECTS:
            self._pause(self._suspects.wait(self._clock()))
            self.look_again()

    def seen(self, expected: Mapping[str, Expected]) -> Mapping[str, Expected]:
        """What is not passed over."""
        if self.truth.unseen.isdisjoint(expected):
            return expected
        return {id: one for id, one in expected.items() if id not in self.truth.unseen}

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on from here, as JSON: between two pages or slices."""
        told = {"right": self._right, "failed": self._failed, "mended": sorted(self._mended)}
        return told | {"counts": self.counts.to_json(), "suspects": self._suspects.ids()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from the state of another check; what that had under suspicion is suspected again."""
        self.counts = Counts.of_json(state["counts"])
        self._right, self._failed, self._mended = state["right"], state["failed"], set(state["mended"])
        waiting = iter(state["suspects"])
        while ids := list(islice(waiting, _LOOKS_AT_ONCE)):
            for id, sight in self._sights(self.truth.expect(ids, self.patience())).items():
                self._suspects.suspect(id, sight, self._clock())  # also what is right by now: the next look says so

    def look_again(self) -> None:
        """Looks again at the suspects that are due."""
        while ids := self._suspects.due(self._clock(), _LOOKS_AT_ONCE):
            certain: dict[str, Sight] = {}
            for id, sight in self._sights(self.truth.expect(ids, self.patience())).items():
                verdict = self._suspects.seen(id, sight, self._clock())
                if verdict is Verdict.CERTAIN:
                    certain[id] = sight
                elif verdict is not Verdict.WAITING:
                    self.counts.documents += sight.version is not None
                    self.counts.in_flight += verdict is Verdict.IN_FLIGHT
                    self.counts.repaired += verdict is Verdict.GONE and id in self._mended
                    self._mended.discard(id)
            self._conclude(certain)

    def finish(self) -> None:
        """Waits until no document is under suspicion."""
        while len(self._suspects):
            self._pause(self._suspects.wait(self._clock()))
            self.look_again()

    def unkeyed(self, key: Key, reason: str, version: int) -> None:
        """Counts an item whose key makes no id: no index can have it."""
        self.counts.count("", Sight("failed", "", None, None), self._examples)
        if self._mender:
            self._keep([self._mender.unkeyed(key, reason, version)])

    def _sights(self, expected: Mapping[str, Expected]) -> dict[str, Sight]:
        found = look(self.engine, self.alias, list(expected), self.patience(), expected)
        return {id: sight_of(one, found[id]) for id, one in expected.items()}

    def _conclude(self, certain: Mapping[str, Sight]) -> None:
        """Counts what is certain, and repairs it where that is asked; what was repaired before is left as it is."""
        mendable = []
        for id, one in certain.items():
            again = id in self._mended
            if not again:
                self.counts.count(id, one, self._examples)
            if self._mender and not again:
                mendable.append(id)
            else:
                self.counts.documents += one.version is not None
                self._mended.discard(id)
        if self._mender and mendable:
            self._keep(self._mender.mend(mendable))
            for id, one in self._sights(self.truth.expect(mendable, self.patience())).items():
                if one.kind in (None, "failed"):  # what makes no document can only be kept
                    self.counts.repaired += one.kind is None
                    self.counts.documents += one.version is not None
                else:
                    self._suspects.suspect(id, one, self._clock())
                    self._mended.add(id)

    def _keep(self, failures: list[Failure]) -> None:
        self._failed += len(failures)
        if self._mender and failures and (self._failed < BROKEN_FROM or self._failed <= self._right):
            self._mender.keep(failures)


def _text(expected: Expected) -> bytes | None:
    return expected.made if type(expected.made) is bytes else None


def sight_of(expected: Expected, found: Found | None) -> Sight:
    """How a document differs from what should be there, if it does."""
    kind: Kind | None = None
    path = ""
    if expected.failed:
        kind = "failed"
    elif expected.made is None:
        kind = None if found is None else "ghost"
    elif found is None:
        kind = "missing"
    elif found.source is not expected.made and (path := first_difference(expected.document, found.source)):
        kind = "stale"
    return Sight(kind, path, expected.mark, None if found is None else found.version)


def scan(
    check: Check,
    truth: TableTruth,
    pages: Pages,
    start: Key | None,
    halted: Callable[[], bool],
    compared: Callable[[Key | None], None] = lambda key: None,
) -> Key | None:
    """Compares a segment's items, from the key `start` on, until its end or the halt; returns the key to go on from.

    `compared` is called with that key after each page. `check.finish` is still to follow.
    """
    coming = pages.fetch(start)
    schema = truth.table.schema
    while True:
        page = coming.result()
        over = page.last_key is None or halted()
        if not over:
            coming = pages.fetch(page.last_key)
        expected = {}
        for item in page.items:
            try:
                expected[schema.id_of(item)] = truth.of(item)
            except InvalidKey as error:
                key = {part.name: item[part.name] for part in schema.attributes if part.name in item}
                check.unkeyed(key, str(error), versions.of_page(page.date))
        check.compare(expected)
        check.counts.items += len(page.items) - (len(expected) - len(check.seen(expected)))
        check.passed += len(page.items)
        compared(page.last_key)
        if over:
            return page.last_key


def scan_index(check: Check, truth: IndexTruth, slice: int, slices: int) -> None:
    """Compares the documents of a slice of the other index with this one's; `check.finish` is still to follow."""
    for hits in scroll(truth.engine, truth.alias, check.patience, source=True, slice=slice, slices=slices, page=500):
        expected = check.seen({hit["_id"]: Expected(hit["_source"], hit["_version"]) for hit in hits})
        check.compare(expected)
        check.counts.items += len(expected)
        check.passed += len(hits)


def sweep(check: Check, slice: int, slices: int) -> None:
    """Looks for documents in a slice of the index that nothing is behind; `check.finish` is still to follow.

    Those of items that are there but not wanted are the scan's to find.
    """
    for hits in scroll(check.engine, check.alias, check.patience, source=False, slice=slice, slices=slices):
        ids = [hit["_id"] for hit in hits]
        there = check.truth.there(ids, check.patience())
        check.compare({id: _NOTHING for id in ids if id not in there})
        check.passed += len(hits)


def slices_of(documents: int, read_capacity: float = 0) -> int:
    """In how many slices to go through an index of so many documents.

    With a budget of read units a second they are smaller: one must not take long.
    """
    size = min(SLICE_DOCUMENTS, max(500, int(read_capacity * 30))) if read_capacity else SLICE_DOCUMENTS
    return min(_MOST_SLICES, max(1, -(-documents // size)))


def sweep_slices(check: Check, seen: int, *, full: bool, read_capacity: float = 0) -> int:
    """In how many slices the index is to be swept after a scan that saw so many documents; 0: it need not be."""
    documents = count(check.engine, check.alias, check.patience, check.truth.unseen)
    return slices_of(documents, read_capacity) if full or documents != seen else 0

"""The write protocol: the only code that says what is written to an index, and what each answer means.

Each protocol is a generator. It yields a request (`Write`, `Look`, `Read`, `Pause`), is sent its answer, and
returns an `Outcome`. It touches no socket and no clock, so the functions drive it against real engines and tables, and
the simulator drives the very same code against models of them, with every fault it knows.

The rules:

1. Every write and every deletion carries an external version and is strict: the engine applies it only if its version
   is higher than the one there.
2. `sync`, for the changes of a stream batch. A conflict tells the version E that is there.
   - E is mine, of gen 0: look. What is there is what I would write: done, this was a retry. Anything else is settled:
     two records of a second can share a tie, so the number alone proves nothing.
   - E is more than the margin ahead of mine: something later is there. Done.
   - Otherwise settle.
3. `settle`: let the table decide. *After* E is known, read the item consistently and write that state, or a deletion,
   at the version after E. On a conflict, again with the new E.
4. `refill`, for the items of a scan page, at the page's version. On a conflict look: a document is there, so it is
   newer; nothing is there, so somebody emptied the index and a tombstone's version is left: settle.
5. `mend`, for verify's repair and redrive: settle. Where no document shows a version, a tombstone may hide one; then it
   begins with a refill's version, and a conflict tells E. A document whose id is no key of the table is settled too:
   no item can be behind it, so it is deleted, at the version after its own. What failed left no version in the index,
   and its write may still arrive and be taken once the mapping is mended: a redrive settles above the version that
   failed.
6. A transform that raises, or a document that the engine refuses for its content, is a `Failure`; the rest goes on. If
   20 or more fail for a generation and it takes none, that is a broken mapping or transform: when all the others are
   written, `BatchRefused` is raised.
7. What the engine or the table could not answer now is asked again after a `Pause`. Whoever drives the protocol
   decides how long that is, and raises when there is no time left: then the whole batch comes again, which is harmless.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from . import versions
from .attributes import AttributeValue, Item, KeySchema
from .bulk import Answer, Operation, Status
from .changes import Batch, Change
from .comparing import loads, same
from .documents import Recipe, TransformFailed

Key = Mapping[str, AttributeValue]
#: Keys by document id. None for an id that is no key of the table: no item can be behind it.
Keys = Mapping[str, Key | None]

#: A batch with at least this many documents of one index, all of them refused, is a broken mapping or transform.
BROKEN_FROM = 20


class Target(NamedTuple):
    """One document's place: a generation (by its write alias) and an id."""

    alias: str
    id: str


class Found(NamedTuple):
    """A document that is there; `source` as `comparing.loads` reads it."""

    version: int
    source: Any


class Feeds(NamedTuple):
    """What a table's changes are written to: each generation that is fed, with the recipe of its index."""

    schema: KeySchema
    recipes: Mapping[str, Recipe]  # write alias of a generation -> recipe


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that an index could not take; what the failures queue keeps.

    It holds no content of the item but the key, and what a transform itself says in its error.
    """

    key: Key
    id: str  # "" where the key makes no id
    index: str  # logical name
    alias: str  # of the generation
    kind: Literal["transform", "refused", "key"]
    type: str
    reason: str
    version: int


@dataclass(slots=True)
class Outcome:
    """What a protocol did, in numbers of documents (each generation counts), and its failures."""

    indexed: int = 0
    deleted: int = 0
    conflicts: int = 0
    repeated: int = 0  # conflicts that were a retry of the same write
    superseded: int = 0  # conflicts with something later
    settled: int = 0
    pauses: int = 0
    failures: list[Failure] = field(default_factory=list)
    # the generations that took a document, or had a later one
    taken: set[str] = field(default_factory=set, repr=False, compare=False)

    def checked(self) -> Outcome:
        """Itself. Raises `BatchRefused` where a generation refused a whole batch: only when all others are written,
        so that one that is broken (a new one, being rebuilt) keeps nothing from those that are not."""
        refused: dict[str, list[Failure]] = {}
        for failure in self.failures:
            refused.setdefault(failure.alias, []).append(failure)
        for alias, failures in refused.items():
            if len(failures) >= BROKEN_FROM and alias not in self.taken:
                raise BatchRefused(failures)
        return self

    def add(self, other: Outcome) -> None:
        """Adds another outcome's numbers and failures to this one."""
        for name in ("indexed", "deleted", "conflicts", "repeated", "superseded", "settled", "pauses"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failures.extend(other.failures)


class BatchRefused(Exception):
    """Every document of a whole batch was refused: a broken mapping or transform; nothing may drain into the queue."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        first = failures[0]
        super().__init__(
            f"all {len(failures)} documents for {first.alias or first.index} were refused, the first with {first.type}"
        )
        self.failures = failures


class Making:
    """Operations that are made as they are first asked for: an engine works on some while the others are made.

    Asked for again they are the same. `most` is how many there can be.
    """

    def __init__(self, making: Iterator[Operation], most: int) -> None:
        self._making, self._most = making, most
        self._made: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        yield from self._made
        for operation in self._making:
            self._made.append(operation)
            yield operation

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __length_hint__(self) -> int:
        return self._most


class Write(NamedTuple):
    """Send these operations; answered by one `Answer` for each, in order."""

    operations: Iterable[Operation]


class Look(NamedTuple):
    """Fetch these documents, not a stale copy; answered by `Found`, None (not there) or `Answer` (RETRY) for each."""

    targets: Sequence[Target]


class Read(NamedTuple):
    """Read these items with consistent reads; `keys` by id. Answered by `Items`."""

    keys: Mapping[str, Key]


class Items(NamedTuple):
    """What the table answered: an item, or None where there is none, for each id; ids it did not get to are absent.

    `date` is the server's date of the answer, in seconds since 1970.
    """

    items: Mapping[str, Item | None]
    date: int


class Pause(NamedTuple):
    """Wait before asking again, for the `attempt`th time in a row (1, 2, ...); answered by None."""

    attempt: int
    reason: str


Request = Write | Look | Read | Pause
T = TypeVar("T")
Protocol = Generator[Request, Any, T]


def sync(batch: Batch, feeds: Feeds) -> Protocol[Outcome]:
    """Applies the changes of a stream batch, which holds at most one change a key."""
    outcome = Outcome()
    operations = _making(batch, feeds, outcome, skip_unmatched=False)
    keys = {change.id: change.key for change in batch.changes}
    conflicts = yield from _write(operations, keys, feeds, outcome)

    unsettled: dict[Target, int] = {}
    mine: list[tuple[Operation, int]] = []
    for operation, there in conflicts:
        if there == operation.version and versions.gen(there) == 0:
            mine.append((operation, there))
        elif versions.second(there) > versions.second(operation.version) + versions.MARGIN_SECONDS:
            outcome.superseded += 1
            _took(operation, outcome)
        else:
            unsettled[Target(operation.alias, operation.id)] = there
    if mine:
        found = yield from _look([Target(operation.alias, operation.id) for operation, _ in mine], outcome)
        for (operation, there), document in zip(mine, found, strict=True):
            if _is_what_i_write(operation, document):
                outcome.repeated += 1
                _took(operation, outcome)
            else:
                unsettled[Target(operation.alias, operation.id)] = there
    yield from _settle(unsettled, keys, feeds, outcome)
    return outcome.checked()


def refill(batch: Batch, feeds: Feeds) -> Protocol[Outcome]:
    """Writes the items of one scan page, all at the page's version."""
    outcome = Outcome()
    operations = _making(batch, feeds, outcome, skip_unmatched=True)
    keys = {change.id: change.key for change in batch.changes}
    conflicts = yield from _write(operations, keys, feeds, outcome)
    if conflicts:
        unsettled: dict[Target, int] = {}
        found = yield from _look([Target(operation.alias, operation.id) for operation, _ in conflicts], outcome)
        for (operation, there), document in zip(conflicts, found, strict=True):
            if document is not None:
                outcome.superseded += 1
                _took(operation, outcome)
            else:
                unsettled[Target(operation.alias, operation.id)] = there
        yield from _settle(unsettled, keys, feeds, outcome)
    return outcome.checked()


def settle(known: Mapping[Target, int], keys: Keys, feeds: Feeds) -> Protocol[Outcome]:
    """Lets the table decide these documents.

    `known` holds the version last seen in the index for each: it must have been seen *before* the table is read, or
    the state written could be older than the one it replaces. `keys` has each id's key.
    """
    outcome = Outcome()
    yield from _settle(dict(known), keys, feeds, outcome)
    return outcome.checked()


def mend(keys: Keys, feeds: Feeds, failed: Mapping[str, int] | None = None) -> Protocol[Outcome]:
    """Makes every fed generation's documents of these keys (by id) what the table says: verify's repair and redrive.

    `failed` has the highest version at which a key's document failed, by id.
    """
    outcome = Outcome()
    targets = [Target(generation, id) for id in keys for generation in feeds.recipes]
    found = yield from _look(targets, outcome)
    known: dict[Target, int] = {}
    hidden: list[Target] = []
    for target, document in zip(targets, found, strict=True):
        if seen := max(document.version if document else 0, failed.get(target.id, 0) if failed else 0):
            known[target] = seen
        else:
            hidden.append(target)
    if hidden:
        items, date = yield from _read({target.id: keys[target.id] for target in hidden}, outcome)
        version = versions.of_page(date)
        operations = []
        for target in hidden:
            source = _document(target, items[target.id], keys[target.id], version, feeds, outcome)
            if isinstance(source, bytes):
                operations.append(Operation(target.alias, target.id, version, source))
        for operation, there in (yield from _write(operations, keys, feeds, outcome)):
            known[Target(operation.alias, operation.id)] = there
    yield from _settle(known, keys, feeds, outcome)
    return outcome.checked()


_FAILED = object()


def _making(batch: Batch, feeds: Feeds, outcome: Outcome, *, skip_unmatched: bool) -> Making:
    most = len(batch.changes) * len(feeds.recipes)
    return Making(_operations(batch, feeds, outcome, skip_unmatched=skip_unmatched), most)


def _operations(batch: Batch, feeds: Feeds, outcome: Outcome, *, skip_unmatched: bool) -> Iterator[Operation]:
    """One operation for each change and generation.

    A refill skips what `match` says is not this index's: in a table of many kinds of items that would be most of them,
    and a document that such an item may have left behind is the stream's to delete, or a sweep's.
    """
    for generation, recipe in feeds.recipes.items():
        outcome.failures += (
            Failure(unkeyed.key, "", recipe.index, generation, "key", "InvalidKey", unkeyed.reason, unkeyed.version)
            for unkeyed in batch.unkeyed
        )
        for change in batch.changes:
            if skip_unmatched and recipe.match and change.image is not None and not recipe.matches(change.image):
                continue
            try:
                source = recipe.document(change.image)
            except TransformFailed as error:
                outcome.failures.append(_transform_failure(change, recipe, generation, error))
                continue
            yield Operation(generation, change.id, change.version, source)


def _write(
    operations: Iterable[Operation], keys: Keys, feeds: Feeds, outcome: Outcome, *, settling: bool = False
) -> Protocol[list[tuple[Operation, int]]]:
    """Writes until each operation is applied, refused or in conflict; returns the conflicts with the version there."""
    conflicts: list[tuple[Operation, int]] = []
    attempt = 0
    while operations:
        answers: Sequence[Answer] = yield Write(operations)
        again: list[Operation] = []
        reason = ""
        for operation, answer in zip(operations, answers, strict=True):
            if answer.status is Status.APPLIED:
                if operation.source is None:
                    outcome.deleted += 1
                else:
                    outcome.indexed += 1
                    _took(operation, outcome)
                outcome.settled += settling
            elif answer.status is Status.CONFLICT:
                outcome.conflicts += 1
                conflicts.append((operation, answer.current))
            elif answer.status is Status.REFUSED:
                outcome.failures.append(_refusal(operation, answer, keys, feeds))
            else:
                again.append(operation)
                reason = f"{answer.type}: {answer.reason}"
        attempt = attempt + 1 if len(again) == len(answers) else 1
        operations = again
        if again:
            outcome.pauses += 1
            yield Pause(attempt, reason)
    return conflicts


def _took(operation: Operation, outcome: Outcome) -> None:
    """Notes that a generation took a document, or would have: what it has instead is later, or the same."""
    if operation.source is not None:
        outcome.taken.add(operation.alias)


def _settle(known: dict[Target, int], keys: Keys, feeds: Feeds, outcome: Outcome) -> Protocol[None]:
    attempt = 0
    while known:
        items, _ = yield from _read({target.id: keys[target.id] for target in known}, outcome)
        operations = []
        for target, there in known.items():
            version = versions.after(there)
            source = _document(target, items[target.id], keys[target.id], version, feeds, outcome)
            if source is not _FAILED:
                operations.append(Operation(target.alias, target.id, version, source))
        conflicts = yield from _write(operations, keys, feeds, outcome, settling=True)
        known = {Target(operation.alias, operation.id): there for operation, there in conflicts}
        attempt += 1
        if known and attempt > 2:  # somebody else writes these keys right now: let them finish
            outcome.pauses += 1
            yield Pause(attempt - 2, "others are writing the same documents")


def _look(targets: Sequence[Target], outcome: Outcome) -> Protocol[list[Found | None]]:
    found: dict[Target, Found | None] = {}
    waiting = list(targets)
    attempt = 0
    while waiting:
        answers: Sequence[Found | Answer | None] = yield Look(waiting)
        again = []
        reason = ""
        for target, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Answer):
                again.append(target)
                reason = f"{answer.type}: {answer.reason}"
            else:
                found[target] = answer
        attempt = attempt + 1 if len(again) == len(waiting) else 1
        waiting = again
        if again:
            outcome.pauses += 1
            yield Pause(attempt, reason)
    return [found[target] for target in targets]


def _read(keys: Keys, outcome: Outcome) -> Protocol[Items]:
    """Reads until every key has an answer; the date is the earliest of the answers'."""
    items: dict[str, Item | None] = {id: None for id, key in keys.items() if key is None}
    date = 0
    waiting = {id: key for id, key in keys.items() if key is not None}
    attempt = 0
    while waiting:
        answer: Items = yield Read(waiting)
        if answer.items:
            items.update(answer.items)
            date = min(date or answer.date, answer.date)
        again = {id: key for id, key in waiting.items() if id not in answer.items}
        attempt = attempt + 1 if len(again) == len(waiting) else 1
        waiting = again
        if again:
            outcome.pauses += 1
            yield Pause(attempt, "the table did not get to all keys")
    return Items(items, date)


def _document(target: Target, item: Item | None, key: Key | None, version: int, feeds: Feeds, outcome: Outcome) -> Any:
    """The document for a target, None for a deletion, or `_FAILED` where that became a failure."""
    recipe = feeds.recipes[target.alias]
    try:
        return recipe.document(item)
    except TransformFailed as error:
        change = Change(target.id, key or {}, item, version)
        outcome.failures.append(_transform_failure(change, recipe, target.alias, error))
        return _FAILED


def _is_what_i_write(operation: Operation, document: Found | None) -> bool:
    if operation.source is None or document is None:
        return operation.source is None and document is None
    return same(loads(operation.source), document.source)


def _transform_failure(change: Change, recipe: Recipe, generation: str, error: TransformFailed) -> Failure:
    return Failure(
        change.key, change.id, recipe.index, generation, "transform", error.type, error.reason, change.version
    )


def _refusal(operation: Operation, answer: Answer, keys: Keys, feeds: Feeds) -> Failure:
    alias, id, version, _ = operation
    return Failure(
        keys[id] or {}, id, feeds.recipes[alias].index, alias, "refused", answer.type, answer.reason, version
    )

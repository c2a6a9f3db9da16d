"""The failures of a region: what its indices could not take, and the batches that the platform gave up on.

- One failure is one key in one index, however many messages say so: a batch that comes again sends them again, and so
  does a refill. The newest message is shown, and all of them go when the failure does.
- Redriven is settled: the table decides, and the documents are made by the project's transform as it lies here. What
  fails again goes back as a new message that counts the attempts. A message is deleted only when its key is settled or
  the message that follows it is sent, so this can be interrupted anywhere.
- Nothing is deleted unseen.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from ..core import versions
from ..core.attributes import InvalidKey
from ..core.writing import Failure, Key
from ..failures import message as message_of
from ..failures import send
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Project
from . import deployed, settling, status, undelivered
from .queues import Message, Queue
from .settling import Settler
from .steps import Bar, Steps
from .telling import how, moment

#: The last two are not of an item: a batch that the platform gave up on, and a message that is no failure's.
KINDS = ("transform", "refused", "key", "undelivered", "unreadable")
#: So many messages are shown or dropped at once at most.
MOST_LISTED = 20_000

_MESSAGES_A_ROUND = 1000
_KEYS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One key's failure in one index. `at` is the newest message's time and `since` the oldest's, in seconds since
    1970; `attempts` counts the redrives that failed; `messages` are all that say so.
    """

    table: str
    index: str
    key: Key
    id: str
    kind: str
    type: str
    reason: str
    generation: str
    version: int
    at: int
    since: int
    attempts: int
    messages: tuple[Message, ...] = field(compare=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it one failure: index and id; where there is no id, the key."""
        if self.kind == "unreadable":
            return "", "", self.messages[0].id
        return self.index, self.id, "" if self.id else json.dumps(self.key, sort_keys=True)

    @property
    def highest(self) -> int:
        """The highest version at which it failed, by any of the messages."""
        return max(int((message.body or {}).get("version", 0)) for message in self.messages)

    def failure(self) -> Failure:
        """The failure as a queue keeps it, where it is to be kept as it is."""
        kind = cast(Any, self.kind)
        return Failure(self.key, self.id, self.index, self.generation, kind, self.type, self.reason, self.version)

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        decoded = versions.decode(self.version)
        return {
            "table": self.table,
            "index": self.index,
            "key": self.key,
            "id": self.id,
            "kind": self.kind,
            "type": self.type,
            "reason": self.reason,
            "generation": self.generation,
            "version": self.version,
            "written": {"kind": decoded.kind, "second": moment(decoded.second), "told": how(self.version)},
            "at": moment(self.at),
            "since": moment(self.since),
            "attempts": self.attempts,
            "messages": len(self.messages),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failures are meant: all that have every one of these; None: whatever."""

    index: str | None = None
    kind: str | None = None
    type: str | None = None
    id: str | None = None
    key: Key | None = None

    def takes(self, letter: DeadLetter, project: Project) -> bool:
        """Whether a failure is meant."""
        return (
            self.index in (None, letter.index)
            and self.kind in (None, letter.kind)
            and self.type in (None, letter.type)
            and self.id in (None, letter.id)
            and (self.key is None or _same_key(self.key, letter, project))
        )

    def takes_batch(self, batch: undelivered.Batch, project: Project) -> bool:
        """Whether a batch that the platform gave up on is meant."""
        return (
            self.id is None
            and self.key is None
            and self.kind in (None, "undelivered")
            and self.type in (None, batch.condition)
            and (self.index is None or project.indexes[self.index].table == batch.table)
        )


def _same_key(key: Key, letter: DeadLetter, project: Project) -> bool:
    if key == letter.key:
        return True
    try:  # a number may be spelled in another way
        return letter.id != "" and project.tables[letter.table].key.id_of(key) == letter.id
    except (KeyError, InvalidKey):
        return False


def grouped(messages: Iterable[Message]) -> list[DeadLetter]:
    """The failures that messages are about, oldest first."""
    found: dict[tuple[str, str, str], DeadLetter] = {}
    for message in messages:
        letter = _read(message)
        there = found.get(letter.identity)
        found[letter.identity] = letter if there is None else _joined(there, letter)
    return sorted(found.values(), key=lambda letter: (letter.since, letter.index, letter.id))


def _read(message: Message) -> DeadLetter:
    body = message.body or {}
    try:
        at = int(body["at"])
        return DeadLetter(
            table=str(body["table"]),
            index=str(body["index"]),
            key=dict(body["key"]),
            id=str(body["id"]),
            kind=str(body["kind"]),
            type=str(body["type"]),
            reason=str(body["reason"]),
            generation=str(body["alias"]).removesuffix("-Write"),
            version=int(body["version"]),
            at=at,
            since=int(body.get("since", at)),
            attempts=int(body.get("attempts", 0)),
            messages=(message,),
        )
    except (KeyError, TypeError, ValueError):
        reason = "the message is not of a form that a failure's has"
        return DeadLetter("", "", {}, "", "unreadable", "", reason, "", 0, 0, 0, 0, (message,))


def _joined(one: DeadLetter, other: DeadLetter) -> DeadLetter:
    """Two messages of one failure: the newest tells what it is."""
    newest = max(one, other, key=lambda letter: (letter.at, letter.version))
    told = {name: getattr(newest, name) for name in DeadLetter.__slots__}
    told |= {
        "since": min(one.since, other.since),
        "attempts": max(one.attempts, other.attempts),
        "messages": one.messages + other.messages,
    }
    return DeadLetter(**told)


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in a region's two queues. `hidden` messages are held by others at the moment; `more` is whether there are
    more than were looked at.
    """

    letters: list[DeadLetter]
    batches: list[undelivered.Batch]
    hidden: int
    more: bool
    _queues: tuple[Queue, Queue] = field(repr=False)

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many failures by index, kind and type; a batch counts under its table's name."""
        counted = Counter((letter.index, letter.kind, letter.type) for letter in self.letters)
        counted.update((batch.table, "undelivered", batch.condition) for batch in self.batches)
        return dict(sorted(counted.items()))

    def drop(self) -> None:
        """Deletes all that is listed: for good."""
        failed, lost = self._queues
        failed.delete(message for letter in self.letters for message in letter.messages)
        lost.delete(message for batch in self.batches for message in batch.messages)


@contextmanager
def listing(project: Project, cloud: Cloud, region: str, wanted: Wanted) -> Iterator[Listing]:
    """The failures that are meant, held from others until the context ends."""
    outputs, sqs = deployed.outputs(project, cloud, region), cloud.client("sqs", region)
    with Queue(sqs, outputs["FailuresQueueUrl"]) as failed, Queue(sqs, outputs["UndeliveredQueueUrl"]) as lost:
        messages, others = failed.receive(MOST_LISTED), lost.receive(MOST_LISTED)
        batches, foreign = _batches(project, others)
        letters = grouped(messages) + foreign
        yield Listing(
            [letter for letter in letters if wanted.takes(letter, project)],
            [batch for batch in batches if wanted.takes_batch(batch, project)],
            failed.hidden() + lost.hidden(),
            len(messages) >= MOST_LISTED or len(others) >= MOST_LISTED,
            (failed, lost),
        )


def _batches(project: Project, messages: Sequence[Message]) -> tuple[list[undelivered.Batch], list[DeadLetter]]:
    """The batches that messages are about; those about none are failures that cannot be read."""
    batches, foreign = [], []
    for message in messages:
        if (batch := undelivered.read(project, message)) is not None:
            batches.append(batch)
        else:
            foreign.append(_read(Message(message.id, None)))
    return batches, foreign


@dataclass(slots=True)
class Redriven:
    """What became of the failures. `gone` are batches whose records the stream has not got any more: they stay in the
    queue, and so do the `skipped`, which nothing can be done about here.
    """

    settled: int = 0
    failed: int = 0
    skipped: int = 0
    batches: int = 0
    gone: list[undelivered.Batch] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many are in the queues afterwards."""
        return self.failed + self.skipped + len(self.gone)

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "settled": self.settled,
            "failed": self.failed,
            "skipped": self.skipped,
            "batches": self.batches,
            "gone": [batch.to_json() for batch in self.gone],
        }


def redrive(project: Project, cloud: Cloud, region: str, wanted: Wanted, steps: Steps) -> Redriven:
    """Lets the table settle the failures that are meant; what fails again stays a failure."""
    return _Redrive(project, cloud, region, wanted).run(steps)


class _Redrive:
    def __init__(self, project: Project, cloud: Cloud, region: str, wanted: Wanted) -> None:
        self.project, self.cloud, self.region, self.wanted = project, cloud, region, wanted
        self.result = Redriven()
        self._outputs = deployed.outputs(project, cloud, region)
        self._sqs = cloud.client("sqs", region)
        self._settlers: dict[tuple[str, str | None], Settler] = {}
        self._tried: set[tuple[str, str, str]] = set()  # what has failed again, and what nothing can be done about

    def run(self, steps: Steps) -> Redriven:
        url = self._outputs["FailuresQueueUrl"]
        with steps.bar(f"{self.region}: redrive") as bar, Queue(self._sqs, url) as queue:
            total = status.messages_in(self.cloud, self.region, url)
            while messages := queue.receive(_MESSAGES_A_ROUND):
                letters = [letter for letter in grouped(messages) if self._is_due(letter)]
                for chunk in self._chunks(letters):
                    self._settle(queue, chunk)
                    self._tell(bar, total)
                if queue.full:
                    steps.say(f"{self.region}: more messages than can be held at once; run it again for the rest")
                    break
        # Only now, for what fails of these is a new failure, which the loop above would try a second time.
        with Queue(self._sqs, self._outputs["UndeliveredQueueUrl"]) as queue:
            for message in queue.receive(MOST_LISTED):
                batch = undelivered.read(self.project, message)
                if batch is not None and self.wanted.takes_batch(batch, self.project):
                    self._settle_batch(queue, batch)
        return self.result

    def _tell(self, bar: Bar, total: int) -> None:
        done = self.result.settled + self.result.failed
        bar.update(done, max(total, done), f"{self.result.failed:,} failed again" if self.result.failed else "")

    def _is_due(self, letter: DeadLetter) -> bool:
        if letter.identity in self._tried or not self.wanted.takes(letter, self.project):
            return False
        index = self.project.indexes.get(letter.index)
        if letter.kind == "unreadable" or index is None or index.table != letter.table:
            self._tried.add(letter.identity)
            self.result.skipped += 1
            return False
        return True

    def _chunks(self, letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
        by_index: dict[str, list[DeadLetter]] = {}
        for letter in letters:
            by_index.setdefault(letter.index, []).append(letter)
        for some in by_index.values():
            waiting = iter(some)
            while chunk := list(islice(waiting, _KEYS_AT_ONCE)):
                yield chunk

    def _settle(self, queue: Queue, letters: Sequence[DeadLetter]) -> None:
        index = letters[0].index
        settler = self._settler(letters[0].table, index)
        failures: dict[str, Failure] = {}
        keyed = [letter for letter in letters if letter.id]
        failed = {letter.id: letter.highest for letter in keyed}
        for found in settler.settle({letter.id: letter.key for letter in keyed}, failed):
            failures.setdefault(found.id, found)
        again = []
        for letter in letters:
            failure = failures.get(letter.id)
            if not letter.id and settler.wanted(index, letter.key):
                failure = letter.failure()
            if failure is None:
                self.result.settled += 1
            else:
                self.result.failed += 1
                self._tried.add(letter.identity)
                again.append(self._message(failure, letter.table, letter.attempts + 1, letter.since))
        self._send(again)
        queue.delete(message for letter in letters for message in letter.messages)

    def _settle_batch(self, queue: Queue, batch: undelivered.Batch) -> None:
        table = self.project.tables[batch.table]
        try:
            keys, unkeyed = undelivered.keys_of(self.cloud, self.region, batch, table)
        except undelivered.RecordsGone:
            self.result.gone.append(batch)
            return
        settler = self._settler(batch.table, None)
        failures: list[Failure] = []
        waiting = iter(keys.items())
        while chunk := dict(islice(waiting, _KEYS_AT_ONCE)):
            failures += settler.settle(chunk)
        failures += [
            undelivered.unkeyed_failure(index, one) for one in unkeyed for index in self.project.indexes_of(table)
        ]
        self._send([self._message(failure, batch.table, 0, None) for failure in failures])
        queue.delete(batch.messages)
        self.result.batches += 1
        self.result.settled += len(keys) - len({failure.id for failure in failures if failure.id})
        self.result.failed += len(failures)

    def _settler(self, table: str, index: str | None) -> Settler:
        if (table, index) not in self._settlers:
            described = self.project.tables[table]
            indexes = self.project.indexes_of(described) if index is None else [self.project.indexes[index]]
            self._settlers[table, index] = Settler(self.project, self.cloud, self.region, described, indexes)
        return self._settlers[table, index]

    def _message(self, failure: Failure, table: str, attempts: int, since: int | None) -> Mapping[str, Any]:
        more = {"attempts": attempts, "since": since or int(time.time())}
        return message_of(failure, table, self.region) | more

    def _send(self, messages: Sequence[Mapping[str, Any]]) -> None:
        if messages:
            service = settling.service(self.cloud, "sqs", self.region)
            url = self._outputs["FailuresQueueUrl"]
            send(url, service, [dict(one) for one in messages], Patience(settling.PATIENCE_SECONDS))

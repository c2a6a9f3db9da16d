"""Why a document looks as it does: its item, the document that makes, what each generation has, and how it came there.

What differs is looked at again until it is certain, by the same rule as in a verification: a write on its way is no
difference.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from .. import generations
from ..core import heartbeats, versions
from ..core.attributes import Item
from ..core.suspects import Sight, Suspects, Verdict
from ..core.writing import Found, Key
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project
from ..verifying import Expected, TableTruth, look, sight_of
from . import deployed, failures, gaps, keys, settling, status
from .failures import DeadLetter, Wanted
from .steps import Steps
from .telling import how, moment

#: A stream that is so many seconds behind is what a difference is put down to.
_BEHIND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one generation has for the id; `sight` says how that differs from what it should have."""

    generation: str
    fed: bool
    read: bool
    found: Found | None
    sight: Sight

    @property
    def judged(self) -> bool:
        """Whether it matters that it differs: a generation that is neither fed nor read is only shown."""
        return self.fed or self.read

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "generation": self.generation,
            "fed": self.fed,
            "read": self.read,
            "document": None if self.found is None else self.found.source,
            "version": None if self.found is None else self.found.version,
            "written": None if self.found is None else written(self.found.version),
            "difference": self.sight.kind,
            "path": self.sight.path,
        }


def written(version: int) -> dict[str, Any]:
    """A version's parts, for people and for tools."""
    decoded = versions.decode(version)
    return {"kind": decoded.kind, "second": moment(decoded.second), "gen": decoded.gen, "told": how(version)}


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one document. `document` is what the item makes, `failed` why it makes none."""

    index: str
    region: str
    id: str
    key: Key | None
    item: Item | None
    document: Any
    failed: str
    seen: tuple[Seen, ...]
    lag_seconds: float | None
    trouble: str
    gap: str | None
    letter: DeadLetter | None
    in_flight: bool
    heartbeat: str | None = None
    """The region whose heartbeat this is, if it is one."""
    verdict: str = ""
    next: str = ""

    @property
    def right(self) -> bool:
        """Whether every generation has what it should have."""
        return not self.failed and all(one.sight.kind is None for one in self.seen if one.judged)

    def to_json(self) -> dict[str, Any]:
        """As the command prints it: the item in DynamoDB's types, documents with exact numbers."""
        return {
            "index": self.index,
            "region": self.region,
            "id": self.id,
            "key": self.key,
            "item": self.item,
            "document": self.document,
            "failed": self.failed or None,
            "generations": [one.to_json() for one in self.seen],
            "lagSeconds": self.lag_seconds,
            "trouble": self.trouble or None,
            "gap": self.gap,
            "failure": None if self.letter is None else self.letter.to_json(),
            "right": self.right,
            "inFlight": self.in_flight,
            "heartbeat": self.heartbeat,
            "verdict": self.verdict,
            "next": self.next or None,
        }


def explain(project: Project, cloud: Cloud, region: str, index: Index, text: str, steps: Steps) -> Explanation:
    """Explains the document of an id or key. Raises `WrongKey` where the text names neither."""
    table = project.table_of(index)
    id, key = keys.named(text, table.key)
    looking = _Looking(project, cloud, region, index, id, key)
    expected, item, seen, in_flight = looking.until_certain(steps)
    if key is None and not any(one.found for one in seen):
        raise keys.WrongKey(f"KEY: {id!r} is no id of {index.name}: no key of {table.physical_name} has it")
    group = deployed.outputs(project, cloud, region)["StreamLogGroup"]
    with failures.listing(project, cloud, region, Wanted(index=index.name, id=id)) as kept:
        letter = kept.letters[0] if kept.letters else None
    behind = status.lag(cloud, region, group, table.name)
    found = Explanation(
        index=index.name,
        region=region,
        id=id,
        key=key,
        item=item,
        document=expected.document,
        failed=looking.failed,
        seen=seen,
        lag_seconds=behind.seconds if behind else None,
        trouble=gaps.trouble(project, cloud, region, table),
        gap=gaps.told(project, cloud, region, index),
        letter=letter,
        in_flight=in_flight,
        heartbeat=heartbeats.region_of_id(table.key, id),
    )
    verdict, following = _verdict(found)
    if found.heartbeat:
        verdict = f"This is the heartbeat of {found.heartbeat}, an empty document that searches leave out. {verdict}"
    return _with(found, verdict, following)


def _with(found: Explanation, verdict: str, following: str) -> Explanation:
    values = {name: getattr(found, name) for name in Explanation.__slots__}
    return Explanation(**values | {"verdict": verdict, "next": following})


class _Looking:
    """Looks at both sides of one id, as often as it takes."""

    def __init__(self, project: Project, cloud: Cloud, region: str, index: Index, id: str, key: Key | None) -> None:
        self._engine, self._name, self._id, self._key = cloud.engine(project, region), index.name, id, key
        self._truth = TableTruth(cloud.table(project.table_of(index), region), settling.recipe(project, index))
        self._recipe = self._truth.recipe
        self.failed = ""

    def until_certain(self, steps: Steps) -> tuple[Expected, Item | None, tuple[Seen, ...], bool]:
        """What should be there, the item, what is there, and whether that is still on the move."""
        looked = self._look()
        if self._sum(looked).kind in (None, "failed"):
            return *looked, False
        suspects = Suspects()
        suspects.suspect(self._id, self._sum(looked), time.monotonic())
        with steps.step("they differ: look again until that is no write on its way"):
            while True:
                time.sleep(suspects.wait(time.monotonic()))
                looked = self._look()
                verdict = suspects.seen(self._id, self._sum(looked), time.monotonic())
                if verdict is not Verdict.WAITING:
                    return *looked, verdict is Verdict.IN_FLIGHT

    def _look(self) -> tuple[Expected, Item | None, tuple[Seen, ...]]:
        item = self._item()
        expected = self._truth.of(item)
        self.failed = self._why_failed(item) if expected.failed else ""
        fed, read = generations.fed(self._engine, self._name), generations.read(self._engine, self._name)
        seen = []
        for generation in generations.existing(self._engine, self._name):
            found = look(self._engine, generation, [self._id], self._patience())[self._id]
            sight = sight_of(expected, found)
            seen.append(Seen(generation, generation in fed, generation in read, found, sight))
        return expected, item, tuple(seen)

    def _item(self) -> Item | None:
        if self._key is None:
            return None
        patience, attempt = self._patience(), 0
        while self._id not in (items := self._truth.table.read({self._id: self._key}).items):
            attempt += 1
            patience.pause(attempt, "the table does not answer")
        return items[self._id]

    def _why_failed(self, item: Item | None) -> str:
        try:
            self._recipe.document(item)
        except Exception as error:
            return str(error)
        return ""

    def _sum(self, looked: tuple[Expected, Item | None, tuple[Seen, ...]]) -> Sight:
        """All generations' sights as one: it moves when any of them does."""
        expected, _, seen = looked
        judged = [one.sight for one in seen if one.judged]
        kind = next((one.kind for one in judged if one.kind), None)
        return Sight(kind, "", (expected.mark, *judged), None)

    @staticmethod
    def _patience() -> Patience:
        return Patience(settling.PATIENCE_SECONDS)


def _verdict(found: Explanation) -> tuple[str, str]:
    """One sentence, and what to do next."""
    place = f"{found.index} --region {found.region}"
    redrive = f"dynadex failures redrive --index {place} --id '{found.id}'"
    if found.failed:
        return (
            f"The item makes no document, for its transform raises {found.failed}",
            f"mend the transform, deploy it, then {redrive}",
        )
    if found.right:
        if found.letter:
            return "All is as it should be; the failure that is kept tells of an earlier state.", redrive
        if found.item is None:
            return "There is no such item, and no document: all is as it should be.", ""
        if found.document is None:
            return "The index does not want this item, and has no document of it: all is as it should be.", ""
        return "All is as it should be.", ""
    if found.key is None:
        return (
            "No key of the table has this id, so this document is somebody else's.",
            f"dynadex verify {place} --full --repair",
        )
    if found.in_flight:
        return "It is being written all the time, and each write brings its own chance to be right.", "look again later"
    what = _difference(found)
    if found.letter and found.letter.kind == "refused":
        return (
            f"{what}: the engine refused it ({found.letter.type}).",
            f"dynadex failures show --id '{found.id}' says why; mend the mapping or the item, then {redrive}",
        )
    if found.letter:
        return f"{what}: it failed earlier ({found.letter.type}) and does no more.", redrive
    if found.gap:
        return f"{what}, and the index may have missed records: {found.gap}", f"dynadex verify {place} --full --repair"
    if found.trouble:
        return (
            f"{what}: the stream is not applied, for {found.trouble}.",
            "see to that; then the stream brings the document by itself",
        )
    if found.lag_seconds is not None and found.lag_seconds > _BEHIND_SECONDS:
        return f"{what}: the stream is {found.lag_seconds:,.0f} s behind.", f"dynadex status --region {found.region}"
    return f"{what}, and nothing says why.", f"dynadex verify {place} --full --repair"


def _difference(found: Explanation) -> str:
    first = next(one for one in found.seen if one.judged and one.sight.kind)
    match first.sight.kind:
        case "missing":
            return f"{first.generation} has no document, and should have one"
        case "ghost":
            reason = "there is no such item" if found.item is None else "the index does not want the item"
            return f"{first.generation} has a document, though {reason}"
    return f"The document in {first.generation} differs from what the item makes at {first.sight.path}"

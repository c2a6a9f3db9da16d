"""The steps of a rebuild, in tables: `FORWARD` to the new generation, `BACK` to the former one, `DROP` of a third.

Each step knows from the cluster whether it is done, and can be repeated after it was cut off anywhere: what it does it
does before it notes that. Times are the table's server's: the clock that pages of a refill are dated by.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from .. import generations
from ..core import versions
from ..engine import Engine, EngineError
from ..errors import DynadexError
from ..functions.service import ALIAS_CACHE_SECONDS
from ..generations import Generation, IndexMissing
from ..platform.cloud import Cloud
from ..project import Index, Project
from . import deployed, refill
from . import export as exporting
from . import verify as verifying
from .refill import Refill
from .steps import Steps

#: For what servers' clocks disagree by.
_CLOCKS_SECONDS = 5
#: A generation that was verified so long ago is verified again before searches read it.
_VERIFIED_SECONDS = 3600
#: How long copies of the new generation may take before the rebuild goes on without them.
_COPIES_SECONDS = 600
_POLL_SECONDS = 2.0
#: What a generation's notes say of a filling; gone when it must be filled anew.
_FILLING = ("seen", "refill", "refilled", "restored", "verifying", "verified", "detached", "unseen", "rolledBack")


class RebuildError(DynadexError):
    """A rebuild cannot go on as things are; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """`force`: although nothing changed, or after a rollback. `accept_failures`: swap although items failed.

    With `from_export` the new generation is filled from an export of the table: `export`'s ARN, or one made into
    `bucket` or the project's own.
    """

    force: bool = False
    drop_old: bool = False
    drop_new: bool = False
    accept_failures: bool = False
    from_export: bool = False
    export: str = ""
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The generations of an index at one moment, oldest first, and what they are to each other."""

    all: tuple[Generation, ...]

    @property
    def read(self) -> Generation:
        """The one that searches read."""
        return next(one for one in self.all if one.read)

    @property
    def older(self) -> tuple[Generation, ...]:
        """Those that were read before."""
        return self.all[: self.all.index(self.read)]

    @property
    def newer(self) -> Generation | None:
        """The one that a rebuild is making, or was taken back to be."""
        return self.all[-1] if not self.all[-1].read else None


class Rebuild:
    """A rebuild as the steps see it. `victim` is the generation that `DROP` is about; `ran` are the steps done."""

    def __init__(
        self, project: Project, cloud: Cloud, region: str, index: Index, options: Options, steps: Steps
    ) -> None:
        self.project, self.cloud, self.region, self.index = project, cloud, region, index
        self.options, self.steps = options, steps
        self.engine: Engine = cloud.engine(project, region)
        self.outputs = deployed.outputs(project, cloud, region)
        self.victim = ""
        self.ran: list[str] = []
        self.look()

    def look(self) -> None:
        """Sees anew how things are. Raises `IndexMissing` where searches read nothing."""
        self.state = State(tuple(generations.survey(self.engine, self.index.name)))
        if not any(one.read for one in self.state.all):
            raise IndexMissing(self.index.name)

    @property
    def target(self) -> Generation | None:
        """The generation that a rebuild leads to; None before it is made."""
        return self.state.newer or (self.state.read if self.state.older else None)

    @property
    def made(self) -> Generation:
        """The same, where it is known to be there."""
        if (target := self.target) is None:
            raise RebuildError(f"{self.region}: the new generation of {self.index.name} is gone: run it again")
        return target

    @property
    def former(self) -> Generation:
        """The generation that the target takes the place of."""
        return self.state.older[-1] if self.state.older and not self.state.newer else self.state.read

    @property
    def from_export(self) -> bool:
        """Whether the target is filled from an export: as asked for, or as it was begun."""
        return self.options.from_export or (self.target is not None and exporting.NOTE in self.target.notes)

    def named(self, name: str) -> Generation | None:
        """A generation as it is now."""
        return next((one for one in self.state.all if one.name == name), None)

    def title(self, step: Step) -> str:
        """What a step does, with the names of the generations."""
        names = [one.name for one in self.state.all]
        target = self.target.name if self.target else generations.name_after(self.engine, self.index.name, names)
        source = "an export of the table" if self.from_export else "the table"
        return step.title.format(target=target, former=self.former.name, victim=self.victim, source=source)

    def note(self, generation: Generation, **notes: Any) -> None:
        """Notes on a generation how far it has come."""
        generations.note(self.engine, generation.name, **notes)

    def now(self) -> int:
        """Seconds since 1970, by the table's server."""
        name = self.project.table_of(self.index).physical_name
        answer = self.cloud.client("dynamodb", self.region).describe_table(TableName=name)
        return int(parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp())

    def sight_seconds(self) -> int:
        """How long after a change of what is fed some function may still act on what was fed before."""
        functions = self.cloud.client("lambda", self.region)
        told = functions.get_function_configuration(FunctionName=self.outputs["StreamFunctionArn"])
        return int(ALIAS_CACHE_SECONDS) + int(told["Timeout"]) + 1  # the note has whole seconds

    def wait_until(self, second: int, reason: str) -> None:
        """Waits for a second of the table's server, and says why."""
        if (left := second - self.now()) > 0:
            self.steps.say(f"    waits {left} s: {reason}")
        while (left := second - self.now()) > 0:
            time.sleep(min(left, _POLL_SECONDS))

    def status(self, execution: str | None) -> str:
        """An execution's status; empty where there is none, or its state machine has forgotten it."""
        if execution is None:
            return ""
        try:
            told = self.cloud.client("stepfunctions", self.region).describe_execution(executionArn=execution)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return ""
        return str(told["status"])


@dataclass(frozen=True, slots=True)
class Step:
    """`title` may name {target}, {former}, {victim} and {source}."""

    name: str
    title: str
    done: Callable[[Rebuild], bool]
    do: Callable[[Rebuild], None]


def _noted(work: Rebuild, *names: str) -> bool:
    return work.target is not None and all(name in work.target.notes for name in names)


def _create(work: Rebuild) -> None:
    names = [one.name for one in work.state.all]
    name = generations.name_after(work.engine, work.index.name, names)
    try:
        generations.prepare(work.engine, name, work.index.mapping)
    except EngineError as error:
        if error.status == 400:
            raise RebuildError(
                f"{work.region}: the engine refuses the mapping of {work.index.name}, and nothing was changed: "
                f"{error.type}: {error.reason}"
            ) from error
        raise


def _fed(work: Rebuild) -> bool:
    return work.target is not None and work.target.fed and _noted(work, "fed")


def _feed(work: Rebuild) -> None:
    target = work.made
    if not target.fed:  # for the first time; or anew, and then it has missed writes
        work.note(target, fed=None, **dict.fromkeys(_FILLING))
        generations.attach(work.engine, work.index.name, target.name)
    work.note(target, fed=work.now())


def _wait_until_fed(work: Rebuild) -> None:
    # Until every function has seen that the generation is fed, one may write a change to it, and another the next
    # change of the same item to the former one alone. The refill brings the second, but only if its pages are newer
    # than the first: so its pages' margin is waited for as well.
    target = work.made
    stale = not work.project.functions.refill.consistent
    margin = versions.STALE_MARGIN_SECONDS if stale else versions.MARGIN_SECONDS
    sight = work.sight_seconds()
    reason = f"up to {sight} until every function feeds {target.name}, {margin + _CLOCKS_SECONDS} so that the refill's "
    reason += "pages count as newer than anything written meanwhile"
    work.wait_until(target.notes["fed"] + sight + margin + _CLOCKS_SECONDS, reason)
    work.note(target, seen=True)


def _refilled(work: Rebuild) -> bool:
    return _noted(work, "refilled") and (work.options.accept_failures or not work.made.notes["refilled"]["failures"])


def _refill(work: Rebuild) -> None:
    result = _filled_from_export(work) if work.from_export else _filled_from_table(work)
    target = work.made
    if result.status != "SUCCEEDED":
        raise RebuildError(
            f"{work.region}: the refill of {target.name} ended as {result.status}: {result.error}\n"
            f"searches read {work.former.name} as before. The same command again goes on from where it was; "
            "--rollback --drop-new gives up"
        )
    counts = {"items": result.items, "documents": result.documents, "failures": result.failures}
    work.note(target, refilled=counts)
    if result.failures and not work.options.accept_failures:
        raise RebuildError(
            f"{work.region}: {target.name} cannot take {result.failures:,} of {result.items:,} items; they are in the "
            f"failures queue. Searches read {work.former.name} as before. The same command again fills it anew, after "
            "you mended the items or the transform; --accept-failures goes on without them; "
            "--rollback --drop-new gives up, to mend the mapping"
        )


def _filled_from_export(work: Rebuild) -> Refill:
    """By an export of a time after the generation was fed everywhere: an older one is refused."""
    target = work.made
    work.note(target, refill=None, refilled=None, verified=None)
    options = exporting.Options(work.options.export, work.options.bucket, generation=target.name)
    result = exporting.refill_from_export(work.project, work.cloud, work.region, work.index, options, work.steps)
    work.look()
    return result


def _filled_from_table(work: Rebuild) -> Refill:
    target, index = work.made, work.index
    place = (work.project, work.cloud, work.region)
    execution = target.notes.get("refill")
    status = work.status(execution)
    if not status or "refilled" in target.notes:
        segments = work.project.functions.refill.segments
        execution = refill.start(*place, index, segments=segments, read_capacity=0, generation=target.name)
    elif status not in ("RUNNING", "SUCCEEDED"):
        execution = refill.take_up(*place, str(execution))
    work.note(target, refill=execution, refilled=None, verified=None)
    return refill.wait(*place, index, str(execution), work.steps)


def _restore(work: Rebuild) -> None:
    target = work.made
    generations.restore(work.engine, target.name, work.index.mapping)
    wanted = _health(work, work.former)
    until, told = time.monotonic() + _COPIES_SECONDS, False
    while _health(work, target) not in ("green", wanted):
        if not told:
            work.steps.say(f"    waits until {target.name} is {wanted} as {work.former.name} is: its copies are made")
            told = True
        if time.monotonic() > until:
            work.steps.say(f"    after {_COPIES_SECONDS} s it is not; goes on, the cluster sees to it")
            break
        time.sleep(_POLL_SECONDS)
    work.note(target, restored=True)


def _health(work: Rebuild, generation: Generation) -> str:
    """green, yellow or red; empty where whoever asks may not know."""
    try:
        return str(work.engine.ask("GET", f"/_cluster/health/{quote(generation.name)}")["status"])
    except EngineError as error:
        if error.status != 403:
            raise
        return ""


def _verified(work: Rebuild) -> bool:
    if _swapped(work):
        return True
    return _noted(work, "verified") and work.now() - work.made.notes["verified"] < _VERIFIED_SECONDS


def _verify(work: Rebuild) -> None:
    # By the functions, whose transform is the one that the documents were made with.
    target, index = work.made, work.index
    place = (work.project, work.cloud, work.region)
    execution = target.notes.get("verifying")
    if work.status(execution) != "RUNNING":
        options = verifying.Options(segments=work.project.functions.refill.segments, generation=target.name)
        execution = verifying.start(*place, index, options)
        work.note(target, verifying=execution)
    found = verifying.follow(*place, index, str(execution), work.steps)
    failures = target.notes.get("refilled", {}).get("failures", 0)
    accepted = work.options.accept_failures and not found.ghosts and found.differences <= failures
    if found.differences and not accepted:
        work.note(target, refill=None, refilled=None, verifying=None)  # filled anew the next time
        examples = "".join(f"\n    {one.kind}: {one.id} {one.path}" for one in found.examples)
        raise RebuildError(
            f"{work.region}: {target.name} differs from the table: {found.missing:,} missing, {found.stale:,} stale, "
            f"{found.ghosts:,} without an item, {found.failed:,} that make no document{examples}\n"
            f"searches read {work.former.name} as before. The same command again fills it anew and verifies it again; "
            "--rollback --drop-new gives up"
        )
    work.note(target, verified=work.now(), verifying=None)


def _swapped(work: Rebuild) -> bool:
    return work.target is not None and work.target.read


def _swap(work: Rebuild) -> None:
    work.note(work.made, rolledBack=None)
    _read_instead(work, work.former, work.made)


def _swap_back(work: Rebuild) -> None:
    new, old = work.state.read, work.state.older[-1]
    work.note(new, rolledBack=work.now())
    _read_instead(work, new, old)


def _read_instead(work: Rebuild, former: Generation, following: Generation) -> None:
    # so that what searches found in the former one is found in this one too
    work.engine.ask("POST", f"/{quote(following.name)}/_refresh")
    generations.swap(work.engine, work.index.name, former.name, following.name)
    work.look()
    if not work.state.read.fed:  # somebody had it fed no more meanwhile, to drop it: it would miss writes
        generations.swap(work.engine, work.index.name, following.name, former.name)
        raise RebuildError(f"{work.region}: somebody else is dropping {following.name} just now")


def _detached(work: Rebuild) -> bool:
    one = work.named(work.victim)
    return one is None or (not one.fed and "detached" in one.notes)


def _detach(work: Rebuild) -> None:
    generations.detach(work.engine, work.index.name, work.victim)
    generations.note(work.engine, work.victim, detached=work.now(), unseen=None)


def _unseen(work: Rebuild) -> bool:
    one = work.named(work.victim)
    return one is None or (not one.fed and "unseen" in one.notes)


def _wait_until_unseen(work: Rebuild) -> None:
    if (one := work.named(work.victim)) is not None:
        reason = f"until no function writes to {one.name} any more"
        work.wait_until(one.notes["detached"] + work.sight_seconds() + _CLOCKS_SECONDS, reason)
        work.note(one, unseen=True)


FORWARD: tuple[Step, ...] = (
    Step("create", "make {target} with the mapping as it is now", lambda work: work.target is not None, _create),
    Step("feed", "feed {target} beside {former}", _fed, _feed),
    Step("wait", "wait until every function feeds {target}", lambda work: _noted(work, "seen"), _wait_until_fed),
    Step("refill", "refill {target} from {source}", _refilled, _refill),
    Step("restore", "make {target} searchable, with its copies", lambda work: _noted(work, "restored"), _restore),
    Step("verify", "verify {target} against the table", _verified, _verify),
    Step("swap", "have searches read {target} instead of {former}", _swapped, _swap),
)
BACK: tuple[Step, ...] = (
    Step("swap back", "have searches read {former} again", lambda work: work.state.newer is not None, _swap_back),
)
DROP: tuple[Step, ...] = (
    Step("detach", "feed {victim} no more", _detached, _detach),
    Step("wait", "wait until no function feeds {victim}", _unseen, _wait_until_unseen),
    Step(
        "drop",
        "drop {victim}",
        lambda work: work.named(work.victim) is None,
        lambda work: generations.drop(work.engine, work.index.name, work.victim),
    ),
)

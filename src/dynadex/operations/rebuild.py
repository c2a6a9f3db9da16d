"""Rebuilds an index with a new mapping while searches and writes go on, and takes it back.

A new generation is made beside the one that is read, fed, filled, verified and then read in its place; the former one
goes on being fed until it is dropped, so that going back is nothing but reading it again. `FORWARD`, `BACK` and `DROP`
in `rebuild_steps` are all that is ever done, in that order.

How far a rebuild has come is read off the cluster alone: the aliases, and the notes in the new generation's `_meta`.
So whoever is interrupted runs the same command again, from any machine, and every step that is done is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import generations
from ..engine import EngineUnavailable
from ..errors import WrongUse
from ..generations import number
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project
from .mapping_changes import mapping_changes
from .rebuild_steps import BACK, DROP, FORWARD, Options, Rebuild, RebuildError, Step
from .steps import Quiet, Steps

#: How long a step goes on trying while the engine is away.
_PATIENCE_SECONDS = 60.0


class RebuildRefused(WrongUse):
    """There is nothing to do as asked; the message says why, and what else there is."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How things are after it. `steps` are those done just now; `kept` generations are fed, but not read."""

    index: str
    region: str
    read: str
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    steps: tuple[str, ...]
    changes: tuple[str, ...]
    items: int
    documents: int
    failures: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return asdict(self)

    @property
    def newer_kept(self) -> bool:
        """Whether what is kept is the new generation, after a rollback."""
        return any(number(name) > number(self.read) for name in self.kept)


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as a view of all of them shows it; `state` is `done`, `now` or `to come`."""

    name: str
    title: str
    state: str

    def line(self) -> str:
        """For people."""
        return f"  {({'done': '✓', 'now': '▸'}).get(self.state, '·')} {self.title}"


def rebuild(project: Project, cloud: Cloud, region: str, index: Index, options: Options, steps: Steps) -> Rebuilt:
    """Has searches read a generation with the project's mapping, taking up a rebuild under way; see `Options`.

    Raises `RebuildRefused` where nothing changed, and `RebuildError` where another rebuild is in the way, where the
    engine refuses the mapping (then nothing is left behind), and where there are failures or differences.
    """
    began = time.monotonic()
    work = Rebuild(project, cloud, region, index, options, steps)
    changes = mapping_changes(work.engine, index)
    older = tuple(one.name for one in work.state.older)
    if options.drop_old and not older and not work.state.newer and not changes.paths and not options.force:
        steps.say(f"{region}: {work.state.read.name} is the only generation of {index.name}: no former one is left")
        return _rebuilt(work, (), (), {}, began)
    dropping_only = options.drop_old and older and not work.state.newer
    if not dropping_only:
        _check(work)
        for shown in _shown(work, FORWARD):
            steps.say(shown.line())
        _run(work, FORWARD)
    filled = work.state.read.notes.get("refilled", {})
    dropped = []
    if options.drop_old:
        for one in work.state.older:
            dropped.append(one.name)
            _drop(work, one.name)
    if dropping_only and changes.paths:
        steps.say(changes.advice(index.name, region))
    return _rebuilt(work, dropped, () if dropping_only else changes.paths, filled, began)


def roll_back(project: Project, cloud: Cloud, region: str, index: Index, options: Options, steps: Steps) -> Rebuilt:
    """Has searches read the former generation again; with `drop_new` the new one is dropped as well.

    Before the swap there is nothing to go back to, and `drop_new` gives the rebuild up.
    """
    began = time.monotonic()
    work = Rebuild(project, cloud, region, index, options, steps)
    state = work.state
    if not state.older and not state.newer:
        raise RebuildRefused(
            f"{region}: {state.read.name} is the only generation of {index.name}: nothing to go back to"
        )
    if state.newer and not options.drop_new:
        raise RebuildRefused(
            f"{region}: searches of {index.name} read {state.read.name} already; "
            f"--rollback --drop-new gives {state.newer.name} up"
        )
    if not state.newer and not state.older[-1].fed:
        raise RebuildError(
            f"{region}: {state.older[-1].name} is fed no more, so it has missed writes: "
            "rebuild with the mapping that you want instead"
        )
    _run(work, BACK)
    dropped = []
    if options.drop_new and work.state.newer:
        dropped.append(work.state.newer.name)
        _drop(work, dropped[0])
    return _rebuilt(work, dropped, (), {}, began)


def progress(project: Project, cloud: Cloud, region: str, index: Index, options: Options) -> list[Shown]:
    """All steps of a rebuild to the project's mapping, and how far the one under way has come, if one is."""
    work = Rebuild(project, cloud, region, index, options, Quiet())
    shown = list(_shown(work, FORWARD))
    for one in work.state.older:
        work.victim = one.name
        shown += _shown(work, DROP)
    return shown


def _check(work: Rebuild) -> None:
    """Refuses what cannot be begun or taken up."""
    state, wanted, options = work.state, generations.digest(work.index.mapping), work.options
    name, region = work.index.name, work.region
    if state.newer is not None:
        if state.newer.digest != wanted:
            raise RebuildError(
                f"{region}: a rebuild of {name} to another mapping is under way ({state.newer.name}): "
                "--rollback --drop-new gives it up"
            )
        if "rolledBack" in state.newer.notes and not options.force:
            raise RebuildError(
                f"{region}: searches of {name} were taken back from {state.newer.name}: "
                "--rollback --drop-new drops it, --force has them read it again"
            )
        work.steps.say(f"{region}: takes up the rebuild of {name} that is under way")
    elif state.older:
        if state.read.digest != wanted:
            raise RebuildError(
                f"{region}: {state.older[-1].name} is still kept from the last rebuild of {name}: "
                "--drop-old drops it, then rebuild; --rollback goes back to it"
            )
        work.steps.say(f"{region}: searches of {name} read {state.read.name} already")
    elif state.read.digest == wanted and not options.force:
        raise RebuildRefused(
            f"{region}: {state.read.name} was made of the mapping that {name} has now: nothing to do; "
            "--force rebuilds it all the same, after a change of its transform or so"
        )


def _shown(work: Rebuild, table: Sequence[Step]) -> Iterator[Shown]:
    state = "now"
    for step in table:
        if step.done(work):
            yield Shown(step.name, work.title(step), "done")
        else:
            yield Shown(step.name, work.title(step), state)
            state = "to come"


def _drop(work: Rebuild, generation: str) -> None:
    work.victim = generation
    for shown in _shown(work, DROP):
        work.steps.say(shown.line())
    _run(work, DROP)


def _run(work: Rebuild, table: Sequence[Step]) -> None:
    for step in table:
        if not step.done(work):
            with work.steps.step(f"{work.region}: {work.title(step)}"):
                _persist(work, step)
                if not step.done(work):
                    raise RebuildError(f"{work.title(step)}: somebody else undid it just now; run it again")
            work.ran.append(step.name)


def _persist(work: Rebuild, step: Step) -> None:
    """Does a step, again where the engine was away for a moment."""
    patience, attempt = None, 0
    while True:
        try:
            if attempt:
                work.look()
            if not step.done(work):
                step.do(work)
                work.look()
            return
        except EngineUnavailable as error:
            patience = patience or Patience(_PATIENCE_SECONDS)
            attempt += 1
            patience.pause(attempt, str(error))


def _rebuilt(
    work: Rebuild, dropped: Sequence[str], changes: tuple[str, ...], filled: dict[str, int], began: float
) -> Rebuilt:
    state = work.state
    return Rebuilt(
        index=work.index.name,
        region=work.region,
        read=state.read.name,
        kept=tuple(one.name for one in state.all if one.fed and not one.read),
        dropped=tuple(dropped),
        steps=tuple(work.ran),
        changes=changes,
        items=filled.get("items", 0),
        documents=filled.get("documents", 0),
        failures=filled.get("failures", 0),
        seconds=round(time.monotonic() - began, 3),
    )

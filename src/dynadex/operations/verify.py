"""Verifies an index: here, by segments side by side, or in the cloud, as the region's state machine.

Here is the quicker way to an answer; what is interrupted can be taken up (`verify_progress`). In the cloud it goes on
when nobody looks, and whoever asks again while it runs is shown the one under way.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import generations, verifying
from ..core.documents import Recipe
from ..engine import Engine
from ..errors import DynadexError, WrongUse
from ..mending import Mender
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project
from ..scanning import Key, Pages, count
from ..verifying import Check, Counts, IndexTruth, TableTruth
from . import deployed, executions, settling
from .settling import SettlingError
from .steps import Steps
from .verify_progress import Part, Progress

#: The state machine's Map runs at most so many segments side by side; here it is threads.
MAX_SEGMENTS = 40
SEGMENTS_HERE = 4

_PATIENCE_SECONDS = 60.0
_TELL_SECONDS = 0.2


class VerifyError(DynadexError):
    """A verification could not be made; the message says why."""


class WrongVerify(WrongUse):
    """What was asked for makes no sense together."""


@dataclass(frozen=True, slots=True)
class Options:
    """`read_capacity` in read units a second for all segments, 0: no budget. `generation`: else the one searched."""

    segments: int = SEGMENTS_HERE
    read_capacity: float = 0.0
    repair: bool = False
    full: bool = False
    examples: int = 10
    generation: str | None = None


class _Stopped(Exception):
    """Somebody interrupted it, or another segment failed."""


def verify(
    project: Project, cloud: Cloud, region: str, index: Index, options: Options, steps: Steps, *, resume: bool = False
) -> Counts:
    """Compares an index with its table, and repairs what differs if that is asked.

    `resume` goes on with one that was interrupted; `interrupted` has its options.
    """
    engine, recipe = cloud.engine(project, region), _recipe(project, index)
    alias = _alias(engine, index, options.generation)
    described = project.table_of(index)
    table = cloud.table(described, region)
    told = cloud.client("dynamodb", region).describe_table(TableName=described.physical_name)["Table"]
    mender = None
    if options.repair:
        keep = partial(settling.keep_failures, project, cloud, region, described)
        mender = Mender(table, engine, alias, recipe, _patience, keep)
    share = options.read_capacity / options.segments
    stop = threading.Event()
    progress = _progress(project, cloud, region, index, None, options, {"alias": alias}, resume=resume)

    def scanning(segment: int) -> Work:
        pages = Pages(
            table,
            _patience,
            segment=segment,
            total_segments=options.segments,
            read_capacity=share,
            consistent=False,  # half the cost, and what a page is behind is sorted out by the second look
        )
        truth = TableTruth(table, recipe, pages.budget, project.heartbeats(index))
        check = Check(truth, engine, alias, _patience, examples=options.examples, mender=mender, pause=_pausing(stop))
        part = progress.parts[segment]
        key = part.key

        def compared(last: Key | None) -> None:
            nonlocal key
            key = last
            progress.page(segment, check, key, scanned=key is None)

        def halted() -> bool:
            if stop.is_set():
                if check.passed:
                    progress.page(segment, check, key, scanned=False, now=True)
                raise _Stopped
            return False

        def scan() -> None:
            try:
                if part.check:
                    check.restore(part.check)
                if not part.scanned:
                    verifying.scan(check, truth, pages, key, halted, compared)
            finally:
                pages.close()

        return check, scan

    parts = [scanning(segment) for segment in range(options.segments)]
    checks = [check for check, _ in parts]
    with _resumable(progress, steps):
        left = max(0, (told.get("ItemCount") or 0) - progress.items)
        _run(parts, stop, steps, f"{region}: verify {index.name}", left)
        _sweep(checks, options, progress, stop, steps, region, index)
    return _total(checks, options, progress)


def _sweep(
    checks: Sequence[Check],
    options: Options,
    progress: Progress,
    stop: threading.Event,
    steps: Steps,
    region: str,
    index: Index,
) -> None:
    """Looks for documents without items where the counts ask for it, and finishes the checks."""
    seen, doubts = sum(check.documents for check in checks), sum(check.doubts for check in checks)
    if progress.slices is None:
        share = options.read_capacity / options.segments
        progress.sliced([verifying.sweep_slices(checks[0], seen, full=options.full, read_capacity=share)])
    [slices] = progress.slices or [0]
    tasks = [partial(verifying.sweep, slice=slice, slices=slices) for slice in range(slices)]
    if tasks:
        title = f"{region}: look for documents of {index.name} without items"
    elif doubts:
        title = f"{region}: look again at {doubts:,} that differ"
    else:
        return
    _run(_sharing(checks, tasks, stop, progress), stop, steps, title, seen if tasks else 0)


def compare(
    project: Project,
    cloud: Cloud,
    region: str,
    other: str,
    index: Index,
    options: Options,
    steps: Steps,
    *,
    resume: bool = False,
) -> Counts:
    """Compares a region's index with the other region's, which takes the table's place: `items` are its documents."""
    if other == region:
        raise WrongVerify(f"--against: {other} is the region to be verified itself")
    if options.repair:
        raise WrongVerify("--repair: only the table can say what is right; repair each region without --against")
    engine, against = cloud.engine(project, region), cloud.engine(project, other)
    alias = _alias(engine, index, options.generation)
    truth = IndexTruth(against, _alias(against, index, None), unseen := project.heartbeats(index))
    stop = threading.Event()
    both = {"alias": alias, "against": truth.alias}
    progress = _progress(project, cloud, region, index, other, options, both, resume=resume)
    checks = [
        Check(truth, engine, alias, _patience, examples=options.examples, pause=_pausing(stop)) for _ in progress.parts
    ]

    there, here = count(against, truth.alias, _patience, unseen), count(engine, alias, _patience, unseen)
    with _resumable(progress, steps):
        for check, part in zip(checks, progress.parts, strict=True):
            if part.check:
                check.restore(part.check)
        if progress.slices is None:
            progress.sliced([verifying.slices_of(there), verifying.slices_of(here)])
        back, forth = progress.slices or [1, 1]
        tasks = [partial(verifying.scan_index, truth=truth, slice=slice, slices=back) for slice in range(back)]
        tasks += [partial(verifying.sweep, slice=slice, slices=forth) for slice in range(forth)]
        title = f"{region}: compare {index.name} with {other}, in both directions"
        _run(_sharing(checks, tasks, stop, progress), stop, steps, title, there + here)
    return _total(checks, options, progress)


def _file(project: Project, region: str, index: str, other: str | None) -> Path:
    name = "-".join(part for part in (region, index, other) if part)
    return project.directory / ".dynadex" / "verify" / f"{name}.json"


def interrupted(project: Project, region: str, index: Index, other: str | None) -> Options:
    """The options of the verification that was interrupted here. Raises `WrongVerify` where none was."""
    found = Progress.read(_file(project, region, index.name, other))
    if found is None:
        raise WrongVerify(f"--resume: no verification of {index.name} in {region} was interrupted here")
    return Options(**found.asked["options"])


def _progress(
    project: Project,
    cloud: Cloud,
    region: str,
    index: Index,
    other: str | None,
    options: Options,
    compared: Mapping[str, str],
    *,
    resume: bool,
) -> Progress:
    path = _file(project, region, index.name, other)
    where = {"region": region, "index": index.name, "against region": other, "platform": cloud.name, **compared}
    asked = where | {"account": cloud.account(region), "options": asdict(options)}
    found = Progress.read(path) if resume else None
    if found is None:
        return Progress(path, asked, [Part() for _ in range(options.segments)])
    for name, now in asked.items():
        if found.asked.get(name) != now:
            was = found.asked.get(name)
            raise WrongVerify(f"--resume: its {name} was {was!r} and is {now!r} now; begin anew without --resume")
    return found


@contextmanager
def _resumable(progress: Progress, steps: Steps) -> Iterator[None]:
    """Says how to go on where it is interrupted."""
    try:
        yield
    except BaseException:
        if progress.save():
            asked = progress.asked
            against = f" --against {asked['against region']}" if asked["against region"] else ""
            steps.say(
                f"{progress.items:,} were compared; go on with `dynadex verify {asked['index']}{against} --resume "
                f"--region {asked['region']}` (kept in {progress.path})"
            )
        raise
    progress.forget()


def _recipe(project: Project, index: Index) -> Recipe:
    try:
        return settling.recipe(project, index)
    except SettlingError as error:
        raise VerifyError(f"{error}; --remote verifies with the functions that are deployed") from error


def _alias(engine: Engine, index: Index, generation: str | None) -> str:
    if generation is not None and generation not in (there := generations.existing(engine, index.name)):
        raise WrongVerify(f"--generation: {generation!r} is none of {', '.join(there) or 'no generations at all'}")
    return generations.write_alias(generation or generations.read(engine, index.name)[-1])


def _patience() -> Patience:
    return Patience(_PATIENCE_SECONDS)


def _pausing(stop: threading.Event) -> Callable[[float], None]:
    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise _Stopped

    return pause


#: What goes on in one thread: the check that counts, and what runs it.
Work = tuple[Check, Callable[[], None]]


def _sharing(
    checks: Sequence[Check], tasks: Sequence[Callable[[Check], None]], stop: threading.Event, progress: Progress
) -> list[Work]:
    """Work through all tasks, each check taking the next one that nobody has taken yet, and finishing in the end."""
    waiting = iter([number for number in range(len(tasks)) if number not in progress.done])
    lock = threading.Lock()

    def go_through(part: int) -> None:
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return checks[part].finish()
            if stop.is_set():
                raise _Stopped
            tasks[number](checks[part])
            progress.slice(part, checks[part], number)

    return [(check, partial(go_through, part)) for part, check in enumerate(checks)]


def _run(parts: Sequence[Work], stop: threading.Event, steps: Steps, title: str, expected: int) -> None:
    """Runs the parts side by side and tells how far they are; where one fails, the others stop."""
    before = sum(check.passed for check, _ in parts)
    with ThreadPoolExecutor(len(parts), thread_name_prefix="verify") as pool, steps.bar(title) as bar:
        waiting: set[Future[None]] = {pool.submit(do) for _, do in parts}
        with _stopping(stop):
            while waiting:
                ended, waiting = wait(waiting, timeout=_TELL_SECONDS, return_when="FIRST_COMPLETED")
                for part in ended:
                    part.result()
                done = sum(check.passed for check, _ in parts) - before
                bar.update(done, max(expected, done) or None)
        bar.update(done, done)


def _total(checks: Sequence[Check], options: Options, progress: Progress) -> Counts:
    total = Counts()
    for check in checks:
        total.add(check.counts, options.examples)
    total.seconds = progress.seconds
    return total


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stop.set()
        raise


def running(project: Project, cloud: Cloud, region: str, index: Index) -> str | None:
    """The execution that verifies the index right now, if one does."""
    client = cloud.client("stepfunctions", region)
    machine = _machine(project, cloud, region)
    for execution in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        given = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
        if index.name in {part.get("index", index.name) for part in given.get("segments", [given])}:
            return str(execution["executionArn"])
    return None


def start(project: Project, cloud: Cloud, region: str, index: Index, options: Options) -> str:
    """Starts a verification; returns the execution's ARN."""
    asked = {
        "readCapacity": options.read_capacity,
        "repair": options.repair,
        "full": options.full,
        "generation": options.generation,
    }
    common = {"index": index.name, "maxExamples": options.examples, **{name: it for name, it in asked.items() if it}}
    parts = [common | {"segment": part, "totalSegments": options.segments} for part in range(options.segments)]
    answer = cloud.client("stepfunctions", region).start_execution(
        stateMachineArn=_machine(project, cloud, region), input=json.dumps({"segments": parts})
    )
    return str(answer["executionArn"])


def follow(project: Project, cloud: Cloud, region: str, index: Index, execution: str, steps: Steps) -> Counts:
    """Follows an execution to its end. Raises `VerifyError` where it failed."""
    client = cloud.client("stepfunctions", region)
    physical = project.table_of(index).physical_name
    expected = cloud.client("dynamodb", region).describe_table(TableName=physical)["Table"].get("ItemCount") or 0
    pause = 0.2
    with steps.bar(f"{region}: verify {index.name}") as bar:
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            done = _items(client, execution, index.name)
            bar.update(done, max(expected, done) or None)
            time.sleep(pause)
            pause = min(5.0, pause * 1.3)
        if described["status"] != "SUCCEEDED":
            reason = f"{described.get('error', '')}: {described.get('cause', '')}"[:2000]
            raise VerifyError(f"the verification ended as {described['status'].lower()}: {reason}\n{execution}")
        [found] = [one for one in json.loads(described["output"])["indexes"] if one["index"] == index.name]
        counts = Counts.of_json(found)
        bar.update(counts.items, counts.items)
    counts.seconds = (described["stopDate"] - described["startDate"]).total_seconds()
    return counts


def newest(project: Project, cloud: Cloud, region: str, index: Index, read: Collection[str]) -> dict[str, Any] | None:
    """The newest verification in the cloud of the generations that searches read: how it is, and what it found.

    `at` is when it ended, or began where it has not ended, in seconds since 1970; while it runs, `items` are those that
    its rounds have handed on.
    """
    client, machine = cloud.client("stepfunctions", region), _machine(project, cloud, region)
    for execution in client.list_executions(stateMachineArn=machine, maxResults=50)["executions"]:
        described = client.describe_execution(executionArn=execution["executionArn"])
        given = json.loads(described["input"])
        parts = [one for one in given.get("segments", [given]) if one.get("index", index.name) == index.name]
        if not parts or parts[0].get("generation", index.name) not in (index.name, *read):
            continue
        at = described.get("stopDate") or described["startDate"]
        told = {"status": described["status"], "at": at.timestamp(), "execution": described["executionArn"]}
        if described["status"] == "RUNNING":
            return told | {"items": _items(client, described["executionArn"], index.name)}
        if described["status"] != "SUCCEEDED":
            return told
        [found] = [one for one in json.loads(described["output"])["indexes"] if one["index"] == index.name]
        counts = Counts.of_json(found)
        return told | {name: value for name, value in counts.to_json().items() if name != "examples"}
    return None


def _items(client: Any, execution: str, index: str) -> int:
    """How many items the rounds so far have returned."""
    items: dict[int, int] = {}
    for document in executions.documents(client, execution):
        if document.get("index", index) == index and isinstance(document.get("items"), int):
            items[document.get("segment", 0)] = document["items"]
    return sum(items.values())


def _machine(project: Project, cloud: Cloud, region: str) -> str:
    found = deployed.outputs(project, cloud, region)
    if "VerifyStateMachineArn" not in found:
        raise VerifyError(f"{project.name} in {region} was deployed without verification; deploy it again")
    return found["VerifyStateMachineArn"]

"""What a drill does to a region, and how that is undone.

Before anything is taken away a note of it is kept in the project's `.dynadex` folder, and removed when all is as it
was: so whoever comes after a drill that was cut off finds what is to be put right. Every step back may be made again.

On AWS only what is safe is done: event sources are switched off, and Route 53's health check is made to fail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import urllib3

from .. import generations
from ..core.gaps import HORIZON_SECONDS
from ..errors import DynadexError, WrongUse
from ..platform import embedded
from ..platform.cloud import Cloud
from ..platform.embedded import Folder, Running
from ..platform.laptop import Laptop
from ..project import Project
from . import deployed, gaps, refill, routing, verify
from .drill_items import DrillItems
from .steps import Quiet, Steps

Kind = Literal["region", "engine", "engine-keeps-data", "stream", "stream-gap"]

#: What each kind is, in words.
MEANING: Mapping[Kind, str] = {
    "region": "the whole region: engine stopped and emptied, stream not read, API gone",
    "engine": "the engine stopped and emptied",
    "engine-keeps-data": "the engine did not answer, and kept its data",
    "stream": "the stream was not read",
    "stream-gap": "records of the stream were lost, as after more than a day",
}

#: After these the cluster has nothing of what it had.
_EMPTIED = ("region", "engine")
_WITHOUT_ENGINE = ("region", "engine", "engine-keeps-data")
#: After these the index lacks something that no health check knows of: it is kept out until it is whole.
_KEPT_OUT = ("region", "engine", "stream-gap")
_ON_AWS = ("region", "stream")
_LET_NOTHING_PASS = {"Filters": [{"Pattern": json.dumps({"eventName": ["NONE"]})}]}
_MEND_SECONDS = 300.0


class OutageError(DynadexError):
    """A region could not be taken away or brought back; the message says what to do."""


class WrongOutage(WrongUse):
    """What was asked for cannot be done here."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was taken away, here or on AWS. `run` is the drill's mark on its items, which are in `table`; `check` the
    health check that was made to fail."""

    kind: Kind
    region: str
    run: str
    table: str
    check: str = ""
    aws: bool = False

    @property
    def remedy(self) -> str:
        """The command that brings the region back."""
        return "`dynadex drill --recover" + (" --aws`" if self.aws else "`")


def noted(folder: Folder) -> Note | None:
    """What an earlier drill took away and did not bring back."""
    try:
        return Note(**json.loads(_file(folder).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise OutageError(f"{_file(folder)} cannot be read ({error}): see there what is to be put right") from error


def _file(folder: Folder) -> Path:
    return folder.path / "drill.json"


def one_at_a_time(folder: Folder) -> AbstractContextManager[None]:
    """Keeps other drills away, and `up`. Raises `OutageError` while one is under way."""
    refused = OutageError(f"a drill or a start of this project is under way (in {folder.path})")
    return folder.held("drill.lock", refused)


class Outage:
    """One region's loss and return. `url` is the edge's address."""

    def __init__(self, project: Project, cloud: Cloud, folder: Folder, note: Note, url: str | None) -> None:
        self._project, self._cloud, self._folder, self.note, self._url = project, cloud, folder, note, url
        self._region = note.region

    # -- Away

    def check(self) -> Running | None:
        """What runs here, None on AWS. Raises `WrongOutage` for what cannot be done to the region."""
        kind = self.note.kind
        running = self._running() if isinstance(self._cloud, Laptop) else None
        if running is None and kind not in _ON_AWS:
            raise WrongOutage(f"--kind: on AWS only {' and '.join(_ON_AWS)} can be tried, not {kind}")
        if running is not None and kind in _WITHOUT_ENGINE and running.engines[self._region] is None:
            raise WrongOutage(f"--kind: the engine of {self._region} is your own; only the stream can be taken away")
        return running

    def begin(self) -> None:
        """Takes the region away. Raises as `check` does, before anything is done."""
        kind, running = self.note.kind, self.check()
        self.note = replace(self.note, aws=running is None)
        if self.note.aws and kind == "region":
            check = routing.health_checks(self._project, self._cloud).get(self._region)
            self.note = replace(self.note, check=check.id if check else "")
        temporary = _file(self._folder).with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self.note)))
        temporary.replace(_file(self._folder))
        if kind == "region":
            self._fail_check(True)
        if kind == "region" or (kind == "engine-keeps-data" and running is not None and running.kind == "memory"):
            self._turn(open=False)
        if kind == "stream-gap":
            self._switch_sources(on=True, filtered=True)
        else:
            self._switch_sources(on=False)
        if running is not None and kind in _WITHOUT_ENGINE:
            with self._folder.locked():
                embedded.stop_engine(self._folder, running, self._region, keep=kind == "engine-keeps-data")

    # -- Back, in this order

    def keep_out(self) -> bool:
        """Keeps the region from being sent searches before its index is whole again; returns whether that is needed."""
        needed = self.note.kind in _KEPT_OUT
        if needed:
            self._turn(routed=False)
        return needed

    def start_engine(self) -> None:
        """Has the region answer again; an engine whose data is gone gets its indices, empty."""
        self._turn(open=True)
        if not isinstance(self._cloud, Laptop):
            return
        running = self._running()
        if self._region in running.away:
            with self._folder.locked():
                embedded.start_engine(self._folder, running, self._region)
        engine = self._cloud.engine(self._project, self._region)
        for name, index in self._project.indexes.items():
            generations.ensure(engine, name, index.mapping)

    def start_stream(self) -> None:
        """Has the stream read again, from where it was left."""
        self._switch_sources(on=True)

    def make_whole(self, steps: Steps) -> None:
        """Fills an index that lost all; mends one that lost records of the stream."""
        if self.note.kind in _EMPTIED and isinstance(self._cloud, Laptop):
            self._refill(steps)
        if self.note.kind == "stream-gap":
            self._mend_gap(steps)

    def let_in(self) -> None:
        """Lets the region be sent searches, once its health check passes."""
        self._turn(routed=True)
        self._fail_check(False)

    def remove_items(self) -> None:
        """Removes the drill's items from the table."""
        if table := self._project.tables.get(self.note.table):
            DrillItems(table, self.note.run).remove(self._cloud, self._project.home_region)

    def end(self) -> None:
        """All is as it was."""
        _file(self._folder).unlink(missing_ok=True)

    # -- How

    def _running(self) -> Running:
        running = self._folder.running()
        if running is None:
            raise OutageError("the embedded platform of this project does not run: start it with `dynadex up`")
        return running

    def _turn(self, **doors: bool) -> None:
        if self._url is None:
            return
        address = f"{self._url}/edge/doors/{self._region}"
        try:
            answer = urllib3.request("POST", address, json=doors, timeout=10.0, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise OutageError(f"{address} does not answer: {error}") from error
        if answer.status != 200:
            raise OutageError(f"{address} answered {answer.status}: {answer.data[:200].decode(errors='replace')}")

    def _fail_check(self, fail: bool) -> None:
        if self.note.check:  # a check that is disabled counts as passing, and inverted as failing
            route53 = self._cloud.client("route53", self._project.home_region)
            route53.update_health_check(HealthCheckId=self.note.check, Disabled=fail, Inverted=fail)

    def _switch_sources(self, *, on: bool, filtered: bool = False) -> None:
        client = self._cloud.client("lambda", self._region)
        function = deployed.outputs(self._project, self._cloud, self._region)["StreamFunctionArn"]
        for source in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            change: dict[str, Any] = {"Enabled": on}
            if filtered or self.note.kind == "stream-gap":
                change["FilterCriteria"] = _LET_NOTHING_PASS if filtered else {"Filters": []}
            client.update_event_source_mapping(UUID=source["UUID"], **change)

    def _refill(self, steps: Steps) -> None:
        project, cloud = self._project, self._cloud

        def one(name: str) -> None:
            index = project.indexes[name]
            execution = refill.start(project, cloud, self._region, index, segments=1, read_capacity=0)
            result = refill.wait(project, cloud, self._region, index, execution, steps)
            if result.status != "SUCCEEDED":
                raise OutageError(f"the refill of {name} ended as {result.status}: {result.error}")

        with ThreadPoolExecutor(len(project.indexes)) as pool:
            list(pool.map(one, project.indexes))

    def _mend_gap(self, steps: Steps) -> None:
        """Has the gap found as after a day, and mended as dynadex.toml says."""
        project, cloud, region = self._project, self._cloud, self._region
        table = project.tables[self.note.table]
        watcher = gaps.watcher(project, cloud, region)
        mark = gaps.look(project, cloud, region, table)
        watcher.keep(table.name, replace(mark, sound=int(time.time()) - 3 * HORIZON_SECONDS, broken=True, gap=None))
        if project.functions.stream.on_gap == "refill":
            function = deployed.outputs(project, cloud, region)["WatchFunctionArn"]

            def closed() -> bool:
                cloud.client("lambda", region).invoke(FunctionName=function)
                found = watcher.mark(table.name)
                return found is not None and found.gap is None

            with steps.step(f"{region}: the watch finds the gap and has it repaired"):
                await_true(closed, _MEND_SECONDS, "the watch function has not closed the gap", pause=0.5)
            return
        for index in project.indexes_of(table):
            verify.verify(project, cloud, region, index, verify.Options(repair=True, full=True), steps)
            gaps.close(project, cloud, region, index)


def await_true(condition: Callable[[], bool], seconds: float, otherwise: str, pause: float = 0.2) -> None:
    """Waits for a condition. Raises `OutageError` where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise OutageError(f"{otherwise} after {seconds:.0f} s")
        time.sleep(pause)


def recover(project: Project, cloud: Cloud, folder: Folder, url: str | None, steps: Steps) -> Note | None:
    """Puts right what an earlier drill left; returns what it was. Raises `OutageError` if that was in another cloud.

    Of a region that is not the project's any more there are only the drill's items to be removed.
    """
    note = noted(folder)
    if note is None:
        return None
    if note.aws == isinstance(cloud, Laptop):
        raise OutageError(
            f"a drill {'on AWS' if note.aws else 'here'} left {note.region} away: {note.remedy} brings it back"
        )
    outage = Outage(project, cloud, folder, note, url)
    if note.region not in project.regions:
        outage.remove_items()
        outage.end()
        return note
    with steps.step(f"bring {note.region} back, which a drill had taken away"):
        bring_back(outage, Quiet())
    return note


def bring_back(outage: Outage, steps: Steps) -> None:
    """Every step back, one after another."""
    steps_back: Sequence[Callable[[], object]] = (
        outage.keep_out,
        outage.start_engine,
        outage.start_stream,
        lambda: outage.make_whole(steps),
        outage.let_in,
        outage.remove_items,
        outage.end,
    )
    for step in steps_back:
        step()

"""A drill: a region is lost and got back while writes and searches go on, and every claim about that is measured.

In order: all is compared and found equal; writes and searches begin; the region is taken away (`outage`), left out by
the edge, held, brought back (with an empty cluster where that is the kind), filled or mended, compared, and let in
again; then all regions are compared with the table and with each other, item by item.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .. import generations
from ..core import routing
from ..core.comparing import first_difference, loads
from ..core.routing import ANYWHERE
from ..core.writing import Target
from ..engine import Engine
from ..errors import DynadexError, WrongUse
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..platform.edge.settings import Settings
from ..platform.embedded import Folder
from ..project import Index, Project
from ..verifying import Counts, TableTruth
from . import edge, outage, settling, verify
from .drill_items import DrillItems, Template, template, told
from .drill_load import OWN, SHARED, Load, Observer, Probe, Search, Searcher, Turn, Writer
from .outage import MEANING, Kind, Note, Outage, await_true
from .steps import Quiet, Steps

_PROBES = 20
_SAMPLE = 200
_CATCH_UP_SECONDS = 180.0
_ROUTE_BACK_SLACK_SECONDS = 30.0
_LAST_WRITES_SECONDS = 30.0
#: Versions are to the second, and a search finds what was refreshed.
_CAUGHT_UP_SECONDS = 1


class DrillError(DynadexError):
    """A drill could not begin, or not come to its end; the message says why."""


class WrongDrill(WrongUse):
    """What was asked for makes no sense for this project."""


@dataclass(frozen=True, slots=True)
class Options:
    """`hold`: seconds that the region stays away once that is known; `calm`: before and after all of it.

    `interval` and `threshold` are those of the health checks for the drill's time; None: as they are. `writes` a second
    in each region, `searches` a second at each location.
    """

    kind: Kind = "region"
    hold: float = 30.0
    calm: float = 10.0
    interval: float | None = None
    threshold: int | None = None
    writes: float = 5.0
    searches: float = 3.0
    index: str | None = None


@dataclass(slots=True)
class Result:
    """What was seen. Times are `time.time()`; a moment that never came is None."""

    region: str
    options: Options
    settings: Settings
    regions: Sequence[str]
    locations: Sequence[str]
    began: float = field(default_factory=time.time)
    ended: float = 0.0
    taken: float | None = None
    detected: float | None = None
    returned: float | None = None
    equal: float | None = None
    let_in: float | None = None
    routed_back: float | None = None
    events: list[tuple[float, str]] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    lags: list[tuple[float, str, float]] = field(default_factory=list)
    writes: int = 0
    lost: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def parity(self) -> bool:
        """Whether every region's index equals the table, and the other regions'."""
        return not self.differences


def url_of(folder: Folder) -> str | None:
    """The edge's address, where it runs."""
    running = folder.running()
    return running.door.url if running and running.door else None


class Drill:
    """One drill. `folder` is the project's, where its note is kept."""

    def __init__(self, project: Project, cloud: Cloud, folder: Folder, region: str, options: Options) -> None:
        if len(project.regions) < 2:
            raise WrongDrill(f"{project.name} has one region only: nobody could answer for {region}")
        self.project, self.cloud, self.folder, self.region, self.options = project, cloud, folder, region, options
        name = options.index or next(iter(project.indexes))
        if name not in project.indexes:
            raise WrongDrill(f"--index: {name!r} is not an index of {project.name}: {', '.join(project.indexes)}")
        self.index: Index = project.indexes[name]
        self.run_id = uuid.uuid4().hex[:8]
        self.items = DrillItems.of(project, name, self.run_id)

    def run(self, steps: Steps) -> Result:
        """Goes through all of it. The region is brought back whatever happens."""
        with outage.one_at_a_time(self.folder):
            if (left := outage.noted(self.folder)) is not None:
                raise DrillError(f"an earlier drill left {left.region} away: {left.remedy} brings it back")
            with edge.standing(self.project, self.cloud, self.folder, self._settings) as (url, settings):
                return self._run(url, settings, steps)

    def _settings(self, settings: Settings) -> Settings:
        interval, threshold = self.options.interval, self.options.threshold
        return replace(settings, interval=interval or settings.interval, threshold=threshold or settings.threshold)

    def _run(self, url: str, settings: Settings, steps: Steps) -> Result:
        locations = _locations(settings)
        result = Result(self.region, self.options, settings, self.project.regions, locations)
        note = Note(self.options.kind, self.region, self.run_id, self.index.table)
        away = Outage(self.project, self.cloud, self.folder, note, url)
        away.check()
        with steps.step("every region is healthy, and its index equals the table"):
            load = self._prepare(url, locations, settings)
        telling = _Telling(result, steps)
        try:
            load.start()
            telling.say("writes and searches go on")
            time.sleep(self.options.calm)
            self._lose(away, load, result, telling)
            self._return(away, load, result, telling, steps)
            time.sleep(self.options.calm)
        except BaseException:
            load.stop()
            if outage.noted(self.folder) is not None:
                with steps.step(f"bring {self.region} back, all the same"):
                    outage.bring_back(away, steps)
            else:
                away.remove_items()
            raise
        load.stop()
        result.ended = time.time()
        result.searches = sorted(load.searcher.searches, key=lambda search: search.at)
        result.turns, result.lags = load.observer.turns, load.observer.lags
        result.writes = sum(writer.writes for writer in load.writers.values())
        back = [search.at for search in result.searches if search.region == self.region and not search.failure]
        result.routed_back = next((at for at in back if result.returned is not None and at > result.returned), None)
        try:
            with telling.step("compare every region with the table and with the others, item by item"):
                result.lost = self._lost(load)
                result.differences = self._differences(steps)
        finally:
            away.remove_items()
            away.end()
        return result

    # -- Before

    def _prepare(self, url: str, locations: Sequence[str], settings: Settings) -> Load:
        regions, numbers = self.project.regions, OWN * len(self.project.regions) + SHARED
        engines = {region: self.cloud.engine(self.project, region) for region in regions}
        observer = Observer(url, engines, self.index.name, self.items, numbers)
        await_true(
            lambda: (
                (seen := observer.look()).keys() >= set(regions)
                and all(state["healthy"] and state["checks"] for state in seen.values())
            ),
            settings.detection + 30,
            "a region is not healthy (`dynadex status` shows more)",
        )
        observer.turns.clear()
        if differences := self._differences(None):
            raise DrillError("the regions are not equal before anything was done: " + "; ".join(differences))
        made, probes = self._samples(url)
        shared = range(OWN * len(regions), numbers)
        writers = {
            region: Writer(
                self.cloud.client("dynamodb", region),
                self.items,
                made,
                [*range(OWN * place, OWN * (place + 1)), *shared],
                self.options.writes,
            )
            for place, region in enumerate(regions)
        }
        searcher = Searcher(url, self.index.name, locations, probes, self.options.searches)
        for location in locations:
            if failure := searcher.ask(location, probes[0]).failure:
                raise DrillError(f"a search from {location} fails before anything was done: {failure}")
        self._template = made
        return Load(writers, searcher, observer)

    def _samples(self, url: str) -> tuple[Template, list[Probe]]:
        """An item to copy, and searches that find what is there."""
        project, index = self.project, self.index
        table = self.cloud.table(project.table_of(index), project.home_region)
        page = table.scan(consistent=False, limit=_SAMPLE)
        schema = project.table_of(index).key
        recipe = settling.recipe(project, index)
        searcher = Searcher(url, index.name, [], [], 1.0)
        probes: list[Probe] = []
        items = [item for item in page.items if not recipe.is_heartbeat(item)]
        for item in items:
            document = recipe.document(item)
            texts = [loads(document).get(field.partition("^")[0]) for field in index.search.fields] if document else []
            words = " ".join(text for text in texts if isinstance(text, str))
            probe = Probe(words, schema.id_of(item))
            if words and not searcher.ask(str(ANYWHERE), probe).failure:
                probes.append(probe)
            if len(probes) == _PROBES:
                break
        if not probes:
            raise DrillError(f"no search of {index.name} finds an item that is there: there is nothing to measure by")
        return template(project, index, items), probes

    # -- Away

    def _lose(self, away: Outage, load: Load, result: Result, telling: _Telling) -> None:
        result.taken = time.time()
        with telling.step(f"{self.region} is lost: {MEANING[self.options.kind]}"):
            away.begin()
        if self.options.kind == "region":
            load.writers[self.region].rest(True)  # its users are gone with it
        bound = result.settings.detection + result.settings.interval
        if self.project.heartbeat is not None and "stream" in self.options.kind:
            bound += self.project.heartbeat.limit + self.project.heartbeat.every
        deadline = result.taken + bound
        while load.observer.healthy.get(self.region, True) and time.time() < deadline:
            time.sleep(0.1)
        lost = [turn.at for turn in load.observer.turns if turn.region == self.region and not turn.healthy]
        if lost:
            result.detected = lost[0]
            telling.say(f"the edge leaves {self.region} out, {result.detected - result.taken:.1f} s after its loss")
        else:
            telling.say(f"no health check tells that {self.region} is away")
        time.sleep(self.options.hold)

    # -- Back

    def _return(self, away: Outage, load: Load, result: Result, telling: _Telling, steps: Steps) -> None:
        region = self.region
        result.returned = returned = time.time()
        if away.keep_out():
            telling.say(f"{region} is kept out until its index is whole")
        with telling.step(f"{region}: it answers again, and its stream is read"):
            away.start_engine()
            load.writers[region].rest(False)
            away.start_stream()
        if self.options.kind in ("region", "engine", "stream-gap"):
            with telling.step(f"{region}: make good from the table what was lost"):
                away.make_whole(steps)
        with telling.step(f"{region}: catch up on what was written meanwhile"):
            self._catch_up(load, returned)
        with telling.step(f"{region}: compare its index with the table, while writes go on"):
            while (found := self._verify(region, steps)).differences:
                if time.time() - returned > _CATCH_UP_SECONDS:
                    raise DrillError(f"{region} does not become equal to the table: {_told(found)}")
        result.equal = time.time()
        away.let_in()
        result.let_in = time.time()
        bound = result.settings.detection + _ROUTE_BACK_SLACK_SECONDS
        with telling.step(f"{region}: its health check passes, and it is sent searches"):
            await_true(
                lambda: load.observer.healthy.get(region, True),
                bound,
                f"{region} was not taken in again",
            )

    def _catch_up(self, load: Load, since: float) -> None:
        await_true(
            lambda: load.observer.newest.get(self.region, 0) > since + _CAUGHT_UP_SECONDS,
            _CATCH_UP_SECONDS,
            f"{self.region} has not caught up on its stream",
        )

    # -- After

    def _verify(self, region: str, steps: Steps | None) -> Counts:
        options = verify.Options(segments=2, full=True, examples=3)
        found = Counts()
        for index in self.project.indexes.values():
            found.add(verify.verify(self.project, self.cloud, region, index, options, steps or Quiet()), 3)
        return found

    def _differences(self, steps: Steps | None) -> list[str]:
        """Where regions differ from the table, or from each other."""
        home, *others = self.project.regions
        verified = {region: self._verify(region, steps) for region in self.project.regions}
        told = [f"{region}: {_told(found)}" for region, found in verified.items() if found.differences]
        options = verify.Options(segments=2, examples=3)
        for other in others:
            for index in self.project.indexes.values():
                found = verify.compare(self.project, self.cloud, other, home, index, options, steps or Quiet())
                if found.differences:
                    told.append(f"{index.name} in {other} against {home}: {_told(found)}")
        return told

    def _lost(self, load: Load) -> list[str]:
        """The items that are not what was last written, in a table or in an index."""
        described, recipe = self.project.table_of(self.index), settling.recipe(self.project, self.index)
        ids: dict[str, int] = {}
        allowed: dict[str, set[str | None]] = {}
        for writer in load.writers.values():
            for number, writing in writer.writings.items():
                ids[id := self.items.id(number)] = number
                allowed.setdefault(id, set()).update(None if it is None else told(it) for it in writing.states)
        keys = {id: self.items.key(number) for id, number in ids.items()}
        lost = set()
        for region in self.project.regions:
            table, engine = self.cloud.table(described, region), self.cloud.engine(self.project, region)
            items, truth = table.read(keys).items, TableTruth(table, recipe)
            for id, states in allowed.items():
                text = (items.get(id) or {}).get(self._template.attribute, {}).get("S")
                if states and text not in states:
                    lost.add(f"{id}: the table of {region} has not what was written last")
            deadline = time.monotonic() + _LAST_WRITES_SECONDS
            while (wrong := self._differing(engine, truth, list(ids))) and time.monotonic() < deadline:
                time.sleep(0.2)  # the last writes are on their way yet
            lost |= {f"{id}: the index of {region} has not what the table has" for id in wrong}
        return sorted(lost)

    def _differing(self, engine: Engine, truth: TableTruth, ids: list[str]) -> list[str]:
        patience = Patience(30.0)
        expected = truth.expect(ids, patience)
        alias = generations.read_alias(engine, self.index.name)
        found = engine.look([Target(alias, id) for id in ids], patience)
        return [
            id
            for id, there in zip(ids, found, strict=True)
            if first_difference(expected[id].document, getattr(there, "source", None))
        ]


class _Telling:
    """Keeps what happens as events, and tells it."""

    def __init__(self, result: Result, steps: Steps) -> None:
        self._result, self._steps = result, steps

    def say(self, text: str) -> None:
        self._result.events.append((time.time(), text))
        self._steps.say(f"{time.time() - self._result.began:6.1f} s  {text}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        with self._steps.step(title):
            self._result.events.append((time.time(), title))
            yield


def _told(found: Counts) -> str:
    parts = {"missing": found.missing, "stale": found.stale, "ghosts": found.ghosts, "failed": found.failed}
    shown = ", ".join(example.id for example in found.examples)
    return ", ".join(f"{number} {name}" for name, number in parts.items() if number) + f" ({shown})"


def _locations(settings: Settings) -> list[str]:
    """A location for each region that is the first to answer somewhere, and anywhere."""
    chosen: dict[str, str] = {}
    everywhere = set(settings.apis)
    for record in sorted(settings.records, key=lambda record: bool(record.location.country)):
        if routing.answer(record.location, settings.records, everywhere) == record:
            chosen.setdefault(record.region, str(record.location))
    return list(dict.fromkeys([*chosen.values(), str(ANYWHERE)]))

"""Brings a project up on the embedded platform: started or taken up again, deployed, filled and found by searches."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .. import generations
from ..core import heartbeats
from ..engine import EngineError
from ..errors import WrongUse
from ..platform import embedded
from ..platform.cloud import Cloud, EngineAddress
from ..platform.embedded import EngineKind, Folder, Running
from ..platform.jars import PlatformError
from ..platform.servers import Server
from ..project import Index, Project, Table
from . import admins, edge, outage, refill, removing, stacks, status
from .deploy import Deployed, deploy, source_stacks
from .deployed import api
from .load import load
from .steps import Steps

#: An index whose count has not moved for so long will not reach the table's: some items are not wanted, or failed.
_STILL_SECONDS = 6.0
_LONGEST_WAIT_SECONDS = 600.0


class UpError(WrongUse):
    """The platform cannot be brought up as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `up` was asked for; `engine_urls` by region, or under "" for all of them.

    What is None stays as it runs; where nothing runs, it is the default.
    """

    port: int | None = None
    engine: EngineKind | None = None
    engine_urls: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """A project that is up."""

    running: Running
    deployed: Mapping[str, Deployed]
    admin: admins.SignIn | None = None

    def document(self, project: Project) -> dict[str, Any]:
        """Where everything is, for tools."""
        return {
            "platform": self.running.cloud.url,
            "web": self.running.door.url if self.running.door and edge.page(project) else None,
            "edge": self.running.door.url if self.running.door else None,
            "admin": self.admin and {"username": self.admin.username, "password": self.admin.password},
            "regions": {
                region: {
                    "api": one.api,
                    "engine": self.running.addresses[region].url,
                    "tables": {name: table.physical_name for name, table in project.tables.items()},
                    "indexes": {name: self.running.addresses[region].prefix + name for name in project.indexes},
                }
                for region, one in self.deployed.items()
            },
        }


def up(project: Project, options: Options, steps: Steps) -> Up:
    """Starts what does not run, deploys, seeds empty tables, refills empty indices, waits until all is found.

    Safe to run again at any time: what is there is taken up.
    """
    folder = Folder(project.directory)
    with folder.locked(), outage.one_at_a_time(folder):
        running, anew = _started(project, folder, options, steps)
        running = _without_others(project, folder, running, steps)
        for region in running.away:  # before `recover`, which would take the lock again
            with steps.step(f"start the engine of {region}, which a drill had stopped"):
                running = embedded.start_engine(folder, running, region)
        cloud = running.laptop()
        if anew:
            _read_streams_anew(project, cloud)
        deployed = deploy(project, cloud, project.regions, steps, folder.path / "packages")
        admin = admins.keep_local_admin(project, cloud, folder.path)
        _refill(project, cloud, deployed, steps)
        _seed(project, cloud, steps)
        _recover(project, cloud, folder, running, steps)
        with steps.step("every region finds what the tables hold"):
            _await_found(project, cloud, steps)
        if edge.wanted(project):
            with steps.step("open the web address"):
                apis = {region: one.api for region, one in deployed.items()}
                running = edge.publish(project, cloud, folder, running, apis)
    return Up(running, deployed, admin)


def _recover(project: Project, cloud: Cloud, folder: Folder, running: Running, steps: Steps) -> None:
    """Brings back what a drill here left away; of one on AWS it tells."""
    note = outage.noted(folder)
    if note and note.aws:
        steps.say(f"a drill left {note.region} away on AWS: {note.remedy} brings it back")
    else:
        outage.recover(project, cloud, folder, running.door.url if running.door else None, steps)


def _started(project: Project, folder: Folder, options: Options, steps: Steps) -> tuple[Running, bool]:
    """What runs, and whether it was started just now."""
    own = _own_engines(project, options)
    running = folder.running()
    port, kind = options.port, options.engine
    if running is not None:
        if not kind and not own:
            own = {region: running.addresses[region] for region, server in running.engines.items() if server is None}
        port, kind = port or running.port, kind or running.kind
        if running.whole() and _same(running, port, kind, own, project):
            steps.say(f"the platform runs already at {running.cloud.url}")
            for region in project.regions:
                if region not in running.engines:
                    with steps.step(f"{region}: start its engine"):
                        running = embedded.add_engine(folder, running, region, own.get(region))
            return running, False
    if running is not None or folder.left_over():
        with steps.step("stop what an earlier start left"):
            embedded.stop(folder, running)
    port, kind = port or embedded.DEFAULT_PORT, kind or "memory"
    engines = "your engine" if own else {"memory": "an engine in memory"}.get(kind, kind)
    with steps.step(f"start the platform, and {engines} for {' and '.join(project.regions)}"):
        return embedded.start(folder, port, kind, project.regions, own), True


def _without_others(project: Project, folder: Folder, running: Running, steps: Steps) -> Running:
    """Takes out regions that dynadex.toml has no more, while the others go on."""
    there = dict.fromkeys((*running.engines, *removing.replicated(project, running.laptop())))
    for region in [one for one in there if one not in project.regions]:
        cloud = running.laptop()
        if running.door is not None:
            with steps.step(f"{region}: the web address sends nobody there any more"):
                apis = {one: api(project, cloud, one) for one in project.regions if one in running.engines}
                running = edge.publish(project, cloud, folder, running, apis)
        removing.remove(project, cloud, region, steps)
        if region in running.engines:
            running = embedded.remove_engine(folder, running, region)
    return running


def _read_streams_anew(project: Project, cloud: Cloud) -> None:
    """Takes the event sources away, so that the deployment makes them again.

    Over a restart the platform keeps how many records each has read, but not the records: the sources that it kept
    would pass over as many new ones.
    """
    for region in project.regions:
        for name in source_stacks(project):
            stacks.delete(cloud.client("cloudformation", region), name)


def _same(running: Running, port: int, kind: EngineKind, own: Mapping[str, EngineAddress], project: Project) -> bool:
    return (
        (running.port, running.kind) == (port, kind)
        and project.home_region in running.engines
        and all(
            own.get(region) == _own_address(running, region) for region in project.regions if region in running.engines
        )
    )


def _own_address(running: Running, region: str) -> EngineAddress | None:
    """Where a region's engine is, if that is the user's own."""
    return running.addresses[region] if running.engines[region] is None else None


def _own_engines(project: Project, options: Options) -> dict[str, EngineAddress]:
    """The user's own engines; regions that share one get their names before every index."""
    urls = options.engine_urls or {}
    for region, url in urls.items():
        if region and region not in project.regions:
            raise UpError(f"--engine-url: {region} is not a region of the project: {', '.join(project.regions)}")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UpError(f"--engine-url: {url!r} is not an address like http://127.0.0.1:9200")
    chosen = {region: urls.get(region, urls.get("", "")).rstrip("/") for region in project.regions}
    found = {}
    for region, url in chosen.items():
        if url:
            shared = list(chosen.values()).count(url) > 1
            prefix = project.engines[region].prefix or (f"{region}-" if shared else "")
            found[region] = EngineAddress(url, "none", prefix=prefix)
    return found


def _seed(project: Project, cloud: Cloud, steps: Steps) -> None:
    for table in project.tables.values():
        if table.seed and _is_empty(project, cloud, table):
            load(cloud, project.home_region, table, project.directory / table.seed, steps)


def _is_empty(project: Project, cloud: Cloud, table: Table) -> bool:
    items = cloud.table(table, project.home_region).scan(limit=len(project.regions) + 1).items
    return all(heartbeats.region_of(table.key, item) for item in items)


def _refill(project: Project, cloud: Cloud, deployed: Mapping[str, Deployed], steps: Steps) -> None:
    """Fills the indices that were made anew from their tables: an engine in memory keeps nothing over a restart."""

    def one(place: tuple[str, str]) -> None:
        region, name = place
        index = project.indexes[name]
        execution = refill.start(project, cloud, region, index, segments=1, read_capacity=0)
        result = refill.wait(project, cloud, region, index, execution, steps)
        if result.status != "SUCCEEDED":
            raise UpError(f"the refill of {name} in {region} ended as {result.status}: {result.error}")

    places = [
        (region, name)
        for region, found in deployed.items()
        for name in found.made
        if not _is_empty(project, cloud, project.table_of(project.indexes[name]))
    ]
    if places:
        with ThreadPoolExecutor(len(places)) as pool:
            list(pool.map(one, places))


def _await_found(project: Project, cloud: Cloud, steps: Steps) -> None:
    """Waits until each index has a document for each item, or its count stands still."""
    items = {
        (region, table.name): status.items_in(project, cloud, region, table)
        for region in project.regions
        for table in project.tables.values()
    }

    def one(place: tuple[str, Index]) -> None:
        region, index = place
        wanted = items[region, index.table]
        found = _await_count(project, cloud, region, index.name, wanted)
        if found != wanted:
            steps.say(
                f"{region}: {index.name} has {found:,} documents for {wanted:,} items; "
                "`dynadex status` shows whether any failed"
            )

    # Side by side: where an index holds a part of its table only, there is nothing to wait for but stillness.
    places = [(region, index) for region in project.regions for index in project.indexes.values()]
    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(one, places))


def _await_count(project: Project, cloud: Cloud, region: str, name: str, wanted: int) -> int:
    started = moved = time.monotonic()
    last = -1
    while True:
        try:
            found = status.documents_in(project, cloud, region, project.indexes[name])
        except (EngineError, generations.IndexMissing):
            found = 0
        now = time.monotonic()
        if found != last:
            last, moved = found, now
        if found == wanted or now - moved > _STILL_SECONDS or now - started > _LONGEST_WAIT_SECONDS:
            return found
        time.sleep(0.1)


def down(project: Project, steps: Steps, *, wipe: bool) -> bool:
    """Stops the platform, keeping its data unless `wipe`; returns whether anything ran."""
    folder = Folder(project.directory)
    if not folder.path.exists():
        return False
    with folder.locked():
        running = folder.running()
        ran = running is not None or bool(folder.left_over())
        if ran:
            with steps.step("stop the platform" + ("" if wipe else ", keeping its data")):
                embedded.stop(folder, running)
        if wipe and (note := outage.noted(folder)) and note.aws:
            raise UpError(f"a drill left {note.region} away on AWS: first {note.remedy}, which needs what is kept here")
        if wipe:
            with steps.step("remove what it kept"):
                folder.wipe()
    return ran


def ended_unasked(project: Project) -> list[Server] | None:
    """The platform's processes that ended though nobody stopped them; None once it is stopped."""
    folder = Folder(project.directory)
    running = folder.running() if folder.path.exists() else None
    if running is None:
        return None
    if running.whole():
        return []
    try:
        with folder.locked():  # not while a stop or a start is under way: it ends them one by one
            if folder.running() != running:
                return []
            return running.ended()
    except PlatformError:
        return []


def local_cloud(project: Project) -> Cloud | None:
    """The project's embedded platform, if it was ever started here. Raises `PlatformError` while it does not run."""
    folder = Folder(project.directory)
    if not folder.exists():
        return None
    running = folder.running()
    if running is None or not running.whole():
        raise PlatformError(
            "the embedded platform of this project does not run: start it with `dynadex up`, "
            "or say --aws to work on AWS instead"
        )
    return running.laptop()

"""What the local edge stands for: the regions' APIs, and the records by which it chooses among them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import DynadexError
from ..platform import embedded, servers
from ..platform.cloud import Cloud
from ..platform.edge.settings import Settings, everybody_home
from ..platform.embedded import Folder, Running
from ..platform.laptop import Laptop
from ..project import Project
from . import deployed, routing


class EdgeError(DynadexError):
    """There is no edge to work with; the message says what to do."""


def page(project: Project) -> Path | None:
    """The folder of the project's page, if it has one."""
    folder = project.directory / "web"
    return folder if (folder / "index.html").is_file() else None


def wanted(project: Project) -> bool:
    """Whether there is anything for an edge to do: a page to serve, or regions to choose among."""
    return page(project) is not None or len(project.regions) > 1


def publish(project: Project, cloud: Cloud, folder: Folder, running: Running, apis: Mapping[str, str]) -> Running:
    """Starts the edge, or has it take over what has changed."""
    return embedded.open_door(folder, running, page(project), settings(project, cloud, apis))


def settings(project: Project, cloud: Cloud, apis: Mapping[str, str]) -> Settings:
    """What the edge stands for with these regions' APIs: the records and health checks as Route 53 has them."""
    indexes = tuple(project.indexes)
    records = tuple(one for one in routing.deployed_records(project, cloud) if one.region in apis)
    checks = routing.health_checks(project, cloud)
    if not records or not checks:
        return Settings(apis, everybody_home(list(apis)), indexes)
    check = next(iter(checks.values()))  # all have the same settings
    return Settings(apis, records, indexes, check.interval, check.threshold)


@contextmanager
def standing(
    project: Project, cloud: Cloud, folder: Folder, change: Callable[[Settings], Settings]
) -> Iterator[tuple[str, Settings]]:
    """The edge's address and settings, changed for a while.

    Here it is the one that runs; for AWS one is started in front of the regions' APIs, which does what Route 53 does.
    """
    own = settings(project, cloud, {region: deployed.api(project, cloud, region) for region in project.regions})
    changed = change(own)
    if isinstance(cloud, Laptop):
        running = folder.running()
        if running is None or running.door is None:
            raise EdgeError("the edge of this project does not run: start it with `dynadex up`")
        embedded.open_door(folder, running, page(project), changed)
        try:
            yield running.door.url, changed
        finally:
            now = folder.running()  # another process may have stopped it: it is told its own again, not started
            if now is not None and now.door is not None and servers.is_running(now.door):
                embedded.open_door(folder, now, page(project), own)
        return
    with tempfile.TemporaryDirectory() as place:
        file = embedded.write_settings(Path(place) / "edge.json", changed)
        server = servers.start_edge(servers.free_port(), None, file, Path(place))
        try:
            yield server.url, changed
        finally:
            servers.stop(server)

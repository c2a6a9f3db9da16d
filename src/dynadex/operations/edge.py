"""What the local edge stands for: the regions' APIs, and the records by which it chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..platform import embedded
from ..platform.cloud import Cloud
from ..platform.edge.settings import Settings, everybody_home
from ..platform.embedded import Folder, Running
from ..project import Project
from . import routing


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

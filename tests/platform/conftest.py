"""The project in `project/`, up on the embedded platform: once a run, and only if a test asks for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dynadex import project as projects
from dynadex.engine import Engine
from dynadex.operations.steps import Quiet
from dynadex.operations.up import Options, down, up
from dynadex.platform import embedded, servers
from tests.platform.engine_door import EngineDoor
from tests.platform.world import World

_PROJECT = Path(__file__).parent / "project"


def free_base() -> int:
    """A port that can be a platform's base: none of its range is taken."""
    while True:
        base = servers.free_port()
        if base + embedded.PORTS < 65536 and not any(map(servers.port_in_use, range(base, base + embedded.PORTS))):
            return base


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The project, up in both regions, its engines behind doors that a test can shut."""
    folder = tmp_path_factory.mktemp("world")
    directory = shutil.copytree(_PROJECT, folder / "project", ignore=shutil.ignore_patterns("__pycache__", ".dynadex"))
    project = projects.load(directory)
    with ExitStack() as stack:
        engines, doors = {}, {}
        for region in project.regions:
            server = servers.start_osmem(servers.free_port(), folder / f"engine-{region}")
            stack.callback(servers.stop, server)
            engines[region], doors[region] = Engine(server.url), EngineDoor(server.url)
            stack.callback(doors[region].shut)
        stack.callback(down, project, Quiet(), wipe=True)
        urls = {region: door.url for region, door in doors.items()}
        result = up(project, Options(port=free_base(), engine_urls=urls), Quiet())
        yield World(project, result.running.laptop(), result.deployed, engines, doors)

"""The project in `project/`, up on the embedded platform: once a run, and only if a test asks for it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dynadex import project as projects
from dynadex.engine import Engine
from dynadex.operations.steps import Quiet
from dynadex.operations.up import Options, down, up
from dynadex.platform import servers
from tests.platform.console import free_base
from tests.platform.engine_door import EngineDoor
from tests.platform.failing import Put, empty, redeploy
from tests.platform.refilling import INDEX, Lessons, lessons_up
from tests.platform.world import World

_PROJECT = Path(__file__).parent / "project"


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


@pytest.fixture
def name() -> str:
    """A text that no other test has in its ids."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def put(world: World) -> Iterator[Put]:
    """Puts items as one batch for each region's stream function; they are deleted again after the test."""
    put_items: list[tuple[str, list[dict[str, Any]]]] = []
    world.forget_failures()

    def put_at_once(table: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        put_items.append((table, items))
        with world.paused(table):
            world.put_all(table, items)
        return items

    yield put_at_once
    for table, items in put_items:
        world.delete_all(table, items)
    world.await_equal()
    for region in world.regions:
        empty(world, "UndeliveredQueueUrl", region)
    world.forget_failures()


@pytest.fixture
def making(world: World) -> Iterator[Path]:
    """The file with the transform; what a test makes of it is undone, also where it is deployed."""
    file = world.project.directory / "making.py"
    text = file.read_text()
    yield file
    file.write_text(text)
    redeploy(world)


@pytest.fixture(scope="module")
def lessons_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lessons]:
    """The example with small rounds, up in one region for the tests of a module."""
    with lessons_up(tmp_path_factory.mktemp("lessons")) as world:
        yield world


@pytest.fixture
def lessons(lessons_of_module: Lessons) -> Iterator[Lessons]:
    """The index equals the table before each test, and no item has failed after it."""
    lessons = lessons_of_module
    if lessons.difference(INDEX):  # an earlier test failed
        lessons.finished(lessons.start({"readCapacity": 5000}))
    lessons.await_equal_lessons()
    yield lessons
    assert lessons.failures() == []

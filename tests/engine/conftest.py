"""Every test here runs on each engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from dynadex import generations
from dynadex.core.writing import Target
from dynadex.engine import Engine
from dynadex.platform.servers import Server
from tests.engine.subject import Place, Subject

_prefixes = (f"test{number}-" for number in itertools.count(1))


@pytest.fixture(
    scope="session",
    params=[
        "osmem",
        pytest.param("opensearch", marks=pytest.mark.java),
        pytest.param("elasticsearch", marks=pytest.mark.java),
    ],
)
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def new_subject(server: Server) -> Callable[[], Subject]:
    name = server.name.partition("-")[0]
    return lambda: Subject(name, Engine(server.url, prefix=next(_prefixes)))


@pytest.fixture
def subject(new_subject: Callable[[], Subject]) -> Subject:
    return new_subject()


@pytest.fixture
def place(subject: Subject) -> Place:
    """A document that is not there yet."""
    return Place(subject, Target(generations.write_alias(subject.generation()), "1"))

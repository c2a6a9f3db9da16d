"""Dynadex as it runs in a region: the functions' own handlers, with the environment that a deployment gives them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dynadex import generations
from dynadex.engine import Engine
from dynadex.functions import refill, search, service, stream
from dynadex.project import Project

from . import lessons

INDEX = "lessons"


class Context:
    """Lambda's, with a quarter of an hour left."""

    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def environment(engine_url: str, table_url: str, project: Path) -> dict[str, str]:
    """What a deployment sets for each function."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_ENDPOINT_URL_DYNAMODB": table_url,
        "DYNADEX_ENGINE_URL": engine_url,
        "DYNADEX_PROJECT": str(project),
        "DYNADEX_FAILURES_QUEUE_URL": "http://127.0.0.1:1/",  # nothing fails here
    }


def packaged(project: Project, folder: Path, items: int) -> Path:
    """The project as a package holds it, its table one that has so many items."""
    tables = {"lessons": replace(project.tables["lessons"], physical_name=lessons.table(items))}
    handle, path = tempfile.mkstemp(".json", "project-", folder)
    os.close(handle)
    Path(path).write_bytes(replace(project, tables=tables).to_json())
    return Path(path)


def forget() -> None:
    """Makes the functions begin anew, as new instances do."""
    for kept in (service.project, service.aws, service.engine, service.table, service.recipe):
        kept.cache_clear()
    service.forget_generations()


class Region:
    """One region. `items` is how many its table has."""

    def __init__(
        self,
        engine_url: str,
        table_url: str,
        folder: Path,
        *,
        items: int = lessons.ITEMS,
        project: Project | None = None,
    ) -> None:
        self.engine_url, self.table_url, self.folder = engine_url, table_url, folder
        self.project = project or lessons.project()
        self.environment = environment(engine_url, table_url, packaged(self.project, folder, items))
        self.engine = Engine(engine_url)
        self._quiet = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the region

    def enter(self) -> None:
        """Puts this process into the region."""
        os.environ.update(self.environment)
        forget()

    def empty(self) -> str:
        """Makes the index anew, without documents; returns its generation."""
        for name in generations.existing(self.engine, INDEX):
            self.engine.ask("DELETE", f"/{name}")
        service.forget_generations()
        made = generations.ensure(self.engine, INDEX, self.project.indexes[INDEX].mapping)
        assert made
        return made

    def sync(self, event: dict[str, Any]) -> None:
        """A batch of the stream."""
        service.set_up_process()
        with self._said():
            stream.handler(event, Context())

    def refill(self, **given: Any) -> None:
        """A refill, round after round."""
        service.set_up_process()
        following: Mapping[str, Any] = {"index": INDEX, **given}
        with self._said():
            while following := refill.handler(dict(following), Context()):
                pass

    def search(self, query: str) -> dict[str, Any]:
        """A request to the HTTP API; returns the answer's document."""
        event = {"routeKey": "GET /search", "rawPath": "/search", "queryStringParameters": {"q": query}}
        with self._said():
            answer = search.handler(event, Context())
        assert answer["statusCode"] == 200, answer
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def documents(self) -> int:
        """How many the index has now."""
        return count(self.engine, INDEX)

    @contextmanager
    def _said(self) -> Iterator[None]:
        with redirect_stdout(self._quiet):
            yield


@dataclass(frozen=True, slots=True)
class World:
    """What rows are measured in: an engine, a table, a folder for what they need."""

    engine_url: str
    table_url: str
    folder: Path

    def region(self, *, items: int = lessons.ITEMS, project: Project | None = None) -> Region:
        """A region with these."""
        return Region(self.engine_url, self.table_url, self.folder, items=items, project=project)


def count(engine: Engine, index: str) -> int:
    """The documents of an index, refreshed first."""
    engine.ask("POST", f"/{index}/_refresh")
    return int(engine.ask("GET", f"/{index}/_count")["count"])

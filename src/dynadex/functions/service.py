"""What every function of a region works with: the project in its package, the engine and tables of its environment."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import Protocol

from .. import generations
from ..aws import Service as AwsService
from ..core.documents import Recipe
from ..core.writing import Failure, Feeds
from ..engine import Auth, Engine, EngineError, EngineUnavailable, basic_auth, no_auth
from ..failures import message, send
from ..pacing import Patience
from ..project import Project
from ..recipes import recipe_of
from ..table import Table

#: A function instance sees a new generation at the latest after so many seconds (a rebuild waits for that).
ALIAS_CACHE_SECONDS = 10.0
#: Seconds of an invocation's time that are kept for reporting when retries use up the rest.
_RESERVE_SECONDS = 2.0


class Context(Protocol):
    """What Lambda gives a handler beside the event."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def set_up_process() -> None:
    """Has Python spend its time on batches; called where a function that goes through many items is imported."""
    # What a batch is made of has no cycles, so it goes as soon as it is let go. By default the collector would go
    # through it again and again while it is read and converted, which takes a quarter of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # A request that is sent while the next one is made takes turns with that: not every 5 ms only, as by default.
    sys.setswitchinterval(0.0005)


@cache
def project() -> Project:
    """The project as it was packaged."""
    return Project.from_json(Path(os.environ.get("DYNADEX_PROJECT", _packaged())).read_bytes())


def _packaged() -> Path:
    return Path(__file__).parents[2] / "project.json"


def region() -> str:
    """The region that this function runs in."""
    return os.environ["AWS_REGION"]


@cache
def aws(name: str) -> AwsService:
    """A service of this region."""
    return AwsService(name, region())


@cache
def engine() -> Engine:
    """This region's cluster."""
    return Engine(os.environ["DYNADEX_ENGINE_URL"], auth=_auth(), prefix=os.environ.get("DYNADEX_ENGINE_PREFIX", ""))


def _auth() -> Auth:
    match os.environ.get("DYNADEX_ENGINE_AUTH", "none"):
        case "none":
            return no_auth
        case "basic":
            reply = aws("secretsmanager").call("GetSecretValue", {"SecretId": os.environ["DYNADEX_ENGINE_SECRET"]})
            secret = json.loads(json.loads(reply.body)["SecretString"])
            return basic_auth(secret["username"], secret["password"])
        case "signed":
            from ..aws import environment_credentials, sign

            return lambda method, url, headers, body: sign(
                method, url, headers, body, "es", region(), environment_credentials()
            )
        case other:
            raise ValueError(f"DYNADEX_ENGINE_AUTH is {other!r}; none, basic or signed is expected")


@cache
def table(name: str) -> Table:
    """A table of the project, by its logical name."""
    described = project().tables[name]
    return Table(described.physical_name, described.key, aws("dynamodb"))


def table_of_source(arn: str) -> str:
    """The logical name of the table that a stream (`…:table/NAME/stream/LABEL`) belongs to."""
    physical = arn.split("/")[1]
    for name, described in project().tables.items():
        if described.physical_name == physical:
            return name
    raise ValueError(f"the stream {arn} belongs to no table of the project {project().name!r}")


@cache
def recipe(name: str) -> Recipe:
    """How an index makes its documents."""
    return recipe_of(project(), project().indexes[name], _packaged().parent)


@cache
def heartbeats(index: str) -> tuple[str, ...]:
    """The ids of the heartbeats in an index, which searches and counts leave out."""
    return project().heartbeats(project().indexes[index])


_fed: dict[str, tuple[float, list[str]]] = {}


def feeds(table_name: str, waiting: Patience, indexes: list[str] | None = None, generation: str | None = None) -> Feeds:
    """What a table's changes are written to: every generation fed, of all its indexes or the given ones; or just one.

    Raises `EngineError` where the one generation asked for is not fed.
    """
    names = [index.name for index in project().indexes_of(project().tables[table_name])] if indexes is None else indexes
    recipes = {}
    for name in names:
        for fed in _fed_generations(name, waiting):
            if generation in (None, fed):
                recipes[generations.write_alias(fed)] = recipe(name)
    if generation and not recipes:
        raise EngineError(404, "generation_not_fed", f"{generation} is fed no more")
    return Feeds(project().tables[table_name].key, recipes)


def _fed_generations(index: str, waiting: Patience) -> list[str]:
    seen, names = _fed.get(index, (0.0, []))
    attempt = 0
    while not names or time.monotonic() - seen > ALIAS_CACHE_SECONDS:
        asked = time.monotonic()
        try:
            names = generations.fed(engine(), index)
        except EngineUnavailable as error:
            attempt += 1
            waiting.pause(attempt, str(error))
            continue
        _fed[index] = (asked, names)
        break
    return names


def forget_generations() -> None:
    """Looks up anew which generations are fed: after a write was told that one is gone."""
    _fed.clear()


def sight_seconds(described: Project) -> float:
    """How long after a change of what is fed a stream function may still act on what was fed before."""
    return ALIAS_CACHE_SECONDS + described.functions.stream.timeout + 1  # the change is noted in whole seconds


def patience(context: Context) -> Patience:
    """As long as this invocation may retry."""
    return Patience(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)


def keep_failures(failures: list[Failure], table_name: str, waiting: Patience) -> None:
    """Puts failures into the failures queue, before anything counts as done."""
    if failures:
        messages = [message(failure, table_name, region()) for failure in failures]
        send(os.environ["DYNADEX_FAILURES_QUEUE_URL"], aws("sqs"), messages, waiting)

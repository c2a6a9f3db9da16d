"""The search function: GET /search, /suggest, /{index}/{id}, /health and /openapi.json of a region's HTTP API.

Errors are problem documents (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import generations
from ..core import bodies, querying, results, versions
from ..core.attributes import MAX_ID_BYTES
from ..core.writing import Found, Target
from ..engine import EngineError, EngineUnavailable
from ..project import Index
from . import report, service
from .answers import Response, kept, problem
from .tally import Tally

#: Seconds that a search may take in the engine; the API gives up after 30.
_SEARCH_SECONDS = 8.0

# What was found may be shown again for a moment, by anybody; one document is asked for anew each time, by its ETag.
_SECONDS, _ANEW, _MINUTES = "public, max-age=2", "no-cache", "public, max-age=300"

_tally = Tally()


def handler(event: dict[str, Any], context: service.Context) -> Response:
    """Takes an HTTP API event (payload format 2.0)."""
    _tally.tell()
    try:
        parameters = event.get("queryStringParameters") or {}
        match event.get("routeKey", "").partition(" ")[2]:
            case "/search":
                with _tally.search():
                    found = _search(*_index(parameters))
                    took = found.pop("took")  # which differs each time
                    return kept(event, found, _SECONDS, took=took)
            case "/suggest":
                return kept(event, _suggest(*_index(parameters)), _SECONDS)
            case "/{index}/{id}":
                return _document(event, context)
            case "/openapi.json":
                from . import openapi  # not for those who search: it is read once a page or never

                return kept(event, openapi.document(service.project()), _MINUTES)
            case "/health":
                from . import health  # nor this: the health checks have instances of their own, as good as always

                return health.respond()
        return problem(404, "Not found", f"there is nothing at {event.get('rawPath', '')[:200]}")
    except querying.WrongRequest as error:
        return problem(400, "Wrong request", str(error), problems=error.problems)
    except EngineUnavailable as error:
        report.line("engine away", service.project().name, "search", {"EngineAway": 1}, type=error.type)
        return problem(503, "Search is away", "The search engine does not answer; try again soon.", retry_after=2)
    except EngineError as error:
        report.line("engine refused", service.project().name, "search", {"EngineRefused": 1}, type=error.type)
        if isinstance(error, generations.IndexMissing) or error.status == 404:
            return problem(503, "No index", "The index is not there yet; it is being filled.", retry_after=5)
        return problem(500, "Search failed", "The engine refused the query.")


def _index(parameters: Mapping[str, str]) -> tuple[Index, dict[str, str]]:
    """The index that a request is about, the first one if it does not say; and its other parameters."""
    indexes = service.project().indexes
    name = parameters.get("index", next(iter(indexes)))
    if (index := indexes.get(name)) is None:
        raise querying.WrongRequest({"index": f"{name[:50]!r} is not one of {', '.join(indexes)}"})
    return index, {name: value for name, value in parameters.items() if name != "index"}


def _search(index: Index, parameters: Mapping[str, str]) -> dict[str, Any]:
    asked = querying.request(parameters, index.search)
    try:
        answer = _ask(index, bodies.query(asked, index.search, service.heartbeats(index.name)))
    except EngineError as error:
        problems = dict.fromkeys(asked.ranges, "is beyond what this field holds")
        if asked.after is not None:
            problems["cursor"] = "is out of date; search anew"
        if not problems or error.status != 400:
            raise
        raise querying.WrongRequest(problems) from error
    return results.result(answer, asked, index.search)


def _suggest(index: Index, parameters: Mapping[str, str]) -> dict[str, Any]:
    asked = querying.suggest_request(parameters)
    body = bodies.suggest(asked, index.search, service.heartbeats(index.name))
    return results.suggestions(_ask(index, body), asked, index.search)


def _ask(index: Index, body: Mapping[str, Any]) -> Any:
    engine = service.engine()
    return engine.search(generations.read_alias(engine, index.name), body, timeout=_SEARCH_SECONDS)


def _document(event: Mapping[str, Any], context: service.Context) -> Response:
    """One document as it is now, searchable or not yet."""
    path = event.get("pathParameters") or {}
    index, id = service.project().indexes.get(path.get("index", "")), path.get("id", "")
    length = len(id.encode("utf-8", "surrogatepass"))
    if index is None or not 1 <= length <= MAX_ID_BYTES or id in service.heartbeats(index.name):
        return problem(404, "Not found", f"there is nothing at /{path.get('index', '')[:50]}/{id[:100]}")
    engine = service.engine()
    target = Target(generations.read_alias(engine, index.name), id)
    match engine.look([target], service.patience(context))[0]:
        case Found(version, document) if document is not None:
            found = {"id": id, "document": document, "version": versions.decode(version)._asdict()}
            return kept(event, found, _ANEW)
        case None:
            return problem(404, "Not found", f"there is no {id[:100]!r} in {index.name}")
    raise EngineUnavailable(503, "not_answered", "the engine did not tell what is there")

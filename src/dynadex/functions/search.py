"""The search function: GET /search, /suggest, /{index}/{id} and /health of a region's HTTP API.

Errors are problem documents (RFC 9457).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .. import generations
from ..core import bodies, querying, results, versions
from ..core.attributes import MAX_ID_BYTES, dumps
from ..core.writing import Found, Target
from ..engine import EngineError, EngineUnavailable
from ..project import Index
from . import health, report, service

#: Seconds that a search may take in the engine; the API gives up after 30.
_SEARCH_SECONDS = 8.0

Response = dict[str, Any]


def handler(event: dict[str, Any], context: service.Context) -> Response:
    """Takes an HTTP API event (payload format 2.0)."""
    try:
        parameters = event.get("queryStringParameters") or {}
        match event.get("routeKey", "").partition(" ")[2]:
            case "/search":
                return _search(*_index(parameters))
            case "/suggest":
                return _suggest(*_index(parameters))
            case "/{index}/{id}":
                return _document(event.get("pathParameters") or {}, context)
            case "/health":
                return health.respond()
        return _problem(404, "Not found", f"there is nothing at {event.get('rawPath', '')[:200]}")
    except querying.WrongRequest as error:
        return _problem(400, "Wrong request", str(error), problems=error.problems)
    except EngineUnavailable as error:
        report.line("engine away", service.project().name, "search", {"EngineAway": 1}, type=error.type)
        return _problem(503, "Search is away", "The search engine does not answer; try again soon.", retry_after=2)
    except EngineError as error:
        report.line("engine refused", service.project().name, "search", {"EngineRefused": 1}, type=error.type)
        if isinstance(error, generations.IndexMissing) or error.status == 404:
            return _problem(503, "No index", "The index is not there yet; it is being filled.", retry_after=5)
        return _problem(500, "Search failed", "The engine refused the query.")


def _index(parameters: Mapping[str, str]) -> tuple[Index, dict[str, str]]:
    """The index that a request is about, the first one if it does not say; and its other parameters."""
    indexes = service.project().indexes
    name = parameters.get("index", next(iter(indexes)))
    if (index := indexes.get(name)) is None:
        raise querying.WrongRequest({"index": f"{name[:50]!r} is not one of {', '.join(indexes)}"})
    return index, {name: value for name, value in parameters.items() if name != "index"}


def _search(index: Index, parameters: Mapping[str, str]) -> Response:
    asked = querying.request(parameters, index.search)
    try:
        answer = _ask(index, bodies.query(asked, index.search, service.heartbeats(index.name)))
    except EngineError as error:
        if asked.after is None or error.status != 400:
            raise
        raise querying.WrongRequest({"cursor": "is out of date; search anew"}) from error
    return _found(results.result(answer, asked, index.search))


def _suggest(index: Index, parameters: Mapping[str, str]) -> Response:
    asked = querying.suggest_request(parameters)
    body = bodies.suggest(asked, index.search, service.heartbeats(index.name))
    return _found(results.suggestions(_ask(index, body), asked, index.search))


def _ask(index: Index, body: Mapping[str, Any]) -> Any:
    engine = service.engine()
    return engine.search(generations.read_alias(engine, index.name), body, timeout=_SEARCH_SECONDS)


def _document(path: Mapping[str, str], context: service.Context) -> Response:
    """One document as it is now, searchable or not yet."""
    index, id = service.project().indexes.get(path.get("index", "")), path.get("id", "")
    length = len(id.encode("utf-8", "surrogatepass"))
    if index is None or not 1 <= length <= MAX_ID_BYTES or id in service.heartbeats(index.name):
        return _problem(404, "Not found", f"there is nothing at /{path.get('index', '')[:50]}/{id[:100]}")
    engine = service.engine()
    target = Target(generations.read_alias(engine, index.name), id)
    match engine.look([target], service.patience(context))[0]:
        case Found(version, document) if document is not None:
            return _found({"id": id, "document": document, "version": asdict(versions.decode(version))})
        case None:
            return _problem(404, "Not found", f"there is no {id[:100]!r} in {index.name}")
    raise EngineUnavailable(503, "not_answered", "the engine did not tell what is there")


def _found(document: Any) -> Response:
    """What was found, number for number as the engine has it."""
    return _answer(200, dumps(document).decode(), cache="no-cache")


def _json(status: int, document: Any, *, cache: str, type: str = "application/json") -> Response:
    return _answer(status, json.dumps(document, ensure_ascii=False, separators=(",", ":")), cache=cache, type=type)


def _answer(status: int, body: str, *, cache: str, type: str = "application/json") -> Response:
    headers = {"Content-Type": type, "Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    return {"statusCode": status, "headers": headers, "body": body}


def _problem(status: int, title: str, detail: str, *, retry_after: int = 0, **members: Any) -> Response:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    response = _json(status, document, cache="no-store", type="application/problem+json")
    if retry_after:
        response["headers"]["Retry-After"] = str(retry_after)
    return response

"""The search function: GET /search and GET /health of a region's HTTP API. Errors are problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import generations
from ..core import querying
from ..engine import EngineError, EngineUnavailable
from . import report, service

#: Seconds that a search may take in the engine; the API gives up after 30.
_SEARCH_SECONDS = 8.0

Response = dict[str, Any]


def handler(event: dict[str, Any], context: service.Context) -> Response:
    """Takes an HTTP API event (payload format 2.0)."""
    try:
        match event.get("routeKey", "").partition(" ")[2]:
            case "/search":
                return _search(event.get("queryStringParameters") or {})
            case "/health":
                return _health()
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


def _search(parameters: Mapping[str, str]) -> Response:
    indexes = service.project().indexes
    name = parameters.get("index", next(iter(indexes)))
    if (index := indexes.get(name)) is None:
        raise querying.WrongRequest({"index": f"{name[:50]!r} is not one of {', '.join(indexes)}"})
    asked = querying.request({k: v for k, v in parameters.items() if k != "index"}, index.search)
    engine = service.engine()
    answer = engine.search(
        generations.read_alias(engine, name), querying.query(asked, index.search), timeout=_SEARCH_SECONDS
    )
    return _json(200, querying.result(answer, asked), cache="no-cache")


def _health() -> Response:
    """Healthy is: the engine answers, and every index is there."""
    parts = {}
    for name in service.project().indexes:
        try:
            generations.read(service.engine(), name)
            parts[name] = "ok"
        except EngineError as error:
            parts[name] = "missing" if isinstance(error, generations.IndexMissing) else "engine away"
    healthy = all(state == "ok" for state in parts.values())
    document = {"healthy": healthy, "region": service.region(), "indexes": parts}
    return _json(200 if healthy else 503, document, cache="no-store")


def _json(status: int, document: Any, *, cache: str, type: str = "application/json") -> Response:
    headers = {"Content-Type": type, "Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return {"statusCode": status, "headers": headers, "body": body}


def _problem(status: int, title: str, detail: str, *, retry_after: int = 0, **members: Any) -> Response:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    response = _json(status, document, cache="no-store", type="application/problem+json")
    if retry_after:
        response["headers"]["Retry-After"] = str(retry_after)
    return response

"""A request on its way to a region's API, and the answer back.

Nothing is tried a second time here, as nothing is where names lead to regions: a region that fails while it is asked
is told as what it is, and whoever asked may ask again. One thing is, for it is the embedded platform's own: where a
function changes it ends the workers of all functions of that name, in every region, with the requests that they have.
Lambda lets them finish.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import unquote_plus

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web
from yarl import URL

_SENT_ON = ("Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match")
#: What is answered in the place of a worker that was ended, or whose folder went while it was being unpacked.
_WORKER_EXITED, _FILE_GONE, _WORKER_FOLDER = b"Worker process exited", b"No such file", b"/ministack-lambda-"
#: So many in a row are more than chance.
_WORKERS = 4
_SENT_BACK = ("Allow", "Cache-Control", "Content-Type", "ETag", "Retry-After", "Vary", "WWW-Authenticate")


def upstream(api: str, path: str, query: str) -> URL:
    """An address of a region's API; path and query stay encoded as they came."""
    return URL(f"{api.rstrip('/')}/{path}?{query}".removesuffix("?"), encoded=True)


def without(query: str, name: str) -> str:
    """A query without one of its parameters; what is left stays as it came."""
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != name)


async def _send(
    client: ClientSession, method: str, url: URL, headers: Mapping[str, str], body: bytes | None
) -> tuple[ClientResponse, bytes]:
    """The answer with its body."""
    for _ in range(_WORKERS):
        async with client.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            told = await answer.read()
        if not (answer.status == 502 and method == "GET" and _is_of_an_ended_worker(told)):
            break
    return answer, told


def _is_of_an_ended_worker(told: bytes) -> bool:
    return _WORKER_EXITED in told or (_FILE_GONE in told and _WORKER_FOLDER in told)


async def ask(client: ClientSession, request: web.Request, region: str, url: URL, prefix: str = "") -> web.Response:
    """The API's answer, or what is to be said in its place. `prefix` comes before a path that it points to."""
    started = time.perf_counter()
    headers = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
    method = "GET" if request.method == "HEAD" else request.method  # APIs have no routes for HEAD
    body = await request.read() if request.can_read_body else None
    try:
        answer, told = await _send(client, method, url, headers, body)
        response = web.Response(status=answer.status, body=told)
        response.headers.update({name: answer.headers[name] for name in _SENT_BACK if name in answer.headers})
        if location := answer.headers.get("Location"):
            response.headers["Location"] = prefix + location if location.startswith("/") else location
    except TimeoutError:
        response = problem(504, "The region is slow", f"The API of {region} did not answer in time.", retry_after=2)
    except ClientError:
        response = away(region)
    response.headers["Server-Timing"] = f"upstream;dur={(time.perf_counter() - started) * 1000:.1f}"
    return response


async def passes(client: ClientSession, url: URL, seconds: float) -> bool:
    """Whether a health check passes."""
    try:
        async with client.get(url, allow_redirects=False, timeout=ClientTimeout(total=seconds)) as answer:
            await answer.read()
            return 200 <= answer.status < 400
    except (TimeoutError, ClientError):
        return False


def away(region: str) -> web.Response:
    """What is said where a region's API does not answer."""
    return problem(502, "The region is away", f"The API of {region} does not answer.", retry_after=2)


def problem(status: int, title: str, detail: str, *, retry_after: int = 0) -> web.Response:
    """A problem document (RFC 9457)."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.Response(
        status=status, body=json.dumps(document), content_type="application/problem+json", headers=headers
    )

"""The edge as an application: which path is what, and who may ask.

- `GET /` and the other files of the static folder, if there is one: the page
- an API's paths (`/search`, `/suggest`, `/health`, `/openapi.json`, `/INDEX/ID`, `/auth…`, `/admin/…`, `/operations…`):
  to the region that answers for a location: that of `?from=DE`, else of the header `X-Dynadex-From`, else anywhere
- `/REGION/` before such a path: to that region, however it is
- `GET /edge`: the records, and how each region is; `GET /regions`: their names, the home region first
- `POST /edge/doors/REGION`, for drills: with `{"open": false}` the region's API is as good as gone; with
  `{"routed": false}` its health check fails, as one of Route 53's that is disabled and inverted, and it answers on

`X-Dynadex-Region` says which region has answered, `X-Dynadex-Location` for which location, and `Server-Timing` how long
its API took. Where no answer comes: 502 or, too late, 504. Errors of the edge itself are problem documents (RFC 9457).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, web

from ...core import routing
from ...core.routing import ANYWHERE
from . import passing
from .checks import Check, Checks
from .settings import Settings, records_json

#: Longer than a search function may take, its cold start included.
UPSTREAM_SECONDS = 20.0
#: What the largest import takes, and more than API Gateway's functions are given.
BODY_BYTES = 6 * 1024 * 1024
_CLIENT = web.AppKey("_CLIENT", ClientSession)
_READ = ("GET", "HEAD")
_WRITE = (*_READ, "POST", "PUT", "PATCH", "DELETE")
_READ_PATHS = frozenset({"search", "suggest", "health", "openapi.json"})
_WRITE_PATHS = frozenset({"auth", "admin", "operations"})
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Edge:
    """The address of a project. An API gets `upstream_seconds` for its whole answer."""

    def __init__(self, static: Path | None, settings: Settings, *, upstream_seconds: float = UPSTREAM_SECONDS) -> None:
        self.settings = settings
        self.checks = Checks(self._probe, _say)
        self._static, self._seconds = static.resolve() if static else None, upstream_seconds
        self._closed: set[str] = set()
        self._kept_out: set[str] = set()
        self._requests: dict[str, int] = {}
        self._client: ClientSession | None = None

    def application(self) -> web.Application:
        """What a server serves."""
        app = web.Application(middlewares=[_as_problems, _own_pages_only], client_max_size=BODY_BYTES)
        app.cleanup_ctx.append(self._run)
        app.on_response_prepare.append(_secure)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def use(self, settings: Settings) -> None:
        """Stands for other regions or records from now on."""
        self.settings = settings
        await self.checks.use(settings)

    async def _run(self, app: web.Application) -> AsyncIterator[None]:
        timeout = ClientTimeout(total=self._seconds)
        async with ClientSession(timeout=timeout, cookie_jar=DummyCookieJar()) as app[_CLIENT]:
            self._client = app[_CLIENT]
            await self.checks.use(self.settings)
            yield
            await self.checks.stop()

    async def _probe(self, region: str) -> bool:
        if self._client is None or region in self._closed | self._kept_out:
            return False
        url = passing.upstream(self.settings.apis[region], "health", "")
        return await passing.passes(self._client, url, self.settings.timeout)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if not path.startswith("/") or _leads_elsewhere(path):
            raise web.HTTPNotFound
        first, _, rest = path[1:].partition("/")
        if first in self.settings.apis and (methods := self._methods(rest)):
            _only(request, methods)
            return await self._ask(request, first, rest, prefix=f"/{first}")
        if methods := self._methods(path[1:]):
            _only(request, methods)
            return await self._by_location(request, path[1:])
        if path.startswith("/edge/doors/"):
            _only(request, ("POST",))
            return await self._turn(request, path.removeprefix("/edge/doors/"))
        _only(request, _READ)
        match path:
            case "/edge":
                return web.json_response(self._state())
            case "/regions":
                return web.json_response(list(self.settings.apis))
        return self._file(request.path[1:])

    def _methods(self, path: str) -> tuple[str, ...]:
        """The methods that an API's path takes; none for what is not an API's."""
        first, slash, rest = path.partition("/")
        if path in _READ_PATHS or (slash and rest and "/" not in rest and unquote(first) in self.settings.indexes):
            return _READ
        return _WRITE if first in _WRITE_PATHS else ()

    # -- To the regions

    async def _by_location(self, request: web.Request, path: str) -> web.StreamResponse:
        asked = request.query.get("from") or request.headers.get("X-Dynadex-From") or str(ANYWHERE)
        try:
            location = routing.location_of(asked)
        except ValueError as error:
            return passing.problem(400, "No such place", f"from: {error}")
        record = routing.answer(location, self.settings.records, self.checks.healthy())
        if record is None:
            return passing.problem(502, "No region", f"No record fits {location}, and there is none for anywhere.")
        response = await self._ask(request, record.region, path)
        response.headers["X-Dynadex-Location"] = str(location)
        return response

    async def _ask(self, request: web.Request, region: str, path: str, prefix: str = "") -> web.Response:
        self._requests[region] = self._requests.get(region, 0) + 1
        if region in self._closed:
            response = passing.away(region)
        else:
            url = passing.upstream(
                self.settings.apis[region], path, passing.without(request.raw_path.partition("?")[2], "from")
            )
            response = await passing.ask(request.app[_CLIENT], request, region, url, prefix)
        response.headers["X-Dynadex-Region"] = region
        return response

    # -- The edge's own

    def _state(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "records": records_json(settings.records),
            "regions": {
                region: {
                    **check.to_json(),
                    "requests": self._requests.get(region, 0),
                    "open": region not in self._closed,
                    "routed": region not in self._kept_out,
                }
                for region, check in self.checks.states.items()
            },
            "interval": settings.interval,
            "threshold": settings.threshold,
            "timeout": settings.timeout,
        }

    async def _turn(self, request: web.Request, region: str) -> web.StreamResponse:
        """Opens or closes a region's door, or the way that leads there."""
        if region not in self.settings.apis:
            return passing.problem(404, "No such region", f"The regions are {', '.join(self.settings.apis)}.")
        if request.content_type != "application/json":  # a form of somebody else's page cannot be of that type
            return passing.problem(415, "Not JSON", "The body is expected as application/json.")
        document: Any = None
        with suppress(ValueError):
            document = await request.json()
        doors = {"open": self._closed, "routed": self._kept_out}
        match document:
            case dict() if document and document.keys() <= doors.keys() and {*map(type, document.values())} == {bool}:
                for name, value in document.items():
                    (doors[name].discard if value else doors[name].add)(region)
                return web.json_response({"region": region, **document})
        detail = 'The body is expected as {"open": …}, {"routed": …} or both, each with true or false.'
        return passing.problem(400, "Wrong request", detail)

    def _file(self, name: str) -> web.StreamResponse:
        """A file at or below the static folder, wherever dots and links in its name may lead."""
        if self._static is not None:
            with suppress(OSError, ValueError):  # names too long for a file, or with a zero byte
                path = (self._static / (name or "index.html")).resolve()
                if path.is_relative_to(self._static) and path.is_file():
                    return web.FileResponse(path)
        raise web.HTTPNotFound


def _leads_elsewhere(path: str) -> bool:
    """Whether some server on the way could take the path for another one."""
    return any(part in (".", "..") for part in re.split(r"[/\\]", unquote(path)))


def _only(request: web.Request, methods: tuple[str, ...]) -> None:
    """Refuses every other method."""
    if request.method not in methods:
        raise web.HTTPMethodNotAllowed(request.method, methods)


def _say(region: str, check: Check) -> None:
    print(f"{region} is {'healthy' if check.healthy else 'unhealthy'}", flush=True)


@web.middleware
async def _as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return passing.problem(413, "Too large", f"A body may have {BODY_BYTES // 1024**2} MB.")
    except web.HTTPError as error:
        detail = f"{request.method} {request.path[:200]} is not served here."
        response = passing.problem(error.status, error.reason, detail)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


@web.middleware
async def _own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing for pages from elsewhere, whatever their names are made to lead to, and however they send."""
    if not _is_loopback(request.host):
        return passing.problem(421, "Another host", "This address is for this machine only: http://127.0.0.1.")
    origin = request.headers.get("Origin")
    if origin is not None and request.method not in _READ and origin.partition("://")[2] != request.host:
        return passing.problem(403, "Another page", "Only pages of this address may change anything here.")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if re.search(r":[0-9]*$", host) else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY)
    response.headers.setdefault("Cache-Control", "no-cache")
    if response.content_type.startswith("text/"):
        response.charset = "utf-8"

"""The local web address: a project's page, and the way from it to each region's HTTP API.

- `GET /` and the other files of the static folder
- `GET /regions`: the regions' names as a JSON list, the home region first
- `GET /{region}/search` and `/{region}/health`: that region's answer. `X-Dynadex-Region` names the region, and
  `Server-Timing` says how long its API took. Where none comes: 502 or, too late, 504.

Errors of the door itself are problem documents (RFC 9457).
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web
from yarl import URL

HOST = "127.0.0.1"
#: Longer than a search function may take, its cold start included.
UPSTREAM_SECONDS = 20.0
#: Handlers get this long to finish once the door is asked to stop.
_STOP_SECONDS = 3.0
_CLIENT = web.AppKey("_CLIENT", ClientSession)
_PASSED_ON = ("Content-Type", "Retry-After", "Cache-Control")
_SECURITY = {
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


def serve(port: int, static: Path, regions: Mapping[str, str]) -> None:
    """Serves on loopback until SIGTERM or SIGINT; `regions` is name to API URL. OSError when the port is taken."""
    web.run_app(
        application(static, regions),
        host=HOST,
        port=port,
        print=functools.partial(print, flush=True),
        access_log=None,
        shutdown_timeout=_STOP_SECONDS,
    )


def application(
    static: Path, regions: Mapping[str, str], *, upstream_seconds: float = UPSTREAM_SECONDS
) -> web.Application:
    """The door as an application. An API gets `upstream_seconds` for its whole answer."""

    async def with_client(app: web.Application) -> AsyncIterator[None]:
        timeout = ClientTimeout(total=upstream_seconds)
        async with ClientSession(timeout=timeout, cookie_jar=DummyCookieJar()) as app[_CLIENT]:
            yield

    async def file(request: web.Request) -> web.StreamResponse:
        found = _file(root, request.match_info["name"] or "index.html")
        if found is None:
            raise web.HTTPNotFound
        return web.FileResponse(found)

    async def names(_: web.Request) -> web.StreamResponse:
        return web.json_response(list(regions))

    async def pass_on(request: web.Request) -> web.StreamResponse:
        region, path = request.match_info["region"], request.match_info["path"]
        if region not in regions:
            return _problem(404, "No such region", f"The regions are {', '.join(regions)}.")
        url = _upstream(regions[region], path, request.rel_url.raw_query_string)
        return await _ask(request.app[_CLIENT], region, url)

    root = static.resolve()
    app = web.Application(middlewares=[_as_problems])
    app.cleanup_ctx.append(with_client)
    app.on_response_prepare.append(_secure)
    app.router.add_get("/regions", names)
    app.router.add_get("/{region}/{path:search|health}", pass_on)
    app.router.add_get("/{name:.*}", file)
    return app


def _file(root: Path, name: str) -> Path | None:
    """A file at or below `root`, wherever dots and links in the name may lead."""
    try:
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError):  # names too long for a file, or with a zero byte
        return None


def _upstream(api: str, path: str, query: str) -> URL:
    # Encoded as it came, so that the API sees the very same query.
    return URL(f"{api.rstrip('/')}/{path}?{query}".removesuffix("?"), encoded=True)


async def _ask(client: ClientSession, region: str, url: URL) -> web.Response:
    started = time.perf_counter()
    try:
        async with client.get(url, allow_redirects=False) as answer:
            response = web.Response(status=answer.status, body=await answer.read())
            for name in _PASSED_ON:
                if name in answer.headers:
                    response.headers[name] = answer.headers[name]
    except TimeoutError:
        response = _problem(504, "The region is slow", f"The API of {region} did not answer in time.", retry_after=2)
    except ClientError:
        response = _problem(502, "The region is away", f"The API of {region} does not answer.", retry_after=2)
    response.headers["X-Dynadex-Region"] = region
    response.headers["Server-Timing"] = f"upstream;dur={(time.perf_counter() - started) * 1000:.1f}"
    return response


def _problem(status: int, title: str, detail: str, *, retry_after: int = 0) -> web.Response:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.Response(
        status=status, body=json.dumps(document), content_type="application/problem+json", headers=headers
    )


@web.middleware
async def _as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPError as error:
        response = _problem(error.status, error.reason, f"{request.method} {request.path[:200]} is not served here.")
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SECURITY)
    response.headers.setdefault("Cache-Control", "no-cache")
    if response.content_type.startswith("text/"):
        response.charset = "utf-8"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; 0 to 65535 are allowed")


def _folder(text: str) -> Path:
    folder = Path(text)
    if (folder / "index.html").is_file():
        return folder
    raise argparse.ArgumentTypeError(f"there is no {folder / 'index.html'}")


def _region(text: str) -> tuple[str, str]:
    name, _, api = text.partition("=")
    if re.fullmatch(r"[a-z0-9-]+", name) and re.match(r"https?://[^/]", api):
        return name, api
    raise argparse.ArgumentTypeError(f"{text!r} is not a region and its API, such as eu-west-1=http://127.0.0.1:4566")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dynadex.platform.door", description="Serve a project's page.")
    parser.add_argument("--port", type=_port, required=True)
    parser.add_argument("--static", type=_folder, required=True, metavar="DIR", help="the page's folder")
    parser.add_argument(
        "--region", type=_region, required=True, action="append", metavar="NAME=URL", help="once a region, home first"
    )
    given = parser.parse_args()
    try:
        serve(given.port, given.static, dict(given.region))
    except OSError as error:
        parser.exit(1, f"The door cannot listen on {HOST}:{given.port}: {error.strerror}\n")


if __name__ == "__main__":
    main()

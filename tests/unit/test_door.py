"""The door over HTTP: requests are written byte by byte, as clients tidy up the paths that matter here."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dynadex.platform import servers
from dynadex.platform.edge.application import Edge
from dynadex.platform.edge.settings import Settings, everybody_home

Upstream = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Page</title>")
    (folder / "app.js").write_text("export {};")
    (folder / "style.css").write_text("body {}")
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "way-out.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@asynccontextmanager
async def opened(static: Path, upstream: Upstream, *, seconds: float = 10) -> AsyncIterator[TestServer]:
    """The door with one region, `here`, whose API is `upstream`, and one, `gone`, where nothing listens."""
    api = web.Application()
    api.router.add_get("/{path:.*}", upstream)
    async with TestServer(api) as behind:
        regions = {
            "here": f"http://127.0.0.1:{behind.port}/_aws/execute-api/abc/$default",
            "gone": f"http://127.0.0.1:{servers.free_port()}",
        }
        settings = Settings(regions, everybody_home(list(regions)), indexes=("songs",))
        front = TestServer(Edge(static, settings, upstream_seconds=seconds).application())
        async with front:
            yield front


async def call(front: TestServer, path: str, method: str = "GET") -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().split("\r\n")
    return Answer(int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body)


def ask(static: Path, path: str, method: str = "GET", upstream: Upstream | None = None, seconds: float = 10) -> Answer:
    async def run() -> Answer:
        async with opened(static, upstream or echo, seconds=seconds) as front:
            return await call(front, path, method)

    return asyncio.run(run())


async def echo(request: web.Request) -> web.StreamResponse:
    return web.json_response({"target": request.raw_path})


def problem(answer: Answer) -> dict[str, Any]:
    assert answer.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == answer.status
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/", {"text/html; charset=utf-8"}),
        ("/app.js", {"text/javascript; charset=utf-8", "application/javascript"}),
        ("/style.css", {"text/css; charset=utf-8"}),
        ("/icon.svg", {"image/svg+xml"}),
    ],
)
def test_serves_the_page_with_its_types(static: Path, path: str, types: set[str]) -> None:
    answer = ask(static, path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] in types
    assert answer.body == (static / (path.strip("/") or "index.html")).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/parts/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/way-out.txt",
        "/%00",
        f"/{'long' * 500}",
        "/parts",
        "/parts/",
        "/nothing.js",
        "/here/other",
        "/nowhere/search",
    ],
)
def test_serves_nothing_else(static: Path, path: str) -> None:
    answer = ask(static, path)
    assert answer.status == 404
    assert b"secret" not in answer.body.replace(b"secret.txt", b"")
    problem(answer)


def test_names_the_regions_home_first(static: Path) -> None:
    assert json.loads(ask(static, "/regions").body) == ["here", "gone"]


@pytest.mark.parametrize(
    "target", ["/search?q=AC%2FDC%20%26+more&level=beginner&q=%C3%A9", "/search", "/health", "/health?a=%25"]
)
def test_passes_a_query_on_as_it_came(static: Path, target: str) -> None:
    answer = ask(static, f"/here{target}")
    assert json.loads(answer.body) == {"target": f"/_aws/execute-api/abc/$default{target}"}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Dynadex-Region"] == "here"
    assert float(answer.headers["Server-Timing"].removeprefix("upstream;dur=")) > 0


def test_passes_the_apis_own_problems_on(static: Path) -> None:
    async def away(_: web.Request) -> web.StreamResponse:
        headers = {"Retry-After": "7", "Set-Cookie": "a=b", "X-Powered-By": "something"}
        return web.Response(status=503, text="{}", content_type="application/problem+json", headers=headers)

    answer = ask(static, "/here/search", upstream=away)
    assert (answer.status, answer.headers["Retry-After"], answer.body) == (503, "7", b"{}")
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert not {"Set-Cookie", "X-Powered-By"} & answer.headers.keys()


def test_does_not_follow_a_redirect(static: Path) -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    assert ask(static, "/here/search", upstream=elsewhere).status == 302


def test_says_when_a_region_is_away(static: Path) -> None:
    answer = ask(static, "/gone/search?q=a")
    assert answer.status == 502
    assert "gone" in problem(answer)["detail"]
    assert answer.headers["X-Dynadex-Region"] == "gone"
    assert int(answer.headers["Retry-After"]) > 0


def test_waits_for_a_region_no_longer_than_it_may(static: Path) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    answer = ask(static, "/here/search", upstream=never, seconds=0.2)
    assert answer.status == 504
    assert "here" in problem(answer)["detail"]


@pytest.mark.parametrize("path", ["/", "/app.js", "/regions", "/here/search"])
def test_answers_head_as_get_without_the_body(static: Path, path: str) -> None:
    answer = ask(static, path, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/app.js", "/regions", "/here/search"])
def test_refuses_every_other_method(static: Path, method: str, path: str) -> None:
    answer = ask(static, path, method)
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
    problem(answer)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/", "GET"), ("/app.js", "GET"), ("/regions", "GET"), ("/here/search", "GET"), ("/gone/search", "GET"),
     ("/nothing", "GET"), ("/", "POST")],
)  # fmt: skip
def test_every_answer_has_the_security_headers(static: Path, path: str, method: str) -> None:
    headers = ask(static, path, method).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_gracefully(static: Path, number: signal.Signals) -> None:
    port = servers.free_port()
    with start(f"--port={port}", f"--static={static}", "--region=here=http://127.0.0.1:1") as process:
        connection = wait_for_regions(port, process)  # kept open: an idle client does not keep the door from closing
        os.kill(process.pid, number)
        assert process.wait(timeout=10) == 0
        connection.close()
        assert not servers.port_in_use(port)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"--port": "70000"}, "65535"),
        ({"--static": "/nowhere"}, "/nowhere/index.html"),
        ({"--region": "us-east-1"}, "eu-west-1=http://"),
        ({"--region": "../x=http://127.0.0.1"}, "eu-west-1=http://"),
    ],
)
def test_wrong_use_is_told(static: Path, wrong: dict[str, str], said: str) -> None:
    options = {"--port": "0", "--static": str(static), "--region": "here=http://127.0.0.1:1"} | wrong
    with start(*(f"{name}={value}" for name, value in options.items())) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said in errors


def test_a_taken_port_is_told(static: Path) -> None:
    async def run() -> tuple[int, str, int]:
        async with opened(static, echo) as taken:
            port = taken.port
            assert port
            with start(f"--port={port}", f"--static={static}", "--region=here=http://127.0.0.1:1") as process:
                _, errors = await asyncio.to_thread(process.communicate, timeout=20)
            return port, errors, process.returncode

    port, errors, code = asyncio.run(run())
    assert code == 1
    assert str(port) in errors
    assert "Traceback" not in errors


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dynadex.platform.door", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for_regions(port: int, process: subprocess.Popen[str]) -> http.client.HTTPConnection:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/regions")
            assert json.load(connection.getresponse()) == ["here"]
            return connection
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("the door did not open")

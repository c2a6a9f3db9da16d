"""The edge over HTTP: whom it asks, and whom it leaves out. The regions' APIs are real servers of the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from dynadex.core import routing
from dynadex.platform import servers
from dynadex.platform.edge.application import Edge
from dynadex.platform.edge.checks import Check
from dynadex.platform.edge.settings import Settings

REGIONS = ("us-east-1", "eu-west-1", "ap-south-1")
RECORDS = routing.records("us-east-1", {"EU": "eu-west-1", "AS": "ap-south-1"}, {"IS": "us-east-1"}, REGIONS)
INTERVAL = 0.05


@dataclass
class Api:
    """A region's API: what it answers to a check and to all else, and what it was asked."""

    health: int = 200
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    asked: list[str] = field(default_factory=list)
    checked: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/health"):
            self.checked += 1
            return web.json_response({}, status=self.health)
        self.asked.append(f"{request.method} {request.raw_path}")
        return await self.answer(request) if self.answer else web.json_response({})


class Site:
    """An edge in front of three regions."""

    def __init__(self, edge: Edge, apis: dict[str, Api], port: int, client: ClientSession) -> None:
        self.edge, self.apis, self._client = edge, apis, client
        self.url = f"http://127.0.0.1:{port}"

    async def call(self, path: str, method: str = "GET", **options: Any) -> ClientResponse:
        answer = await self._client.request(method, self.url + path, allow_redirects=False, **options)
        await answer.read()
        return answer

    async def region(self, path: str, **options: Any) -> str:
        return (await self.call(path, **options)).headers["X-Dynadex-Region"]

    async def state(self, region: str) -> dict[str, Any]:
        found: dict[str, Any] = (await (await self.call("/edge")).json())["regions"][region]
        return found

    async def await_healthy(self, region: str, healthy: bool) -> None:
        async with asyncio.timeout(10):
            while (await self.state(region))["healthy"] != healthy or (await self.state(region))["checks"] == 0:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def site(threshold: int = 3, **options: Any) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        apis, addresses = {region: Api() for region in REGIONS}, {}
        for region, api in apis.items():
            app = web.Application(client_max_size=10 * 1024**2)
            app.router.add_route("*", "/{path:.*}", api.handle)
            server = await stack.enter_async_context(TestServer(app))
            addresses[region] = f"http://127.0.0.1:{server.port}/api"
        settings = Settings(addresses, RECORDS, ("lessons",), INTERVAL, threshold)
        edge = Edge(None, settings, **options)
        front = await stack.enter_async_context(TestServer(edge.application()))
        client = await stack.enter_async_context(ClientSession())
        assert front.port
        yield Site(edge, apis, front.port, client)


def run(scenario: Callable[[Site], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(30), site(**options) as found:
            await scenario(found)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("query", "headers", "region", "location"),
    [
        ("", {}, "us-east-1", "*"),
        ("?from=DE", {}, "eu-west-1", "DE"),
        ("?from=EU", {}, "eu-west-1", "EU"),
        ("?from=is", {}, "us-east-1", "IS"),
        ("?from=BR", {}, "us-east-1", "BR"),
        ("", {"X-Dynadex-From": "JP"}, "ap-south-1", "JP"),
        ("?from=DE", {"X-Dynadex-From": "JP"}, "eu-west-1", "DE"),
    ],
)
def test_the_location_decides_which_region_answers(
    query: str, headers: dict[str, str], region: str, location: str
) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.call(f"/search{query}", headers=headers)
        assert answer.headers["X-Dynadex-Region"] == region
        assert answer.headers["X-Dynadex-Location"] == location
        assert float(answer.headers["Server-Timing"].removeprefix("upstream;dur=")) > 0

    run(scenario)


def test_the_location_is_taken_out_and_all_else_passed_on_as_it_came() -> None:
    async def scenario(site: Site) -> None:
        api = site.apis["eu-west-1"]
        for path in ("/search?q=AC%2FDC%20%26&from=DE&size=5", "/search?%66rom=EU", "/lessons/a%20b%7Cc?from=FR"):
            await _raw(site.url, path)
        assert api.asked == ["GET /api/search?q=AC%2FDC%20%26&size=5", "GET /api/search", "GET /api/lessons/a%20b%7Cc"]

    run(scenario)


def test_what_is_no_place_is_a_problem() -> None:
    async def scenario(site: Site) -> None:
        answer = await site.call("/search?from=Atlantis")
        assert answer.status == 400
        assert "Atlantis" in (await answer.json())["detail"]

    run(scenario)


@pytest.mark.parametrize(
    "path", ["/search", "/suggest", "/openapi.json", "/lessons/a", "/auth", "/auth/sign-in", "/admin/lessons/a/history",
             "/operations", "/operations/samples"],
)  # fmt: skip
def test_every_path_of_an_api_is_routed_and_reached_in_each_region(path: str) -> None:
    async def scenario(site: Site) -> None:
        assert await site.region(f"{path}?from=DE") == "eu-west-1"
        assert await site.region(f"/ap-south-1{path}?from=DE") == "ap-south-1"
        assert site.apis["ap-south-1"].asked == [f"GET /api{path}"]

    run(scenario)


@pytest.mark.parametrize(
    "path",
    ["/songs/a", "/lessons", "/lessons/", "/lessons/a/b", "/us-west-2/search", "/admin/../secret",
     "/admin/%2e%2e/secret", "/admin/..%2fsecret", "/admin/..%5csecret", "/us-east-1/../../x", "/",
     "/index.html", "/edge/doors"],
)  # fmt: skip
def test_nothing_else_reaches_a_region(path: str) -> None:
    async def scenario(site: Site) -> None:
        assert b" 404 " in (await _raw(site.url, path)).split(b"\r\n")[0]
        assert not any(api.asked for api in site.apis.values())

    run(scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_are_passed_on_with_what_they_need_and_come_back_with_what_they_got(method: str) -> None:
    sent = {"Authorization": "Bearer t", "If-Match": '"3"', "If-None-Match": "*", "Content-Type": "text/csv"}

    async def write(request: web.Request) -> web.StreamResponse:
        got = {name: request.headers.get(name) for name in (*sent, "Cookie", "X-Else")}
        assert got == {**sent, "Cookie": None, "X-Else": None}
        headers = {"ETag": '"4"', "Location": "/admin/lessons/é", "Set-Cookie": "a=b", "WWW-Authenticate": "Bearer"}
        return web.Response(status=201, body=await request.read(), headers=headers)

    async def scenario(site: Site) -> None:
        site.apis["us-east-1"].answer = write
        more = {"Cookie": "c=d", "X-Else": "e"}
        answer = await site.call("/admin/lessons", method, data="a,b\né,1", headers={**sent, **more})
        assert answer.status == 201
        assert await answer.text() == "a,b\né,1"
        assert answer.headers["ETag"] == '"4"'
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Location"].startswith("/admin/")
        assert "Set-Cookie" not in answer.headers
        again = await site.call("/us-east-1/admin/lessons", method, data="", headers={**sent, **more})
        assert again.headers["Location"].startswith("/us-east-1/admin/")

    run(scenario)


def test_bodies_have_a_limit() -> None:
    async def scenario(site: Site) -> None:
        assert (await site.call("/admin/lessons/import", "POST", data=b"a" * 6 * 1024**2)).status == 200
        refused = await site.call("/admin/lessons/import", "POST", data=b"a" * (6 * 1024**2 + 1))
        assert (refused.status, refused.content_type) == (413, "application/problem+json")

    run(scenario)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/search", "POST"), ("/lessons/a", "DELETE"), ("/edge", "POST"), ("/edge/doors/us-east-1", "GET"),
     ("/admin/lessons", "OPTIONS"), ("/admin/lessons", "TRACE")],
)  # fmt: skip
def test_no_other_methods_are_taken(path: str, method: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.call(path, method)
        assert answer.status == 405
        assert method not in answer.headers["Allow"].split(",")
        assert not any(api.asked for api in site.apis.values())

    run(scenario)


# -- Who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:1", ""]
)
def test_a_name_that_was_made_to_lead_here_is_refused(host: str) -> None:
    async def scenario(site: Site) -> None:
        assert (await _raw(site.url, "/search", host)).split(b" ")[1] in (b"421", b"400")
        assert not any(api.asked for api in site.apis.values())

    run(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4567", "[::1]:80", "127.0.0.2:4567"])
def test_every_name_of_this_machine_is_taken(host: str) -> None:
    async def scenario(site: Site) -> None:
        assert b" 200 " in (await _raw(site.url, "/search", host)).split(b"\r\n")[0]

    run(scenario)


def test_a_page_from_elsewhere_changes_nothing_here() -> None:
    async def scenario(site: Site) -> None:
        door = "/edge/doors/us-east-1"
        origin = {"Origin": "http://evil.example"}
        assert (await site.call(door, "POST", json={"open": False}, headers=origin)).status == 403
        assert (await site.call("/admin/lessons", "POST", json={}, headers=origin)).status == 403
        plain = {"Content-Type": "text/plain"}
        assert (await site.call(door, "POST", data='{"open": false}', headers=plain)).status == 415
        assert (await site.state("us-east-1"))["open"]
        own = {"Origin": site.url}
        assert (await site.call("/admin/lessons", "POST", json={}, headers=own)).status == 200

    run(scenario)


# -- Health


def test_a_region_whose_checks_fail_is_left_out_and_taken_in_again_when_they_pass() -> None:
    async def scenario(site: Site) -> None:
        api = site.apis["eu-west-1"]
        await site.await_healthy("eu-west-1", True)
        api.health = 503
        await site.await_healthy("eu-west-1", False)
        asked = len(api.asked)
        for place in ("DE", "EU", "FR"):
            assert await site.region(f"/search?from={place}") == "us-east-1"
        assert await site.region("/search?from=JP") == "ap-south-1"
        assert len(api.asked) == asked
        assert await site.region("/eu-west-1/search") == "eu-west-1"  # asked for by its name it is asked all the same
        api.health = 200
        await site.await_healthy("eu-west-1", True)
        assert await site.region("/search?from=DE") == "eu-west-1"

    run(scenario)


def test_the_loss_of_the_default_region_leaves_nobody_without_an_answer() -> None:
    async def scenario(site: Site) -> None:
        site.apis["us-east-1"].health = 500
        await site.await_healthy("us-east-1", False)
        assert await site.region("/search?from=BR") == "eu-west-1"
        site.apis["eu-west-1"].health = 500
        await site.await_healthy("eu-west-1", False)
        assert await site.region("/search?from=BR") == await site.region("/search?from=DE") == "ap-south-1"
        site.apis["ap-south-1"].health = 500
        await site.await_healthy("ap-south-1", False)
        assert (
            await site.region("/search?from=BR") == "us-east-1"
        )  # none is healthy, so all are treated as if they were

    run(scenario)


def test_a_region_that_does_not_answer_in_time_is_unhealthy() -> None:
    async def scenario(site: Site) -> None:
        await site.await_healthy("eu-west-1", True)
        settings = site.edge.settings
        silent = servers.free_port()
        server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", silent)
        async with server:
            apis = {**settings.apis, "eu-west-1": f"http://127.0.0.1:{silent}"}
            await site.edge.use(replace(settings, apis=apis))
            began = time.monotonic()
            await site.await_healthy("eu-west-1", False)
            assert time.monotonic() - began < settings.detection + 2

    run(scenario, threshold=1)


def test_a_failure_while_a_region_is_asked_is_told_and_not_hidden() -> None:
    async def away(_: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=503)

    async def scenario(site: Site) -> None:
        site.apis["eu-west-1"].answer = away
        answer = await site.call("/search?from=DE")
        assert (answer.status, answer.headers["X-Dynadex-Region"]) == (503, "eu-west-1")
        assert not site.apis["us-east-1"].asked

    run(scenario, threshold=1000)


def test_a_closed_door_is_as_a_region_gone_until_it_is_opened() -> None:
    async def scenario(site: Site) -> None:
        await site.await_healthy("eu-west-1", True)
        door = "/edge/doors/eu-west-1"
        assert (await site.call(door, "POST", json={"open": False})).status == 200
        direct = await site.call("/eu-west-1/search")
        assert (direct.status, direct.headers["X-Dynadex-Region"]) == (502, "eu-west-1")
        await site.await_healthy("eu-west-1", False)
        checked = site.apis["eu-west-1"].checked
        assert await site.region("/search?from=DE") == "us-east-1"
        state = await site.state("eu-west-1")
        assert not state["open"]
        assert state["failures"] >= 3
        assert site.apis["eu-west-1"].asked == []
        assert site.apis["eu-west-1"].checked == checked
        await site.call(door, "POST", json={"open": True})
        await site.await_healthy("eu-west-1", True)
        assert await site.region("/search?from=DE") == "eu-west-1"
        assert (await site.call("/edge/doors/eu-west-1", "POST", json={"open": "no"})).status == 400
        assert (await site.call("/edge/doors/nowhere", "POST", json={"open": False})).status == 404

    run(scenario)


def test_a_region_that_is_kept_out_answers_until_it_is_sent_nothing_more() -> None:
    async def scenario(site: Site) -> None:
        await site.await_healthy("eu-west-1", True)
        assert (await site.call("/edge/doors/eu-west-1", "POST", json={"routed": False})).status == 200
        while await site.region("/search?from=DE") == "eu-west-1":
            assert (await site.call("/eu-west-1/search")).status == 200
        assert not (await site.state("eu-west-1"))["healthy"]
        assert (await site.call("/eu-west-1/search")).status == 200
        await site.call("/edge/doors/eu-west-1", "POST", json={"routed": True, "open": True})
        await site.await_healthy("eu-west-1", True)
        for wrong in ("{}", "[]", '{"routed": 1.5}', '{"open": []}', '{"open": 1}', '{"shut": true}'):
            json_type = {"Content-Type": "application/json"}
            refused = await site.call("/edge/doors/eu-west-1", "POST", data=wrong, headers=json_type)
            assert refused.status == 400

    run(scenario)


def test_the_edge_tells_its_records_and_how_each_region_is() -> None:
    async def scenario(site: Site) -> None:
        await site.await_healthy("us-east-1", True)
        await site.call("/search")
        document = await (await site.call("/edge")).json()
        assert document["records"] == [
            {"location": "IS", "region": "us-east-1"},
            {"location": "EU", "region": "eu-west-1"},
            {"location": "AS", "region": "ap-south-1"},
            *({"location": "*", "region": region} for region in REGIONS),
        ]
        assert (document["interval"], document["threshold"]) == (INTERVAL, 3)
        home = document["regions"]["us-east-1"]
        assert home.keys() == {"healthy", "since", "checks", "failures", "lastMillis", "requests", "open", "routed"}
        assert document["timeout"] == 2
        assert (home["healthy"], home["requests"], home["open"], home["routed"]) == (True, 1, True, True)
        assert home["since"].endswith("+00:00")

    run(scenario)


def states(results: str, threshold: int) -> str:
    check, told = Check(), ""
    for result in results:
        check.take(result == "+", threshold, 1.0)
        told += "h" if check.healthy else "u"
    return told


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("+---+++", "hhhuuuh"),
        ("+--+--+---", "hhhhhhhhhu"),
        ("-++-+++", "uuuuuuh"),  # the first answer decides: nothing else is known
        ("+++", "hhh"),
    ],
)
def test_so_many_checks_in_a_row_change_a_regions_health(results: str, expected: str) -> None:
    assert states(results, 3) == expected


@pytest.mark.parametrize(
    "message",
    [
        "Worker process exited immediately. stderr: ",
        "[Errno 2] No such file or directory: '/x/.dynadex/cloud/ministack-lambda-shop-search-kmjnal_w/code/orjson'",
    ],
    ids=["exited", "unpacking"],
)
@pytest.mark.parametrize(("method", "status", "asked"), [("GET", 200, 2), ("POST", 502, 1)])
def test_a_read_whose_worker_the_platform_ended_is_asked_again(
    method: str, status: int, asked: int, message: str
) -> None:
    async def scenario(place: Site) -> None:
        api = place.apis["us-east-1"]

        async def ended_once(request: web.Request) -> web.Response:
            if len(api.asked) == 1:
                return web.json_response({"errorMessage": message}, status=502)
            return web.json_response({})

        api.answer = ended_once
        path = "/us-east-1/search" if method == "GET" else "/us-east-1/operations/refills"
        assert (await place.call(path, method=method)).status == status
        assert len(api.asked) == asked

    run(scenario)


async def _raw(url: str, path: str, host: str = "127.0.0.1") -> bytes:
    """What comes back when the path is written as it is: clients tidy up those that matter here."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer

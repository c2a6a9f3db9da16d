"""GET /health says whether a region should be sent searches: deep, cheap, and never for long."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dynadex.core import versions
from dynadex.engine import Engine, EngineUnavailable, Response
from dynadex.functions import health, service
from dynadex.functions.search import handler
from dynadex.project import Heartbeat, Project
from tests.unit.functions.function_fakes import Context, Region, project, with_another_index

LIMIT = 60


def beating(regions: tuple[str, ...] = ("us-east-1", "eu-west-1")) -> Project:
    return replace(project(), regions=regions, heartbeat=Heartbeat(10, LIMIT, ("lessons",)))


class Searched:
    """An engine that answers `_msearch` with these ages of heartbeats, by region, for every index."""

    prefix = ""

    def __init__(self) -> None:
        self.ages: dict[str, float] = {"us-east-1": 3, "eu-west-1": 4}
        self.missing: set[str] = set()
        self.failed_shards = 0
        self.error: EngineUnavailable | None = None
        self.asked = 0
        self.timeouts: list[float] = []

    def send(self, method: str, path: str, body: bytes, *, kind: str, timeout: float) -> Response:
        assert (method, path, kind) == ("POST", "/_msearch", "application/x-ndjson")
        self.asked += 1
        self.timeouts.append(timeout)
        if self.error:
            raise self.error
        lines = [json.loads(line) for line in body.splitlines()]
        answers = [self._answer(head["index"], asked) for head, asked in zip(lines[::2], lines[1::2], strict=True)]
        return Response(200, json.dumps({"responses": answers}).encode())

    def _answer(self, index: str, asked: dict[str, Any]) -> dict[str, Any]:
        if index in self.missing:
            return {"error": {"type": "index_not_found_exception"}, "status": 404}
        ids = {f"dynadex.heartbeat.{region}": age for region, age in self.ages.items()}
        hits = [
            {"_id": id, "_version": versions.of_record(int(time.time() - ids[id]), 7)}
            for id in asked["query"]["ids"]["values"]
            if id in ids
        ]
        return {"hits": {"hits": hits}, "_shards": {"failed": self.failed_shards}, "status": 200}


@pytest.fixture
def engine(region: Region, monkeypatch: pytest.MonkeyPatch) -> Searched:
    made = Searched()
    monkeypatch.setattr(service, "engine", lambda: made)
    monkeypatch.setattr(health, "_checked", health.Checked(health.check))
    region.use(beating())
    return made


def get() -> tuple[int, dict[str, Any]]:
    response = handler({"routeKey": "GET /health", "rawPath": "/health"}, Context())
    assert response["headers"]["Cache-Control"] == "no-store"
    return response["statusCode"], json.loads(response["body"])


def test_a_region_is_healthy_while_all_is_well_and_says_what_it_looked_at(engine: Searched) -> None:
    status, document = get()
    assert (status, document["healthy"], document["region"]) == (200, True, "us-east-1")
    assert document["engine"]["ok"]
    assert document["indexes"] == {"lessons": "ok"}
    assert document["freshness"]["seconds"] == pytest.approx(3, abs=1.1)
    assert (document["freshness"]["limit"], document["freshness"]["ok"]) == (LIMIT, True)
    assert document["freshness"]["regions"] == {
        "eu-west-1": pytest.approx(4, abs=1.1),
        "us-east-1": pytest.approx(3, abs=1.1),
    }


@pytest.mark.parametrize("age", [LIMIT + 1, 86_400])
def test_a_region_whose_own_heartbeat_is_old_is_not(engine: Searched, age: float) -> None:
    engine.ages["us-east-1"] = age
    status, document = get()
    assert (status, document["healthy"], document["freshness"]["ok"]) == (503, False, False)
    assert document["indexes"] == {"lessons": "ok"}


def test_a_region_without_a_heartbeat_in_its_index_is_not_healthy(engine: Searched) -> None:
    del engine.ages["us-east-1"]
    status, document = get()
    assert (status, document["freshness"]["seconds"]) == (503, None)


@pytest.mark.parametrize("age", [None, 86_400.0])
def test_what_another_region_does_makes_no_difference(engine: Searched, age: float | None) -> None:
    engine.ages = {"us-east-1": 3} | ({} if age is None else {"eu-west-1": age})
    assert get()[0] == 200


def test_every_index_is_looked_at_in_one_request(engine: Searched, region: Region) -> None:
    region.use(with_another_index(beating()))
    engine.missing = {"songs"}
    status, document = get()
    assert (status, document["indexes"]) == (503, {"lessons": "ok", "songs": "missing"})
    assert (document["freshness"]["seconds"], engine.asked) == (None, 1)


def test_an_index_that_answers_in_part_only_is_away(engine: Searched) -> None:
    engine.failed_shards = 1
    status, document = get()
    assert (status, document["indexes"], document["engine"]["ok"]) == (503, {"lessons": "engine away"}, False)


def test_an_engine_that_does_not_answer_is_away(engine: Searched) -> None:
    engine.error = EngineUnavailable(0, "timeout", "away")
    status, document = get()
    assert (status, document["engine"]["ok"], document["indexes"]) == (503, False, {"lessons": "engine away"})


def test_without_heartbeats_freshness_is_nobodys_business(engine: Searched, region: Region) -> None:
    region.use(project())
    status, document = get()
    assert (status, document["freshness"]) == (200, None)


def test_the_engine_is_asked_once_a_second_at_most(engine: Searched) -> None:
    now = [0.0]
    checked = health.Checked(health.check, lambda: now[0])
    first = checked.get()
    now[0] = 0.9
    assert checked.get() is first
    now[0] = 1.0
    assert checked.get() is not first
    assert engine.asked == 2


def test_while_one_looks_the_others_are_told_what_was_found_last() -> None:
    looks: list[int] = []
    going, looking = threading.Event(), threading.Event()

    def check() -> dict[str, Any]:
        looks.append(len(looks))
        if len(looks) > 1:
            looking.set()
            assert going.wait(10)
        return {"look": len(looks)}

    now = [0.0]
    checked = health.Checked(check, lambda: now[0])
    assert checked.get() == {"look": 1}
    now[0] = 5.0
    with ThreadPoolExecutor(9) as pool:
        slow = pool.submit(checked.get)
        assert looking.wait(10)
        others = [pool.submit(checked.get) for _ in range(8)]
        assert [one.result(10) for one in others] == [{"look": 1}] * 8
        going.set()
        assert slow.result(10) == {"look": 2}
    assert len(looks) == 2


def test_all_who_come_before_the_first_look_share_it() -> None:
    looks: list[int] = []
    going = threading.Event()

    def check() -> dict[str, Any]:
        looks.append(len(looks))
        assert going.wait(10)
        return {"look": len(looks)}

    checked = health.Checked(check)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(checked.get) for _ in range(8)]
        going.set()
        assert [one.result(10) for one in waiting] == [{"look": 1}] * 8
    assert looks == [0]


def test_a_look_that_raises_does_not_stop_the_next() -> None:
    outcomes: list[Any] = [RuntimeError("mine"), {"look": 2}]

    def check() -> dict[str, Any]:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return dict(outcome)

    checked = health.Checked(check)
    with pytest.raises(RuntimeError):
        checked.get()
    assert checked.get() == {"look": 2}


@pytest.fixture
def silent() -> Iterator[str]:
    """An engine that takes a request and does not answer it."""
    over = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            over.wait(30)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_engine_that_hangs_costs_two_seconds_at_most(
    engine: Searched, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "engine", lambda: Engine(silent))
    began = time.monotonic()
    status, document = get()
    assert (status, document["engine"]["ok"]) == (503, False)
    assert time.monotonic() - began < health.ENGINE_SECONDS + 1

"""The operations API: for admins only, how a region is, minute by minute, and a refill that one can start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dynadex.aws import AwsError, Reply
from dynadex.functions import console, health, service
from dynadex.project import Heartbeat
from tests.unit.functions.function_fakes import NOW, Context, Region, project, with_another_index

REFILL, VERIFY = "arn:aws:states:::stateMachine:refill", "arn:aws:states:::stateMachine:verify"
ADMIN = {"token_use": "id", "cognito:groups": "[admins]", "email": "a@example.com"}


@dataclass
class Services:
    """What the region's services say."""

    executions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mark: dict[str, Any] | None = None
    started: list[dict[str, Any]] = field(default_factory=list)
    refuse: str = ""

    def call(self, operation: str, request: dict[str, Any]) -> Reply:
        if operation == self.refuse:
            raise AwsError("service", operation, "AccessDenied", "no")
        return Reply(json.dumps(self._answer(operation, request)).encode(), NOW)

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        match operation:
            case "DescribeTable":
                return {"Table": {"ItemCount": 21}}
            case "GetQueueAttributes":
                held = 4 if request["QueueUrl"].endswith("failures") else 1
                return {"Attributes": {"ApproximateNumberOfMessages": str(held)}}
            case "FilterLogEvents":
                event = request["filterPattern"].split('"')[1]
                found = [line for line in self.lines.get(request["logGroupName"], []) if line["event"] == event]
                return {"events": [{"message": json.dumps(line)} for line in found]}
            case "GetParameter":
                if self.mark is None:
                    raise AwsError("ssm", operation, "ParameterNotFound", "none")
                return {"Parameter": {"Value": json.dumps(self.mark)}}
            case "ListExecutions":
                return {"executions": self.executions.get(request["stateMachineArn"], [])}
            case "DescribeExecution":
                every = [one for found in self.executions.values() for one in found]
                return next(one for one in every if one["executionArn"] == request["executionArn"])
            case "StartExecution":
                self.started.append(request)
                return {"executionArn": "arn:new"}
        raise AssertionError(operation)


@pytest.fixture
def services(region: Region, monkeypatch: pytest.MonkeyPatch) -> Services:
    made = Services()
    region.use(
        with_another_index(replace(project(), regions=("us-east-1",), heartbeat=Heartbeat(10, 60, ("lessons",))))
    )
    for name, value in {
        "DYNADEX_FAILURES_QUEUE_URL": "http://queue.test/failures",
        "DYNADEX_UNDELIVERED_QUEUE_URL": "http://queue.test/undelivered",
        "DYNADEX_STREAM_FUNCTION": "arn:stream",
        "DYNADEX_STREAM_LOGS": "stream",
        "DYNADEX_REFILL_LOGS": "refill",
        "DYNADEX_HEARTBEAT_LOGS": "heartbeat",
        "DYNADEX_REFILL_STATE_MACHINE": REFILL,
        "DYNADEX_VERIFY_STATE_MACHINE": VERIFY,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(service, "aws", lambda name: made)
    monkeypatch.setattr(health, "current", lambda: {"healthy": True})
    monkeypatch.setattr(region.engine, "count", lambda *_, **__: 19, raising=False)
    return made


def ask(route: str, *, claims: dict[str, Any] | None = ADMIN, body: Any = None, **query: str) -> tuple[int, Any]:
    event: dict[str, Any] = {"routeKey": route, "requestContext": {}, "queryStringParameters": query or None}
    if claims is not None:
        event["requestContext"] = {"authorizer": {"jwt": {"claims": claims}}}
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    response = console.handler(event, Context())
    return response["statusCode"], json.loads(response["body"])


def execution(name: str, status: str, started: int, given: Any, **more: Any) -> dict[str, Any]:
    return {"executionArn": name, "status": status, "startDate": started, "input": json.dumps(given), **more}


@pytest.mark.parametrize("route", ["GET /operations", "GET /operations/samples", "POST /operations/refills"])
@pytest.mark.parametrize(("claims", "status"), [(None, 401), ({"token_use": "id", "cognito:groups": "[editors]"}, 403)])
def test_it_is_for_admins_alone(services: Services, route: str, claims: dict[str, Any] | None, status: int) -> None:
    assert ask(route, claims=claims, body={"index": "lessons"})[0] == status
    assert services.started == []


def test_the_overview_has_every_index_with_its_counts(services: Services) -> None:
    services.lines["stream"] = [
        {"event": "applied", "table": "lessons", "Lag": 3.0},
        {"event": "applied", "table": "lessons", "Lag": 0.5},
        {"event": "applied", "table": "others", "Lag": 9.0},
    ]
    status, document = ask("GET /operations")
    assert (status, document["region"], document["health"]) == (200, "us-east-1", {"healthy": True})
    assert list(document["indexes"]) == ["lessons", "songs"]
    lessons = document["indexes"]["lessons"]
    assert (lessons["items"], lessons["documents"], lessons["failures"], lessons["undelivered"]) == (20, 19, 4, 1)
    assert (lessons["lagSeconds"], lessons["gap"], lessons["generations"]) == (0.5, None, ["lessons-v1"])
    assert (lessons["refill"], lessons["verify"]) == (None, None)


def test_the_newest_refill_of_each_index_has_its_progress(services: Services) -> None:
    services.executions[REFILL] = [
        execution("arn:1", "SUCCEEDED", NOW - 900, {"index": "lessons"}, stopDate=NOW - 800),
        execution("arn:2", "RUNNING", NOW - 60, {"segments": [{"index": "lessons", "segment": 0}]}),
        execution("arn:3", "FAILED", NOW - 30, {"index": "songs"}, stopDate=NOW - 20),
    ]
    services.lines["refill"] = [
        {"event": "halted", "index": "lessons", "segment": 0, "total": {"items": 4, "documents": 3}},
        {"event": "halted", "index": "lessons", "segment": 0, "total": {"items": 5, "documents": 4}},
        {"event": "halted", "index": "songs", "segment": 0, "total": {"items": 9, "documents": 9}},
    ]
    indexes = ask("GET /operations")[1]["indexes"]
    refill = indexes["lessons"]["refill"]
    assert (refill["execution"], refill["status"], refill["ended"]) == ("arn:2", "RUNNING", None)
    assert (refill["scanned"], refill["documents"], refill["progress"]) == (5, 4, 0.25)
    failed = indexes["songs"]["refill"]
    assert (failed["status"], failed["progress"]) == ("FAILED", None)
    assert failed["ended"].endswith("Z")


def test_the_newest_verification_has_what_it_found(services: Services) -> None:
    counts = {"index": "lessons", "missing": 1, "stale": 2, "ghosts": 0, "failed": 0, "repaired": 3, "seconds": 1.5}
    services.executions[VERIFY] = [
        execution("arn:1", "SUCCEEDED", NOW - 90, {"segments": [{"index": "lessons"}]}, stopDate=NOW - 80,
                  output=json.dumps({"indexes": [counts]})),
    ]  # fmt: skip
    verify = ask("GET /operations")[1]["indexes"]["lessons"]["verify"]
    assert (verify["status"], verify["missing"], verify["repaired"], verify["seconds"]) == ("SUCCEEDED", 1, 3, 1.5)
    assert ask("GET /operations")[1]["indexes"]["songs"]["verify"] is None


def test_a_gap_is_told_of_the_indices_that_have_it(services: Services) -> None:
    gap = {"reason": "outage", "since": NOW - 90_000, "until": 0, "indexes": ["lessons"]}
    services.mark = {"source": "one", "stream": "s", "sound": NOW, "broken": True, "gap": gap}
    indexes = ask("GET /operations")[1]["indexes"]
    assert indexes["lessons"]["gap"].startswith("outage: records may have been missed from 20")
    assert indexes["songs"]["gap"] is None


def test_an_index_that_is_not_there_is_told_of_all_the_same(services: Services, region: Region) -> None:
    region.engine.generations = []
    status, document = ask("GET /operations")
    assert (status, document["indexes"]["lessons"]["generations"]) == (200, [])


def test_a_service_that_refuses_is_503(services: Services) -> None:
    services.refuse = "ListExecutions"
    status, problem = ask("GET /operations")
    assert (status, problem["status"]) == (503, 503)


def test_samples_are_those_of_the_heartbeats_log(services: Services) -> None:
    sample = {"at": "2027-01-15T08:00:00Z", "freshness": 0.1, "lag": 0.5, "documents": 9, "items": 9, "failures": 0}
    services.lines["heartbeat"] = [{"event": "beat"}, {"event": "sample", **sample, "Function": "heartbeat"}]
    status, document = ask("GET /operations/samples", minutes="5")
    (found,) = document["samples"]
    assert (status, found) == (200, {**sample, "searches": None, "searchMillis": None, "indexes": None})


def test_without_heartbeats_there_are_no_samples(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_HEARTBEAT_LOGS", "")
    assert ask("GET /operations/samples") == (200, {"samples": []})


@pytest.mark.parametrize("minutes", ["0", "1441", "x", "-1", "9" * 10, "\u0665"])
def test_wrong_minutes_are_refused(services: Services, minutes: str) -> None:
    status, problem = ask("GET /operations/samples", minutes=minutes)
    assert (status, list(problem["problems"])) == (400, ["minutes"])


def test_a_refill_is_started_once(services: Services) -> None:
    assert ask("POST /operations/refills", body={"index": "songs"}) == (202, {"execution": "arn:new"})
    assert services.started == [{"stateMachineArn": REFILL, "input": '{"index": "songs"}'}]
    services.executions[REFILL] = [execution("arn:new", "RUNNING", NOW, {"index": "songs"})]
    status, problem = ask("POST /operations/refills", body={"index": "songs"})
    assert (status, problem["execution"]) == (409, "arn:new")
    assert ask("POST /operations/refills", body={"index": "lessons"})[0] == 202
    assert len(services.started) == 2


@pytest.mark.parametrize("body", ["", "{", "[]", {}, {"index": "nope"}, {"index": ["lessons"]}, {"index": None}])
def test_a_refill_of_nothing_that_is_there_is_refused(services: Services, body: Any) -> None:
    assert ask("POST /operations/refills", body=body)[0] == 400
    assert services.started == []


def test_there_is_nothing_elsewhere(services: Services) -> None:
    assert ask("GET /operations/other")[0] == 404

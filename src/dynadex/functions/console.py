"""The console function: how a region is doing, for signed-in admins, and a refill where one is needed.

- `GET /operations`: its health, and every index with its counts, lag, gaps, newest refill and newest verification;
- `GET /operations/samples?minutes=60`: its numbers minute by minute, from the heartbeat function's log;
- `POST /operations/refills` with `{"index": …}`: starts a refill; 409 while one runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from .. import generations
from ..aws import AwsError
from ..engine import EngineError
from ..project import Index
from ..watching import Watcher
from . import health, measuring, report, service
from .admins import member
from .answers import Event, Refusal, Response, answer, body, problem

_GROUP = "admins"
_BODY_BYTES = 10_000
_MOST_MINUTES, _DEFAULT_MINUTES = 24 * 60, 60
#: So many executions of a state machine are looked through for the newest of an index.
_EXECUTIONS = 20
_SAMPLE = ("at", "freshness", "lag", "documents", "items", "failures", "searches", "searchMillis", "indexes")
_COUNTS = ("missing", "stale", "ghosts", "failed", "repaired", "seconds")


def handler(event: dict[str, Any], context: service.Context) -> Response:
    """Takes an HTTP API event (payload format 2.0)."""
    try:
        caller = member(event, _GROUP)
        match str(event.get("routeKey", "")):
            case "GET /operations":
                return answer(200, _overview())
            case "GET /operations/samples":
                return answer(200, {"samples": _samples(event)})
            case "POST /operations/refills":
                return _refill(event, caller)
        return problem(404, "Not found", f"There is nothing at {str(event.get('rawPath', ''))[:200]}.")
    except Refusal as refusal:
        return refusal.answer()
    except AwsError as error:
        report.line("refused", service.project().name, "console", {"ConsoleErrors": 1}, code=error.code)
        return problem(503, "Not now", "A service of this region does not answer; try again.", retry_after=2)


# -- How it is


def _overview() -> dict[str, Any]:
    indexes = service.project().indexes
    failures = measuring.messages(os.environ["DYNADEX_FAILURES_QUEUE_URL"])
    undelivered = measuring.messages(os.environ["DYNADEX_UNDELIVERED_QUEUE_URL"])
    with ThreadPoolExecutor(min(8, len(indexes))) as pool:
        found = list(pool.map(_index, indexes.values()))
    return {
        "region": service.region(),
        "at": _moment(time.time()),
        "health": health.current(),
        "indexes": {
            name: {"failures": failures, "undelivered": undelivered, **one}
            for name, one in zip(indexes, found, strict=True)
        },
    }


def _index(index: Index) -> dict[str, Any]:
    try:
        fed = generations.fed(service.engine(), index.name)
    except EngineError:
        fed = []
    return {
        "items": measuring.items(service.project(), index.table),
        "documents": measuring.documents(index.name),
        "lagSeconds": measuring.lag(index.table),
        "gap": _gap(index),
        "generations": fed,
        "refill": _newest_refill(index.name),
        "verify": _newest_verification(index.name),
    }


def _gap(index: Index) -> str | None:
    """What the watch function last said of the stream, if this index may have missed records of it."""
    watcher = Watcher(
        service.project().name, os.environ["DYNADEX_STREAM_FUNCTION"], os.environ["DYNADEX_STREAM_LOGS"], service.aws
    )
    mark = watcher.mark(index.table)
    if mark is None or mark.gap is None or index.name not in mark.gap.indexes:
        return None
    until = f" until {_moment(mark.gap.until)}" if mark.gap.until else ", and goes on"
    return f"{mark.gap.reason}: records may have been missed from {_moment(mark.gap.since)}{until}"


def _newest_refill(index: str) -> dict[str, Any] | None:
    for execution, given, told in _executions(os.environ["DYNADEX_REFILL_STATE_MACHINE"]):
        parts = given.get("segments", [given])
        if parts and parts[0].get("index", index) == index:
            scanned, documents = _refilled(index, float(told["startDate"]))
            return {
                "execution": execution,
                "status": told["status"],
                "started": _moment(told["startDate"]),
                "ended": _moment(told["stopDate"]) if told.get("stopDate") else None,
                "scanned": scanned,
                "documents": documents,
                "progress": _progress(index, told["status"], scanned),
            }
    return None


def _refilled(index: str, since: float) -> tuple[int, int]:
    """The items scanned and the documents written since, as each segment's newest line says."""
    newest: dict[int, Mapping[str, int]] = {}
    for event in ("halted", "refilled"):
        for line in measuring.logged(os.environ["DYNADEX_REFILL_LOGS"], event, since - 1):
            if line.get("index") == index:
                newest[line["segment"]] = line["total"]
    return sum(one["items"] for one in newest.values()), sum(one["documents"] for one in newest.values())


def _progress(index: str, status: str, scanned: int) -> float | None:
    if status == "SUCCEEDED":
        return 1.0
    project = service.project()
    there = measuring.items(project, project.indexes[index].table)
    return min(1.0, round(scanned / there, 3)) if there and status == "RUNNING" else None


def _newest_verification(index: str) -> dict[str, Any] | None:
    for _, given, told in _executions(os.environ["DYNADEX_VERIFY_STATE_MACHINE"]):
        if index not in {part.get("index", index) for part in given.get("segments", [given])}:
            continue
        ended = json.loads(told.get("output") or "{}")
        counts: Mapping[str, Any] = next((one for one in ended.get("indexes", ()) if one.get("index") == index), {})
        at = _moment(told.get("stopDate") or told["startDate"])
        return {"status": told["status"], "at": at, **{name: counts.get(name) for name in _COUNTS}}
    return None


def _executions(machine: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The machine's executions, newest first: their ARN, input, and what is told of each."""
    states = service.aws("states")
    listed = json.loads(states.call("ListExecutions", {"stateMachineArn": machine, "maxResults": _EXECUTIONS}).body)
    for one in sorted(listed["executions"], key=lambda one: float(one["startDate"]), reverse=True):
        told = json.loads(states.call("DescribeExecution", {"executionArn": one["executionArn"]}).body)
        given = json.loads(told.get("input") or "{}")
        yield str(one["executionArn"]), given, told


def _samples(event: Event) -> list[dict[str, Any]]:
    text = (event.get("queryStringParameters") or {}).get("minutes", str(_DEFAULT_MINUTES))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _MOST_MINUTES):
        problems = {"minutes": f"{text[:20]!r} is not a whole number from 1 to {_MOST_MINUTES:,}"}
        raise Refusal(400, "Wrong request", f"minutes: {problems['minutes']}", problems=problems)
    group = os.environ.get("DYNADEX_HEARTBEAT_LOGS")
    if not group:
        return []
    lines = measuring.logged(group, "sample", time.time() - 60 * int(text))
    return [{name: line.get(name) for name in _SAMPLE} for line in lines]


# -- A refill


def _refill(event: Event, caller: str) -> Response:
    try:
        asked = json.loads(body(event, _BODY_BYTES) or b"{}")
    except ValueError:
        raise Refusal(400, "Wrong request", "The body is not JSON.") from None
    index = asked.get("index") if isinstance(asked, dict) else None
    if not isinstance(index, str) or index not in service.project().indexes:
        problems = {"index": f"{str(index)[:50]!r} is not one of {', '.join(service.project().indexes)}"}
        raise Refusal(400, "Wrong request", f"index: {problems['index']}", problems=problems)
    machine = os.environ["DYNADEX_REFILL_STATE_MACHINE"]
    for execution, given, told in _executions(machine):
        if told["status"] == "RUNNING" and given.get("segments", [given])[0].get("index", index) == index:
            raise Refusal(409, "A refill runs", f"{index} is being refilled already.", execution=execution)
    request = {"stateMachineArn": machine, "input": json.dumps({"index": index})}
    started = json.loads(service.aws("states").call("StartExecution", request).body)
    report.line("refill started", service.project().name, "console", {}, index=index, by=caller)
    return answer(202, {"execution": started["executionArn"]})


def _moment(second: float) -> str:
    return datetime.fromtimestamp(float(second), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

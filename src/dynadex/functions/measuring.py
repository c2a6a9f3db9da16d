"""A region's numbers, as its functions can find them out; None where something does not answer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from .. import generations
from ..aws import AwsError
from ..engine import EngineError
from ..project import Project
from . import service

_ENGINE_SECONDS = 2.0
_LATELY_SECONDS = 120.0
_MINUTE = 60.0
_MOST_LOG_PAGES = 10


def documents(index: str) -> int | None:
    """How many documents searches can find in an index."""
    engine = service.engine()
    try:
        return engine.count(
            generations.read_alias(engine, index), service.heartbeats(index), timeout=_ENGINE_SECONDS
        )  # fmt: skip
    except EngineError:
        return None


def items(project: Project, table: str) -> int | None:
    """How many items a table has, as DynamoDB counts them: on AWS every six hours."""
    request = {"TableName": project.tables[table].physical_name}
    try:
        told = json.loads(service.aws("dynamodb").call("DescribeTable", request).body)
    except AwsError:
        return None
    beats = len(project.regions) if project.beats(table) else 0
    return max(0, int(told["Table"].get("ItemCount", 0)) - beats)


def messages(queue: str) -> int | None:
    """About how many messages a queue holds, those being looked at included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    try:
        reply = service.aws("sqs").call("GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": names})
    except AwsError:
        return None
    told = json.loads(reply.body)["Attributes"]
    return sum(int(told.get(name, 0)) for name in names)


def lag(table: str | None = None) -> float | None:
    """Seconds that the newest batch of the last two minutes was behind, of one table or of any."""
    lines = logged(os.environ["DYNADEX_STREAM_LOGS"], "applied", time.time() - _LATELY_SECONDS)
    lags = [float(line["Lag"]) for line in lines if table in (None, line.get("table"))]
    return lags[-1] if lags else None


def searches() -> dict[str, Any]:
    """How many searches of the last minute there were, and their mean time in milliseconds."""
    lines = logged(os.environ["DYNADEX_SEARCH_LOGS"], "searched", time.time() - _MINUTE)
    number = sum(int(line["Searches"]) for line in lines)
    millis = sum(float(line["SearchMillis"]) for line in lines)
    return {"searches": number, "searchMillis": round(millis / number, 1) if number else None}


def total(numbers: Sequence[int | None]) -> int | None:
    """Their sum, if all are known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def logged(group: str, event: str, since: float) -> list[dict[str, Any]]:
    """A function's own lines of an event since a moment, in seconds since 1970; the oldest first."""
    request: dict[str, Any] = {
        "logGroupName": group,
        "startTime": int(since * 1000),
        "filterPattern": f'{{ ($.event = "{event}") }}',
    }
    return [line for line in _lines(request) if line.get("event") == event]


def _lines(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST_LOG_PAGES):
        try:
            answer = json.loads(service.aws("logs").call("FilterLogEvents", request).body)
        except AwsError:
            return
        for entry in answer["events"]:
            try:
                line = json.loads(entry["message"])
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line
        if not answer.get("nextToken"):
            return
        request["nextToken"] = answer["nextToken"]

"""Runs a region's refill state machine and follows it by its own record.

Progress is what the rounds have returned, as the execution's history tells it; the last round of a segment returns
`{}`, so the totals come from the function's log.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import generations
from ..engine import EngineError
from ..errors import WrongUse
from ..functions.service import ALIAS_CACHE_SECONDS
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from . import deployed, executions
from .steps import Steps

#: The state machine's Map runs at most so many segments side by side.
MAX_SEGMENTS = 40

#: Requests that were under way when an index was lost have ended by then, or nobody waits for them any more.
_LATE_WRITES_SECONDS = 15 * 60.0
_LAST_LINE_SECONDS = 10.0  # how long the log may take to show the last round


class RefillError(WrongUse):
    """A refill could not be started or taken up; the message says why."""


@dataclass(frozen=True, slots=True)
class Refill:
    """A refill's result. `status` is Step Functions' own; `rounds` counts the function's calls."""

    status: str
    items: int
    documents: int
    failures: int
    rounds: int
    seconds: float
    execution: str
    error: str = ""


def is_lost(project: Project, cloud: Cloud, region: str, index: Index) -> bool:
    """Whether the engine has no such index, so that a refill will make it anew; False where nobody can tell."""
    try:
        return not generations.fed(cloud.engine(project, region), index.name)
    except generations.IndexMissing:
        return True
    except EngineError:
        return False


def sound_from(project: Project, now: float) -> float:
    """The time from which on no write of before `now`, when an index was made anew, can arrive in it any more.

    It was lost with the versions of what was deleted, so such a write may bring an older state. Until then a
    verification would not see all of these.
    """
    functions = project.functions
    longest = max(functions.stream.timeout, functions.refill.timeout, functions.verify.timeout)
    return now + max(_LATE_WRITES_SECONDS, longest + ALIAS_CACHE_SECONDS + 60)


def start(
    project: Project,
    cloud: Cloud,
    region: str,
    index: Index,
    *,
    segments: int,
    read_capacity: float,
    generation: str = "",
    export: Mapping[str, str] | None = None,
) -> str:
    """Starts a refill, of one generation or of all that are fed; returns the execution's ARN.

    `export` is an export's bucket and manifest, as the function's input has them.
    """
    if not 1 <= segments <= MAX_SEGMENTS:
        raise RefillError(f"--segments: {segments} is not a number from 1 to {MAX_SEGMENTS}")
    common: dict[str, Any] = {"index": index.name}
    if generation:
        common["generation"] = generation
    if read_capacity:
        common["readCapacity"] = read_capacity
    if export:
        common["export"] = export
    if segments == 1:
        return _execute(project, cloud, region, common)
    parts = [common | {"segment": segment, "totalSegments": segments} for segment in range(segments)]
    return _execute(project, cloud, region, {"segments": parts})


def running(project: Project, cloud: Cloud, region: str, index: Index) -> str | None:
    """The execution that refills the index right now, if one does."""
    machine = deployed.outputs(project, cloud, region)["RefillStateMachineArn"]
    client = cloud.client("stepfunctions", region)
    for execution in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        given = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
        if given.get("segments", [given])[0].get("index", index.name) == index.name:
            return str(execution["executionArn"])
    return None


def resume(project: Project, cloud: Cloud, region: str, index: Index) -> str:
    """Takes up the newest refill of the index that did not get to its end, each segment from its last key."""
    machine = deployed.outputs(project, cloud, region)["RefillStateMachineArn"]
    client = cloud.client("stepfunctions", region)
    for execution in client.list_executions(stateMachineArn=machine, maxResults=50)["executions"]:
        described = client.describe_execution(executionArn=execution["executionArn"])
        started = json.loads(described["input"])
        parts = started.get("segments", [started])
        if parts[0].get("index", index.name) != index.name:
            continue
        if described["status"] in ("RUNNING", "SUCCEEDED"):
            raise RefillError(f"the newest refill of {index.name} in {region} is {described['status'].lower()}")
        if "export" in parts[0]:
            raise RefillError(
                f"the newest refill of {index.name} in {region} is from an export: "
                f"`dynadex refill {index.name} --from-export` takes it up"
            )
        return take_up(project, cloud, region, execution["executionArn"])
    raise RefillError(f"there is no refill of {index.name} in {region} to take up")


def take_up(project: Project, cloud: Cloud, region: str, execution: str) -> str:
    """Goes on with a refill that did not get to its end, each segment from its last key; returns the new execution."""
    client = cloud.client("stepfunctions", region)
    started = json.loads(client.describe_execution(executionArn=execution)["input"])
    latest = {part.get("segment", 0): part for part in started.get("segments", [started])}
    for document in executions.documents(client, execution):
        if _is_halted(document) and document.get("segment", 0) in latest:
            latest[document.get("segment", 0)] = document
    again = list(latest.values())
    return _execute(project, cloud, region, again[0] if len(again) == 1 else {"segments": again})


def _halted(client: Any, execution: str) -> dict[int, dict[str, Any]]:
    """What each segment's newest round that halted has returned."""
    documents = executions.documents(client, execution)
    return {document.get("segment", 0): document for document in documents if _is_halted(document)}


def _is_halted(document: Mapping[str, Any]) -> bool:
    """Whether it is what a round that halted has returned: it says where to go on."""
    export = document.get("export")
    return "lastEvaluatedKey" in document or (isinstance(export, Mapping) and "part" in export)


def _execute(project: Project, cloud: Cloud, region: str, document: Mapping[str, Any]) -> str:
    machine = deployed.outputs(project, cloud, region)["RefillStateMachineArn"]
    answer = cloud.client("stepfunctions", region).start_execution(stateMachineArn=machine, input=json.dumps(document))
    return str(answer["executionArn"])


def wait(
    project: Project, cloud: Cloud, region: str, index: Index, execution: str, steps: Steps, expected: int | None = None
) -> Refill:
    """Follows an execution to its end, telling its progress; `expected` items, or as many as the table has."""
    client = cloud.client("stepfunctions", region)
    if expected is None:
        expected = _item_count(cloud, region, project.table_of(index))
    pause = 0.2
    with steps.bar(f"{region}: refill {index.name}") as bar:
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            counts = {segment: document.get("items", 0) for segment, document in _halted(client, execution).items()}
            done = sum(counts.values())
            bar.update(done, max(expected or 0, done) or None, f"{len(counts)} segments under way" if counts else "")
            time.sleep(pause)
            pause = min(5.0, pause * 1.3)
        result = _result(project, cloud, region, index, described)
        bar.update(result.items, result.items)
        if result.status != "SUCCEEDED":
            bar.fail()
    return result


def _result(project: Project, cloud: Cloud, region: str, index: Index, described: Mapping[str, Any]) -> Refill:
    started, stopped = described["startDate"].timestamp(), described["stopDate"].timestamp()
    given = json.loads(described["input"])
    parts = given.get("segments", [given])
    which = {"index": index.name, "generation": parts[0].get("generation"), "totalSegments": len(parts)}
    totals = _totals(project, cloud, region, which, started, stopped, described["status"] == "SUCCEEDED")
    rounds = sum(1 for _ in _calls(cloud.client("stepfunctions", region), described["executionArn"]))
    error = f"{described.get('error', '')}: {described.get('cause', '')}"[:2000] if described.get("error") else ""
    return Refill(
        status=described["status"],
        items=sum(total["items"] for total in totals.values()),
        documents=sum(total["documents"] for total in totals.values()),
        failures=sum(total["failures"] for total in totals.values()),
        rounds=rounds,
        seconds=round(stopped - started, 3),
        execution=described["executionArn"],
        error=error,
    )


def _totals(
    project: Project,
    cloud: Cloud,
    region: str,
    which: Mapping[str, Any],
    started: float,
    stopped: float,
    complete: bool,
) -> dict[int, Mapping[str, int]]:
    """Each segment's counts, from those lines of the function's log that have the entries of `which`.

    Waits a little for the lines of the last rounds.
    """
    group = deployed.outputs(project, cloud, region)["RefillLogGroup"]
    until = time.monotonic() + _LAST_LINE_SECONDS
    while True:
        totals: dict[int, Mapping[str, int]] = {}
        ended = set()
        events = ("refilled", "halted")
        for line in deployed.log_lines(cloud, region, group, since=started - 1, until=stopped + 5, events=events):
            if all(line.get(name) == value for name, value in which.items()):
                totals[line["segment"]] = line["total"]
                if line["event"] == "refilled":
                    ended.add(line["segment"])
        if not complete or len(ended) == which["totalSegments"] or time.monotonic() > until:
            return totals
        time.sleep(0.2)


def _calls(client: Any, execution: str) -> Iterator[Mapping[str, Any]]:
    """The history's events that are a call of the function; AWS and the embedded platform name them differently."""
    for event in executions.history(client, execution):
        if event["type"] in ("LambdaFunctionScheduled", "TaskScheduled"):
            yield event


def _progress(project: Project, cloud: Cloud, region: str, index: str, execution: str) -> dict[str, Any]:
    halted = _halted(cloud.client("stepfunctions", region), execution).values()
    items, documents = (sum(one.get(name, 0) for one in halted) for name in ("items", "documents"))
    expected = _item_count(cloud, region, project.table_of(project.indexes[index]))
    return {"items": items, "documents": documents, "progress": min(1.0, items / expected) if expected else None}


def _item_count(cloud: Cloud, region: str, table: Table) -> int:
    described = cloud.client("dynamodb", region).describe_table(TableName=table.physical_name)["Table"]
    return int(described.get("ItemCount") or 0)


def newest(project: Project, cloud: Cloud, region: str) -> dict[str, dict[str, Any]]:
    """The newest refill of each index in a region: `status`, `started` and `stopped` in seconds since 1970.

    While it runs also `items` and `documents`, those that its rounds have handed on, and `progress` from 0 to 1, by the
    table's own count, which is some hours old on AWS; None where that is none.
    """
    machine = deployed.outputs(project, cloud, region)["RefillStateMachineArn"]
    client = cloud.client("stepfunctions", region)
    found: dict[str, dict[str, Any]] = {}
    for execution in client.list_executions(stateMachineArn=machine, maxResults=50)["executions"]:
        started = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
        index = started.get("segments", [started])[0].get("index", next(iter(project.indexes)))
        if index not in found:
            stopped = execution.get("stopDate")
            found[index] = {
                "status": execution["status"],
                "started": execution["startDate"].timestamp(),
                "stopped": stopped.timestamp() if stopped else None,
                "execution": execution["executionArn"],
            }
            if execution["status"] == "RUNNING":
                found[index] |= _progress(project, cloud, region, index, execution["executionArn"])
        if len(found) == len(project.indexes):
            break
    return found

"""The lessons, up in one region with an engine behind a door: a project of one index, whose refill input may be `{}`.

Pages are small and the time box is over after the first of them, so a refill takes many rounds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dynadex import project as projects
from dynadex.engine import Engine
from dynadex.operations import deployed
from dynadex.operations.steps import Quiet
from dynadex.operations.up import Options, down, up
from dynadex.platform import servers
from tests.platform.console import Console, free_base
from tests.platform.engine_door import EngineDoor
from tests.platform.world import Document, World, eventually, json_value

REGION = "us-east-1"
INDEX = "lessons"

_EXAMPLE = Path(__file__).parents[2] / "examples/lessons"
_SMALL_ROUNDS = """
[functions.refill]
timeout = 30
halt_after = 0.01
read_capacity = 50                      # pages of at most 100 items
"""


class Round(NamedTuple):
    """A call of the refill function, as the state machine's history has it; `output` is None if it failed."""

    input: Mapping[str, Any]
    output: Mapping[str, Any] | None


@dataclass(frozen=True)
class Execution:
    """What Step Functions tells of an execution that has ended."""

    arn: str
    status: str
    output: Any
    events: list[Mapping[str, Any]]
    lines: list[Mapping[str, Any]]  # of the function's log

    def rounds(self) -> list[Round]:
        """The calls of an execution without segments, in order."""
        found: list[Round] = []
        for event in self.events:
            if event["type"] == "TaskStateEntered":
                found.append(Round(json.loads(event["stateEnteredEventDetails"]["input"]), None))
            elif event["type"] == "TaskSucceeded":
                found[-1] = found[-1]._replace(output=json.loads(event["taskSucceededEventDetails"]["output"]))
        return found

    def outputs(self) -> list[Mapping[str, Any]]:
        """What the calls returned, in the order in which they ended."""
        ended = (event for event in self.events if event["type"] == "TaskSucceeded")
        return [json.loads(event["taskSucceededEventDetails"]["output"]) for event in ended]

    def calls(self) -> int:
        """How often the function was called, failed attempts included."""
        return sum(event["type"] == "TaskScheduled" for event in self.events)

    def logged(self, metric: str) -> int:
        """The sum of a metric over the function's rounds."""
        return sum(int(line[metric]) for line in self.lines)


class Lessons(World):
    """What tests of refills do with the lessons."""

    console: Console

    def expected(self, index: str, region: str | None = None) -> dict[str, Document]:
        """Every item as it is, by its id."""
        return {
            item["id"]: {name: json_value(value) for name, value in item.items()} for item in self.items(INDEX, region)
        }

    def await_equal_lessons(self) -> None:
        """Waits until the index equals the table, item by item."""
        self.await_equal([INDEX])

    def empty(self) -> None:
        """Deletes every document by query, as somebody in a hurry would."""
        self.engine().ask("POST", f"/{INDEX}/_refresh")
        self.engine().ask("POST", f"/{INDEX}/_delete_by_query?refresh=true", {"query": {"match_all": {}}})
        assert self.documents(INDEX) == {}

    def lose(self) -> None:
        """Deletes the physical indices, and with them the aliases."""
        for physical in list(self.engine().ask("GET", f"/_alias/{INDEX}")):
            self.engine().ask("DELETE", f"/{physical}")
        assert self.engine().send("GET", f"/{INDEX}/_count").status == 404

    # -- Executions

    def start(self, document: Mapping[str, Any]) -> str:
        """Starts the state machine with this input."""
        machine, text = self.output("RefillStateMachineArn"), json.dumps(document)
        started = self.client("stepfunctions").start_execution(stateMachineArn=machine, input=text)
        return str(started["executionArn"])

    def stop(self, execution: str) -> None:
        """Stops an execution, as the console's button does."""
        self.client("stepfunctions").stop_execution(executionArn=execution, error="Stopped", cause="by a test")

    def status(self, execution: str) -> str:
        """RUNNING, SUCCEEDED, FAILED, ABORTED or TIMED_OUT."""
        return str(self.client("stepfunctions").describe_execution(executionArn=execution)["status"])

    def finished(self, execution: str, timeout: float = 60) -> Execution:
        """Waits for the end of an execution."""
        assert eventually(lambda: self.status(execution) != "RUNNING", timeout), f"{execution} goes on and on"
        client = self.client("stepfunctions")
        told = client.describe_execution(executionArn=execution)
        lines = deployed.log_lines(
            self.cloud,
            REGION,
            self.output("RefillLogGroup"),
            since=told["startDate"].timestamp(),
            until=told["stopDate"].timestamp() + 1,
            events=("refilled", "halted"),
        )
        output = json.loads(told["output"]) if "output" in told else None
        return Execution(execution, told["status"], output, self.events(execution), list(lines))

    def cut_off(self, execution: str) -> Execution:
        """Waits for the end of an execution that is stopped, and of the calls that it had under way."""
        ended = self.finished(execution)
        assert ended.status == "ABORTED"
        assert eventually(lambda: (ended := self.finished(execution)).calls() == len(ended.outputs()))
        return self.finished(execution)

    def events(self, execution: str) -> list[Mapping[str, Any]]:
        """The history so far."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]

    # -- Mishaps

    def kill_function(self) -> None:
        """Kills the processes that run the refill function, without a word."""
        folder = str(self.project.directory / ".dynadex")
        told = subprocess.run(["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, check=True).stdout
        killed = 0
        for line in told.splitlines():
            pid, _, command = line.strip().partition(" ")
            if folder in command and "lambda-lessons-refill" in command:
                os.kill(int(pid), signal.SIGKILL)
                killed += 1
        assert killed

    @contextmanager
    def timeout(self, seconds: int) -> Iterator[None]:
        """The refill function's time is shorter for a while."""
        client, name = self.client("lambda"), self.output("RefillFunctionArn")
        before = client.get_function_configuration(FunctionName=name)["Timeout"]
        client.update_function_configuration(FunctionName=name, Timeout=seconds)
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Timeout=before)


@contextmanager
def lessons_up(folder: Path) -> Iterator[Lessons]:
    """Brings the example up in one region, with small rounds, and without routing and heartbeats."""
    leave = shutil.ignore_patterns(".dynadex", "web", "__pycache__")
    directory = shutil.copytree(_EXAMPLE, folder / "lessons", ignore=leave)
    described = directory / "dynadex.toml"
    text, _, _ = described.read_text().partition("[heartbeat]")  # no bulk but the tests' own, and nobody to route to
    described.write_text(
        text.replace('regions = ["us-east-1", "eu-west-1"]', 'regions = ["us-east-1"]') + _SMALL_ROUNDS
    )
    project = projects.load(directory)
    assert project.regions == (REGION,)
    with ExitStack() as stack:
        server = servers.start_osmem(servers.free_port(), folder / "engine")
        stack.callback(servers.stop, server)
        door = EngineDoor(server.url)
        stack.callback(door.shut)
        stack.callback(down, project, Quiet(), wipe=True)
        port = free_base()
        result = up(project, Options(port=port, engine_urls={"": door.url}), Quiet())
        world = Lessons(project, result.running.laptop(), result.deployed, {REGION: Engine(server.url)}, {REGION: door})
        world.console = Console(directory, port)
        yield world

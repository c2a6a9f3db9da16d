"""A cluster, a table's clock and a region's executions, for rebuilds: in memory, and they can end the run anywhere."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from email.utils import formatdate
from fnmatch import fnmatchcase
from typing import Any

from dynadex.engine import EngineError
from dynadex.operations.refill import Refill
from dynadex.verifying import Counts

STREAM_TIMEOUT = 60


class Killed(BaseException):
    """As if the process had ended here."""


class Cluster:
    """What `generations` asks of an engine. `kill_at` counts requests that change something, from 1: the run ends
    before or (`after`) behind that one. `log` is all that was done, refills and searches' alias included."""

    prefix = "eu-"

    def __init__(self) -> None:
        self.indices: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.kill_at = 0
        self.after = False
        self.changes = 0

    def survive(self, kill_at: int = 0, after: bool = False) -> None:
        """Counts anew, to end the run at another request; 0: at none."""
        self.kill_at, self.after, self.changes = kill_at, after, 0

    def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """One request."""
        if method == "GET":
            return self._get(path)
        self.changes += 1
        if self.changes == self.kill_at and not self.after:
            raise Killed(f"before {method} {path}")
        answer = self._change(method, path, copy.deepcopy(body))
        self.log.append(f"{method} {path}")
        assert len([one for one in self.indices.values() if "eu-lessons" in one["aliases"]]) == 1, "searches read one"
        if self.changes == self.kill_at:
            raise Killed(f"after {method} {path}")
        return answer

    def _get(self, path: str) -> Any:
        first, _, rest = path.strip("/").partition("/")
        if first == "_cluster":
            return {"status": "green"}
        if first == "_alias":
            found = {name: one for name, one in self.indices.items() if rest in one["aliases"]}
        else:
            found = {name: one for name, one in self.indices.items() if fnmatchcase(name, first)}
        if not found and "*" not in path:
            raise EngineError(404, "missing", path)
        return copy.deepcopy(found)

    def _change(self, method: str, path: str, body: Any) -> Any:
        name, _, rest = path.strip("/").partition("/")
        if name == "_aliases":
            return self._aliases(body["actions"])
        if method == "PUT" and not rest:
            if name in self.indices:
                raise EngineError(400, "resource_already_exists_exception", name)
            if body["mappings"].get("refused"):
                raise EngineError(400, "mapper_parsing_exception", "no such type")
            self.indices[name] = body
        elif rest == "_mapping":
            self.indices[name]["mappings"] |= body
        elif rest == "_settings":
            self.indices[name]["settings"] |= body
        elif method == "DELETE":
            del self.indices[name]
        else:
            assert rest == "_refresh"
        return {"acknowledged": True}

    def _aliases(self, actions: list[dict[str, Any]]) -> None:
        """All of them, or none."""
        changed = copy.deepcopy(self.indices)
        for action in actions:
            ((verb, what),) = action.items()
            aliases = changed[what["index"]]["aliases"]
            if verb == "add":
                aliases[what["alias"]] = {"is_write_index": what.get("is_write_index", False)}
            else:
                aliases.pop(what["alias"], None)
        if sum(one["aliases"].get("eu-lessons", {}).get("is_write_index", False) for one in changed.values()) > 1:
            raise EngineError(500, "illegal_state_exception", "alias [eu-lessons] has more than one write index")
        self.indices = changed


class Region:
    """A cloud with one region: its cluster, a clock that only waiting moves, and executions that end as they are told.

    `refills` are what the refills to come return, `finds` the verifications; where there are none, all is well.
    """

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.now = 1_800_000_000.0
        self.refills: list[Refill] = []
        self.finds: list[Counts] = []
        self.started: list[tuple[str, float]] = []  # of refills: the generation and when
        self.statuses: dict[str, str] = {}

    # -- As `Cloud`

    def engine(self, project: Any, region: str) -> Cluster:
        return self.cluster

    def client(self, service: str, region: str) -> Region:
        return self

    def describe_table(self, TableName: str) -> Any:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self.now, usegmt=True)}}}

    def get_function_configuration(self, FunctionName: str) -> Any:
        return {"Timeout": STREAM_TIMEOUT}

    def describe_execution(self, executionArn: str) -> Any:
        return {"status": self.statuses[executionArn]}

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)

    # -- As `operations.refill` and `operations.verify`

    def start_refill(self, *place: Any, generation: str, **options: Any) -> str:
        self.started.append((generation, self.now))
        execution = f"refill {len(self.started)} of {generation}"
        self.statuses[execution] = "RUNNING"
        self.cluster.log.append(execution)
        return execution

    def take_up(self, project: Any, cloud: Any, region: str, execution: str) -> str:
        self.cluster.log.append(f"take up {execution}")
        self.statuses[f"{execution}, again"] = "RUNNING"
        return f"{execution}, again"

    def wait_refill(self, project: Any, cloud: Any, region: str, index: Any, execution: str, steps: Any) -> Refill:
        well = Refill("SUCCEEDED", 10, 10, 0, 1, 1.0, execution)
        result = self.refills.pop(0) if self.refills else well
        self.statuses[execution] = result.status
        return result

    def start_verify(self, project: Any, cloud: Any, region: str, index: Any, options: Any) -> str:
        self.cluster.log.append(f"verify {options.generation}")
        self.statuses["verify"] = "RUNNING"
        return "verify"

    def follow(self, *place: Any) -> Counts:
        self.statuses["verify"] = "SUCCEEDED"
        return self.finds.pop(0) if self.finds else Counts(items=10, documents=10)


def place_of(one: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether an index is read, and whether it is fed."""
    return "eu-lessons" in one["aliases"], "eu-lessons-feed" in one["aliases"]

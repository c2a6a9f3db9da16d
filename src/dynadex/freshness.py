"""How fresh the indices of a region are: the newest heartbeat of each region that searches can find in them.

One request for all indices, so that it is as cheap to ask often as it is quick to answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from . import generations
from .core import heartbeats, versions
from .engine import Engine, EngineError, EngineUnavailable
from .project import Index, Project

State = Literal["ok", "missing", "engine away"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An index as one look found it. `beats`: region → the version of its newest heartbeat in the index."""

    state: State
    beats: Mapping[str, int] = field(default_factory=dict)

    def ages(self, now: float) -> dict[str, float]:
        """Region → how many seconds ago its newest heartbeat in the index was written."""
        return {region: max(0.0, now - versions.second(version)) for region, version in self.beats.items()}


def look(project: Project, engine: Engine, *, timeout: float) -> dict[str, Seen]:
    """Every index of the project. Raises `EngineUnavailable` where the engine does not answer within `timeout` seconds,
    `EngineError` where it refuses to."""
    indexes = list(project.indexes.values())
    lines: list[dict[str, Any]] = []
    for index in indexes:
        values = project.heartbeats(index)
        lines.append({"index": generations.read_alias(engine, index.name)})
        lines.append({"query": {"ids": {"values": values}}, "version": True, "_source": False, "size": len(values)})
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    status, answer = engine.send("POST", "/_msearch", body, kind="application/x-ndjson", timeout=timeout)
    if status != 200:
        kind = EngineUnavailable if status == 429 or status >= 500 else EngineError
        raise kind(status, "search_failed", answer[:200].decode(errors="replace"))
    found = json.loads(answer)["responses"]
    return {index.name: _seen(project, index, one) for index, one in zip(indexes, found, strict=True)}


def _seen(project: Project, index: Index, answer: Mapping[str, Any]) -> Seen:
    match answer:
        case {"hits": {"hits": list(hits)}, "_shards": {"failed": 0}}:
            schema = project.table_of(index).key
            beats = {heartbeats.region_of_id(schema, hit["_id"]): hit["_version"] for hit in hits}
            return Seen("ok", {region: version for region, version in beats.items() if region})
        case {"status": 404} | {"error": {"type": "index_not_found_exception"}}:
            return Seen("missing")
    return Seen("engine away")


def oldest(found: Mapping[str, Seen], now: float) -> dict[str, float]:
    """Region → the age of its newest heartbeat in the index that is the furthest behind with it, in seconds."""
    ages: dict[str, float] = {}
    for seen in found.values():
        for region, age in seen.ages(now).items():
            ages[region] = max(age, ages.get(region, 0.0))
    return ages

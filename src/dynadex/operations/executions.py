"""Executions of a region's state machines, as their own history tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def documents(client: Any, execution: str) -> Iterator[dict[str, Any]]:
    """Every input and output in the history that is a JSON object, in its order."""
    for event in history(client, execution):
        for details in event.values():
            if not isinstance(details, dict):
                continue
            for name in ("input", "output", "parameters"):
                try:
                    document = json.loads(details.get(name) or "null")
                except ValueError:
                    continue
                if isinstance(document, dict):
                    yield document


def history(client: Any, execution: str) -> Iterator[Mapping[str, Any]]:
    """Every event of an execution, oldest first."""
    request: dict[str, Any] = {"executionArn": execution, "maxResults": 1000, "includeExecutionData": True}
    while True:
        answer = client.get_execution_history(**request)
        yield from answer["events"]
        if not (token := answer.get("nextToken")):
            return
        request["nextToken"] = token

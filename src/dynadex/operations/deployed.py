"""What is deployed in a region: the names and addresses that its stacks put out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..platform.cloud import Cloud, CloudError
from ..project import Project
from . import stacks


def outputs(project: Project, cloud: Cloud, region: str) -> dict[str, str]:
    """What the region's stacks put out. Raises `CloudError` where the project is not deployed."""
    cloudformation = cloud.client("cloudformation", region)
    found = stacks.outputs(cloudformation, project.name)
    if not found:
        raise CloudError(
            f"{project.name} is not deployed in {region}; `dynadex up` runs it here, `dynadex deploy` on AWS"
        )
    for stack in ("operations", "watch", "admin"):
        found |= stacks.outputs(cloudformation, f"{project.name}-{stack}")
    return found


def api(project: Project, cloud: Cloud, region: str) -> str:
    """Where the region's HTTP API answers."""
    found = outputs(project, cloud, region)
    return cloud.api_url(region, found["ApiId"], found["ApiUrl"])


def log_lines(
    cloud: Cloud, region: str, group: str, *, since: float, until: float | None = None, events: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    """The functions' own log lines of the given events, oldest first; `since` and `until` in seconds since 1970."""
    logs = cloud.client("logs", region)
    request: dict[str, Any] = {
        "logGroupName": group,
        "startTime": int(since * 1000),
        "endTime": int((until or time.time() + 60) * 1000),
        "filterPattern": "{ " + " || ".join(f'($.event = "{event}")' for event in events) + " }",
    }
    while True:
        answer = logs.filter_log_events(**request)
        for entry in answer["events"]:
            try:
                line = json.loads(entry["message"])
            except ValueError:
                continue
            if isinstance(line, dict) and line.get("event") in events:
                yield line
        if not (token := answer.get("nextToken")):
            return
        request["nextToken"] = token

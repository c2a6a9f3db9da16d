"""The watch function: looks every quarter of an hour whether a stream's records may have been missed.

It keeps the marks of `core.gaps`. Where dynadex.toml says `on_gap = "refill"`, it has the indices of a gap that is over
verified and repaired in full, from the table and from the index, by the region's state machine; where that says
"fail" it only reports. A gap is closed when its indices were repaired.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import Any

from ..core.gaps import Gap, Mark, judge, mended
from ..watching import Watcher
from . import report, service


def handler(event: dict[str, Any], context: service.Context) -> dict[str, Any]:
    """Looks at every table; returns those with a gap or in trouble."""
    project = service.project()
    function, logs = os.environ["DYNADEX_STREAM_FUNCTION"], os.environ["DYNADEX_STREAM_LOGS"]
    watcher = Watcher(project.name, function, logs, service.aws)
    gaps: dict[str, Any] = {}
    troubles: dict[str, str] = {}
    for table in project.tables.values():
        before = watcher.mark(table.name)
        source = watcher.look(table.name, table.physical_name, before)
        mark = judge(before, source, int(time.time()), [index.name for index in project.indexes_of(table)])
        if mark.gap is not None and mark.gap.until and project.functions.stream.on_gap == "refill":
            mark = _mend(mark, mark.gap)
        if mark != before:
            watcher.keep(table.name, mark)
        if mark.gap is not None:
            gaps[table.name] = mark.gap.to_json()
        if source is None or source.trouble:
            troubles[table.name] = source.trouble if source else "it has no event source"
    found = {"gaps": gaps, "troubles": troubles}
    metrics = {"StreamGaps": len(gaps), "StreamTroubles": len(troubles)}
    report.line("watched", project.name, "watch", metrics, **found)
    return found


def _mend(mark: Mark, gap: Gap) -> Mark:
    """Starts a verification that repairs, or takes in what became of the one that was started."""
    if not gap.execution:
        parts = [{"index": index, "repair": True, "full": True} for index in gap.indexes]
        request = {
            "stateMachineArn": os.environ["DYNADEX_VERIFY_STATE_MACHINE"],
            "input": json.dumps({"segments": parts}),
        }
        started = json.loads(service.aws("states").call("StartExecution", request).body)
        return replace(mark, gap=replace(gap, execution=started["executionArn"]))
    told = json.loads(service.aws("states").call("DescribeExecution", {"executionArn": gap.execution}).body)
    if told["status"] == "RUNNING":
        return mark
    after = replace(mark, gap=replace(gap, execution=""))  # what is not mended is begun anew at the next look
    if told["status"] == "SUCCEEDED":
        for found in json.loads(told["output"])["indexes"]:
            if found["missing"] + found["stale"] + found["ghosts"] <= found["repaired"]:
                after = mended(after, found["index"])
    return after

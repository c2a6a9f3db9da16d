"""What functions log: one line of JSON an event, in CloudWatch's embedded metric format.

A line never holds an item's content, nor an error's reason (engines quote values in it): only names, numbers, kinds.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from ..core.writing import Failure, Outcome

NAMESPACE = "Dynadex"

_UNITS = {
    "Lag": "Seconds",
    "EngineMillis": "Milliseconds",
    "BulkBytes": "Bytes",
    "Freshness": "Milliseconds",
    "SearchMillis": "Milliseconds",
}


def line(event: str, project: str, function: str, metrics: Mapping[str, float], **fields: object) -> None:
    """Logs `event` with metrics (counted by CloudWatch under project and function) and further fields."""
    definition = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Project", "Function"]],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in metrics],
    }
    entry = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]},
        "event": event,
        "Project": project,
        "Function": function,
        **metrics,
        **fields,
    }
    sys.stdout.write(json.dumps(entry, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def metrics_of(outcome: Outcome) -> dict[str, float]:
    """An outcome's numbers under their metric names."""
    return {
        "RecordsApplied": outcome.indexed,
        "Deleted": outcome.deleted,
        "Conflicts": outcome.conflicts,
        "Settled": outcome.settled,
        "Failures": len(outcome.failures),
        "Throttles": outcome.pauses,
    }


def kinds(failures: Iterable[Failure]) -> dict[str, int]:
    """How many failures of which kind, as `index kind type`."""
    return dict(Counter(f"{failure.index} {failure.kind} {failure.type}" for failure in failures))

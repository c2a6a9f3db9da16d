"""The failures queue: what an index could not take, kept with its reason until somebody mends and redrives it.

A message holds the key and the error, never the item. It is sent before its batch counts as done, so nothing is lost;
a batch that comes again may send it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from .aws import AwsUnavailable, Service
from .core.writing import Failure
from .pacing import Patience

_MESSAGES_A_CALL = 10  # SendMessageBatch's limit


def message(failure: Failure, table: str, region: str) -> dict[str, Any]:
    """What the queue keeps of a failure."""
    reason = failure.reason if len(failure.reason) <= 1000 else failure.reason[:1000] + "…"
    return {**asdict(failure), "reason": reason, "table": table, "region": region, "at": int(time.time())}


def send(queue_url: str, sqs: Service, messages: Sequence[dict[str, Any]], patience: Patience) -> None:
    """Puts failures into the queue. Raises `OutOfTime` if the queue does not take them: then the batch comes again."""
    waiting = iter(messages)
    while chunk := list(islice(waiting, _MESSAGES_A_CALL)):
        entries = [{"Id": str(number), "MessageBody": json.dumps(body)} for number, body in enumerate(chunk)]
        attempt = 0
        while entries:
            attempt += 1
            try:
                answer = json.loads(sqs.call("SendMessageBatch", {"QueueUrl": queue_url, "Entries": entries}).body)
                refused = {entry["Id"] for entry in answer.get("Failed") or ()}
                entries = [entry for entry in entries if entry["Id"] in refused]
                reason = "the queue refused some messages"
            except AwsUnavailable as error:
                reason = str(error)
            if entries:
                patience.pause(attempt, reason)

"""The stream function: applies a batch of a table's stream records to the region's indices.

It returns when every change is in the index or in the failures queue, and raises otherwise: then the same batch comes
again, which is harmless.
"""

from __future__ import annotations

import time
from typing import Any

from ..core import changes, gaps, writing
from ..driving import drive
from . import report, service

service.set_up_process()


def handler(event: dict[str, Any], context: service.Context) -> None:
    """Takes a DynamoDB stream event."""
    started = time.time()
    waiting = service.patience(context)
    records = event["Records"]
    name = service.table_of_source(records[0]["eventSourceARN"])
    table = service.table(name)
    batch = changes.of_records(records, table.schema)
    try:
        outcome = drive(writing.sync(batch, service.feeds(name, waiting)), table, service.engine(), waiting)
        service.keep_failures(outcome.failures, name, waiting)
    except Exception:
        service.forget_generations()
        raise
    lag = time.time() - batch.newest_second
    report.line(
        "applied",
        service.project().name,
        "stream",
        {
            **report.metrics_of(outcome),
            "Lag": round(lag, 3),
            "EngineMillis": round((time.time() - started) * 1000),
        },
        table=name,
        records=len(records),
        newest=batch.newest_second,
        kinds=report.kinds(outcome.failures),
    )
    if lag > gaps.EXPIRING_SECONDS:
        report.line("expiring", service.project().name, "stream", {}, table=name, newest=batch.newest_second)

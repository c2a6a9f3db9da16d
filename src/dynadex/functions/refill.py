"""The refill function: scans a table into an index, in time-boxed rounds that hand the last evaluated key on.

Its contract is public and fixed. Input: `{}` or `{"lastEvaluatedKey": …}`, and optionally `index` (needed where the
project has several), `segment` and `totalSegments`, `readCapacity` (read units a second for the whole refill). After
four of its five minutes it halts the scan, flushes what is pending and returns `{"lastEvaluatedKey": …}` with what it
was given and its counts so far: the next round's input as it is. When the scan is complete it returns `{}`.

The scan of the next page overlaps the writing of this one. A round always gets through a page at least, so the rounds
end; one that dies or times out is repeated from the key it was given, so nothing is skipped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .. import generations
from ..aws import AwsUnavailable
from ..core import changes, versions, writing
from ..core.writing import Outcome
from ..driving import drive
from ..pacing import Budget, OutOfTime, Patience, Throttle
from ..table import Page, Table
from . import report, service

_ECHOED = ("index", "segment", "totalSegments", "readCapacity")


class RefillInputError(ValueError):
    """The input is not of the contract's form."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round's input, checked. `read_capacity` is this segment's share, in read units a second (0: no limit)."""

    index: str
    start: Mapping[str, Any] | None
    segment: int
    total_segments: int
    read_capacity: float
    items: int
    documents: int
    failures: int

    @staticmethod
    def of(event: Mapping[str, Any]) -> Round:
        """Reads the input. Raises `RefillInputError`, naming the entry."""
        indexes = list(service.project().indexes)
        index = event.get("index", indexes[0] if len(indexes) == 1 else None)
        if index not in indexes:
            raise RefillInputError(f"index: {index!r} is not one of {', '.join(indexes)}")
        total = event.get("totalSegments", 1)
        if type(total) is not int or not 1 <= total <= 1_000_000:
            raise RefillInputError(f"totalSegments: {total!r} is not a whole number from 1 to 1,000,000")
        segment = event.get("segment", 0)
        if type(segment) is not int or not 0 <= segment < total:
            raise RefillInputError(f"segment: {segment!r} is not a whole number from 0 to {total - 1}")
        default = service.project().functions.refill.read_capacity
        capacity = event.get("readCapacity", default)
        if type(capacity) not in (int, float) or capacity < 0:
            raise RefillInputError(
                f"readCapacity: {capacity!r} is not a number of read units a second, from 0 (no limit)"
            )
        start = event.get("lastEvaluatedKey")
        if start is not None and not isinstance(start, dict):
            raise RefillInputError("lastEvaluatedKey: a key as an earlier round returned it is expected")
        counts = [int(event.get(name, 0)) for name in ("items", "documents", "failures")]
        return Round(index, start, segment, total, capacity / total, *counts)


class Pages:
    """The pages of one segment, each fetched while the one before it is being written."""

    def __init__(self, table: Table, round: Round, consistent: bool) -> None:
        self._table, self._round, self._consistent = table, round, consistent
        self._budget = Budget(round.read_capacity)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scan")
        # no page may cost many seconds' budget at once
        self._limit = max(1, int(round.read_capacity * 2)) if round.read_capacity else None

    def fetch(self, start: Mapping[str, Any] | None, waiting: Patience) -> Future[Page]:
        """A page after `start`, to come; it raises `OutOfTime` if the table does not answer as long as `waiting` is."""
        return self._thread.submit(self._scan, start, waiting)

    def budget_wait(self) -> float:
        """Seconds until the read budget allows another page."""
        return self._budget.wait()

    def close(self) -> None:
        """Ends the thread; a page under way is let go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _scan(self, start: Mapping[str, Any] | None, waiting: Patience) -> Page:
        attempt = 0
        time.sleep(self._budget.wait())
        while True:
            try:
                page = self._table.scan(
                    start,
                    segment=self._round.segment,
                    total_segments=self._round.total_segments,
                    consistent=self._consistent,
                    limit=self._limit,
                )
            except AwsUnavailable as error:
                attempt += 1
                waiting.pause(attempt, str(error))
                continue
            self._budget.spend(page.capacity)
            if self._limit and page.items:
                units_an_item = max(page.capacity / len(page.items), 0.5)
                self._limit = max(1, int(self._round.read_capacity / units_an_item))
            return page


def handler(event: dict[str, Any], context: service.Context) -> dict[str, Any]:
    """One round of a refill."""
    halt = time.monotonic() + float(os.environ.get("DYNADEX_REFILL_HALT_AFTER", "240"))
    round = Round.of(event)
    project = service.project()
    waiting = service.patience(context)
    if made := generations.ensure(service.engine(), round.index, project.indexes[round.index].mapping):
        report.line("index made", project.name, "refill", {}, index=round.index, generation=made)
    service.forget_generations()
    consistent = project.functions.refill.consistent
    pages = Pages(service.table(project.indexes[round.index].table), round, consistent)
    total = Outcome()
    items, last_key = 0, round.start
    try:
        items, last_key = _write_pages(pages, round, total, halt, waiting, consistent)
    finally:
        pages.close()
    counts = {
        "items": round.items + items,
        "documents": round.documents + total.indexed,
        "failures": round.failures + len(total.failures),
    }
    report.line(
        "refilled" if last_key is None else "halted",
        project.name,
        "refill",
        {**report.metrics_of(total), "ScannedItems": items},
        index=round.index,
        segment=round.segment,
        totalSegments=round.total_segments,
        total=counts,
        kinds=report.kinds(total.failures),
        request=context.aws_request_id,
    )
    if last_key is None:
        return {}
    return {"lastEvaluatedKey": last_key, **{name: event[name] for name in _ECHOED if name in event}, **counts}


def _write_pages(
    pages: Pages, round: Round, total: Outcome, halt: float, waiting: Patience, consistent: bool
) -> tuple[int, Mapping[str, Any] | None]:
    """Writes pages to the scan's end or the halt; returns how many items there were and the key to go on from."""
    project = service.project()
    name = project.indexes[round.index].table
    table, engine = service.table(name), service.engine()
    margin = versions.MARGIN_SECONDS if consistent else versions.STALE_MARGIN_SECONDS
    throttle = Throttle()
    items = 0
    key = round.start
    coming = pages.fetch(key, waiting)
    while True:
        try:
            page = coming.result()
        except OutOfTime:
            if key is round.start:
                raise
            return items, key  # the table is throttled: what is done is done, the next round goes on from here
        # A page that would only come after the halt is left to the next round.
        halted = time.monotonic() + max(pages.budget_wait(), throttle.wait()) >= halt
        if page.last_key is not None and not halted:
            coming = pages.fetch(page.last_key, Patience(halt - time.monotonic()))
        batch = changes.of_page(page.items, table.schema, versions.of_page(page.date, margin))
        started = time.monotonic()
        outcome = drive(writing.refill(batch, service.feeds(name, waiting, [round.index])), table, engine, waiting)
        service.keep_failures(outcome.failures, name, waiting)
        throttle.took(len(page.items), time.monotonic() - started, overloaded=outcome.pauses > 0)
        total.add(outcome)
        items += len(page.items)
        key = page.last_key
        if page.last_key is None or halted:
            return items, page.last_key
        time.sleep(min(throttle.wait(), max(0.0, halt - time.monotonic())))

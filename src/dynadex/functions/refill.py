"""The refill function: scans a table into an index, in time-boxed rounds that hand the last evaluated key on.

Its contract is public and fixed. Input: `{}` or `{"lastEvaluatedKey": …}`, and optionally `index` (needed where the
project has several), `segment` and `totalSegments`, `readCapacity` (read units a second for the whole refill),
`generation` (only that one is written, else all that are fed). After four of its five minutes it halts the scan,
flushes what is pending and returns `{"lastEvaluatedKey": …}` with what it was given and its counts so far: the next
round's input as it is. When the scan is complete it returns `{}`.

With `export` (`{"bucket": …, "manifest": …/manifest-summary.json}`) the items are those of a point-in-time export
instead, and the table is not read. Such a round halts with `{"export": …}`, which has the position in it, and no key.

Two pages are written at a time, while the next one is scanned. A round always gets through a page at least, so the
rounds end; one that dies or times out is repeated from the key it was given, so nothing is skipped.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from .. import exports, generations, tombstones
from ..bucket import Bucket
from ..core import changes, versions, writing
from ..core.writing import Outcome
from ..driving import drive
from ..pacing import OutOfTime, Patience, Throttle
from ..scanning import Pages
from ..table import Page as ScannedPage
from . import report, service

service.set_up_process()

Page = ScannedPage | exports.Page

#: While the engine takes one page the next is converted.
_PAGES_AT_ONCE = 2
_ECHOED = ("index", "generation", "segment", "totalSegments", "readCapacity")


class RefillInputError(ValueError):
    """The input is not of the contract's form."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round's input, checked. `read_capacity` is this segment's share, in read units a second (0: no limit)."""

    index: str
    generation: str | None
    start: Mapping[str, Any] | None
    export: Mapping[str, Any] | None
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
        generation = event.get("generation")
        if generation is not None and generation not in (fed := generations.fed(service.engine(), index)):
            raise RefillInputError(f"generation: {generation!r} is not fed: {', '.join(fed)}")
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
        export = event.get("export")
        if export is not None:
            if not _is_export(export):
                raise RefillInputError('export: {"bucket": …, "manifest": …} is expected, or what a round made of that')
            if start is not None:
                raise RefillInputError("lastEvaluatedKey: an export is not scanned; its position is in `export`")
            start = {name: export[name] for name in ("part", "line")} if "part" in export else None
        counts = [int(event.get(name, 0)) for name in ("items", "documents", "failures")]
        return Round(index, generation, start, export, segment, total, capacity / total, *counts)


def _is_export(given: Any) -> bool:
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in ("bucket", "manifest")):
        return False
    match given.get("part"), given.get("line"):
        case (None, None):
            return True
        case (str(), int(line)):
            return line >= 0
    return False


def handler(event: dict[str, Any], context: service.Context) -> dict[str, Any]:
    """One round of a refill."""
    halt = time.monotonic() + float(os.environ.get("DYNADEX_REFILL_HALT_AFTER", "240"))
    round = Round.of(event)
    project = service.project()
    waiting = service.patience(context)
    index = project.indexes[round.index]
    # An index that is made just now knows of no deletion since the export.
    may_make = not round.generation and not round.export
    if may_make and (made := generations.ensure(service.engine(), index.name, index.mapping)):
        report.line("index made", project.name, "refill", {}, index=round.index, generation=made)
    service.forget_generations()
    consistent = project.functions.refill.consistent or round.export is not None
    pages: Pages | exports.Pages
    if round.export:
        pages = _export_pages(round, round.export, waiting)
    else:
        pages = Pages(
            service.table(index.table),
            lambda: waiting,
            segment=round.segment,
            total_segments=round.total_segments,
            read_capacity=round.read_capacity,
            consistent=consistent,
        )
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
        {**report.metrics_of(total), "ExportedItems" if round.export else "ScannedItems": items},
        index=round.index,
        generation=round.generation,
        segment=round.segment,
        totalSegments=round.total_segments,
        total=counts,
        kinds=report.kinds(total.failures),
        request=context.aws_request_id,
    )
    if last_key is None:
        return {}
    following = {"export": {**round.export, **last_key}} if round.export else {"lastEvaluatedKey": last_key}
    return {**following, **{name: event[name] for name in _ECHOED if name in event}, **counts}


def _export_pages(round: Round, given: Mapping[str, Any], waiting: Patience) -> exports.Pages:
    """This segment's share of an export. Raises `ExportError` where it cannot be refilled from, or must not be."""
    bucket = Bucket(given["bucket"], service.aws("s3"))
    manifest = exports.manifest(bucket, given["manifest"], waiting)
    project = service.project()
    table = project.tables[project.indexes[round.index].table]
    exports.check_table(manifest, table.physical_name, service.region())
    for generation in [round.generation] if round.generation else generations.fed(service.engine(), round.index):
        sight = service.sight_seconds(project)
        since = tombstones.complete_since(service.engine(), generation, time.time(), sight)
        exports.check_time(manifest, generation, since)
    parts = exports.parts(bucket, manifest, waiting)
    return exports.Pages(bucket, exports.share(parts, round.segment, round.total_segments), manifest.time)


def _write_pages(
    pages: Pages | exports.Pages, round: Round, total: Outcome, halt: float, waiting: Patience, consistent: bool
) -> tuple[int, Mapping[str, Any] | None]:
    """Writes pages to the scan's end or the halt; returns how many items there were and the key to go on from."""
    name = service.project().indexes[round.index].table
    table, engine = service.table(name), service.engine()
    margin = versions.MARGIN_SECONDS if consistent else versions.STALE_MARGIN_SECONDS

    def write(page: Page) -> tuple[Outcome, float]:
        started = time.monotonic()
        batch = changes.of_page(page.items, table.schema, versions.of_page(page.date, margin))
        feeds = service.feeds(name, waiting, [round.index], round.generation)
        outcome = drive(writing.refill(batch, feeds), table, engine, waiting)
        service.keep_failures(outcome.failures, name, waiting)
        return outcome, time.monotonic() - started

    throttle = Throttle()
    coming = pages.fetch(round.start, waiting)
    with _Writing(write, round.start, total, throttle) as under_way:
        while True:
            try:
                page = coming.result()
            except OutOfTime:  # the table is throttled: what is done is done, the next round goes on from there
                under_way.finish()
                if under_way.key is round.start:
                    raise
                return under_way.items, under_way.key
            # A page that would only come after the halt is left to the next round.
            halted = time.monotonic() + max(pages.budget_wait(), throttle.wait()) >= halt
            if page.last_key is None or halted:
                under_way.add(page)
                under_way.finish()
                return under_way.items, under_way.key
            coming = pages.fetch(page.last_key, Patience(halt - time.monotonic()))
            under_way.add(page)
            time.sleep(min(throttle.wait(), max(0.0, halt - time.monotonic())))


class _Writing:
    """Pages under way to the engine, counted in the scan's order: `items`, and the `key` to go on from, as of so many.

    Where a page fails so does the round, which comes again; but only when no other is under way any more.
    """

    def __init__(
        self,
        write: Callable[[Page], tuple[Outcome, float]],
        start: Mapping[str, Any] | None,
        total: Outcome,
        throttle: Throttle,
    ) -> None:
        self.items, self.key = 0, start
        self._write, self._total, self._throttle = write, total, throttle
        self._threads = ThreadPoolExecutor(_PAGES_AT_ONCE, thread_name_prefix="page")
        self._pages: deque[tuple[Page, Future[tuple[Outcome, float]]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def add(self, page: Page) -> None:
        """Begins to write a page; waits for the oldest where there are enough then."""
        self._pages.append((page, self._threads.submit(self._write, page)))
        if len(self._pages) == _PAGES_AT_ONCE:
            self._finish_one()

    def finish(self) -> None:
        """Waits for all."""
        while self._pages:
            self._finish_one()

    def _finish_one(self) -> None:
        page, work = self._pages.popleft()
        outcome, seconds = work.result()
        self._throttle.took(len(page.items), seconds, overloaded=outcome.pauses > 0)
        self._total.add(outcome)
        self.items += len(page.items)
        self.key = page.last_key

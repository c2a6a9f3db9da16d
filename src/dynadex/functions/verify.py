"""The verify function: compares an index with its table in time-boxed rounds, and repairs it where that is asked.

First the scan, from the table. Input: `{}` or `{"lastEvaluatedKey": …}`, and optionally `index` (needed where the
project has several), `segment` and `totalSegments`, `readCapacity` (read units a second for the whole scan),
`generation` (else the one that searches read), `repair`, `full`, `maxExamples`. After four of its five minutes a round
halts and returns what it was given, its counts so far and the `lastEvaluatedKey` to go on from: the next round's input
as it is. When the scan is complete it returns the same without a key.

Then the sweep, from the index. Input: `{"segments": [what the scans returned, …]}`. It joins the segments of each
index, and sweeps those indexes that have other documents than their scan saw, or all with `full`. It returns
`{"indexes": [counts, …]}`, with `"sweep": true` while there is more to do: the next round's input as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import generations, verifying
from ..mending import Mender
from ..pacing import Budget, Patience
from ..scanning import Pages
from ..verifying import Check, Counts, TableTruth
from . import report, service

service.set_up_process()

_ECHOED = ("index", "segment", "totalSegments", "readCapacity", "generation", "repair", "full", "maxExamples")
_EXAMPLES = 10
#: Examples of all segments together: a state machine's state takes 256 KiB.
_MOST_EXAMPLES = 100


class VerifyInputError(ValueError):
    """The input is not of the contract's form."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be verified, checked: a segment of an index's table. `read_capacity` is the segment's share."""

    index: str
    segment: int
    total_segments: int
    read_capacity: float
    generation: str | None
    repair: bool
    full: bool
    examples: int

    @staticmethod
    def of(event: Mapping[str, Any]) -> Part:
        """Reads a round's input. Raises `VerifyInputError`, naming the entry."""
        indexes = list(service.project().indexes)
        index = event.get("index", indexes[0] if len(indexes) == 1 else None)
        if index not in indexes:
            raise VerifyInputError(f"index: {index!r} is not one of {', '.join(indexes)}")
        total = _whole(event, "totalSegments", 1, 1, 1_000_000)
        capacity = event.get("readCapacity", service.project().functions.refill.read_capacity)
        if not isinstance(capacity, int | float) or capacity < 0:
            raise VerifyInputError(
                f"readCapacity: {capacity!r} is not a number of read units a second, from 0 (no limit)"
            )
        generation = event.get("generation")
        if generation is not None and generation not in generations.existing(service.engine(), index):
            raise VerifyInputError(f"generation: {generation!r} is not a generation of {index}")
        for name in ("repair", "full"):
            if not isinstance(event.get(name, False), bool):
                raise VerifyInputError(f"{name}: {event[name]!r} is neither true nor false")
        examples = _whole(event, "maxExamples", _EXAMPLES, 0, _MOST_EXAMPLES)
        return Part(
            index=index,
            segment=_whole(event, "segment", 0, 0, total - 1),
            total_segments=total,
            read_capacity=capacity / total,
            generation=generation,
            repair=event.get("repair", False),
            full=event.get("full", False),
            examples=min(examples, max(1, _MOST_EXAMPLES // total)),
        )


def _whole(event: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = event.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise VerifyInputError(f"{name}: {value!r} is not a whole number from {low:,} to {high:,}")
    return value


def handler(event: dict[str, Any], context: service.Context) -> dict[str, Any]:
    """One round of a scan or a sweep."""
    halt = time.monotonic() + float(os.environ.get("DYNADEX_VERIFY_HALT_AFTER", "240"))
    waiting = service.patience(context)

    def halted() -> bool:
        return time.monotonic() >= halt

    if "segments" in event or "indexes" in event:
        return _sweep(event, waiting, halted)
    return _scan(event, waiting, halted)


def _scan(event: Mapping[str, Any], waiting: Patience, halted: Callable[[], bool]) -> dict[str, Any]:
    part = Part.of(event)
    start = event.get("lastEvaluatedKey")
    if start is not None and not isinstance(start, dict):
        raise VerifyInputError("lastEvaluatedKey: a key as an earlier round returned it is expected")
    began = time.monotonic()
    table = service.table(service.project().indexes[part.index].table)
    # An eventually consistent page costs half, and what it is behind is sorted out by the second look.
    pages = Pages(
        table,
        lambda: waiting,
        segment=part.segment,
        total_segments=part.total_segments,
        read_capacity=part.read_capacity,
        consistent=False,
    )
    truth = TableTruth(table, service.recipe(part.index), pages.budget, service.heartbeats(part.index))
    check = _check(part, truth, waiting)
    try:
        last_key = verifying.scan(check, truth, pages, start, halted)
        check.finish()
    finally:
        pages.close()
    counts = Counts.of_json(event)
    check.counts.seconds = time.monotonic() - began
    counts.add(check.counts, part.examples)
    report.line(
        "halted" if last_key else "scanned",
        service.project().name,
        "verify",
        {"ScannedItems": check.counts.items},
        index=part.index,
        segment=part.segment,
        totalSegments=part.total_segments,
        **_numbers(counts),
    )
    made = {name: event[name] for name in _ECHOED if name in event} | counts.to_json()
    return made if last_key is None else {"lastEvaluatedKey": last_key, **made}


def _check(part: Part, truth: TableTruth, waiting: Patience) -> Check:
    engine = service.engine()
    alias = generations.write_alias(part.generation or generations.read(engine, part.index)[-1])
    mender = None
    if part.repair:
        name = service.project().indexes[part.index].table
        keep = partial(service.keep_failures, table_name=name, waiting=waiting)
        mender = Mender(truth.table, engine, alias, truth.recipe, lambda: waiting, keep)
    return Check(truth, engine, alias, lambda: waiting, examples=part.examples, mender=mender)


def _sweep(event: Mapping[str, Any], waiting: Patience, halted: Callable[[], bool]) -> dict[str, Any]:
    indexes = [dict(entry) for entry in event["indexes"]] if "indexes" in event else _joined(event["segments"])
    for number, entry in enumerate(entry for entry in indexes if "sweep" in entry):
        if number and halted():  # a round always gets through a slice at least, so the rounds end
            break
        _sweep_index(entry, waiting, halted)
    if any("sweep" in entry for entry in indexes):
        return {"sweep": True, "indexes": indexes}
    total = Counts()
    for entry in indexes:
        total.add(Counts.of_json(entry), 0)
    report.line(
        "verified",
        service.project().name,
        "verify",
        {"Differences": total.differences, "InFlight": total.in_flight, "Repaired": total.repaired},
        indexes={entry["index"]: _numbers(Counts.of_json(entry)) for entry in indexes},
    )
    return {"indexes": indexes}


def _joined(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the scans returned, an entry an index; all are yet to be looked at by the sweep."""
    joined: dict[str, tuple[dict[str, Any], Counts]] = {}
    for returned in segments:
        name = Part.of(returned).index
        given = {key: returned[key] for key in _ECHOED if key in returned and not key.lower().endswith("segments")}
        given.pop("segment", None)
        entry, counts = joined.setdefault(name, (given | {"index": name, "sweep": {}}, Counts()))
        one = Counts.of_json(returned)
        slowest = max(counts.seconds, one.seconds)  # they ran side by side
        counts.add(one, entry.get("maxExamples", _EXAMPLES))
        counts.seconds = slowest
    return [entry | counts.to_json() for entry, counts in joined.values()]


def _sweep_index(entry: dict[str, Any], waiting: Patience, halted: Callable[[], bool]) -> None:
    """Sweeps an index until its end or the halt; `entry` then has its counts, and no `sweep` at the end."""
    began = time.monotonic()
    part, counts = Part.of(entry), Counts.of_json(entry)
    name = service.project().indexes[part.index].table
    budget, unseen = Budget(part.read_capacity), service.heartbeats(part.index)
    truth = TableTruth(service.table(name), service.recipe(part.index), budget, unseen)
    check = _check(part, truth, waiting)
    slice, slices = entry["sweep"].get("slice", 0), entry["sweep"].get("slices")
    if slices is None:
        slices = verifying.sweep_slices(check, counts.documents, full=part.full, read_capacity=part.read_capacity)
    while slice < slices:
        verifying.sweep(check, slice, slices)
        slice += 1
        if halted():
            break
    check.finish()
    check.counts.seconds = time.monotonic() - began
    counts.add(check.counts, part.examples)
    entry.update(counts.to_json())
    if slice < slices:
        entry["sweep"] = {"slice": slice, "slices": slices}
    else:
        del entry["sweep"]


def _numbers(counts: Counts) -> dict[str, Any]:
    """The counts alone: a log line never holds keys."""
    return {name: value for name, value in counts.to_json().items() if name != "examples"}

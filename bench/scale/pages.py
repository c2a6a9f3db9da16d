"""`docs/scale.md`: what the formulas of `estimate` say of a very large table, and what the simulation shows.

What was measured (`bench/results`) takes the place of the estimates' assumptions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from dynadex.operations import estimating
from dynadex.operations.estimating import Assumptions, Load, Means, RefillEstimate

from .. import charts, report
from .simulation import Course, Scenario, System, between, raised, run, steady

ITEMS, ITEM_BYTES, WRITES = 10**9, 800.0, 100_000.0
_MEANS = Means(
    memory_mb=512,
    architecture="arm64",
    segments=200,
    read_capacity=0,
    halt_after_seconds=240,
    consistent=True,
    batch_size=1000,
    parallelization=2,
)
#: The cluster can take so many times the steady writes.
_HEADROOM = 2.0
#: A replica is written as well.
_COPIES = 2
#: Shards go on without each other, and a share of the cluster is for each: a tenth of them stands for the whole.
_SHARE = 10
_PAGE = report.DOCS / "scale.md"


class Measured(NamedTuple):
    """The assumptions with what was measured in them; the documents a second that one processor indexes; and for each
    record of a batch the milliseconds of the function's own, and those in which it waits for the engine.
    """

    assumed: Assumptions
    a_processor: float
    own_ms: float
    engine_ms: float


def measured(results: dict[str, Any]) -> Measured:
    """Formulas and simulation have the same time for a record: its two parts, of which the formulas have the sum.

    How fast the stream was is of no use here: the engine had the same processors then, and no replica.
    """
    rows = {row["name"]: row for row in results["rows"]}
    a_processor = rows["stream"]["limit"] / results["machine"]["processors"]
    own_ms, engine_ms = rows["stream-cpu"]["ours"] / 1000, 1000 / a_processor * _COPIES
    found = replace(
        Assumptions(),
        documents_a_second_a_segment=rows["refill"]["ours"],
        record_ms=own_ms + engine_ms,
    )
    return Measured(found, a_processor, own_ms, engine_ms)


def system(found: Measured) -> System:
    """A tenth of what carries 10⁵ writes a second."""
    shards = estimating.stream_shards(ITEMS * ITEM_BYTES, WRITES, found.assumed)
    return System(
        shards=shards // _SHARE,
        parallelization=_MEANS.parallelization,
        batch_size=_MEANS.batch_size,
        invocation_ms=found.assumed.invocation_ms,
        record_ms=found.own_ms,
        engine_threads=processors(found.a_processor) // _SHARE,
        engine_ms=found.engine_ms,
    )


def processors(a_processor: float) -> int:
    """Of the cluster's data nodes, for the writes with headroom and a replica."""
    needed = WRITES * _COPIES * _HEADROOM / a_processor
    return math.ceil(needed / _SHARE) * _SHARE


def scenarios(carried: System) -> list[Scenario]:
    """What may befall it."""
    rate = WRITES / _SHARE / carried.shards
    minute = 60.0
    # By half more than the lanes of its shard can apply: what is below that shows nothing.
    times = math.ceil(1.5 * carried.parallelization * carried.lane / rate)

    def hot(shard: int) -> Any:
        return raised(rate, 5 * minute, 15 * minute, times) if shard == 0 else steady(rate)

    return [
        Scenario(
            "burst",
            "Three times the writes for five minutes",
            40 * minute,
            lambda shard: raised(rate, 5 * minute, 10 * minute, 3),
        ),
        Scenario("hot", f"One partition with {times} times its writes for ten minutes", 40 * minute, hot),
        Scenario(
            "slow",
            "A cluster that is three times slower for fifteen minutes",
            60 * minute,
            lambda shard: steady(rate),
            between(5 * minute, 20 * minute, 3.0),
        ),
        Scenario(
            "outage",
            "A cluster that is away for an hour",
            180 * minute,
            lambda shard: steady(rate),
            between(5 * minute, 65 * minute, 0.0),
        ),
    ]


_ENDS = {"burst": 600.0, "hot": 900.0, "slow": 1200.0, "outage": 3900.0}


def write() -> None:
    """Runs it all, and puts figures and charts into the page."""
    results = report.latest()
    found = measured(results)
    carried = system(found)
    courses = [(scenario, run(scenario, carried)) for scenario in scenarios(carried)]
    report.fill(
        _PAGE,
        {
            "machine": f"From the results of {results['at'][:10]}, commit `{results['machine']['commit']}`.",
            "estimates": _estimates(found),
            "courses": _courses(courses, carried),
        },
    )


def _estimates(found: Measured) -> str:
    assumed, a_processor = found.assumed, found.a_processor
    load = Load(ITEMS, ITEM_BYTES)
    traffic = estimating.traffic(load, WRITES, _MEANS, assumed)
    index = estimating.index(load, assumed)
    scan = estimating.refill_by_scan(load, _MEANS, assumed)
    export = estimating.refill_from_export(load, _MEANS, assumed)
    beside = processors(a_processor) * a_processor / _COPIES - WRITES
    at_once = traffic.stream_shards * _MEANS.parallelization
    busy = WRITES * assumed.record_ms / 1000 + traffic.least_invocations_a_second * assumed.invocation_ms / 1000
    lines: Sequence[tuple[str, str, str]] = [
        ("table", f"{load.table_bytes / 1e9:,.0f} GB", f"{ITEMS:,} items of {ITEM_BYTES:.0f} bytes"),
        ("partitions, and shards of the stream", f"{traffic.stream_shards:,}", traffic.formulas["streamShards"]),
        ("functions at once, at most", f"{at_once:,}", "shards * parallelization"),
        (
            "ms a record of a batch",
            f"{assumed.record_ms:.2f}",
            f"{found.own_ms:.3f} of the function's own, and {_COPIES} copies / {a_processor:,.0f} documents a second "
            "of one processor of the cluster",
        ),
        ("functions busy, with full batches", f"{busy:,.0f}", "writes * ms a record + invocations * ms each"),
        (
            "writes a second that they can apply",
            f"{traffic.most_writes_a_second:,.0f}",
            traffic.formulas["mostWritesASecond"],
        ),
        (
            "invocations a second",
            f"{traffic.least_invocations_a_second:,.0f} to {traffic.most_invocations_a_second:,.0f}",
            f"{traffic.formulas['leastInvocationsASecond']}; {traffic.formulas['mostInvocationsASecond']}",
        ),
        (
            "Lambda for the stream, USD a month",
            f"{sum(traffic.cost_usd_a_month.values()):,.0f}",
            traffic.formulas["gbSecondsAMonth"],
        ),
        (
            "a bulk request",
            f"{_MEANS.batch_size * ITEM_BYTES / 1e6:.1f} MB",
            "batch size * item bytes; 5 MiB at most, then two",
        ),
        ("primary shards of the index", f"{index.primary_shards:,}", index.formulas["primaryShards"]),
        ("disk space with a replica", f"{index.disk_bytes / 1e12:.1f} TB", index.formulas["diskBytes"]),
        (
            "processors of the data nodes",
            f"{processors(a_processor):,}",
            f"writes * {_COPIES} copies * {_HEADROOM:g} to catch up / {a_processor:,.0f} documents a second of one",
        ),
        (
            "refill as the cluster takes it, beside the writes",
            _duration(ITEMS / beside),
            f"items / (processors * documents a second of one / {_COPIES} copies - writes)",
        ),
        ("refill by scan", _duration(scan.seconds), _refilled(scan)),
        (
            "its cost, USD",
            f"{sum(scan.cost_usd.values()):,.0f}",
            f"{scan.read_units / 1e6:,.0f} million read units, and Lambda",
        ),
        ("refill from an export", _duration(export.seconds), _refilled(export)),
        ("its cost, USD", f"{sum(export.cost_usd.values()):,.0f}", export.formulas["costUsd.DynamoDB export"]),
    ]
    return "\n".join(["| | | how it follows |", "|---|---:|---|", *(f"| {' | '.join(line)} |" for line in lines)])


def _refilled(estimate: RefillEstimate) -> str:
    return f"{estimate.formulas['seconds']}; {_MEANS.segments} segments, bound by {estimate.bound_by}"


def _courses(courses: Sequence[tuple[Scenario, Course]], carried: System) -> str:
    parts = [
        f"A tenth of it: {carried.shards} shards with {carried.parallelization} lanes each, {WRITES / _SHARE:,.0f} "
        f"writes a second, {carried.engine_threads} bulk threads of the cluster. A batch of {carried.batch_size:,} "
        f"takes the function {carried.invocation_ms + carried.batch_size * carried.record_ms:,.0f} ms, the engine "
        f"{carried.batch_size * carried.engine_ms:,.0f} ms; so a lane can apply {carried.lane:,.0f} records a second.",
        "| | worst lag | again within 5 s |\n|---|---:|---:|",
    ]
    for scenario, course in courses:
        again = course.recovered(_ENDS[scenario.name], 5.0)
        told = "not in the time shown" if again is None else f"{_duration(again)} after its end"
        parts[-1] += f"\n| {scenario.title} | {_duration(course.worst)} | {told} |"
    for scenario, course in courses:
        minutes = [time / 60 for time in course.times]
        series = {
            "latest lane": list(zip(minutes, course.latest, strict=True)),
            "median lane": list(zip(minutes, course.median, strict=True)),
        }
        name = f"scale-{scenario.name}.svg"
        report.draw(name, charts.lines(scenario.title, series, across="minutes", up="lag, seconds"))
        parts.append(f"![{scenario.title}: lag over time](images/{name})")
    return "\n\n".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

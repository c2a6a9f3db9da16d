"""Gathers what an estimate needs, from a table and from what refills of it took, where it is not given."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DynadexError
from ..platform.cloud import Cloud, CloudError
from ..project import Index, Project
from . import deployed, estimating, refill, sampling
from .estimating import Assumptions, IndexEstimate, Load, Means, RefillEstimate, TrafficEstimate

# A refill that was over in a moment says more about how long functions take to start.
_LEAST_ITEMS, _LEAST_SECONDS = 1000, 3.0


class EstimateError(DynadexError):
    """There is nothing to estimate by; the message says what to give."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Everything about one index in one region. `notes` say where its numbers come from."""

    index: str
    load: Load
    means: Means
    by_scan: RefillEstimate
    from_export: RefillEstimate
    traffic: TrafficEstimate | None
    size: IndexEstimate
    assumptions: Assumptions
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As the CLI's JSON has it."""
        return {
            "index": self.index,
            "items": self.load.items,
            "itemBytes": round(self.load.item_bytes, 1),
            "tableBytes": round(self.load.table_bytes),
            "indexedShare": self.load.indexed_share,
            "segments": self.means.segments,
            "readCapacity": self.means.read_capacity,
            "refillByScan": self.by_scan.to_json(),
            "refillFromExport": self.from_export.to_json(),
            "traffic": self.traffic.to_json() if self.traffic else None,
            "size": self.size.to_json(),
            "recoveryUsdAMonth": round(estimating.recovery_usd_a_month(self.load, self.assumptions), 4),
            "assumptions": _told(self.assumptions, prices=False),
            "prices": _told(self.assumptions, prices=True),
            "pricesOf": estimating.PRICES_OF,
            "notes": list(self.notes),
        }


def _told(assumed: Assumptions, *, prices: bool) -> dict[str, Any]:
    return {name: {"value": value, "why": why} for name, (value, why) in assumed.why(prices=prices).items()}


def prices_in(file: Path) -> dict[str, Any]:
    """The entries of a TOML or JSON file of prices, not checked yet. Raises `EstimateError` where it is neither."""
    try:
        text = file.read_text()
        found: Any = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise EstimateError(f"--prices: {file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise EstimateError(f"--prices: {file} is no table of names and numbers")
    return found


def means_of(project: Project, *, segments: int | None = None, read_capacity: float | None = None) -> Means:
    """What the project carries its load with; segments and read budget may be tried out."""
    functions = project.functions
    return Means(
        memory_mb=functions.memory,
        architecture=functions.architecture,
        segments=segments or functions.refill.segments,
        read_capacity=functions.refill.read_capacity if read_capacity is None else read_capacity,
        halt_after_seconds=functions.refill.halt_after,
        consistent=functions.refill.consistent,
        batch_size=functions.stream.batch_size,
        parallelization=functions.stream.parallelization,
    )


def load_of(project: Project, cloud: Cloud, region: str, index: Index, *, share: float) -> tuple[Load, tuple[str, ...]]:
    """The table's own count and size, and notes on them. Raises `EstimateError` where nothing was counted yet."""
    table = project.table_of(index)
    described = sampling.describe(cloud, region, table.physical_name)
    if not described.items:
        raise EstimateError(
            f"DynamoDB counts no items in {table.physical_name} (it counts every six hours): "
            "say how many there are with --items and --item-bytes"
        )
    notes = ["items and item bytes are DynamoDB's own count, made every six hours"]
    if not described.on_demand:
        notes.append(
            "the table has provisioned capacity: a scan takes its read units from what your application has, at no "
            "further price; give it a budget with --read-capacity"
        )
    return Load(described.items, described.bytes / described.items, share), tuple(notes)


def measured_rate(project: Project, cloud: Cloud, region: str, index: Index) -> tuple[float, str] | None:
    """Documents a second a segment of the newest refill, and which that was; None where there is none to go by."""
    try:
        newest = refill.newest(project, cloud, region).get(index.name)
        group = deployed.outputs(project, cloud, region)["RefillLogGroup"]
    except CloudError:  # not deployed yet
        return None
    if newest is None or newest["status"] != "SUCCEEDED" or newest["stopped"] is None:
        return None
    seconds = newest["stopped"] - newest["started"]
    lines = deployed.log_lines(
        cloud, region, group, since=newest["started"] - 1, until=newest["stopped"] + 5, events=("refilled",)
    )
    ended = {line["segment"]: line for line in lines if line["index"] == index.name}
    items = sum(line["total"]["items"] for line in ended.values())
    if items < _LEAST_ITEMS or seconds < _LEAST_SECONDS:
        return None
    rate = items / seconds / max(1, len(ended))
    return rate, f"the newest refill of {index.name} in {region} on {cloud.name}: {items:,} items in {seconds:,.1f} s"


def estimate(
    index: Index,
    load: Load,
    means: Means,
    assumed: Assumptions,
    *,
    writes_a_second: float = 0.0,
    measured: tuple[float, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Estimate:
    """The estimate. A measured rate stands in for the assumed one."""
    if measured is not None:
        assumed = replace(assumed, documents_a_second_a_segment=round(measured[0], 1))
        notes = (*notes, f"documents_a_second_a_segment was measured: {measured[1]}")
    return Estimate(
        index=index.name,
        load=load,
        means=means,
        by_scan=estimating.refill_by_scan(load, means, assumed),
        from_export=estimating.refill_from_export(load, means, assumed),
        traffic=estimating.traffic(load, writes_a_second, means, assumed) if writes_a_second else None,
        size=estimating.index(load, assumed),
        assumptions=assumed,
        notes=notes,
    )

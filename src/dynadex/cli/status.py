"""`status`: how the project is doing."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Columns

from ..operations import admins
from ..operations import status as statuses
from ..platform.embedded import Folder
from ..terminal import Terminal, out
from .options import (
    AwsOption,
    JsonOption,
    ProjectOption,
    RegionOption,
    choose_cloud,
    choose_regions,
    load_project,
    show,
)


def status(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    count: Annotated[
        bool, typer.Option("--count", help="Count the tables' items too: reads each table whole.")
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show each region's health, and its indices: documents, items, lag, refills, verifications, and what is wrong."""
    loaded, terminal = load_project(project), Terminal()
    cloud = choose_cloud(loaded, aws, terminal)
    regions = choose_regions(loaded, region)
    found, queues = statuses.status(loaded, cloud, regions, count=count), statuses.queues(loaded, cloud, regions)
    health = statuses.health(loaded, cloud, regions)
    document = {
        "health": health,
        "regions": {one: {name: index.to_json() for name, index in indexes.items()} for one, indexes in found.items()},
        "queues": {one: asdict(queue) for one, queue in queues.items()},
    }
    show(as_json, document, lambda: _show_status(found, queues, health))
    if not (aws or as_json) and (here := admins.local_admin(Folder(loaded.directory).path)):
        out.print(f"\nadmin here: {here.username}  {here.password}", highlight=False)
    if not all(one["healthy"] for one in health.values()):
        raise typer.Exit(1)
    indexes = [index for indexes in found.values() for index in indexes.values()]
    if any(index.problem or index.gap or index.source.trouble for index in indexes):
        raise typer.Exit(1)
    if any(queue.undelivered for queue in queues.values()):
        raise typer.Exit(1)


def _show_health(health: dict[str, dict[str, Any]]) -> None:
    columns = Columns("region", "health", box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns.add_column("newest heartbeat found", justify="right")
    columns.add_column("and the other regions' here")
    for region, one in health.items():
        fresh = one.get("freshness") or {}
        seconds, others = fresh.get("seconds"), fresh.get("regions", {})
        columns.add_row(
            region,
            "[green]healthy[/]" if one["healthy"] else "[red]not healthy[/]",
            "" if seconds is None else f"{seconds:.0f} s ago",
            ", ".join(f"{other} {age:.0f} s ago" for other, age in others.items() if other != region),
        )
    out.print(columns)
    for region, one in health.items():
        if not one["healthy"]:
            Terminal().error(f"{region}: {_why_unhealthy(one)}")
    out.print()


def _why_unhealthy(health: dict[str, Any]) -> str:
    if "problem" in health:
        return str(health["problem"])
    if not health["engine"]["ok"]:
        return "the engine does not answer"
    if away := [name for name, state in health["indexes"].items() if state != "ok"]:
        return f"{', '.join(away)} cannot be searched"
    seconds, limit = health["freshness"]["seconds"], health["freshness"]["limit"]
    if seconds is None:
        return "no heartbeat of its own is in its indices"
    return f"its newest heartbeat in its indices is {seconds:.0f} s old, and {limit} s are allowed"


def _show_status(
    found: dict[str, dict[str, statuses.IndexStatus]],
    queues: dict[str, statuses.Queues],
    health: dict[str, dict[str, Any]],
) -> None:
    _show_health(health)
    columns = Columns("region", "index", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("documents", "items", "lag"):
        columns.add_column(name, justify="right")
    columns.add_column("last refill")
    columns.add_column("last verification in the cloud")
    for region, indexes in found.items():
        for name, index in indexes.items():
            columns.add_row(
                region,
                name,
                "?" if index.documents is None else f"{index.documents:,}",
                "" if index.items is None else f"{index.items:,}",
                "" if index.lag_seconds is None else f"{index.lag_seconds:.1f} s",
                _refilled(index.refill),
                _verified(index.verify),
            )
    out.print(columns)
    for region, indexes in found.items():
        for name, index in indexes.items():
            if index.problem:
                Terminal().error(f"{region}: {name}: {index.problem}")
            if index.mapping.paths:
                Terminal().say(index.mapping.advice(name, region))
            if index.gap:
                Terminal().error(f"{region}: {name}: {index.gap}")
            if index.source.trouble:
                Terminal().error(f"{region}: {name}: {index.source.trouble}")
        if failures := queues[region].failures:
            what = "failures of its indices wait" if failures > 1 else "failure of its indices waits"
            Terminal().say(f"{region}: {failures:,} {what} in the queue: dynadex failures list --region {region}")
        if lost := queues[region].undelivered:
            told = f"the platform gave up on {lost:,} batches of stream records"
            Terminal().error(f"{region}: {told}: dynadex failures redrive --region {region}")


def _refilled(refill: dict[str, Any] | None) -> str:
    if refill is None:
        return "never"
    told = f"{refill['status'].lower()}, {_ago(refill['stopped'] or refill['started'])}"
    if "items" in refill:
        told += f", {refill['items']:,} items so far"
        if refill["progress"]:
            told += f", {refill['progress']:.0%}"
    return told


def _verified(verify: dict[str, Any] | None) -> str:
    if verify is None:
        return "never"
    if verify["status"] == "RUNNING":
        return f"running, {_ago(verify['at'])}, {verify['items']:,} items so far"
    if verify["status"] != "SUCCEEDED":
        return f"{verify['status'].lower()}, {_ago(verify['at'])}"
    kinds = ("missing", "stale", "ghosts", "failed", "repaired")
    differences = [f"{verify[kind]:,} {kind}" for kind in kinds if verify[kind]]
    return f"{', '.join(differences) or 'no differences'}, {_ago(verify['at'])}"


def _ago(moment: float) -> str:
    seconds = time.time() - moment
    size, unit = next(
        ((size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size), (1, "s")
    )
    return f"{max(0.0, seconds) / size:.0f} {unit} ago"

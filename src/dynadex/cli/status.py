"""`status`: how the project is doing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Columns

from ..operations import status as statuses
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
    """Show each region's indices: documents, items, lag, failures and refills."""
    loaded, terminal = load_project(project), Terminal()
    cloud = choose_cloud(loaded, aws, terminal)
    found = statuses.status(loaded, cloud, choose_regions(loaded, region), count=count)
    document = {one: {name: index.to_json() for name, index in indexes.items()} for one, indexes in found.items()}
    show(as_json, {"regions": document}, lambda: _show_status(found))
    if any(index.problem or index.gap or index.undelivered for indexes in found.values() for index in indexes.values()):
        raise typer.Exit(1)


def _show_status(found: dict[str, dict[str, statuses.IndexStatus]]) -> None:
    columns = Columns("region", "index", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("documents", "items", "failures", "lag"):
        columns.add_column(name, justify="right")
    columns.add_column("last refill")
    for region, indexes in found.items():
        for name, index in indexes.items():
            columns.add_row(
                region,
                name,
                "?" if index.documents is None else f"{index.documents:,}",
                "" if index.items is None else f"{index.items:,}",
                f"[red]{index.failures:,}[/]" if index.failures else "0",
                "" if index.lag_seconds is None else f"{index.lag_seconds:.1f} s",
                _ago(index.refill),
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
        if lost := max((index.undelivered for index in indexes.values()), default=0):
            told = f"the platform gave up on {lost:,} batches of stream records"
            Terminal().error(f"{region}: {told}: dynadex failures redrive --region {region}")


def _ago(refill: dict[str, Any] | None) -> str:
    if refill is None:
        return "never"
    seconds = time.time() - (refill["stopped"] or refill["started"])
    size, unit = next(
        ((size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size), (1, "s")
    )
    return f"{refill['status'].lower()}, {seconds / size:.0f} {unit} ago"

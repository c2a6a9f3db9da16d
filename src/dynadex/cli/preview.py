"""`preview`: what an index would hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..operations import previewing, sampling
from ..operations.previewing import Preview
from ..terminal import Terminal, out
from .init import EndpointOption, ItemsOption, ReadCapacityOption, outside_cloud
from .options import (
    AwsOption,
    IndexArgument,
    JsonOption,
    OneRegionOption,
    ProjectOption,
    choose_cloud,
    choose_index,
    choose_region,
    load_project,
)

_WARNINGS_SHOWN = 20


def preview(
    index: IndexArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Show so many documents.")] = 3,
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    endpoint: EndpointOption = None,
    items: ItemsOption = sampling.DEFAULT_ITEMS,
    read_capacity: ReadCapacityOption = sampling.DEFAULT_READ_CAPACITY,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the documents that sampled items would make, and what would be refused and why.

    Writes nothing that searches read: an engine is asked with an index of its own, deleted again. Ends with 1 if
    anything would be refused.
    """
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    cloud = outside_cloud(endpoint, aws) if endpoint else choose_cloud(loaded, aws, terminal)
    found = previewing.preview(loaded, cloud, where, described, terminal, items=items, read_capacity=read_capacity)
    if as_json:
        sys.stdout.write(found.to_json(count).decode() + "\n")
        sys.stdout.flush()
    else:
        _show(found, count)
    if found.refusals or found.mapping_refused:
        raise typer.Exit(1)


def _show(found: Preview, count: int) -> None:
    for one in found.documents[:count]:
        out.print(f"[bold]{escape(one.id)}[/]", highlight=False, soft_wrap=True)
        out.print(one.source.decode(), markup=False, highlight=False, soft_wrap=True)
        out.print()
    if found.mapping_refused:
        told = f"the mapping as a whole is refused by {found.checked_by}: {found.mapping_refused}"
        out.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
        return
    out.print(
        f"{found.items:,} items looked at: {len(found.documents):,} documents of {found.bytes_a_document:,} bytes, "
        f"{found.unwanted:,} not for {found.index}, {len(found.refusals):,} refused ({found.checked_by})",
        highlight=False,
        soft_wrap=True,
    )
    for refusal, times in found.kinds():
        told = f"refused, {times:,}: {refusal.step}: {refusal.type}: {refusal.reason}"
        out.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
        out.print(f"    such as {refusal.key}", style="dim", markup=False, highlight=False, soft_wrap=True)
    for (path, message), times in found.warnings.most_common(_WARNINGS_SHOWN):
        out.print(f"note, {times:,}: {path} {message}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if (more := len(found.warnings) - _WARNINGS_SHOWN) > 0:
        out.print(f"… and {more} more; --json has all", style="dim", highlight=False)

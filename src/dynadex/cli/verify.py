"""`verify`: is an index right, and its repair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table as Columns

from ..operations import gaps
from ..operations import verify as verifying
from ..operations.verify import Options
from ..terminal import Terminal, out
from ..verifying import Counts
from .options import (
    AwsOption,
    IndexArgument,
    JsonOption,
    OneRegionOption,
    ProjectOption,
    Refused,
    choose_cloud,
    choose_index,
    choose_region,
    load_project,
    show,
)


def verify(
    index: IndexArgument,
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Let the table settle what differs.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Look for documents without items even where the counts agree.")
    ] = False,
    against: Annotated[
        str | None, typer.Option(help="Compare with this region's index instead of the table.", show_default=False)
    ] = None,
    segments: Annotated[
        int, typer.Option(min=1, max=verifying.MAX_SEGMENTS, help="Segments compared side by side.")
    ] = verifying.SEGMENTS_HERE,
    read_capacity: Annotated[
        float, typer.Option(min=0, help="Read units a second for the whole of it; 0: as dynadex.toml says of refills.")
    ] = 0,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Differences to show.")] = 10,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Run it in the cloud, where it goes on after Ctrl-C; again: follow that one."),
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare an index with its table, in both directions. Writes going on meanwhile are no differences."""
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    if against is not None:
        against = choose_region(loaded, against)
        if remote:
            raise Refused("--remote: no region's functions reach another region's cluster; leave --against or --remote")
    cloud = choose_cloud(loaded, aws, terminal)
    capacity = read_capacity or loaded.functions.refill.read_capacity
    options = Options(segments, capacity, repair, full, examples)
    if against is not None:
        found = verifying.compare(loaded, cloud, where, against, described, options, terminal)
    elif remote:
        execution = verifying.running(loaded, cloud, where, described)
        if execution is not None:
            terminal.say(f"follows the verification that is under way: {execution}")
        else:
            execution = verifying.start(loaded, cloud, where, described, options)
        try:
            found = verifying.follow(loaded, cloud, where, described, execution, terminal)
        except KeyboardInterrupt:
            terminal.say(f"the verification goes on; the same command follows it again, {execution}")
            raise
    else:
        found = verifying.verify(loaded, cloud, where, described, options, terminal)
    if repair and full and found.missing + found.stale + found.ghosts <= found.repaired:
        gaps.close(loaded, cloud, where, described)
    show(as_json, found.to_json(), lambda: _show(found, repair, against))
    if found.differences:
        raise typer.Exit(1)


def _show(found: Counts, repair: bool, against: str | None) -> None:
    what = "documents there" if against else "items"
    out.print(f"{found.items:,} {what}, {found.documents:,} documents, {found.seconds:.1f} s", highlight=False)
    told = {
        "missing": found.missing,
        "stale": found.stale,
        "ghosts": found.ghosts,
        "items that make no document": found.failed,
        "in flight": found.in_flight,
        "repaired": found.repaired,
    }
    out.print(", ".join(f"{number:,} {name}" for name, number in told.items() if number) or "no differences")
    if found.examples:
        columns = Columns("id", "kind", "first difference", box=None, padding=(0, 2, 0, 0), header_style="dim")
        for example in found.examples:
            columns.add_row(escape(example.id), example.kind, escape(example.path))
        out.print(columns)
    if found.differences and not repair and not against:
        out.print("--repair lets the table settle them", style="dim", highlight=False)

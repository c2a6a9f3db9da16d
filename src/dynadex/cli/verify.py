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
    interruptible,
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
        int | None,
        typer.Option(
            min=1,
            max=verifying.MAX_SEGMENTS,
            help="Segments compared side by side.",
            show_default=str(verifying.SEGMENTS_HERE),
        ),
    ] = None,
    read_capacity: Annotated[
        float, typer.Option(min=0, help="Read units a second for the whole of it; 0: as dynadex.toml says of refills.")
    ] = 0,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Differences to show.")] = 10,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Run it in the cloud, where it goes on after Ctrl-C; again: follow that one."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up the one that was interrupted here, as it was asked for.")
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare an index with its table, in both directions. Writes going on meanwhile are no differences.

    What is interrupted says how to go on from there.
    """
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    if against is not None:
        against = choose_region(loaded, against)
        if remote:
            raise Refused("--remote: no region's functions reach another region's cluster; leave --against or --remote")
    if resume and remote:
        raise Refused("--resume: what runs in the cloud goes on by itself; --remote alone follows it")
    capacity = read_capacity or loaded.functions.refill.read_capacity
    options = Options(segments or verifying.SEGMENTS_HERE, capacity, repair, full, examples)
    if resume:
        options = _as_before(verifying.interrupted(loaded, where, described, against), segments, repair, full)
        repair, full = options.repair, options.full
    cloud = choose_cloud(loaded, aws, terminal)
    # What an interrupted one had compared before may be from before the gap; one that is followed may do less.
    whole = repair and full and not resume
    if against is not None:
        found = verifying.compare(loaded, cloud, where, against, described, options, terminal, resume=resume)
    elif remote:
        with interruptible(terminal, "a verification that has begun goes on; the same command follows it again"):
            execution = verifying.running(loaded, cloud, where, described)
            if execution is not None:
                terminal.say(f"follows the verification that is under way: {execution}")
                whole = False
            else:
                execution = verifying.start(loaded, cloud, where, described, options)
            found = verifying.follow(loaded, cloud, where, described, execution, terminal)
    else:
        found = verifying.verify(loaded, cloud, where, described, options, terminal, resume=resume)
    if whole and found.missing + found.stale + found.ghosts <= found.repaired:
        gaps.close(loaded, cloud, where, described)
    show(as_json, found.to_json(), lambda: _show(found, repair, against))
    if found.differences:
        raise typer.Exit(1)


def _as_before(before: Options, segments: int | None, repair: bool, full: bool) -> Options:
    """The options of the interrupted one, which no other option may contradict."""
    asked = {"segments": segments or before.segments, "repair": repair or before.repair, "full": full or before.full}
    for name, value in asked.items():
        if value != (was := getattr(before, name)):
            with_it = f"with {was}" if name == "segments" else "without"
            raise Refused(f"--{name}: the interrupted one was {with_it}; leave it out, or begin anew without --resume")
    return before


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
    if found.differences and repair:
        out.print("what the index cannot take is in the queue: `dynadex failures list`", style="dim", highlight=False)

"""`drill`: lose a region on purpose, and see what becomes of searches and writes."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import DynadexError
from ..operations import drill as drilling
from ..operations import drill_report as reporting
from ..operations import outage
from ..platform.embedded import Folder
from ..platform.laptop import Laptop
from ..terminal import Terminal, out
from .options import AwsOption, JsonOption, ProjectOption, Refused, choose_cloud, choose_region, load_project, show

drill = typer.Typer(
    name="drill", help="Rehearse a loss, with writes and searches going on.", invoke_without_command=True
)


class KindChoice(StrEnum):
    region = "region"
    engine = "engine"
    engine_keeps_data = "engine-keeps-data"
    stream = "stream"
    stream_gap = "stream-gap"


@drill.callback(invoke_without_command=True)
def recover(
    context: typer.Context,
    project: ProjectOption = Path(),
    recover: Annotated[
        bool, typer.Option("--recover", help="Bring back what a drill that was cut off left away.")
    ] = False,
    aws: AwsOption = False,
) -> None:
    """Rehearse a loss, with writes and searches going on."""
    if context.invoked_subcommand is not None:
        return
    if not recover:
        raise Refused("drill: say what to rehearse, as `dynadex drill region-outage`, or --recover")
    loaded, terminal = load_project(project), Terminal()
    cloud, folder = choose_cloud(loaded, aws, terminal), Folder(loaded.directory)
    with outage.one_at_a_time(folder):
        url = drilling.url_of(folder) if isinstance(cloud, Laptop) else None
        note = outage.recover(loaded, cloud, folder, url, terminal)
    terminal.say(f"{note.region} is back" if note else "no drill has left anything away", good=True)


@drill.command("region-outage")
def region_outage(
    project: ProjectOption = Path(),
    region: Annotated[
        str | None, typer.Option("--region", "-r", help="The region to lose. Default: the last.", show_default=False)
    ] = None,
    kind: Annotated[KindChoice, typer.Option(help="What of the region is lost.")] = KindChoice.region,
    hold: Annotated[float, typer.Option(min=0, help="Seconds that it stays away once that is known.")] = 30,
    calm: Annotated[float, typer.Option(min=1, help="Seconds before and after in which nothing happens.")] = 10,
    interval: Annotated[
        float | None, typer.Option(min=0.2, help="Seconds between health checks meanwhile.", show_default="as they are")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=1, help="Checks in a row that decide.", show_default="as it is")
    ] = None,
    writes: Annotated[float, typer.Option(min=1, max=50, help="Writes a second in each region.")] = 5,
    searches: Annotated[float, typer.Option(min=1, max=50, help="Searches a second at each location.")] = 3,
    index: Annotated[
        str | None, typer.Option(help="The index to search.", show_default="the first of the project")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="A folder for report.json and report.html.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="On AWS: do not ask first.")] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Lose a region and get it back: what fails for how long, and is anything lost?

    It writes items of its own into the project's table, and removes them at the end. Interrupted, it brings the region
    back first.
    """
    loaded, terminal = load_project(project), Terminal()
    where = choose_region(loaded, region or loaded.regions[-1])
    cloud, folder = choose_cloud(loaded, aws, terminal), Folder(loaded.directory)
    options = drilling.Options(kind.value, hold, calm, interval, threshold, writes, searches, index)
    planned = drilling.Drill(loaded, cloud, folder, where, options)
    if not isinstance(cloud, Laptop) and not yes:
        _ask_first(where, planned.items.table.physical_name, kind.value)
    result = planned.run(terminal)
    page = reporting.write(result, report) if report else None
    show(as_json, reporting.document(result), lambda: _show(result, page))
    missed = [f"{name}: {told}" for name, (holds, told) in reporting.bars(result).items() if not holds]
    for text in (*missed, *result.lost[:10]):
        terminal.error(text)
    if missed:
        raise typer.Exit(1)


def _ask_first(region: str, table: str, kind: str) -> None:
    what = "its users are sent elsewhere and its index falls behind" if kind == "region" else "its index falls behind"
    question = f"On AWS, {region}: {what}, and items are written to {table} and removed again. Go on?"
    if not sys.stdin.isatty() or not typer.confirm(question, err=True):
        raise DynadexError("nothing was done; --yes goes on without asking")


def _show(result: drilling.Result, page: Path | None) -> None:
    told = reporting.document(result)
    for entry in told["timeline"]:
        out.print(f"{entry['seconds']:7.1f} s  {entry['event']}", highlight=False, soft_wrap=True)
    out.print()
    for name, (holds, measured) in reporting.bars(result).items():
        out.print(f"{'✓' if holds else '✗'} {name}: {measured}", highlight=False, soft_wrap=True)
    names = {"detectedSeconds": "detected", "paritySeconds": "equal again", "routedBackSeconds": "routed back"}
    times = [f"{name} after {told[key]} s" for key, name in names.items() if told[key] is not None]
    out.print(", ".join(times), highlight=False)
    if page:
        out.print(str(page), highlight=False, soft_wrap=True)

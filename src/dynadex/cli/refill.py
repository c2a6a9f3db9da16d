"""`refill`: an index from its table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..operations import refill as refilling
from ..terminal import Terminal, out
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
    show,
)


def refill(
    index: IndexArgument,
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    segments: Annotated[
        int | None, typer.Option(min=1, max=refilling.MAX_SEGMENTS, help="Segments scanned side by side.")
    ] = None,
    read_capacity: Annotated[
        float, typer.Option(min=0, help="Read units a second for the whole refill; 0: as dynadex.toml says.")
    ] = 0,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up the newest one that did not get to its end.")
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fill an index from its table: after the loss of a cluster, or to be sure."""
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    cloud = choose_cloud(loaded, aws, terminal)
    if resume:
        execution = refilling.resume(loaded, cloud, where, described)
    else:
        parts = segments or loaded.functions.refill.segments
        execution = refilling.start(loaded, cloud, where, described, segments=parts, read_capacity=read_capacity)
    if not wait:
        show(as_json, {"status": "RUNNING", "execution": execution}, lambda: out.print(execution, soft_wrap=True))
        return
    with _interruptible(f"the refill goes on; dynadex status shows it, or follow {execution}"):
        result = refilling.wait(loaded, cloud, where, described, execution, terminal)
    document = {
        "status": result.status,
        "items": result.items,
        "documents": result.documents,
        "failures": result.failures,
        "rounds": result.rounds,
        "seconds": result.seconds,
        "execution": result.execution,
        "error": result.error,
    }
    show(as_json, document, lambda: _show_refill(result, terminal))
    if result.status != "SUCCEEDED":
        raise typer.Exit(1)


def _show_refill(result: refilling.Refill, terminal: Terminal) -> None:
    if result.status == "SUCCEEDED":
        rate = result.items / max(result.seconds, 0.001)
        failures = f", {result.failures:,} failures" if result.failures else ""
        out.print(
            f"{result.items:,} items, {result.documents:,} documents written{failures}, "
            f"{result.rounds} rounds, {result.seconds:.1f} s, {rate:,.0f} items/s"
        )
    else:
        terminal.error(f"{result.status}: {result.error}\nTake it up again with --resume.")


@contextmanager
def _interruptible(message: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        Terminal().say(message)
        raise

"""`refill`: an index from its table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ..operations import export as exporting
from ..operations import refill as refilling
from ..operations.telling import moment
from ..terminal import Terminal, out
from .options import (
    AwsOption,
    BucketOption,
    ExportArgument,
    FromExportOption,
    IndexArgument,
    JsonOption,
    OneRegionOption,
    ProjectOption,
    Refused,
    check_export,
    choose_cloud,
    choose_index,
    choose_region,
    interruptible,
    load_project,
    show,
)


def refill(
    index: IndexArgument,
    export: ExportArgument = "",
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
    from_export: FromExportOption = False,
    bucket: BucketOption = "",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fill an index from its table: after the loss of a cluster, or to be sure.

    With --from-export it is followed to its end; interrupted, the same command takes it up.
    """
    check_export(from_export, export, bucket)
    if from_export and (resume or read_capacity):
        raise Refused("--from-export: not with --resume nor --read-capacity")
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    cloud = choose_cloud(loaded, aws, terminal)
    due = None
    if refilling.is_lost(loaded, cloud, where, described):
        due = moment(refilling.sound_from(loaded, time.time()))
        terminal.say(
            f"{where}: there is no index {described.name}, it is made anew. If it was lost while writes went on, some "
            f"may still arrive late: `dynadex verify {described.name} --full --repair --region {where}` is due "
            f"from {due} on"
        )
    if from_export:
        options = exporting.Options(arn=export, bucket=bucket, segments=segments or 0)
        with interruptible(terminal, "the same command goes on from here"):
            result = exporting.refill_from_export(loaded, cloud, where, described, options, terminal)
        _told(as_json, result, due, terminal, "Take it up again with the same command.")
        return
    with interruptible(terminal, "a refill that has begun goes on in the cloud; dynadex status shows how it goes"):
        if resume:
            execution = refilling.resume(loaded, cloud, where, described)
        else:
            parts = segments or loaded.functions.refill.segments
            execution = refilling.start(loaded, cloud, where, described, segments=parts, read_capacity=read_capacity)
        if not wait:
            document = {"status": "RUNNING", "execution": execution, "verifyFrom": due}
            show(as_json, document, lambda: out.print(execution, soft_wrap=True))
            return
        result = refilling.wait(loaded, cloud, where, described, execution, terminal)
    _told(as_json, result, due, terminal, "Take it up again with --resume.")


def _told(as_json: bool, result: refilling.Refill, due: str | None, terminal: Terminal, remedy: str) -> None:
    document = {
        "status": result.status,
        "items": result.items,
        "documents": result.documents,
        "failures": result.failures,
        "rounds": result.rounds,
        "seconds": result.seconds,
        "execution": result.execution,
        "error": result.error,
        "verifyFrom": due,
    }
    show(as_json, document, lambda: _show_refill(result, terminal, remedy))
    if result.status != "SUCCEEDED":
        raise typer.Exit(1)


def _show_refill(result: refilling.Refill, terminal: Terminal, remedy: str) -> None:
    if result.status == "SUCCEEDED":
        rate = result.items / max(result.seconds, 0.001)
        failures = f", {result.failures:,} failures" if result.failures else ""
        out.print(
            f"{result.items:,} items, {result.documents:,} documents written{failures}, "
            f"{result.rounds} rounds, {result.seconds:.1f} s, {rate:,.0f} items/s"
        )
    else:
        terminal.error(f"{result.status}: {result.error}\n{remedy}")

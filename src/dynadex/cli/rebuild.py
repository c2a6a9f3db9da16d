"""`rebuild`: an index made anew beside itself, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..operations import rebuild as rebuilding
from ..operations.rebuild import Rebuilt
from ..operations.rebuild_steps import Options
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


def rebuild(
    index: IndexArgument,
    export: ExportArgument = "",
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="In the end, feed the former generation no more and drop it.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Have searches read the former generation again, at once.")
    ] = False,
    drop_new: Annotated[
        bool, typer.Option("--drop-new", help="With --rollback: drop the new generation, or give up making it.")
    ] = False,
    accept_failures: Annotated[
        bool, typer.Option("--accept-failures", help="Go on although the new generation cannot take some items.")
    ] = False,
    from_export: FromExportOption = False,
    bucket: BucketOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Although the mapping did not change, or after a rollback.")
    ] = False,
    steps: Annotated[bool, typer.Option("--steps", help="Show all steps and how far they are; do nothing.")] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make an index anew with the mapping as it is now, while searches and writes go on.

    The former generation is kept and fed, so that --rollback is instant, until --drop-old. Interrupted at any point,
    the same command goes on from there.
    """
    if drop_new and not rollback:
        raise Refused("--drop-new: only with --rollback")
    check_export(from_export, export, bucket)
    if rollback and (drop_old or force or accept_failures or steps or from_export):
        raise Refused("--rollback: only with --drop-new")
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    cloud = choose_cloud(loaded, aws, terminal)
    options = Options(force, drop_old, drop_new, accept_failures, from_export, export, bucket)
    if steps:
        shown = rebuilding.progress(loaded, cloud, where, described, options)
        document = [{"name": one.name, "title": one.title, "state": one.state} for one in shown]
        show(as_json, {"steps": document}, lambda: out.print("\n".join(one.line() for one in shown), highlight=False))
        return
    do = rebuilding.roll_back if rollback else rebuilding.rebuild
    with interruptible(terminal, "the same command goes on from here, and searches find all meanwhile"):
        result = do(loaded, cloud, where, described, options, terminal)
    show(as_json, result.to_json(), lambda: _show(result))


def _show(result: Rebuilt) -> None:
    out.print(f"searches of {result.index} in {result.region} read {result.read}", highlight=False)
    if result.failures:
        out.print(f"{result.failures:,} items are not in it: `dynadex failures list`", highlight=False)
    for name in result.dropped:
        out.print(f"{name} was dropped", highlight=False)
    for name in result.kept:
        out.print(f"{name} is kept, and fed", highlight=False)
        if not result.newer_kept:
            out.print("  --rollback goes back to it, --drop-old drops it", style="dim", highlight=False)
        else:
            out.print("  --rollback --drop-new drops it, --force reads it again", style="dim", highlight=False)

"""`load`: items from a file into a table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ..operations import load as loading
from ..terminal import Terminal, out
from .options import (
    AwsOption,
    JsonOption,
    OneRegionOption,
    ProjectOption,
    Refused,
    choose_cloud,
    choose_region,
    interruptible,
    load_project,
    show,
)


def load(
    table: Annotated[str, typer.Argument(help="A table of the project.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="Items, one JSON object a line.", exists=True, dir_okay=False)],
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the items of a file into a table. Loading a file twice is harmless."""
    loaded, terminal = load_project(project), Terminal()
    if table not in loaded.tables:
        raise Refused(f"TABLE: {table!r} is not a table of {loaded.name}: {', '.join(loaded.tables)}")
    began = time.monotonic()
    where = choose_region(loaded, region)
    cloud = choose_cloud(loaded, aws, terminal)
    with interruptible(terminal, "some items are in the table; the same command puts all of them, which is harmless"):
        count = loading.load(cloud, where, loaded.tables[table], file, terminal)
    seconds = round(time.monotonic() - began, 3)
    document = {"table": table, "region": where, "items": count, "seconds": seconds}
    show(as_json, document, lambda: out.print(f"{count:,} items in {seconds:.1f} s"))

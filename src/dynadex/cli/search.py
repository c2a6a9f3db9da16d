"""`search`: what a region finds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Columns

from ..operations import searching
from ..project import Project
from ..terminal import Terminal, out
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


def search(
    index: IndexArgument,
    words: Annotated[str, typer.Argument(help="What to look for.", show_default=False)] = "",
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    where: Annotated[
        list[str] | None, typer.Option("--filter", "-f", help="FIELD=VALUE; again for more.", show_default=False)
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Hits a page.")] = None,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search an index through a region's API, as its users do."""
    loaded, terminal = load_project(project), Terminal()
    choose_index(loaded, index)
    chosen, cloud = choose_region(loaded, region), choose_cloud(loaded, aws, terminal)
    parameters = {"index": index, "q": words, "page": str(page)}
    if size:
        parameters["size"] = str(size)
    for text in where or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise Refused(f"--filter: {text!r} is not of the form FIELD=VALUE")
        parameters[name] = value
    found = searching.search(loaded, cloud, chosen, parameters)
    show(as_json, found, lambda: _show_hits(loaded, index, found))


def _show_hits(project: Project, index: str, found: dict[str, Any]) -> None:
    fields = [field.partition("^")[0] for field in project.indexes[index].search.fields][:4]
    columns = Columns(*fields, "id", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for hit in found["hits"]:
        columns.add_row(*(str(hit["document"].get(field, "")) for field in fields), f"[dim]{hit['id']}[/]")
    out.print(columns)
    out.print(f"{found['total']:,} found", style="dim", highlight=False)

"""`up` and `down`: the project on the embedded platform."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..operations import up as starting
from ..platform.embedded import DEFAULT_PORT, PORTS
from ..platform.servers import Server
from ..project import Project
from ..terminal import Terminal, out
from .options import JsonOption, ProjectOption, load_project, show

_LOOK_SECONDS = 0.5


class EngineChoice(StrEnum):
    memory = "memory"
    opensearch = "opensearch"
    elasticsearch = "elasticsearch"


def up(
    project: ProjectOption = Path(),
    port: Annotated[
        int | None,
        typer.Option(
            min=1024,
            max=65000,
            help=f"First of the {PORTS} ports that the platform may use.",
            show_default=f"{DEFAULT_PORT}, or as it runs",
        ),
    ] = None,
    engine: Annotated[
        EngineChoice | None,
        typer.Option(
            help="A region's engine: in memory, or the real server (needs Java and Maven).",
            show_default="memory, or as it runs",
        ),
    ] = None,
    engine_url: Annotated[
        list[str] | None,
        typer.Option(help="Use an engine that runs already: URL for all regions, or REGION=URL.", show_default=False),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running and return.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the project here: the whole cloud in a few processes, deployed, filled and searchable.

    Without --detach it stays until Ctrl-C, which stops everything and keeps the data. Starting again takes it up again.
    """
    loaded = load_project(project)
    terminal = Terminal(quiet=False)
    urls = {}
    for text in engine_url or ():
        region, separator, url = text.partition("=")
        urls.update({region: url} if separator and "://" not in region else {"": text})
    options = starting.Options(port, engine.value if engine else None, urls)
    began = time.monotonic()
    try:
        found = starting.up(loaded, options, terminal)
    except KeyboardInterrupt:
        starting.down(loaded, terminal, wipe=False)
        raise
    terminal.say(f"ready after {time.monotonic() - began:.1f} s", good=True)
    show(as_json, found.document(loaded), lambda: _show_up(loaded, project, found, detach))
    if not detach:
        ended = _stay(loaded)
        starting.down(loaded, terminal, wipe=False)
        if ended:
            terminal.error("\n".join(f"{server.name} ended by itself; its log is {server.log}" for server in ended))
            raise typer.Exit(1)


def _stay(project: Project) -> list[Server]:
    """Until somebody wants it to end, here or with `down` elsewhere; returns the processes that ended unasked."""
    with suppress(KeyboardInterrupt):
        while (ended := starting.ended_unasked(project)) == []:
            time.sleep(_LOOK_SECONDS)
        return ended or []
    return []


def _show_up(project: Project, directory: Path, found: starting.Up, detached: bool) -> None:
    document = found.document(project)
    addresses = {"web page": document["web"]} if document["web"] else {}
    if found.admin:
        addresses["admin"] = f"{found.admin.username}  {found.admin.password}"
    addresses["platform"] = document["platform"]
    for region, one in document["regions"].items():
        addresses[f"{region} API"] = f"{one['api']}/search?q="
        addresses[f"{region} engine"] = one["engine"]
    out.print()
    for name, address in addresses.items():
        out.print(f"{name:<18}{address}", highlight=False, soft_wrap=True)
    where = "" if directory.resolve() == Path.cwd() else f" --project {directory}"
    me = _me()
    index = next(iter(project.indexes))
    last = project.regions[-1]
    out.print("\nTry next:")
    for command, meaning in (
        (f"{me} search {index} {_words(project, index)}{where}", "full-text search, as the API answers it"),
        (f"{me} status --count{where}", "documents against items, lag and failures in every region"),
        (f"{me} refill {index} --wait --region {last}{where}", "fill an index again from its table"),
        (f"{me} down{where}", "stop it; the data stays") if detached else ("Ctrl-C", "stop it; the data stays"),
    ):
        out.print(f"  {command}", style="bold", highlight=False, soft_wrap=True)
        out.print(f"      {meaning}", style="dim", highlight=False)


def _words(project: Project, index: str) -> str:
    """Something that a search of the index will find: from the seed, if there is one."""
    described = project.indexes[index]
    if seed := project.table_of(described).seed:
        with (project.directory / seed).open(encoding="utf-8") as lines, suppress(ValueError, AttributeError):
            item = json.loads(next(lines, "{}"))
            for field in described.search.fields:
                if isinstance(text := item.get(field.partition("^")[0]), str):
                    return shlex.quote(text)
    return "'words to look for'"


def _me() -> str:
    """How this command is called from here: in an environment that is not activated, with its path."""
    path = Path(sys.argv[0]).absolute()
    if (found := shutil.which("dynadex")) and Path(found).absolute() == path:
        return "dynadex"
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def down(
    project: ProjectOption = Path(),
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove the data as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the embedded platform, keeping its data."""
    terminal = Terminal()
    ran = starting.down(load_project(project), terminal, wipe=wipe)
    if not ran:
        terminal.say("nothing was running" + ("; what was kept is removed" if wipe else ""))
    show(as_json, {"stopped": ran, "wiped": wipe}, lambda: None)

"""The `dynadex` command: verbs to operations, and what they tell to the terminal.

With `--json` stdout holds one JSON document and nothing else; progress and messages always go to stderr. Exit codes:
0 done, 1 found a difference or failed, 2 wrong use.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table as Columns

from . import project as projects
from .engine import EngineError
from .operations import deploy as deploying
from .operations import load as loading
from .operations import refill as refilling
from .operations import searching, stacks
from .operations import status as statuses
from .operations import up as starting
from .pacing import OutOfTime
from .platform.cloud import Cloud, CloudError
from .platform.embedded import DEFAULT_PORT, PORTS
from .platform.jars import PlatformError
from .platform.packaging import PackagingError
from .project import Index, Project, ProjectError
from .terminal import Terminal, out

app = typer.Typer(
    name="dynadex",
    help="Keeps search indices exactly in step with DynamoDB tables, in every region.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class EngineChoice(StrEnum):
    memory = "memory"
    opensearch = "opensearch"
    elasticsearch = "elasticsearch"


ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="The folder with dynadex.toml.")]
RegionOption = Annotated[
    list[str] | None, typer.Option("--region", "-r", help="A region of the project; again for more. Default: all.")
]
OneRegionOption = Annotated[
    str | None, typer.Option("--region", "-r", help="A region of the project. Default: the home region.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
AwsOption = Annotated[bool, typer.Option("--aws", help="Work on AWS although the embedded platform is used here.")]
IndexArgument = Annotated[str, typer.Argument(help="An index of the project.", show_default=False)]

#: Mistakes of the user or refusals of the world: told in a sentence or two, never as a traceback. 2: wrong use.
_WRONG_USE = (ProjectError, refilling.RefillError, starting.UpError)
_FAILED = (
    PlatformError,
    CloudError,
    PackagingError,
    EngineError,
    OutOfTime,
    OSError,
    deploying.DeployError,
    stacks.StackError,
    loading.LoadError,
    searching.SearchFailed,
    ClientError,
    BotoCoreError,
)


class _Refused(Exception):
    """Wrong use that only a verb can see."""


def main() -> None:
    """The entry point."""
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (*_WRONG_USE, _Refused) as error:
        _end(2, error)
    except _FAILED as error:
        _end(1, error)
    except (KeyboardInterrupt, typer.Abort):
        _end(1, "interrupted")
    except Exception as error:
        if type(error).__module__.startswith(("typer", "click")) and hasattr(error, "exit_code"):
            error.show()  # type: ignore[attr-defined]  # the command line's own errors, with the usage
            sys.exit(2)
        raise


def _end(code: int, error: Exception | str) -> NoReturn:
    Terminal().error(str(error) or type(error).__name__)
    sys.exit(code)


# -- What every verb needs


def _project(directory: Path) -> Project:
    return projects.load(directory)


def _cloud(project: Project, aws: bool, terminal: Terminal) -> Cloud:
    cloud = None if aws else starting.local_cloud(project)
    if cloud is None:
        cloud = Cloud()
        terminal.say(f"on AWS, account {cloud.account(project.home_region)}")
    return cloud


def _regions(project: Project, asked: list[str] | None) -> list[str]:
    for region in asked or ():
        if region not in project.regions:
            raise _Refused(f"--region: {region} is not a region of {project.name}: {', '.join(project.regions)}")
    return list(dict.fromkeys(asked)) if asked else list(project.regions)


def _region(project: Project, asked: str | None) -> str:
    return _regions(project, [asked])[0] if asked else project.home_region


def _index(project: Project, name: str) -> Index:
    if name not in project.indexes:
        raise _Refused(f"INDEX: {name!r} is not an index of {project.name}: {', '.join(project.indexes)}")
    return project.indexes[name]


def _show(as_json: bool, document: Any, human: Callable[[], None]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        human()


# -- Verbs


@app.command()
def up(
    project: ProjectOption = Path(),
    port: Annotated[
        int, typer.Option(min=1024, max=65000, help=f"First of the {PORTS} ports that the platform may use.")
    ] = DEFAULT_PORT,
    engine: Annotated[
        EngineChoice, typer.Option(help="A region's engine: in memory, or the real server (needs Java and Maven).")
    ] = EngineChoice.memory,
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
    loaded = _project(project)
    terminal = Terminal(quiet=False)
    urls = {}
    for text in engine_url or ():
        region, separator, url = text.partition("=")
        urls.update({region: url} if separator and "://" not in region else {"": text})
    options = starting.Options(port, engine.value, urls)
    began = time.monotonic()
    try:
        found = starting.up(loaded, options, terminal)
    except KeyboardInterrupt:
        starting.down(loaded, terminal, wipe=False)
        raise
    terminal.say(f"ready after {time.monotonic() - began:.1f} s", good=True)
    _show(as_json, found.document(loaded), lambda: _show_up(loaded, project, found, detach))
    if not detach:
        _stay()
        terminal.say("")
        starting.down(loaded, terminal, wipe=False)


def _stay() -> None:
    """Until somebody wants it to end."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    with suppress(KeyboardInterrupt):
        signal.pause()


def _show_up(project: Project, directory: Path, found: starting.Up, detached: bool) -> None:
    document = found.document(project)
    addresses = {"web page": document["web"]} if document["web"] else {}
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
        (f"{me} search {index} 'stairway to heaven'{where}", "full-text search, as the API answers it"),
        (f"{me} status --count{where}", "documents against items, lag and failures in every region"),
        (f"{me} refill {index} --wait --region {last}{where}", "fill an index again from its table"),
        (f"{me} down{where}", "stop it; the data stays") if detached else ("Ctrl-C", "stop it; the data stays"),
    ):
        out.print(f"  {command}", style="bold", highlight=False, soft_wrap=True)
        out.print(f"      {meaning}", style="dim", highlight=False)


def _me() -> str:
    """How this command is called from here: in an environment that is not activated, with its path."""
    path = Path(sys.argv[0]).absolute()
    if (found := shutil.which("dynadex")) and Path(found).absolute() == path:
        return "dynadex"
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@app.command()
def down(
    project: ProjectOption = Path(),
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove the data as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the embedded platform, keeping its data."""
    terminal = Terminal()
    ran = starting.down(_project(project), terminal, wipe=wipe)
    if not ran:
        terminal.say("nothing was running" + ("; what was kept is removed" if wipe else ""))
    _show(as_json, {"stopped": ran, "wiped": wipe}, lambda: None)


@app.command()
def deploy(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy the project on AWS, or bring what is deployed up to date."""
    loaded, terminal = _project(project), Terminal()
    cloud = Cloud()
    terminal.say(f"on AWS, account {cloud.account(loaded.home_region)}")
    found = deploying.deploy(loaded, cloud, _regions(loaded, region), terminal, loaded.directory / ".dynadex/packages")
    for one in found.values():
        for index in one.made:
            terminal.say(f"{one.region}: {index} was made and is empty: dynadex refill {index} --region {one.region}")
    document = {one.region: {"api": one.api, "made": list(one.made)} for one in found.values()}
    _show(as_json, {"regions": document}, lambda: _show_apis(found))


def _show_apis(found: dict[str, deploying.Deployed]) -> None:
    for one in found.values():
        out.print(f"{one.region}  {one.api}/search?q=", highlight=False, soft_wrap=True)


@app.command()
def destroy(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the project's functions, APIs and queues on AWS. Tables, their items and the indices stay."""
    loaded, terminal = _project(project), Terminal()
    cloud, regions = Cloud(), _regions(loaded, region)
    account = cloud.account(loaded.home_region)
    waiting = {}
    for one in regions:
        if found := stacks.outputs(cloud.client("cloudformation", one), loaded.name):
            waiting[one] = statuses.messages_in(cloud, one, found["FailuresQueueUrl"])
    for one, count in waiting.items():
        if count:
            terminal.say(f"{one}: {count} failures wait in the queue and would be gone with it")
    if not yes:
        typer.confirm(f"Delete {loaded.name} from {', '.join(regions)} of account {account}?", abort=True, err=True)
    deploying.destroy(loaded, cloud, regions, terminal)
    _show(as_json, {"destroyed": regions}, lambda: None)


@app.command()
def status(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    count: Annotated[
        bool, typer.Option("--count", help="Count the tables' items too: reads each table whole.")
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show each region's indices: documents, items, lag, failures and refills."""
    loaded, terminal = _project(project), Terminal()
    cloud = _cloud(loaded, aws, terminal)
    found = statuses.status(loaded, cloud, _regions(loaded, region), count=count)
    document = {one: {name: index.to_json() for name, index in indexes.items()} for one, indexes in found.items()}
    _show(as_json, {"regions": document}, lambda: _show_status(found))
    if any(index.problem for indexes in found.values() for index in indexes.values()):
        raise typer.Exit(1)


def _show_status(found: dict[str, dict[str, statuses.IndexStatus]]) -> None:
    columns = Columns("region", "index", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("documents", "items", "failures", "lag"):
        columns.add_column(name, justify="right")
    columns.add_column("last refill")
    for region, indexes in found.items():
        for name, index in indexes.items():
            columns.add_row(
                region,
                name,
                "?" if index.documents is None else f"{index.documents:,}",
                "" if index.items is None else f"{index.items:,}",
                f"[red]{index.failures:,}[/]" if index.failures else "0",
                "" if index.lag_seconds is None else f"{index.lag_seconds:.1f} s",
                _ago(index.refill),
            )
    out.print(columns)
    for region, indexes in found.items():
        for name, index in indexes.items():
            if index.problem:
                Terminal().error(f"{region}: {name}: {index.problem}")


def _ago(refill: dict[str, Any] | None) -> str:
    if refill is None:
        return "never"
    seconds = time.time() - (refill["stopped"] or refill["started"])
    size, unit = next(
        ((size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size), (1, "s")
    )
    return f"{refill['status'].lower()}, {seconds / size:.0f} {unit} ago"


@app.command()
def load(
    table: Annotated[str, typer.Argument(help="A table of the project.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="Items, one JSON object a line.", exists=True, dir_okay=False)],
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the items of a file into a table. Loading a file twice is harmless."""
    loaded, terminal = _project(project), Terminal()
    if table not in loaded.tables:
        raise _Refused(f"TABLE: {table!r} is not a table of {loaded.name}: {', '.join(loaded.tables)}")
    began = time.monotonic()
    where = _region(loaded, region)
    count = loading.load(_cloud(loaded, aws, terminal), where, loaded.tables[table], file, terminal)
    seconds = round(time.monotonic() - began, 3)
    document = {"table": table, "region": where, "items": count, "seconds": seconds}
    _show(as_json, document, lambda: out.print(f"{count:,} items in {seconds:.1f} s"))


@app.command()
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
    loaded, terminal = _project(project), Terminal()
    described, where = _index(loaded, index), _region(loaded, region)
    cloud = _cloud(loaded, aws, terminal)
    if resume:
        execution = refilling.resume(loaded, cloud, where, described)
    else:
        parts = segments or loaded.functions.refill.segments
        execution = refilling.start(loaded, cloud, where, described, segments=parts, read_capacity=read_capacity)
    if not wait:
        _show(as_json, {"status": "RUNNING", "execution": execution}, lambda: out.print(execution, soft_wrap=True))
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
    _show(as_json, document, lambda: _show_refill(result, terminal))
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


@app.command()
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
    loaded, terminal = _project(project), Terminal()
    _index(loaded, index)
    chosen, cloud = _region(loaded, region), _cloud(loaded, aws, terminal)
    parameters = {"index": index, "q": words, "page": str(page)}
    if size:
        parameters["size"] = str(size)
    for text in where or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise _Refused(f"--filter: {text!r} is not of the form FIELD=VALUE")
        parameters[name] = value
    found = searching.search(loaded, cloud, chosen, parameters)
    _show(as_json, found, lambda: _show_hits(loaded, index, found))


def _show_hits(project: Project, index: str, found: dict[str, Any]) -> None:
    fields = [field.partition("^")[0] for field in project.indexes[index].search.fields][:4]
    columns = Columns(*fields, "id", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for hit in found["hits"]:
        columns.add_row(*(str(hit["document"].get(field, "")) for field in fields), f"[dim]{hit['id']}[/]")
    out.print(columns)
    out.print(f"{found['total']:,} found", style="dim", highlight=False)

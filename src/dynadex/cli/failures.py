"""`failures`: what the indices could not take, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Columns

from ..operations import failures as keeping
from ..operations import keys
from ..operations.failures import KINDS, DeadLetter, Listing, Redriven, Wanted
from ..operations.telling import how, moment
from ..project import Project
from ..terminal import Terminal, out
from .options import (
    AwsOption,
    JsonOption,
    ProjectOption,
    Refused,
    RegionOption,
    choose_cloud,
    choose_index,
    choose_regions,
    interruptible,
    load_project,
    show,
)

failures = typer.Typer(
    name="failures",
    help="What the indices could not take: list, show, redrive or drop it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

IndexOption = Annotated[str | None, typer.Option("--index", "-i", help="Of this index.", show_default=False)]
KindOption = Annotated[
    str | None, typer.Option("--kind", help=f"Of this kind: {', '.join(KINDS)}.", show_default=False)
]
TypeOption = Annotated[
    str | None,
    typer.Option("--type", help="Of this type of error, such as mapper_parsing_exception.", show_default=False),
]
IdOption = Annotated[str | None, typer.Option("--id", help="Of the item with this document id.", show_default=False)]
KeyOption = Annotated[
    str | None, typer.Option("--key", help='Of the item with this key, as JSON: {"id": "x"}.', show_default=False)
]


@dataclass(frozen=True)
class Asked:
    """What every verb takes: which failures are meant, and where."""

    project: ProjectOption = Path()
    region: RegionOption = None
    index: IndexOption = None
    kind: KindOption = None
    type: TypeOption = None
    id: IdOption = None
    key: KeyOption = None
    aws: AwsOption = False
    as_json: JsonOption = False

    def loaded(self) -> tuple[Project, Wanted, list[str]]:
        """The project, the failures and the regions that are meant."""
        project = load_project(self.project)
        if self.index is not None:
            choose_index(project, self.index)
        if self.kind not in (None, *KINDS):
            raise Refused(f"--kind: {self.kind!r} is none of {', '.join(KINDS)}")
        key = None if self.key is None else keys.of_json(self.key)
        return project, Wanted(self.index, self.kind, self.type, self.id, key), choose_regions(project, self.region)


def _verb(do: Callable[..., None]) -> Callable[..., None]:
    """A verb with the options of `Asked`, which it gets as one, and those of its own."""
    shared = signature(Asked, eval_str=True).parameters
    own = list(signature(do, eval_str=True).parameters.values())[1:]
    *which, aws, as_json = shared.values()
    ordered = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*which, *own, aws, as_json)]

    def verb(**given: Any) -> None:
        do(Asked(**{name: given.pop(name) for name in shared}), **given)

    verb.__doc__ = do.__doc__
    vars(verb)["__signature__"] = Signature(ordered)
    return verb


@failures.command("list")
@_verb
def list_(
    asked: Asked,
    limit: Annotated[int, typer.Option(min=0, help="Failures to show one by one, in each region.")] = 20,
) -> None:
    """Count the failures by index, kind and type, and show the oldest. A key counts once in an index."""
    _look(asked, limit, in_full=False)


@failures.command("show")
@_verb
def show_(
    asked: Asked, limit: Annotated[int, typer.Option(min=1, help="Failures to show, in each region.")] = 20
) -> None:
    """Show failures in full: key, error, the version they were to be written with, when, and how often tried."""
    _look(asked, limit, in_full=True)


def _look(asked: Asked, limit: int, *, in_full: bool) -> None:
    project, wanted, places = asked.loaded()
    cloud = choose_cloud(project, asked.aws, Terminal())
    document = {}
    for place in places:
        with keeping.listing(project, cloud, place, wanted) as found:
            document[place] = _document(found, limit)
        if not asked.as_json:
            _show_listing(place, found, limit, in_full=in_full)
    show(asked.as_json, {"regions": document}, lambda: None)


def _document(found: Listing, limit: int) -> dict[str, Any]:
    counts = [
        {"index": index, "kind": kind, "type": type, "count": count}
        for (index, kind, type), count in found.counts().items()
    ]
    return {
        "total": len(found.letters) + len(found.batches),
        "counts": counts,
        "failures": [letter.to_json() for letter in found.letters[:limit]],
        "undelivered": [batch.to_json() for batch in found.batches[:limit]],
        "hidden": found.hidden,
        "more": found.more,
    }


def _show_listing(region: str, found: Listing, limit: int, *, in_full: bool) -> None:
    total = len(found.letters) + len(found.batches)
    out.print(f"{region}: {f'{total:,}' if total else 'no'} failure{'s' * (total != 1)}", highlight=False)
    if not in_full and total:
        columns = Columns("count", "index", "kind", "type", box=None, padding=(0, 2, 0, 2), header_style="dim")
        for (index, kind, type), count in found.counts().items():
            columns.add_row(f"{count:,}", index, kind, type)
        out.print(columns, markup=False)
    for letter in found.letters[:limit]:
        _show_letter(letter, in_full=in_full)
    for batch in found.batches[:limit]:
        told = (
            f"  {batch.table}  undelivered  {batch.condition}  {batch.records:,} records from {batch.first}  {batch.at}"
        )
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    if total > limit:
        out.print(f"  … --limit shows more than {limit:,} of each", style="dim", highlight=False)
    if found.more:
        out.print("  there are more messages than can be looked at at once", style="dim")
    if found.hidden:
        out.print(f"  about {found.hidden:,} messages are held by others right now", style="dim", highlight=False)


def _show_letter(letter: DeadLetter, *, in_full: bool) -> None:
    name = letter.id or str(dict(letter.key)) or "?"
    lines = [f"  {letter.index}  {name}  {letter.kind}  {letter.type}  {moment(letter.at)}"]
    if in_full:
        lines += [
            f"    {letter.reason}",
            f"    key {dict(letter.key)} of table {letter.table}, generation {letter.generation or '?'}",
            f"    version {letter.version}: {how(letter.version)}",
            f"    first seen {moment(letter.since)}, redriven in vain {letter.attempts} times, "
            f"messages {len(letter.messages)}",
        ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


@failures.command("redrive")
@_verb
def redrive(asked: Asked) -> None:
    """Let the table settle the failures, with the transform as it is here: deploy what you mended first."""
    (loaded, wanted, places), terminal = asked.loaded(), Terminal()
    cloud = choose_cloud(loaded, asked.aws, terminal)
    with interruptible(terminal, "what was settled is done, the rest waits in the queue: the same command goes on"):
        results = {place: keeping.redrive(loaded, cloud, place, wanted, terminal) for place in places}
    document = {"regions": {place: result.to_json() for place, result in results.items()}}
    show(asked.as_json, document, lambda: _show_redriven(loaded, results))
    if any(result.left for result in results.values()):
        raise typer.Exit(1)


def _show_redriven(project: Project, results: dict[str, Redriven]) -> None:
    for region, result in results.items():
        _show_region(project, region, result)


def _show_region(project: Project, region: str, result: Redriven) -> None:
    out.print(f"{region}: {result.settled:,} settled, {result.failed:,} failed again", highlight=False)
    if result.skipped:
        out.print(f"  {result.skipped:,} are of no index of this project, or cannot be read: show and drop them")
    for table in dict.fromkeys(batch.table for batch in result.gone):
        for index in project.indexes_of(project.tables[table]):
            told = (
                f"  stream records of {table} are gone: dynadex verify {index.name} --full --repair --region {region}, "
                "then dynadex failures drop --kind undelivered"
            )
            out.print(told, markup=False, highlight=False, soft_wrap=True)


@failures.command("drop")
@_verb
def drop(asked: Asked, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete failures for good, after showing them. The documents stay as they are."""
    loaded, wanted, places = asked.loaded()
    if asked.as_json and not yes:
        raise Refused("--json: nobody can be asked; look with `dynadex failures list`, then drop with --yes")
    cloud = choose_cloud(loaded, asked.aws, Terminal())
    with ExitStack() as stack:
        found = {place: stack.enter_context(keeping.listing(loaded, cloud, place, wanted)) for place in places}
        total = sum(len(one.letters) + len(one.batches) for one in found.values())
        if not asked.as_json:
            for place, one in found.items():
                _show_listing(place, one, total, in_full=False)
        if total and not yes:
            typer.confirm(f"drop {'these' if total > 1 else 'this'} {total:,}?", abort=True, err=True)
        for one in found.values():
            one.drop()
        document = {"regions": {place: _document(one, total) for place, one in found.items()}}
    show(asked.as_json, document, lambda: out.print(f"{total:,} dropped", highlight=False))

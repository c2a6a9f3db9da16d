"""`explain`: why a document looks as it does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.attributes import dumps
from ..operations import explain as explaining
from ..operations.explain import Explanation, Seen
from ..operations.telling import how, moment
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
)

KeyArgument = Annotated[
    str,
    typer.Argument(help='A document id, or the item\'s key as JSON: {"artist": "x", "year": 1}.', show_default=False),
]


def explain(
    index: IndexArgument,
    key: KeyArgument,
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say why a document looks as it does: its item, what is indexed of it, how that came there, and what to do."""
    loaded, terminal = load_project(project), Terminal()
    described, where = choose_index(loaded, index), choose_region(loaded, region)
    cloud = choose_cloud(loaded, aws, terminal)
    found = explaining.explain(loaded, cloud, where, described, key, terminal)
    if as_json:
        sys.stdout.write(_json(found.to_json()) + "\n")  # numbers of 38 digits among them
    else:
        _show(found)
    if not found.right:
        raise typer.Exit(1)


def _json(value: Any) -> str:
    return dumps(value).decode()


def _show(found: Explanation) -> None:
    _tell("item", "there is none" if found.item is None else _json(found.item))
    if found.failed:
        _tell("makes", f"no document: {found.failed}")
    elif found.document is None:
        _tell("makes", "no document in this index")
    else:
        _tell("makes", _json(found.document))
    for one in found.seen:
        _show_seen(one)
    _tell("lag", "no batch in the last 15 minutes" if found.lag_seconds is None else f"{found.lag_seconds:,.1f} s")
    if found.trouble:
        _tell("stream", found.trouble)
    if found.gap:
        _tell("gap", found.gap)
    if (letter := found.letter) is not None:
        _tell("failure", f"{letter.kind}, {letter.type}: {letter.reason}")
        _tell("", f"at {moment(letter.at)}, redriven in vain {letter.attempts} times")
    out.print()
    out.print(found.verdict, style="green" if found.right else "red", markup=False, highlight=False, soft_wrap=True)
    if found.next:
        out.print(f"next: {found.next}", markup=False, highlight=False, soft_wrap=True)


def _show_seen(one: Seen) -> None:
    roles = [role for role, has in (("fed", one.fed), ("read", one.read)) if has] or ["neither fed nor read"]
    differs = {
        None: "as it should be",
        "missing": "a document is missing",
        "ghost": "there should be none",
        "stale": f"differs at {one.sight.path}",
        "failed": "of an earlier state",
    }[one.sight.kind]
    if one.found is None:
        _tell(one.generation, f"({', '.join(roles)}) no document: {differs}")
        return
    _tell(one.generation, f"({', '.join(roles)}) {differs}")
    _tell("", _json(one.found.source))
    _tell("", f"version {one.found.version}: {how(one.found.version)}")


def _tell(name: str, text: str) -> None:
    out.print(f"{name:<12}{text}", markup=False, highlight=False, soft_wrap=True)

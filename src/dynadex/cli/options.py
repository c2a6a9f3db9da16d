"""What the verbs share: their common options, and how they find the project, the cloud and the regions meant."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import project as projects
from ..errors import WrongUse
from ..operations import up as starting
from ..platform.cloud import Cloud
from ..project import Index, Project
from ..terminal import Terminal

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


class Refused(WrongUse):
    """Wrong use that only a verb can see."""


def load_project(directory: Path) -> Project:
    return projects.load(directory)


def choose_cloud(project: Project, aws: bool, terminal: Terminal) -> Cloud:
    cloud = None if aws else starting.local_cloud(project)
    if cloud is None:
        if not aws:
            terminal.say("the project was not started here (`dynadex up` does that), so AWS is asked")
        cloud = Cloud()
        terminal.say(f"on AWS, account {cloud.account(project.home_region)}")
    return cloud


def choose_regions(project: Project, asked: list[str] | None) -> list[str]:
    for region in asked or ():
        if region not in project.regions:
            raise Refused(f"--region: {region} is not a region of {project.name}: {', '.join(project.regions)}")
    return list(dict.fromkeys(asked)) if asked else list(project.regions)


def choose_region(project: Project, asked: str | None) -> str:
    return choose_regions(project, [asked])[0] if asked else project.home_region


def choose_index(project: Project, name: str) -> Index:
    if name not in project.indexes:
        raise Refused(f"INDEX: {name!r} is not an index of {project.name}: {', '.join(project.indexes)}")
    return project.indexes[name]


def show(as_json: bool, document: Any, human: Callable[[], None]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        human()

"""What the verbs share: their common options, and how they find the project, the cloud and the regions meant."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
FromExportOption = Annotated[
    bool, typer.Option("--from-export", help="From a point-in-time export to S3, which is made; no reads are used.")
]
ExportArgument = Annotated[
    str, typer.Argument(metavar="[ARN]", help="With --from-export: an export that is there.", show_default=False)
]
BucketOption = Annotated[
    str, typer.Option(help="With --from-export: the bucket to export to.", show_default="the project's")
]
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


def check_export(from_export: bool, arn: str, bucket: str) -> None:
    if not from_export and (arn or bucket):
        raise Refused("ARN and --bucket: only with --from-export")
    if arn and bucket:
        raise Refused("--bucket: the export of an ARN is in a bucket already")


def choose_index(project: Project, name: str) -> Index:
    if name not in project.indexes:
        raise Refused(f"INDEX: {name!r} is not an index of {project.name}: {', '.join(project.indexes)}")
    return project.indexes[name]


@contextmanager
def interruptible(terminal: Terminal, message: str) -> Iterator[None]:
    """Says how to go on where somebody interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        terminal.say(message)
        raise


def show(as_json: bool, document: Any, human: Callable[[], None]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        human()

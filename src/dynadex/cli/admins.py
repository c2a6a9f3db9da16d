"""`admins`: who may edit items and run operations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Columns

from ..operations import admins as operations
from ..terminal import Terminal, out
from .options import (
    AwsOption,
    JsonOption,
    ProjectOption,
    RegionOption,
    choose_cloud,
    choose_regions,
    load_project,
    show,
)

admins = typer.Typer(
    name="admins", help="Who may edit items over the HTTP API: users of the regions' pools.", no_args_is_help=True
)

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's name, an e-mail address.")]


@admins.command("add")
def add(
    email: EmailArgument,
    project: ProjectOption = Path(),
    region: RegionOption = None,
    group: Annotated[str, typer.Option(help="The group that the user comes into.")] = "admins",
    invite: Annotated[
        bool, typer.Option("--invite", help="Send a temporary password by e-mail; it must be changed in each region.")
    ] = False,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a user in every region, or give one that is there a new password, and show it."""
    loaded, terminal = load_project(project), Terminal()
    cloud, regions = choose_cloud(loaded, aws, terminal), choose_regions(loaded, region)
    made = operations.add(loaded, cloud, regions, email, group=group, invite=invite)

    def shown() -> None:
        terminal.say(f"{email} is in the group {group} in {', '.join(regions)}", good=True)
        if invite:
            terminal.say("a temporary password is on its way by e-mail; it is good for 7 days")
        else:
            terminal.say("the password, which is shown only now:")
            out.print(made.password, highlight=False)

    document = {"username": email, "group": group, "regions": list(regions), "invited": invite}
    show(as_json, document if invite else {**document, "password": made.password}, shown)


@admins.command("list")
def list_members(
    project: ProjectOption = Path(), region: RegionOption = None, aws: AwsOption = False, as_json: JsonOption = False
) -> None:
    """Show everybody in the pools."""
    loaded, terminal = load_project(project), Terminal()
    cloud, regions = choose_cloud(loaded, aws, terminal), choose_regions(loaded, region)
    found = operations.members(loaded, cloud, regions)

    def shown() -> None:
        columns = Columns("region", "user", "groups", "status", box=None, padding=(0, 2, 0, 0), header_style="dim")
        for one in found:
            status = one.status.lower().replace("_", " ") if one.enabled else "disabled"
            columns.add_row(one.region, one.username, ", ".join(one.groups), status)
        out.print(columns)

    show(as_json, {"users": [one.to_json() for one in found]}, shown)


@admins.command("remove")
def remove(
    email: EmailArgument,
    project: ProjectOption = Path(),
    region: RegionOption = None,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a user away in every region. Tokens that are out go on until they expire, within the hour."""
    loaded, terminal = load_project(project), Terminal()
    cloud, regions = choose_cloud(loaded, aws, terminal), choose_regions(loaded, region)
    gone = operations.remove(loaded, cloud, regions, email)
    show(
        as_json,
        {"username": email, "regions": gone},
        lambda: terminal.say(f"{email} is gone from {', '.join(gone)}", good=True),
    )

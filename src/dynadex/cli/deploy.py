"""`deploy` and `destroy`: the project on AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..operations import deploy as deploying
from ..operations import removing, stacks
from ..operations import status as statuses
from ..platform.cloud import Cloud
from ..terminal import Terminal, out
from .options import JsonOption, ProjectOption, RegionOption, choose_regions, interruptible, load_project, show


def deploy(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy the project on AWS, or bring what is deployed up to date."""
    loaded, terminal = load_project(project), Terminal()
    cloud = Cloud()
    terminal.say(f"on AWS, account {cloud.account(loaded.home_region)}")
    regions, work = choose_regions(loaded, region), loaded.directory / ".dynadex/packages"
    with interruptible(terminal, "what CloudFormation has begun goes on; the same command takes it up"):
        found = deploying.deploy(loaded, cloud, regions, terminal, work)
    for other in removing.replicated(loaded, cloud):
        if other not in loaded.regions:
            terminal.say(
                f"{other} is not in dynadex.toml and still has its replica: put it back there, and take it out with "
                f"dynadex destroy --region {other}"
            )
    for one in found.values():
        for index in one.made:
            terminal.say(f"{one.region}: {index} was made and is empty: dynadex refill {index} --region {one.region}")
    document = {
        one.region: {
            "api": one.api,
            "made": list(one.made),
            "rebuild": {name: list(changes.paths) for name, changes in one.changed.items()},
        }
        for one in found.values()
    }
    show(as_json, {"regions": document}, lambda: _show_apis(found))


def _show_apis(found: dict[str, deploying.Deployed]) -> None:
    for one in found.values():
        out.print(f"{one.region}  {one.api}/search?q=", highlight=False, soft_wrap=True)


def destroy(
    project: ProjectOption = Path(),
    region: RegionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the project's functions, APIs and queues on AWS. Tables, their items and the indices stay.

    With --region of some regions, not home, these are taken out of the project: the tables' replicas there go too.
    """
    loaded, terminal = load_project(project), Terminal()
    cloud, regions = Cloud(), choose_regions(loaded, region)
    account = cloud.account(loaded.home_region)
    waiting = {}
    for one in regions:
        if found := stacks.outputs(cloud.client("cloudformation", one), loaded.name):
            waiting[one] = statuses.messages_in(cloud, one, found["FailuresQueueUrl"])
    for one, count in waiting.items():
        if count:
            terminal.say(f"{one}: {count} failures wait in the queue and would be gone with it")
    taken_out = region is not None and loaded.home_region not in regions
    what = f"{loaded.name} and its tables' replicas" if taken_out else loaded.name
    if not yes:
        typer.confirm(f"Delete {what} from {', '.join(regions)} of account {account}?", abort=True, err=True)
    with interruptible(terminal, "what CloudFormation has begun goes on; the same command takes it up"):
        if taken_out:
            for one in regions:
                removing.remove(loaded, cloud, one, terminal)
            terminal.say(f"take {', '.join(regions)} out of dynadex.toml, or the next deployment adds them again")
        else:
            removing.destroy(loaded, cloud, regions, terminal)
    show(as_json, {"destroyed": regions}, lambda: None)

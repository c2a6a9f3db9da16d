"""Takes a region out of a project: nobody is sent there any more, then its stacks go, then its replicas.

Every step can be run again. The region need not be in dynadex.toml any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..errors import WrongUse
from ..platform.cloud import Cloud
from ..project import Project
from . import beating, deploy, routing, stacks, web
from .steps import Steps


class RemovingError(WrongUse):
    """The region cannot be taken out; the message says why."""


def remove(project: Project, cloud: Cloud, region: str, steps: Steps) -> None:
    """Takes the region out. What the other regions have stays: all items, and their own indices."""
    if region == project.home_region:
        raise RemovingError(
            f"{region} is the home region: the tables' stacks are there. Remove the others, or `dynadex destroy` "
            "without --region"
        )
    if routing.serves(project, cloud, region):
        with steps.step(f"{region}: send nobody there any more, and let those in who are on their way"):
            routing.deploy(project, cloud, [one for one in routing.serving(project, cloud) if one != region])
            time.sleep(cloud.answers_kept)
            routing.retire(project, cloud, region)
    delete_stacks(project, cloud, region, steps)
    with steps.step(f"{region}: remove its replicas, and its heartbeat everywhere"):
        for table in deploy.own_tables(project, cloud):
            deploy.drop_replica(project, cloud, table, region)
        beating.remove(project, cloud, project.home_region, region)  # last: a beat under way could bring it back


def replicated(project: Project, cloud: Cloud) -> list[str]:
    """The regions that the project's tables are replicated to, whatever dynadex.toml says; home first."""
    tables = deploy.own_tables(project, cloud)
    return list(dict.fromkeys(region for table in tables for region in deploy.replicas(project, cloud, table)))


def destroy(project: Project, cloud: Cloud, regions: Sequence[str], steps: Steps) -> None:
    """Deletes the project's stacks in the given regions. Tables, their items and the package bucket stay."""
    with steps.step("send nobody there any more"):
        for region in regions:
            routing.retire(project, cloud, region)
        routing.deploy(project, cloud, routing.serving(project, cloud))
    for region in regions:
        delete_stacks(project, cloud, region, steps)
    web.withdraw(project, cloud, regions, steps)
    steps.say("kept: the tables with their items, the buckets with function packages, and the indices")


def delete_stacks(project: Project, cloud: Cloud, region: str, steps: Steps) -> None:
    """Deletes the region's stacks, those first that need others."""
    cloudformation, names = cloud.client("cloudformation", region), deploy.stack_names(project)
    for name in (*deploy.source_stacks(project), *(names[part] for part in deploy.LAST_FIRST)):
        with steps.step(f"{region}: delete {name}"):
            if not stacks.delete(cloudformation, name):
                steps.say(f"{region}: there is no stack {name}")

"""Brings a region that was added up to what its tables hold: its indices are filled, and verified, before it serves."""

from __future__ import annotations

from ..errors import DynadexError
from ..platform.cloud import Cloud
from ..project import Project
from . import gaps, refill, verify
from .steps import Steps


class FillingError(DynadexError):
    """The region's indices are not what they should be; the message says what to do."""


def fill(project: Project, cloud: Cloud, region: str, steps: Steps) -> None:
    """Refills and verifies each index. Begun again after an interruption, it takes up what runs."""
    settings = project.functions.refill
    for index in project.indexes.values():
        execution = refill.running(project, cloud, region, index) or refill.start(
            project, cloud, region, index, segments=settings.segments, read_capacity=settings.read_capacity
        )
        filled = refill.wait(project, cloud, region, index, execution, steps)
        if filled.status != "SUCCEEDED":
            raise FillingError(
                f"{region}: the refill of {index.name} ended as {filled.status.lower()}: {filled.error}; see to that, "
                "then deploy again: no searches are sent there yet"
            )
        options = verify.Options(
            segments=settings.segments, read_capacity=settings.read_capacity, repair=True, full=True
        )
        under_way = verify.running(project, cloud, region, index)
        checking = under_way or verify.start(project, cloud, region, index, options)
        found = verify.follow(project, cloud, region, index, checking, steps)
        if found.failed:
            steps.say(
                f"{region}: {found.failed:,} items of {index.name} make no document: "
                f"dynadex failures list --region {region}"
            )
        if (differences := found.missing + found.stale + found.ghosts - found.repaired) > 0:
            raise FillingError(
                f"{region}: {differences:,} documents of {index.name} differ from the table; "
                f"`dynadex failures list --region {region}` says why, then deploy again: no searches are sent there yet"
            )
        if under_way is None:  # one that was taken up may have been asked for less
            # The stream's mark outlives the stacks: of a region that is added again it tells of a gap, just mended.
            gaps.close(project, cloud, region, index)

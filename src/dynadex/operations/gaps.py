"""Gaps in what a region's indices have seen of their tables' streams, as `core.gaps` finds them.

In the cloud the watch function looks and acts; here anybody may look, and say that an index was mended.
"""

from __future__ import annotations

import time

from ..core.gaps import Mark, Source, judge, mended
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from ..watching import Watcher
from . import deployed, settling
from .telling import moment


def watcher(project: Project, cloud: Cloud, region: str) -> Watcher:
    """What looks at a region's event sources from here."""
    outputs = deployed.outputs(project, cloud, region)
    function, logs = outputs["StreamFunctionArn"], outputs["StreamLogGroup"]
    return Watcher(project.name, function, logs, lambda name: settling.service(cloud, name, region))


def look(project: Project, cloud: Cloud, region: str, table: Table) -> Mark:
    """The table's mark as it would be after a look now; nothing is kept."""
    watch = watcher(project, cloud, region)
    mark = watch.mark(table.name)
    indexes = [index.name for index in project.indexes_of(table)]
    return judge(mark, watch.look(table.name, table.physical_name, mark), int(time.time()), indexes)


def source(project: Project, cloud: Cloud, region: str, table: Table) -> Source | None:
    """The event source of a table as it is now, if there is one."""
    return watcher(project, cloud, region).look(table.name, table.physical_name, None)


def trouble(project: Project, cloud: Cloud, region: str, table: Table) -> str:
    """Why a table's stream is not applied right now; "" where it is."""
    found = source(project, cloud, region, table)
    return found.trouble if found else "there is no event source for the table: deploy again"


def told(project: Project, cloud: Cloud, region: str, index: Index) -> str | None:
    """What is to be said of a gap that an index may have, with what to do; None where there is none."""
    gap = look(project, cloud, region, project.table_of(index)).gap
    if gap is None or index.name not in gap.indexes:
        return None
    why = {
        "outage": "the stream was not read",
        "recreated": "the event source was made anew after the stream had not been read",
        "behind": "the stream function was so far behind that records expired",
        "stream": "the table has got another stream since, and nobody knows what was written in between",
    }[gap.reason]
    since = f"{why} from {moment(gap.since)} on"
    if not gap.until:
        return f"{since}, and records older than 24 hours are lost: mend what keeps the stream function from them first"
    if gap.execution:
        return f"{since}, until {moment(gap.until)}; a verification repairs the index: {gap.execution}"
    return f"{since}, until {moment(gap.until)}: dynadex verify {index.name} --full --repair --region {region}"


def close(project: Project, cloud: Cloud, region: str, index: Index) -> None:
    """Takes note that an index was verified in full and repaired."""
    table, watch = project.table_of(index), watcher(project, cloud, region)
    mark = watch.mark(table.name)
    if mark is None:
        return
    # As a look now would have it: the mark may be from before the stream was sound again, with a gap that is not over.
    now = look(project, cloud, region, table)
    if (after := mended(now, index.name)) != mark:
        watch.keep(table.name, after)

"""Refills an index from a point-in-time export of its table to S3, which uses none of the table's read capacity.

Before the export begins every generation that is to be written is made to hold on to deletions, until its refill is
done. How far all this has come stands in the newest one's notes: so whoever is interrupted runs the same command again,
from any machine. Times are the table's server's.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from .. import exports, generations, tombstones
from ..bucket import Bucket
from ..engine import Engine
from ..exports import ExportError, Manifest
from ..functions.service import sight_seconds
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project
from . import refill, stacks
from .refill import Refill
from .settling import service
from .steps import Steps

#: Where exports lie in the project's bucket: the refill function may read there, and they expire.
PREFIX = "exports"
#: What a generation's notes say of a refill from an export that is under way.
NOTE = "export"
#: Parts that are refilled side by side where nobody says how many.
_SIDE_BY_SIDE = 8
_READ_SECONDS = 60.0
_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.5, 15.0


@dataclass(frozen=True, slots=True)
class Options:
    """`arn`: of an export that is there; else one is made, into `bucket` or the project's own.

    `segments` of 0 are as many as seem right; with `generation` only that one is written.
    """

    arn: str = ""
    bucket: str = ""
    segments: int = 0
    generation: str = ""


@dataclass(frozen=True)
class _Work:
    """One refill: where it is, and what it goes by."""

    project: Project
    cloud: Cloud
    region: str
    index: Index
    options: Options
    steps: Steps

    @cached_property
    def engine(self) -> Engine:
        return self.cloud.engine(self.project, self.region)

    @cached_property
    def targets(self) -> Sequence[str]:
        """The generations to be written; one is made where there is none."""
        if self.options.generation:
            return [self.options.generation]
        generations.ensure(self.engine, self.index.name, self.index.mapping)
        return generations.fed(self.engine, self.index.name)

    @property
    def table(self) -> str:
        return self.project.table_of(self.index).physical_name

    def client(self, name: str) -> Any:
        return self.cloud.client(name, self.region)

    def described_table(self) -> Any:
        return self.client("dynamodb").describe_table(TableName=self.table)

    def now(self) -> float:
        """Seconds since 1970, by the table's server."""
        date = self.described_table()["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(date).timestamp()

    def since(self) -> Mapping[str, float]:
        """From when on each generation knows all deletions."""
        now, sight = self.now(), sight_seconds(self.project)
        return {name: tombstones.complete_since(self.engine, name, now, sight) for name in self.targets}

    def noted(self) -> dict[str, Any]:
        """How far it has come: `token`, `arn`, `execution`, as far as there are."""
        found = generations.survey(self.engine, self.index.name)
        notes = next((one.notes for one in found if one.name == self.targets[-1]), {})
        return dict(notes.get(NOTE, {}))

    def note(self, noted: Mapping[str, Any] | None) -> None:
        generations.note(self.engine, self.targets[-1], **{NOTE: noted})


def refill_from_export(
    project: Project, cloud: Cloud, region: str, index: Index, options: Options, steps: Steps
) -> Refill:
    """Refills from an export, taking up what an earlier call began and did not end.

    Raises `ExportError` where the export fails or cannot be refilled from: then the next call begins anew.
    """
    work = _Work(project, cloud, region, index, options, steps)
    now = work.now()
    for name in work.targets:
        tombstones.hold(work.engine, name, now)
    try:
        export = _export(work)
        summary, found, parts = _read(work, export)
    except ExportError:
        _end(work)
        raise
    place = {"bucket": str(export["S3Bucket"]), "manifest": summary}
    execution = _execution(work, place, parts)
    result = refill.wait(project, cloud, region, index, execution, steps, expected=found.items)
    if result.status == "SUCCEEDED" or ExportError.PREFIX in result.error:
        _end(work)
    return result


def _end(work: _Work) -> None:
    work.note(None)
    for name in work.targets:
        tombstones.release(work.engine, name)


def _export(work: _Work) -> Mapping[str, Any]:
    """What DynamoDB tells of the export, when it is complete."""
    noted = work.noted()
    if work.options.arn and noted.get("arn") != work.options.arn:
        noted = {"arn": work.options.arn}
        work.note(noted)
    elif "arn" in noted:
        work.steps.say(f"{work.region}: takes up {noted['arn']}")
    else:
        noted["arn"] = _start(work, noted)
    export = _described(work, noted["arn"])
    with work.steps.step(f"{work.region}: export {noted['arn'].rpartition('/')[2]} of {work.table} to S3"):
        pause = _POLL_SECONDS
        while export["ExportStatus"] == "IN_PROGRESS":
            time.sleep(pause)
            pause = min(_LONGEST_POLL_SECONDS, pause * 1.5)
            export = _described(work, noted["arn"])
        if export["ExportStatus"] != "COMPLETED":
            reason = f"{export.get('FailureCode', '')}: {export.get('FailureMessage', '')}"
            raise ExportError(f"{noted['arn']} is {export['ExportStatus'].lower()}: {reason}")
    return export


def _start(work: _Work, noted: dict[str, Any]) -> str:
    until = max(work.since().values()) + 1  # an export's time is in whole seconds
    if (left := until - work.now()) > 0:
        work.steps.say(f"{work.region}: waits {left:.0f} s: {work.targets[-1]} must know all deletions from then on")
    while (left := until - work.now()) > 0:
        time.sleep(min(left, _LONGEST_POLL_SECONDS))
    if "token" not in noted:  # noted first: whoever comes after a crash is told of the same export
        noted |= {"token": uuid.uuid4().hex, "bucket": work.options.bucket or _own_bucket(work)}
        work.note(noted)
    try:
        answer = work.client("dynamodb").export_table_to_point_in_time(
            TableArn=work.described_table()["Table"]["TableArn"],
            ClientToken=noted["token"],
            S3Bucket=noted["bucket"],
            S3Prefix=PREFIX,
            ExportFormat="DYNAMODB_JSON",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "PointInTimeRecoveryUnavailableException":
            raise ExportError(
                f"{work.table} has no point-in-time recovery in {work.region}: switch it on "
                "(dynamodb update-continuous-backups), or refill from the table"
            ) from error
        raise ExportError(f"{work.table} in {work.region} cannot be exported: {error}") from error
    arn = str(answer["ExportDescription"]["ExportArn"])
    work.note({**noted, "arn": arn})
    return arn


def _own_bucket(work: _Work) -> str:
    return stacks.outputs(work.client("cloudformation"), f"{work.project.name}-artifacts")["BucketName"]


def _described(work: _Work, arn: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = work.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ExportNotFoundException", "ValidationException"):
            raise
        raise ExportError(f"there is no export {arn} in {work.region}") from error
    return found


def _read(work: _Work, export: Mapping[str, Any]) -> tuple[str, Manifest, int]:
    """The key of its summary, what that says, and the number of its parts; checked as the function will check it."""
    folder = f"AWSDynamoDB/{export['ExportArn'].rpartition('/')[2]}"
    prefix = export.get("S3Prefix", "").rstrip("/")
    summary = f"{prefix}/{folder}/manifest-summary.json".lstrip("/")
    work.cloud.finish_export(export, summary)
    bucket = Bucket(export["S3Bucket"], service(work.cloud, "s3", work.region))
    found = exports.manifest(bucket, summary, Patience(_READ_SECONDS))
    exports.check_table(found, work.table, work.region)
    for name, since in work.since().items():
        exports.check_time(found, name, since)
    return summary, found, len(exports.parts(bucket, found, Patience(_READ_SECONDS)))


def _execution(work: _Work, place: Mapping[str, str], parts: int) -> str:
    """The execution that does it: the one under way, or one that goes on from where another failed, or a new one."""
    noted = work.noted()
    where = (work.project, work.cloud, work.region)
    status = _status(work, noted.get("execution", ""))
    if status in ("RUNNING", "SUCCEEDED"):
        return str(noted["execution"])
    if status:
        execution = refill.take_up(*where, noted["execution"])
    else:
        segments = work.options.segments or max(work.project.functions.refill.segments, _SIDE_BY_SIDE)
        execution = refill.start(
            *where,
            work.index,
            segments=max(1, min(segments, parts, refill.MAX_SEGMENTS)),
            read_capacity=0,
            generation=work.options.generation,
            export=place,
        )
    work.note({**noted, "execution": execution})
    return execution


def _status(work: _Work, execution: str) -> str:
    if not execution:
        return ""
    try:
        told = work.client("stepfunctions").describe_execution(executionArn=execution)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return ""
    return str(told["status"])

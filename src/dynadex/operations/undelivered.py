"""Batches of stream records that the platform gave up on.

The event source tells only where they are in the stream: shard, first and last sequence number. While the stream has
them, for 24 hours, their keys are read there and settled. After that nobody can say which keys they were: then only a
verification of the whole index finds what it misses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ..core import versions
from ..core.attributes import InvalidKey
from ..core.changes import Unkeyed
from ..core.writing import Failure, Key
from ..errors import DynadexError
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from .boto_items import wire
from .queues import Message
from .settling import PATIENCE_SECONDS

_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})
_RECORDS_A_CALL = 1000


class RecordsGone(DynadexError):
    """The stream does not have the records any more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Where a batch is. `condition` is the platform's word for why it gave up, `records` its number of records."""

    table: str
    condition: str
    stream: str
    shard: str
    first: str
    last: str
    records: int
    at: str
    messages: tuple[Message, ...] = field(compare=False)

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "table": self.table,
            "condition": self.condition,
            "shard": self.shard,
            "first": self.first,
            "last": self.last,
            "records": self.records,
            "at": self.at,
        }


def read(project: Project, message: Message) -> Batch | None:
    """The batch that a message is about; None where it is about none of the project's tables."""
    try:
        body: Mapping[str, Any] = message.body or {}
        place = body["DDBStreamBatchInfo"]
        table = project.table_named(place["streamArn"].split("/")[1])
        return Batch(
            table=table.name,
            condition=str(body.get("requestContext", {}).get("condition", "")),
            stream=place["streamArn"],
            shard=place["shardId"],
            first=place["startSequenceNumber"],
            last=place["endSequenceNumber"],
            records=int(place.get("batchSize", 0)),
            at=str(body.get("timestamp", "")),
            messages=(message,),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def keys_of(cloud: Cloud, region: str, batch: Batch, table: Table) -> tuple[dict[str, Key], list[Unkeyed]]:
    """The keys of the batch's records, by id, and those that make no id, with the reason. Raises `RecordsGone`."""
    client = cloud.client("dynamodbstreams", region)
    keys: dict[str, Key] = {}
    unkeyed: list[Unkeyed] = []
    patience, attempt = Patience(PATIENCE_SECONDS), 0
    try:
        iterator = client.get_shard_iterator(
            StreamArn=batch.stream,
            ShardId=batch.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch.first,
        )["ShardIterator"]
        while iterator:
            page = client.get_records(ShardIterator=iterator, Limit=_RECORDS_A_CALL)
            for record in page["Records"]:
                change = record["dynamodb"]
                number = int(change["SequenceNumber"])
                if number > int(batch.last):
                    return keys, unkeyed
                key = wire(change["Keys"])
                try:
                    keys[table.key.id_of(key)] = key
                except InvalidKey as error:
                    created = int(change["ApproximateCreationDateTime"].timestamp())
                    unkeyed.append(Unkeyed(key, str(error), versions.of_record(created, number)))
                if number == int(batch.last):
                    return keys, unkeyed
            attempt = 0 if page["Records"] else attempt + 1
            if attempt:  # of an open shard, pages may be empty before the records come
                patience.pause(attempt, f"shard {batch.shard} does not come to {batch.last}")
            iterator = page.get("NextShardIterator")
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            raise RecordsGone(f"{batch.stream} has not got the records any more: {error}") from error
        raise
    return keys, unkeyed


def unkeyed_failure(index: Index, unkeyed: Unkeyed) -> Failure:
    """A key without an id, as the failure that it is in an index."""
    return Failure(unkeyed.key, "", index.name, "", "key", "InvalidKey", unkeyed.reason, unkeyed.version)

"""The emulator under test: tables made with boto3, and their streams as Lambda gives them to a function."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynadex.aws import Credentials, Service
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

REGION = "eu-west-1"
CREDENTIALS = Credentials("local", "local", None)
BY_ID = KeySchema(KeyAttribute("id", "S"))

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Emulator:
    """`name` is ministack or dynamodb-local."""

    name: str
    url: str
    dynamodb: DynamoDBClient
    streams: DynamoDBStreamsClient

    def table(self, schema: KeySchema = BY_ID, *, view: str = "") -> Table:
        """A new, empty table; with a stream of that view type if one is named."""
        name = f"table-{next(_numbers)}"
        stream: Any = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
        kinds: tuple[Any, ...] = ("HASH", "RANGE")
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": part.name, "KeyType": kind}
                for part, kind in zip(schema.attributes, kinds, strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": p.name, "AttributeType": p.type} for p in schema.attributes],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=stream,
        )
        return Table(name, schema, self.service())

    def service(self) -> Service:
        return Service("dynamodb", REGION, endpoint=self.url, credentials=lambda: CREDENTIALS)

    def put(self, table: Table, items: Iterable[Mapping[str, Any]]) -> None:
        """Puts many items, as boto3 wants them: binaries as bytes."""
        waiting = iter(items)
        while chunk := list(itertools.islice(waiting, 25)):
            requests: Any = [{"PutRequest": {"Item": item}} for item in chunk]
            answer = self.dynamodb.batch_write_item(RequestItems={table.name: requests})
            assert not answer.get("UnprocessedItems")

    def records(self, table: Table, count: int) -> list[dict[str, Any]]:
        """The table's stream from its beginning, as the `Records` of a Lambda event; waits until there are `count`."""
        arn = self.dynamodb.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
        deadline = time.monotonic() + 20
        while len(found := list(self._read(arn))) < count:
            assert time.monotonic() < deadline, f"only {len(found)} of {count} records came"
        return found

    def _read(self, arn: str) -> Iterable[dict[str, Any]]:
        for shard in self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            told = self.streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            iterator: str | None = told["ShardIterator"]
            while iterator:
                answer = self.streams.get_records(ShardIterator=iterator)
                yield from (_as_lambda_does({**record, "eventSourceARN": arn}) for record in answer["Records"])
                # An open shard goes on for ever: its end for now is where nothing more comes.
                iterator = answer.get("NextShardIterator") if answer["Records"] else None


def _as_lambda_does(record: Mapping[str, Any]) -> dict[str, Any]:
    """boto3 gives times as datetime and binaries as bytes; a Lambda event has seconds and base64."""
    data = record["dynamodb"]
    made = {name: wire(data[name]) for name in ("Keys", "NewImage", "OldImage") if name in data}
    made["ApproximateCreationDateTime"] = data["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**data, **made}}


def wire(value: Any) -> Any:
    """An item of boto3's as it is in JSON: bytes as base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: wire(inner) for name, inner in value.items()}
        case list():
            return [wire(inner) for inner in value]
    return value

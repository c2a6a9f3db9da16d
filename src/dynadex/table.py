"""A DynamoDB table, for the hot paths: scan pages and consistent reads over signed HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

import orjson

from .aws import AwsUnavailable, Service
from .core.attributes import AttributeValue, Item, KeySchema
from .core.writing import Items

#: BatchGetItem takes at most this many keys.
_KEYS_A_READ = 100


class Page(NamedTuple):
    """One page of a scan. `last_key` is None on the last; `date` is the server's, in seconds; `capacity` read units."""

    items: list[Item]
    last_key: Mapping[str, AttributeValue] | None
    date: int
    capacity: float


class Table:
    """One table in one region."""

    def __init__(self, name: str, schema: KeySchema, dynamodb: Service) -> None:
        self.name, self.schema = name, schema
        self._dynamodb = dynamodb

    def scan(
        self,
        start: Mapping[str, AttributeValue] | None = None,
        *,
        segment: int = 0,
        total_segments: int = 1,
        consistent: bool = True,
        limit: int | None = None,
    ) -> Page:
        """The page after the key `start` (None: the first). Raises `AwsUnavailable` where asking again is right."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": consistent,
            "ReturnConsumedCapacity": "TOTAL",
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        if total_segments > 1:
            request |= {"Segment": segment, "TotalSegments": total_segments}
        if limit:
            request["Limit"] = limit
        body, date = self._dynamodb.call("Scan", request)
        answer = orjson.loads(body)
        capacity = answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
        return Page(answer["Items"], answer.get("LastEvaluatedKey"), date, capacity)

    def read(self, keys: Mapping[str, Mapping[str, AttributeValue]]) -> Items:
        """Reads items consistently, by id; ids that the table did not get to are absent from the answer."""
        items: dict[str, Item | None] = {}
        dates: list[int] = []
        waiting = iter(keys.items())
        while chunk := dict(islice(waiting, _KEYS_A_READ)):
            asked = {"Keys": list(chunk.values()), "ConsistentRead": True}
            try:
                body, date = self._dynamodb.call("BatchGetItem", {"RequestItems": {self.name: asked}})
            except AwsUnavailable:
                continue
            answer = orjson.loads(body)
            dates.append(date)
            found = {self.schema.id_of(item): item for item in answer["Responses"].get(self.name, ())}
            unread = {
                self.schema.id_of(key) for key in answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", ())
            }
            items.update((id, found.get(id)) for id in chunk if id not in unread)
        return Items(items, min(dates, default=0))

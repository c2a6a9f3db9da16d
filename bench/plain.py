"""What an application team writes for itself: boto3, opensearch-py and its bulk helper, TypeDeserializer.

Good of its kind: clients are made once and keep their connections, bulk requests have a thousand documents, and pages
are the largest that there are. It has no versions, so it is wrong where records come late or twice; that is not
measured here.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from opensearchpy import OpenSearch, helpers

from dynadex.core.documents import Transform

from . import PYTHONS_OWN

_CHUNK = 1000


class Plain:
    """The functions of one index; `transform` is the project's, if it has one."""

    def __init__(self, engine_url: str, table_url: str, index: str, transform: Transform | None) -> None:
        self.index, self.transform = index, transform
        self.client = OpenSearch(engine_url, timeout=60)
        self._resource = boto3.resource(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=table_url,
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
        )
        self._deserializer = TypeDeserializer()

    def sync(self, event: Mapping[str, Any]) -> None:
        """The stream function."""
        _as_python_begins()
        helpers.bulk(self.client, self._actions(event["Records"]), chunk_size=_CHUNK)

    def _actions(self, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            data = record["dynamodb"]
            id = data["Keys"]["id"]["S"]
            if record["eventName"] == "REMOVE":
                yield {"_op_type": "delete", "_index": self.index, "_id": id}
            else:
                item = {name: self._deserializer.deserialize(value) for name, value in data["NewImage"].items()}
                yield from self._writes(item)

    def _writes(self, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        document = item if self.transform is None else self.transform(item)
        if document is not None:
            yield {"_op_type": "index", "_index": self.index, "_id": item["id"], "_source": document}

    def refill(self, table: str) -> None:
        """A scan of the whole table into the index."""
        _as_python_begins()
        actions = (action for item in self._scan(table) for action in self._writes(item))
        helpers.bulk(self.client, actions, chunk_size=_CHUNK)

    def _scan(self, table: str) -> Iterator[dict[str, Any]]:
        for page in self._pages(table):
            yield from page

    def _pages(self, table: str) -> Iterator[list[dict[str, Any]]]:
        source = self._resource.Table(table)
        page = source.scan(ConsistentRead=True)
        yield page["Items"]
        while "LastEvaluatedKey" in page:
            page = source.scan(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"])
            yield page["Items"]

    def verify(self, table: str) -> int:
        """How many items are not in the index as they should be."""
        _as_python_begins()
        differing = 0
        for items in self._pages(table):
            expected = {}
            for item in items:
                for action in self._writes(item):
                    expected[action["_id"]] = json.loads(json.dumps(action["_source"], default=_number))
            found = self.client.mget(index=self.index, body={"ids": list(expected)})
            for document in found["docs"]:
                differing += document.get("_source") != expected[document["_id"]]
        return differing

    def search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The search function, for a query that has been made already."""
        answer = self.client.search(index=self.index, body=body)
        hits = [{"id": hit["_id"], **hit["_source"]} for hit in answer["hits"]["hits"]]
        return {"statusCode": 200, "body": json.dumps({"total": answer["hits"]["total"]["value"], "hits": hits})}


def _as_python_begins() -> None:
    """Undoes what Dynadex's functions set for their process, which this one shares with them here."""
    gc.unfreeze()
    thresholds, interval = PYTHONS_OWN
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)

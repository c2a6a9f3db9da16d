"""What cannot be avoided: the bare requests, their bodies prepared, their answers hardly read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import urllib3

from dynadex.aws import Credentials, sign
from dynadex.core import bulk
from dynadex.core.bulk import Operation
from dynadex.core.documents import Recipe

Body = bytes
_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}


def operations(images: Iterable[Any], alias: str, recipe: Recipe, version: int) -> list[Operation]:
    """These items as operations on an index."""
    made = ((image["id"]["S"], recipe.document(image)) for image in images)
    return [Operation(alias, id, version, document) for id, document in made if document is not None]


def bodies(operations: Sequence[Operation], connections: int) -> list[Body]:
    """Operations as the bodies of one bulk request for each connection."""
    most = -(-len(operations) // connections)
    return [bulk.encode(operations[start : start + most]) for start in range(0, len(operations), most)]


class Limit:
    """Bare requests to one engine and one table."""

    def __init__(self, engine_url: str, table_url: str) -> None:
        self._engine, self._table = engine_url, table_url
        self._pool = urllib3.PoolManager(maxsize=16)
        self._threads = ThreadPoolExecutor(4)

    def bulk(self, bodies: Sequence[Body]) -> None:
        """Sends the bodies side by side."""
        if len(bodies) == 1:
            self._bulk(bodies[0])
        else:
            list(self._threads.map(self._bulk, bodies))

    def _bulk(self, body: Body) -> None:
        url = f"{self._engine}/_bulk?filter_path={bulk.FILTER_PATH}"
        answer = self._pool.request("POST", url, body=body, headers=_LINES)
        assert answer.data.startswith(b'{"errors":false'), answer.data[:300]

    def scan(self, table: str, took: Callable[[list[Any]], object] = lambda items: None) -> None:
        """Reads all pages of a table, one after the other."""
        request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        credentials = Credentials("bench", "bench", None)
        while True:
            body = orjson.dumps(request)
            headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.Scan"}
            signed = sign("POST", self._table + "/", headers, body, "dynamodb", "us-east-1", credentials)
            page = orjson.loads(self._pool.request("POST", self._table + "/", body=body, headers=signed).data)
            took(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def verify(self, table: str, index: str) -> None:
        """Reads all pages, and for each, while the next one is read, its documents."""
        asked = [self._threads.submit(lambda: None)]

        def took(items: list[Any]) -> None:
            asked.pop().result()
            asked.append(self._threads.submit(self._mget, index, [item["id"]["S"] for item in items]))

        self.scan(table, took)
        asked.pop().result()

    def _mget(self, index: str, ids: list[str]) -> None:
        answer = self._pool.request(
            "POST", f"{self._engine}/{index}/_mget", body=orjson.dumps({"ids": ids}), headers=_JSON
        )
        assert all(document["found"] for document in orjson.loads(answer.data)["docs"])

    def send(self, method: str, path: str, body: bytes) -> bytes:
        """One request of JSON."""
        answer = self._pool.request(method, self._engine + path, body=body, headers=_JSON)
        assert answer.status == 200, answer.data[:300]
        return answer.data

    def send_any(self, method: str, path: str, body: bytes) -> None:
        """One request of JSON, whatever its answer."""
        self._pool.request(method, self._engine + path, body=body, headers=_JSON)

    def make(self, index: str, definition: Any) -> None:
        """Makes an index anew."""
        self._pool.request("DELETE", f"{self._engine}/{index}")
        self.send("PUT", f"/{index}", json.dumps(definition).encode())

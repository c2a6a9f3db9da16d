"""A table whose scan pages were prepared: it answers DynamoDB's Scan and BatchGetItem as fast as bytes can be sent.

It runs in a process of its own. Some pages of lessons are made at its start; beyond them the same lessons come again
under other ids, as many as the table's name asks for: `lessons-100000` has that many items.

    python -m bench.canned PORT PAGES
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import orjson

from dynadex.platform import servers
from dynadex.platform.servers import HOST

from . import lessons

#: What a megabyte, a page of DynamoDB's, holds of lessons.
ITEMS_A_PAGE = 1300
_CYCLE = b"@@@@@@"
_LAST = re.compile(r"-(\d{6})-(\d{6})$").search
_UNITS = 128.0
_LENGTH = re.compile(rb"content-length: (\d+)").search
_OPERATION = re.compile(rb"x-amz-target: \w+\.(\w+)").search


def size_of(table: str) -> int:
    """How many items the table of this name has."""
    return int(table.rpartition("-")[2])


def _bodies(count: int) -> list[bytes]:
    bodies = []
    for offset, item in enumerate(lessons.items(count)):
        stem = item["id"]["S"].rpartition("-")[0]
        item["id"] = {"S": f"{stem}-{_CYCLE.decode()}-{offset:06d}"}
        bodies.append(orjson.dumps(item))
    return bodies


class _Table:
    def __init__(self, pages: int) -> None:
        self._items = _bodies(pages * ITEMS_A_PAGE)
        starts = range(0, len(self._items), ITEMS_A_PAGE)
        self._pages = [b",".join(self._items[start : start + ITEMS_A_PAGE]) for start in starts]

    def answer(self, operation: bytes, request: dict[str, Any]) -> bytes:
        match operation:
            case b"scan":
                return self._scan(request)
            case b"batchgetitem":
                return self._read(request)
        return b"{}"

    def _scan(self, request: dict[str, Any]) -> bytes:
        size = size_of(request["TableName"])
        pages = -(-size // ITEMS_A_PAGE)
        page = request.get("Segment", 0)
        if start := request.get("ExclusiveStartKey"):
            page = self._number(start["id"]["S"]) // ITEMS_A_PAGE + request.get("TotalSegments", 1)
        if page >= pages:
            return b'{"Count":0,"Items":[],"ScannedCount":0,"ConsumedCapacity":{"CapacityUnits":0.5}}'
        cycle, which = divmod(page, len(self._pages))
        last = min((page + 1) * ITEMS_A_PAGE, size) - 1
        count = last - page * ITEMS_A_PAGE + 1
        found = self._pages[which]
        if count < ITEMS_A_PAGE:
            found = b",".join(self._items[which * ITEMS_A_PAGE :][:count])
        body = b'{"ConsumedCapacity":{"CapacityUnits":%.1f},"Count":%d,"ScannedCount":%d,"Items":[%b]' % (
            _UNITS,
            count,
            count,
            found.replace(_CYCLE, b"%06d" % cycle),
        )
        if page + request.get("TotalSegments", 1) < pages:
            body += b',"LastEvaluatedKey":{"id":%b}' % orjson.dumps(self._item(last)["id"])
        return body + b"}"

    def _item(self, number: int) -> dict[str, Any]:
        cycle, offset = divmod(number, len(self._items))
        item: dict[str, Any] = orjson.loads(self._items[offset].replace(_CYCLE, b"%06d" % cycle))
        return item

    def _read(self, request: dict[str, Any]) -> bytes:
        ((table, asked),) = request["RequestItems"].items()
        size = size_of(table)
        numbers = (self._number(key["id"]["S"]) for key in asked["Keys"])
        found = [self._item(number) for number in numbers if number < size]
        return orjson.dumps({"Responses": {table: found}, "UnprocessedKeys": {}})

    def _number(self, id: str) -> int:
        found = _LAST(id)
        return int(found[1]) * len(self._items) + int(found[2]) if found else sys.maxsize


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as signed clients of DynamoDB speak it."""

    def __init__(self, table: _Table) -> None:
        self._table, self._buffer = table, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(found[1]) if (found := _LENGTH(head)) else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            operation = found[1] if (found := _OPERATION(head)) else b""
            answer = self._table.answer(operation, json.loads(body or b"{}"))
            begin = (
                f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/x-amz-json-1.0\r\n"
                f"Content-Length: {len(answer)}\r\n\r\n"
            )
            self._transport.writelines([begin.encode(), answer])


@contextmanager
def running(pages: int = 20) -> Iterator[str]:
    """The table's address, until the context ends; so many pages of it are of different lessons."""
    port = servers.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.canned", str(port), str(pages)], cwd=Path(__file__).parents[1]
    )
    try:
        deadline = time.monotonic() + 60
        while not servers.port_in_use(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the table's server did not start")
            time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait()


async def _serve(port: int, pages: int) -> None:
    table = _Table(pages)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(table), HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))

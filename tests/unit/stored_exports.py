"""An export as DynamoDB lays it out, behind an S3 of one bucket on loopback that can break off and answer 503."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dynadex.aws import Credentials, Service
from dynadex.bucket import Bucket

BUCKET = "exports-of-mine"
FOLDER = "exports/AWSDynamoDB/01693685827463-2d8752fd"
MANIFEST = f"{FOLDER}/manifest-summary.json"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/shop-lessons"


class Storage(ThreadingHTTPServer):
    """`objects` by key. The first `breaks` answers end after `whole` bytes, when `on_break` is called.

    The first `busy` requests are answered with 503.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.breaks = self.busy = 0
        self.whole = 0
        self.on_break: Callable[[], None] = lambda: None
        self.ranges: list[str] = []
        self.gets: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def service(self) -> Service:
        """A client of it."""
        address = f"http://127.0.0.1:{self.server_address[1]}"
        return Service("s3", "us-east-1", endpoint=address, credentials=lambda: Credentials("key", "secret", None))

    @property
    def bucket(self) -> Bucket:
        """Its only bucket."""
        return Bucket(BUCKET, self.service)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Storage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        storage, key = self.server, self.path.removeprefix(f"/{BUCKET}/")
        storage.gets.append(key)
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
        assert self.headers["x-amz-content-sha256"] == hashlib.sha256(b"").hexdigest()
        if storage.busy:
            storage.busy -= 1
            return self._answer(503, b"<Error><Code>SlowDown</Code><Message>Please</Message></Error>")
        if key not in storage.objects:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>There is none</Message></Error>")
        body, status = storage.objects[key], 200
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        if asked := self.headers["Range"]:
            storage.ranges.append(asked)
            if self.headers["If-Match"] != etag:
                return self._answer(412, b"<Error><Code>PreconditionFailed</Code><Message>Another</Message></Error>")
            found = re.fullmatch(r"bytes=(\d+)-", asked)
            assert found
            body, status = body[int(found[1]) :], 206
        return self._answer(status, body, etag)

    def _answer(self, status: int, body: bytes, etag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        if status < 300 and self.server.breaks and len(body) > self.server.whole:
            self.server.breaks -= 1
            body = body[: self.server.whole]
            self.close_connection = True
            self.server.on_break()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def storage() -> Iterator[Storage]:
    """A storage, for as long as the context lasts."""
    made = Storage()
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def store(target: Storage, parts: Sequence[Sequence[Mapping[str, Any]]], time: str, **summary: Any) -> list[str]:
    """Stores an export of these parts' items, taken at `time`; returns the parts' keys."""
    files = []
    for number, items in enumerate(parts):
        body = gzip.compress(b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in items), mtime=0)
        key = f"{FOLDER}/data/part{number}.json.gz"
        target.objects[key] = body
        digest = hashlib.md5(body).digest()
        md5, etag = base64.b64encode(digest).decode(), f"{hashlib.md5(digest).hexdigest()}-1"
        files.append({"itemCount": len(items), "md5Checksum": md5, "etag": etag, "dataFileS3Key": key})
    listed = f"{FOLDER}/manifest-files.json"
    target.objects[listed] = b"".join(json.dumps(file).encode() + b"\n" for file in files)
    told = {
        "version": "2020-06-30",
        "tableArn": TABLE_ARN,
        "exportTime": time,
        "manifestFilesS3Key": listed,
        "itemCount": sum(map(len, parts)),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    target.objects[MANIFEST] = json.dumps(told | summary).encode()
    return [str(file["dataFileS3Key"]) for file in files]

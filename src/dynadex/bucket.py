"""Objects of an S3 bucket over signed HTTP, read as they come: one of any size takes the memory of a buffer."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

from .aws import AwsError, AwsUnavailable, Service
from .pacing import Patience


class Bucket:
    """A bucket in the region of `s3`."""

    def __init__(self, name: str, s3: Service) -> None:
        self.name = name
        self._s3 = s3

    def read(self, key: str, patience: Patience) -> bytes:
        """A small object's bytes. Raises `AwsError` where there are none to have, `OutOfTime`."""
        return self.open(key, patience).readall()

    def open(self, key: str, patience: Patience) -> Object:
        """An object, to be read from its beginning; raises, from the first read on, as `read` does."""
        return Object(self._s3, self._url(key), patience)

    def _url(self, key: str) -> str:
        endpoint = urlsplit(self._s3.url)
        # A certificate covers one label before AWS's name; elsewhere a bucket is not a host's name at all.
        if (endpoint.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")) and "." not in self.name:
            return f"{endpoint.scheme}://{self.name}.{endpoint.netloc}/{quote(key)}"
        return f"{self._s3.url}{self.name}/{quote(key)}"


class Object(io.RawIOBase):
    """An object's bytes in their order. Where a connection breaks the rest is asked for, of the same version.

    `patience` may be replaced as time goes on; `md5` is that of the bytes read so far.
    """

    def __init__(self, s3: Service, url: str, patience: Patience) -> None:
        self._s3, self._url = s3, url
        self._response: urllib3.BaseHTTPResponse | None = None
        self._etag = ""
        self._position = 0
        self.patience = patience
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        attempt = 0
        while True:
            try:
                if self._response is None:
                    self._response = self._opened()
                data = self._response.read(len(buffer), decode_content=False)
                break
            except (AwsUnavailable, urllib3.exceptions.HTTPError) as error:
                self._let_go()
                attempt += 1
                self.patience.pause(attempt, f"{self._url}: {error}")
        buffer[: len(data)] = data
        self._position += len(data)
        self.md5.update(data)
        return len(data)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _opened(self) -> urllib3.BaseHTTPResponse:
        if not self._position:
            response = self._s3.open(self._url, {})
            self._etag = response.headers.get("ETag", "")
            return response
        response = self._s3.open(self._url, {"Range": f"bytes={self._position}-", "If-Match": self._etag})
        if response.status != 206:
            raise AwsError(self._s3.name, "GET", "NoRange", f"{self._url}: the rest was asked for, all of it came")
        return response

    def _let_go(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

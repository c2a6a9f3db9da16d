"""Answers of the HTTP API: JSON, and problem documents (RFC 9457) for everything that went wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from ..core.attributes import dumps, encode
from . import service

Event = Mapping[str, Any]
Response = dict[str, Any]


class Refusal(Exception):
    """A request that is not carried out; `members` go into the problem document beside the usual ones."""

    def __init__(self, status: int, title: str, detail: str, *, retry_after: int = 0, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail
        self.retry_after, self.members = retry_after, members

    def answer(self) -> Response:
        return problem(self.status, self.title, self.detail, retry_after=self.retry_after, **self.members)


def answer(
    status: int, document: Any = None, *, cache: str = "no-store", headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer, numbers digit for digit; without a body where there is no document. It says which region gave it:
    behind the public name nobody else could."""
    return _answer(status, None if document is None else dumps(document), cache, headers or {})


def _answer(status: int, content: bytes | None, cache: str, headers: Mapping[str, str]) -> Response:
    common = {"Cache-Control": cache, "X-Content-Type-Options": "nosniff", "X-Dynadex-Region": service.region()}
    if content is None:
        return {"statusCode": status, "headers": {**common, **headers}}
    common["Content-Type"] = "application/json"
    return {"statusCode": status, "headers": {**common, **headers}, "body": content.decode()}


def problem(status: int, title: str, detail: str, *, retry_after: int = 0, **members: Any) -> Response:
    """A problem document."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    headers = {"Content-Type": "application/problem+json"}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return answer(status, document, headers=headers)


def kept(event: Event, document: Mapping[str, Any], cache: str, **apart: Any) -> Response:
    """An answer that may be kept as `cache` says, with an ETag of all but the members `apart`; 304 where that holds.

    What is answered was read from an engine or is the project's: no number in it was reckoned.
    """
    content = encode(document)
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    asked = {part.strip().removeprefix("W/") for part in header(event, "if-none-match").split(",")}
    if asked & {headers["ETag"], "*"}:
        return answer(304, cache=cache, headers=headers)
    if apart:
        content = content[:-1] + b"," + encode(apart)[1:]
    return _answer(200, content, cache, headers)


def header(event: Event, name: str) -> str:
    """A request's header, by its name in small letters; "" without one."""
    return str((event.get("headers") or {}).get(name, ""))


def body(event: Event, limit: int) -> bytes:
    """A request's body. Raises `Refusal` where it is longer than `limit` bytes."""
    text = event.get("body") or ""
    try:
        content = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise Refusal(400, "Wrong request", "The body cannot be read.") from None
    if len(content) > limit:
        raise Refusal(413, "Too large", f"The body has {len(content):,} bytes; {limit:,} are allowed.")
    return content

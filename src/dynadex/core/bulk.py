"""Bulk requests on the wire, and what each answer means.

Every write carries an external version (`version_type=external`): the engine applies it only where its version is
higher than the one there, deletions included, and keeps a deleted document's version for `index.gc_deletes`.

Reading is total: any answer is applied, conflict, refused or retry.
- Refused is what the engine says of this document's content, and will say again: 400 and the like.
- 401, 403, 404 and what a block or a closed index answers speak of the cluster, not of the document: retry, and in the
  end raise. Nothing may drain into the failures queue because a password expired or an index is missing.
- A reason is cut before it quotes the document: the failures queue keeps no item's content.
- A conflict without a version to read is retried: its version is needed to go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

import orjson


class Operation(NamedTuple):
    """Write `source` (JSON bytes; None: delete) as document `id` at `version`; `alias` leads to one generation."""

    alias: str
    id: str
    version: int
    source: bytes | None


class Status(Enum):
    APPLIED = "applied"
    CONFLICT = "conflict"
    REFUSED = "refused"
    RETRY = "retry"


class Answer(NamedTuple):
    """What became of one operation. `current` is the version there, for a conflict; `type`/`reason` say why not."""

    status: Status
    current: int = 0
    type: str = ""
    reason: str = ""


APPLIED = Answer(Status.APPLIED)

#: Ask the engine for no more of the answer than `read` needs.
FILTER_PATH = "errors,items.*.status,items.*.error"

# 400s that say nothing about the document.
_NOT_THE_DOCUMENT = frozenset(
    {
        "index_closed_exception",
        "invalid_index_name_exception",  # a deletion through a write alias that is gone
        "process_cluster_event_timeout_exception",
    }
)

# Where engines go on to quote the document, or on parse errors the whole request with its headers.
_quotation = re.compile(r"\.? Preview of field's value|\s*\[Source:|\.? The prefix of the first immense term").search

# The causes worth telling that speak of names and numbers of fields only.
_limit = re.compile(r"(The depth of|Limit of|The number of) ").match

_current_version = re.compile(r"current version \[([0-9]{1,19})\]").search


def lines(operations: Iterable[Operation]) -> Iterator[bytes]:
    """Each operation's part of a `_bulk` request, newline-delimited JSON, when it is asked for."""
    dumps = orjson.dumps
    # An operation's alias is nearly always the one before's.
    last, target = "", b""
    for alias, id, version, source in operations:
        if alias != last:
            last, target = alias, b'":{"_index":%b,"_id":' % dumps(alias)
        if source is None:
            yield b'{"delete%b%b,"version":%d,"version_type":"external"}}\n' % (target, dumps(id), version)
        else:
            head = b'{"index%b%b,"version":%d,"version_type":"external"}}\n%b\n'
            yield head % (target, dumps(id), version, source)


def encode(operations: Iterable[Operation]) -> bytes:
    """The body of a `_bulk` request."""
    return b"".join(lines(operations))


def read(body: bytes, count: int) -> list[Answer]:
    """The answers to a bulk request of `count` operations, in their order.

    A body that is no bulk answer at all (a proxy's page, a cut answer) makes every operation `RETRY`.
    """
    try:
        answer = orjson.loads(body)
        if answer.get("errors") is False:
            return [APPLIED] * count
        items = answer["items"]
        if len(items) != count:
            raise ValueError("another number of items")
        return [read_item(next(iter(item.values()))) for item in items]
    except (ValueError, KeyError, AttributeError, TypeError, StopIteration):
        return [
            Answer(Status.RETRY, 0, "unreadable_answer", f"not an answer to a bulk request: {body[:100]!r}")
        ] * count


def read_item(item: dict[str, Any]) -> Answer:
    """What one item of a bulk answer says; `item` has at least `status` and, unless it went well, `error`."""
    status, error = item.get("status"), item.get("error")
    if not isinstance(status, int):
        return Answer(Status.RETRY, 0, "unreadable_answer", "an item without a status")
    if error is None and (200 <= status < 300 or status == 404):  # 404 without error: a deletion of what is not there
        return APPLIED
    type, reason = _told(error)
    if status == 409:
        if current := _current_version(reason):
            return Answer(Status.CONFLICT, int(current.group(1)), type, reason)
        return Answer(Status.RETRY, 0, type, reason)
    about_cluster = status in (401, 403, 404, 408, 429) or status < 400 or status >= 500 or type in _NOT_THE_DOCUMENT
    return Answer(Status.RETRY if about_cluster else Status.REFUSED, 0, type, reason)


def _told(error: Any) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "error", str(error or "no reason given")
    type, reason = str(error.get("type", "error")), str(error.get("reason", ""))
    if quoted := _quotation(reason):
        reason = reason[: quoted.start()]
    cause = error.get("caused_by")
    if isinstance(cause, dict) and _limit(str(cause.get("reason"))):
        reason = f"{reason}: {cause['reason']}"
    return type, reason

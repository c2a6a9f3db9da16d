"""Versions and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from ..core import versions


def moment(seconds: float) -> str:
    """A time in seconds since 1970, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def how(version: int) -> str:
    """When and how a version came about."""
    decoded = versions.decode(version)
    match decoded.kind:
        case "record":
            return f"by the stream, from a record of {moment(decoded.second)}"
        case "page":
            return f"by a refill, from a page read at {moment(decoded.second + versions.MARGIN_SECONDS)}"
        case "settled":
            return f"settled by the table, above a version of {moment(decoded.second)}"

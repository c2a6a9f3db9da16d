"""Cursors: where a page of hits ended, for the request of the next one.

A cursor is opaque to whoever passes it on, and good for the very search that gave it: it carries a digest of that and
of itself. The digest finds mistakes, not malice: there is nothing in a cursor that its holder could not ask for anyway.
"""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from typing import Any, NamedTuple

from .attributes import dumps
from .comparing import loads

MAX_LENGTH = 4096
_DIGEST_BYTES = 9


class Position(NamedTuple):
    """The page that follows, counted from 1, and the sort values of the last hit before it."""

    page: int
    after: tuple[Any, ...]


class WrongCursor(ValueError):
    """Not a cursor, or not one of this search."""


def encode(search: str, position: Position) -> str:
    """`search` says which search it is: another one is refused with this cursor."""
    content = dumps([position.page, *position.after])
    return base64.urlsafe_b64encode(_digest(search, content) + content).decode().rstrip("=")


def decode(search: str, cursor: str, values: int) -> Position:
    """The position of a cursor with so many sort values. Raises `WrongCursor`."""
    if len(cursor) > MAX_LENGTH:
        raise WrongCursor("is longer than any cursor")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = raw[_DIGEST_BYTES:]
        page, *after = loads(content)
    except (ValueError, TypeError, RecursionError):
        raise WrongCursor("is no cursor: it is to be passed on as it came") from None
    if raw[:_DIGEST_BYTES] != _digest(search, content):
        raise WrongCursor("belongs to another search: q, filters, sort and size must stay the same")
    if type(page) is not int or page < 1 or len(after) != values or not all(map(_is_sort_value, after)):
        raise WrongCursor("is no cursor: it is to be passed on as it came")
    # Scores and fractions are binary floats in the engine: nothing is lost.
    return Position(page, tuple(float(value) if isinstance(value, Decimal) else value for value in after))


def _digest(search: str, content: bytes) -> bytes:
    key = hashlib.blake2b(search.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return hashlib.blake2b(content, key=key, digest_size=_DIGEST_BYTES).digest()


def _is_sort_value(value: Any) -> bool:
    return not isinstance(value, dict | list)

"""The items of a table, drafts among them, page by page: read from the table itself, in the table's own order.

`q` and `state` choose among the items as they are read, so a page may hold fewer than asked for, even none, and still
have a cursor: one request reads a bounded number of items. For tables of some thousands that is what an editor needs;
published items are found faster by a search.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any
from unicodedata import category, normalize

from ..core import heartbeats
from ..core.attributes import AttributeValue, InvalidKey, Item, dumps, jsonable
from .answers import Refusal, Response, answer
from .editing import Request, shown

#: Items that one request reads at the most, and in one step.
MOST_READ, STEP = 2000, 500
MAX_SIZE = 100
#: A function may answer with 6 MB; one item more, of up to 400 kB, has room.
_MOST_BYTES = 4_000_000
_MAX_WORDS = 200
_STATES = ("all", "draft", "published")
_PARAMETERS = ("q", "state", "size", "cursor")


def listed(asked: Request) -> Response:
    """`GET /admin/{table}`."""
    parameters = asked.parameters
    problems = {name[:50]: f"is no parameter here; allowed are {', '.join(_PARAMETERS)}" for name in parameters}
    problems = {name: text for name, text in problems.items() if name not in _PARAMETERS}
    words, state, size = parameters.get("q", ""), parameters.get("state", "all"), parameters.get("size", "20")
    if len(words) > _MAX_WORDS:
        problems["q"] = f"has {len(words)} characters; {_MAX_WORDS} are allowed"
    if state not in _STATES:
        problems["state"] = f"is not one of {', '.join(_STATES)}"
    if not (size.isascii() and size.isdigit() and len(size) < 4 and 1 <= int(size) <= MAX_SIZE):
        problems["size"] = f"is not a whole number from 1 to {MAX_SIZE}"
    after = _after(asked, parameters.get("cursor", ""), problems)
    if problems:
        told = "; ".join(f"{name}: {text}" for name, text in problems.items())
        raise Refusal(400, "Wrong request", told, problems=problems)
    items, last = _page(asked, folded(words).split(), state, int(size), after)
    return answer(200, {"items": [shown(item) for item in items], "cursor": last and _cursor(last)})


def _page(asked: Request, words: list[str], state: str, size: int, after: str | None) -> tuple[list[Item], str | None]:
    """Items that fit, and the id after which to go on; None at the table's end."""
    found: list[Item] = []
    read = length = 0
    while read < MOST_READ and length < _MOST_BYTES:
        page = asked.ledger.scan(after, STEP, asked.patience)
        read += len(page.items)
        for item in page.items:
            after = asked.table.key.id_of(item)
            if heartbeats.region_of(asked.table.key, item) is None and _fits(item, words, state, asked.admin.draft):
                found.append(item)
                length += len(dumps(jsonable(item)))
                if len(found) == size or length >= _MOST_BYTES:
                    at_end = page.last_key is None and item is page.items[-1]
                    return found, None if at_end else after
        if page.last_key is None:
            return found, None
        after = asked.table.key.id_of(page.last_key)
    return found, after


def _fits(item: Item, words: list[str], state: str, draft: str) -> bool:
    is_draft = item.get(draft) == {"BOOL": True}
    if state != "all" and is_draft != (state == "draft"):
        return False
    if not words:
        return True
    text = folded(" ".join(_texts(item.values())))
    return all(word in text for word in words)


def _texts(values: Iterable[AttributeValue]) -> Iterator[str]:
    for value in values:
        for kind, inner in value.items():
            if kind in ("S", "N"):
                yield inner
            elif kind == "SS":
                yield from inner
            elif kind == "L":
                yield from _texts(inner)


def folded(text: str) -> str:
    """The text in small letters, without accents."""
    return "".join(letter for letter in normalize("NFKD", text.casefold()) if category(letter) != "Mn")


def _cursor(id: str) -> str:
    return base64.urlsafe_b64encode(id.encode()).decode().rstrip("=")


def _after(asked: Request, cursor: str, problems: dict[str, Any]) -> str | None:
    if not cursor:
        return None
    try:
        id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        asked.table.key.key_of(id)
        return id
    except (binascii.Error, ValueError, InvalidKey):
        problems["cursor"] = "is not one that an answer of this table gave"
        return None

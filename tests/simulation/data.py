"""The few keys, items and documents that all schedules are made of, and the two indices that want them.

Items are made once and shared, so that the documents they become can be remembered: each is what the production
`Recipe` makes of the item. What an item becomes depends on its number `n`:

- `n % 16` of 11 or 12: no document in `lessons`; 14: a document that the engine refuses; 15: the transform raises;
- `n % 3` of 0: the item does not match the index `songs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynadex.core.attributes import Item, KeyAttribute, KeySchema
from dynadex.core.documents import Recipe, TransformFailed

SCHEMA = KeySchema(KeyAttribute("id", "S"))
KEYS = ("a", "b", "c", "d")
KEY_OF: dict[str, Mapping[str, Any]] = {id: {"id": {"S": id}} for id in KEYS}
NUMBERS = 64

#: `n % 16` of these is well-behaved, of the others beyond it nobody's document.
TAME = 13
ITEMS: dict[str, list[Item]] = {
    id: [{"id": {"S": id}, "n": {"N": str(n)}, "kind": {"S": "song" if n % 3 else "artist"}} for n in range(NUMBERS)]
    for id in KEYS
}

REFUSED_MARK = b'{"refuse"'


def _lesson(item: dict[str, Any]) -> dict[str, Any] | None:
    n = item["n"]
    match n % 16:
        case 11 | 12:
            return None
        case 14:
            return {"refuse": n}
        case 15:
            raise ValueError(f"{n} makes no lesson")
    return {"n": n}


class Remembered(Recipe):
    """A recipe that makes each document once."""

    def document(self, item: Item | None) -> bytes | None:
        if item is None:
            return None
        made = _made[self.index][id(item)]
        if isinstance(made, TransformFailed):
            raise TransformFailed(made.type, made.reason)
        return made


RECIPES: dict[str, Recipe] = {
    "lessons": Remembered("lessons", transform=_lesson),
    "songs": Remembered("songs", match={"kind": ("song",)}),
}


def _make(recipe: Recipe, item: Item) -> bytes | TransformFailed | None:
    try:
        return Recipe.document(recipe, item)
    except TransformFailed as failed:
        return failed


_made: dict[str, dict[int, bytes | TransformFailed | None]] = {
    name: {id(item): _make(recipe, item) for items in ITEMS.values() for item in items}
    for name, recipe in RECIPES.items()
}


def index_of(alias: str) -> str:
    """The index of a generation's write alias, `lessons-v2-write`."""
    return alias[: alias.index("-")]


def number_of(item: Item | None) -> int | None:
    """The `n` of an item, None where there is none."""
    return None if item is None else int(item["n"]["N"])


def is_refused(item: Item | None, index: str = "lessons") -> bool:
    """Whether an item never becomes a document of the index: the failures queue is where it belongs."""
    return index == "lessons" and item is not None and int(item["n"]["N"]) % 16 > TAME


def expected(item: Item | None, index: str) -> bytes | None:
    """The document that the index is to hold for an item which it does not refuse."""
    return RECIPES[index].document(item)

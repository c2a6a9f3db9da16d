"""Which document an item makes in an index, if any.

Rules:
- A heartbeat (`core.heartbeats`) makes an empty document while the table has heartbeats, else none; nothing of the
  recipe concerns it.
- `match` decides first: an item that does not match is not this index's. Then the transform, a plain function from the
  item as Python values to the document, or None for "not in this index". Without a transform the document is the item,
  less what `include`/`exclude` leave out.
- Legacy global tables' own attributes, `aws:rep:*`, never reach a document.
- Whatever a transform does wrong, raise or return what has no exact JSON form, is that item's failure alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import heartbeats
from .attributes import Item, KeySchema, dumps, item_json, plain

Transform = Callable[[dict[str, Any]], Mapping[str, Any] | None]

_REPLICATION_PREFIX = "aws:rep:"


class TransformFailed(Exception):
    """An item's transform raised, or returned something that is no document; the cause is chained."""

    def __init__(self, type: str, reason: str) -> None:
        super().__init__(f"{type}: {reason}")
        self.type = type
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one index makes documents from a table's items; `index` is its logical name."""

    index: str
    transform: Transform | None = None
    include: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schema: KeySchema | None = None
    """The table's key, by which heartbeats are told; None where there can be none."""
    beating: bool = False
    """Whether the table has heartbeats now."""

    def matches(self, item: Item) -> bool:
        """Whether the item is this index's at all, as far as `match` says."""
        return all(item.get(name, {}).get("S") in allowed for name, allowed in self.match.items()) or self.is_heartbeat(
            item
        )

    def is_heartbeat(self, item: Item) -> bool:
        """Whether the item is a region's heartbeat."""
        return self.schema is not None and heartbeats.region_of(self.schema, item) is not None

    def document(self, item: Item | None) -> bytes | None:
        """The document as JSON bytes; None where this index holds none for the item. Raises `TransformFailed`."""
        if item is None:
            return None
        if self.is_heartbeat(item):
            return heartbeats.EMPTY if self.beating else None
        if self.match and not self.matches(item):
            return None
        if self.include is not None:
            taken = self.include
            item = {name: item[name] for name in item if name in taken and not name.startswith(_REPLICATION_PREFIX)}
        elif self.exclude or _REPLICATION_PREFIX in " ".join(item):  # names looked at one by one would take longer
            item = {name: item[name] for name in item if not name.startswith(_REPLICATION_PREFIX)}
            for name in self.exclude:
                item.pop(name, None)
        try:
            if self.transform is None:
                return item_json(item)
            made = self.transform(plain(item))
            if made is None:
                return None
            if not isinstance(made, Mapping):
                raise TypeError(f"the transform returned {type(made).__name__}; a dict or None is expected")
            return dumps(made if isinstance(made, dict) else dict(made))
        except (Exception, SystemExit) as error:  # foreign code: whatever it raises is this item's failure
            raise TransformFailed(type(error).__name__, _told(error)) from error


def _told(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except Exception:  # its text is foreign code too
        return "an error that cannot tell its reason"

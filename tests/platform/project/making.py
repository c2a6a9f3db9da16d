"""The songs' documents; an item's attributes choose what becomes of it."""

from __future__ import annotations

from typing import Any


def song(item: dict[str, Any]) -> dict[str, Any] | None:
    """A song as it is found; None while it is not published, an error for one marked with `raises`."""
    if "raises" in item:
        raise ValueError(f"cannot make a document of {item['raises']}")
    if item.get("published") is False:
        return None
    hidden = ("published", "expires")
    document = {name: value for name, value in item.items() if name not in hidden}
    if "artist" in item and "title" in item:
        document["heading"] = f"{item['artist']}: {item['title']}"
    return document


def piece(item: dict[str, Any]) -> dict[str, Any] | None:
    """A piece for those who search; None while it is a draft."""
    return None if item.get("draft") else {name: item[name] for name in ("title", "level", "revision") if name in item}

"""What of a lesson is for those who search."""

from __future__ import annotations

from typing import Any


def document(item: dict[str, Any]) -> dict[str, Any] | None:
    """The lesson without who edited it; none for a draft. `revision` stays: by it one sees that an edit has arrived."""
    if item.get("draft"):
        return None
    return {name: value for name, value in item.items() if name not in ("draft", "updated_at", "updated_by")}

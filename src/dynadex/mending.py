"""Repairs documents of one index: the table settles them, and what an index cannot take is kept as a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .core import writing
from .core.attributes import InvalidKey, KeySchema
from .core.documents import Recipe
from .core.writing import BatchRefused, Failure, Feeds, Key
from .driving import drive
from .engine import Engine
from .pacing import Patience
from .table import Table


class Mender:
    """Repairs documents of an index: the table settles them. `keep` puts failures into the failures queue."""

    def __init__(
        self,
        table: Table,
        engine: Engine,
        alias: str,
        recipe: Recipe,
        patience: Callable[[], Patience],
        keep: Callable[[list[Failure]], None],
    ) -> None:
        self._table, self._engine, self._patience, self.keep = table, engine, patience, keep
        self._feeds = Feeds(table.schema, {alias: recipe})

    def mend(self, ids: Sequence[str]) -> list[Failure]:
        """Settles the documents of these ids; returns what failed."""
        protocol = writing.mend(keys_of(ids, self._table.schema), self._feeds)
        try:
            return drive(protocol, self._table, self._engine, self._patience()).failures
        except BatchRefused as refused:  # all of them: they go on differing, and are reported so
            return list(refused.failures)

    def unkeyed(self, key: Key, reason: str, version: int) -> Failure:
        """The failure of an item whose key makes no id."""
        [(alias, recipe)] = self._feeds.recipes.items()
        return Failure(key, "", recipe.index, alias, "key", "InvalidKey", reason, version)


def keys_of(ids: Sequence[str], schema: KeySchema) -> dict[str, Key | None]:
    """The keys behind ids; None for an id that is no key of the table."""
    keys: dict[str, Key | None] = {}
    for id in ids:
        try:
            keys[id] = schema.key_of(id)
        except InvalidKey:
            keys[id] = None
    return keys

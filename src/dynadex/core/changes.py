"""Stream records and scan pages as changes: one key's image, or its absence, with a version.

Rules:
- Of several records of one key in a batch only the last image is kept (a shard delivers a key's records in order). Its
  version is the highest of theirs + 1. So nothing that was collapsed can outrank it, nor can what a shorter batch of
  the same records collapses to; and it never equals a record's own version, which a look could take for a retry.
- A record that has no image though it should have one means a stream of the wrong view type: that is an error, not a
  deletion.
- A key whose id the engine could not take becomes a failure, never a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from . import versions
from .attributes import AttributeValue, InvalidKey, Item, KeySchema


class Change(NamedTuple):
    """What became of one key. `image` is the whole item, None where the item is gone."""

    id: str
    key: Mapping[str, AttributeValue]
    image: Item | None
    version: int


class Unkeyed(NamedTuple):
    """An item whose key makes no document id, with the reason."""

    key: Mapping[str, AttributeValue]
    reason: str
    version: int


class Batch(NamedTuple):
    """The changes of a batch and what could not become one, at most one a key."""

    changes: list[Change]
    unkeyed: list[Unkeyed]
    newest_second: int  # creation second of the newest record, 0 for an empty batch


class WrongView(ValueError):
    """The stream does not carry the new image."""


def of_records(records: Iterable[Mapping[str, Any]], schema: KeySchema) -> Batch:
    """The changes in a Lambda event's `Records`, in stream order, collapsed to one a key."""
    latest: dict[str, Change] = {}
    highest: dict[str, int] = {}  # of the keys with several records
    unkeyed: dict[bytes, Unkeyed] = {}
    newest = 0
    for record in records:
        data = record["dynamodb"]
        creation = int(data["ApproximateCreationDateTime"])
        newest = max(newest, creation)
        version = versions.of_record(creation, int(data["SequenceNumber"]))
        key = data["Keys"]
        image = data.get("NewImage")
        if image is None and record["eventName"] != "REMOVE":
            raise WrongView(
                f"a record of {record.get('eventSourceARN', 'the stream')} has no new image: "
                "the table's stream must have the view type NEW_AND_OLD_IMAGES or NEW_IMAGE"
            )
        try:
            id = schema.id_of(key)
        except InvalidKey as error:
            unkeyed[orjson.dumps(key, option=orjson.OPT_SORT_KEYS)] = Unkeyed(key, str(error), version)
            continue
        if (before := latest.get(id)) is not None:
            highest[id] = max(version, highest.get(id, before.version))
        latest[id] = Change(id, key, image, version)
    for id, peak in highest.items():
        latest[id] = latest[id]._replace(version=versions.after(peak))
    return Batch(list(latest.values()), list(unkeyed.values()), newest)


def of_page(items: Iterable[Item], schema: KeySchema, version: int) -> Batch:
    """The items of one scan page as changes, all at the page's version."""
    changes: list[Change] = []
    unkeyed: list[Unkeyed] = []
    for item in items:
        try:
            changes.append(Change(schema.id_of(item), schema.key(item), item, version))
        except InvalidKey as error:
            key = {part.name: item[part.name] for part in schema.attributes if part.name in item}
            unkeyed.append(Unkeyed(key, str(error), version))
    return Batch(changes, unkeyed, versions.second(version) if changes else 0)

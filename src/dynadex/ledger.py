"""A table's items together with their history: read, and written in one transaction with an entry of the history.

An item and its history entry are written both or not at all. A write is conditional on the item being what the writer
saw, and an entry on there being none of its revision in this region, so two writers at once cannot both succeed. Asking
again after a lost answer repeats the same transaction by its token, which DynamoDB applies once.

Between regions the last writer wins, as in every global table. The entries of both stay: their keys name the region.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from .aws import AwsError, AwsUnavailable, Service
from .core.attributes import Item, typed
from .core.editing import REVISION, UPDATED_AT, UPDATED_BY, bare, changes, plain, revision_of, typed_like
from .pacing import Patience
from .table import Page, Table

#: Entries of a history that one answer holds.
MAX_ENTRIES = 100
_REVISION_DIGITS = 12
_LIMITS = (
    "a number has at most 38 digits, an item at most 32 levels, and no name or key is empty; "
    "the history's entry, with all that changed, has at most 400 kB and 32 levels too"
)


class Changed(Exception):
    """The item is not what the writer saw; `current` is what it is now, None where there is none."""

    def __init__(self, current: Item | None) -> None:
        super().__init__("the item was changed meanwhile")
        self.current = current


@dataclass(frozen=True, slots=True)
class Edit:
    """Who does what to an item: `before` is the item as the writer saw it, None for a new one.

    `at` is a time in ISO 8601; `request` marks a request that may come again.
    """

    id: str
    before: Item | None
    action: str
    by: str
    at: str
    request: str = ""


class Ledger:
    """A table with its history in one region."""

    def __init__(self, table: Table, history: str, dynamodb: Service, region: str) -> None:
        self.table, self.history, self.region = table, history, region
        self._dynamodb = dynamodb

    def read(self, id: str, patience: Patience) -> Item | None:
        """The item as it is now. Raises `InvalidKey` for what is no id of the table, `OutOfTime`."""
        return self.read_all([id], patience)[id]

    def read_all(self, ids: list[str], patience: Patience) -> dict[str, Item | None]:
        """Items by id, None for those that are not there."""
        keys = {id: self.table.schema.key_of(id) for id in ids}
        found: dict[str, Item | None] = {}
        attempt = 0
        while unread := {id: key for id, key in keys.items() if id not in found}:
            if attempt:
                patience.pause(attempt, "the table does not answer")
            found.update(self.table.read(unread).items)
            attempt += 1
        return found

    def scan(self, after: str | None, limit: int, patience: Patience) -> Page:
        """Up to `limit` items after the one with the id `after`."""
        start = None if after is None else self.table.schema.key_of(after)
        attempt = 0
        while True:
            try:
                return self.table.scan(start, limit=limit)
            except AwsUnavailable as error:
                attempt += 1
                patience.pause(attempt, error.code)

    def write(self, edit: Edit, after: Mapping[str, Any], patience: Patience) -> Item:
        """Gives the item a new state, JSON values without the API's own attributes; returns the item as it is then.

        Raises `Changed`, `OutOfTime`, or `ValueError` for what DynamoDB cannot hold.
        """
        revision = self._next_revision(edit, patience)
        kept = {REVISION: typed(revision), UPDATED_AT: typed(edit.at), UPDATED_BY: typed(edit.by)}
        item = typed_like(after, edit.before or {}) | kept
        self._commit(edit, {"Put": {**self._as_seen(edit), "Item": item}}, self._entry(edit, after, revision), patience)
        return item

    def delete(self, edit: Edit, patience: Patience) -> None:
        """Takes the item away; its history stays, and has all that it was. Raises as `write` does."""
        deletion = {"Delete": {**self._as_seen(edit), "Key": self.table.schema.key_of(edit.id)}}
        self._commit(edit, deletion, self._entry(edit, {}, self._next_revision(edit, patience)), patience)

    def _next_revision(self, edit: Edit, patience: Patience) -> int:
        """Above all that the history has: an item that is deleted and made anew, or loaded anew, goes on counting."""
        newest = next(iter(self.entries(edit.id, 1, patience)), None)
        return max(revision_of(edit.before), revision_of(newest)) + 1

    def _commit(self, edit: Edit, operation: Any, entry: Any, patience: Patience) -> None:
        request = {"ClientRequestToken": uuid.uuid4().hex, "TransactItems": [operation, entry]}
        attempt = 0
        while True:
            try:
                self._dynamodb.call("TransactWriteItems", request)
                return
            except AwsUnavailable as error:
                reason = error.code
            except AwsError as error:
                if error.code == "ValidationException" or "ValidationError" in str(error):
                    raise ValueError(_LIMITS) from None
                if error.code != "TransactionCanceledException":
                    raise
                if "ConditionalCheckFailed" in str(error):
                    raise Changed(self.read(edit.id, patience)) from None
                reason = error.code  # another transaction on the item, or throttled: it may go through the next time
            attempt += 1
            patience.pause(attempt, reason)

    def _as_seen(self, edit: Edit) -> dict[str, Any]:
        """The condition that the item is what the writer saw."""
        condition: dict[str, Any]
        if edit.before is None:
            key = self.table.schema.partition.name
            condition = {"ConditionExpression": "attribute_not_exists(#a)", "ExpressionAttributeNames": {"#a": key}}
        elif REVISION in edit.before:
            condition = {
                "ConditionExpression": "#a = :seen",
                "ExpressionAttributeNames": {"#a": REVISION},
                "ExpressionAttributeValues": {":seen": edit.before[REVISION]},
            }
        else:
            names = {"#k": self.table.schema.partition.name, "#a": REVISION}
            condition = {
                "ConditionExpression": "attribute_exists(#k) AND attribute_not_exists(#a)",
                "ExpressionAttributeNames": names,
            }
        return {"TableName": self.table.name, **condition}

    def _entry(self, edit: Edit, after: Mapping[str, Any], revision: int) -> dict[str, Any]:
        changed = changes(bare(plain(edit.before)) if edit.before else {}, after)
        entry = {
            "id": edit.id,
            "entry": f"{revision:0{_REVISION_DIGITS}d} {self.region}",
            REVISION: revision,
            "at": edit.at,
            "by": edit.by,
            "action": edit.action,
            "region": self.region,
            "changes": [change.to_json() for change in changed],
        }
        if edit.request:
            entry["request"] = edit.request
        return {
            "Put": {
                "TableName": self.history,
                "Item": {name: typed(value) for name, value in entry.items()},
                "ConditionExpression": "attribute_not_exists(#a)",
                "ExpressionAttributeNames": {"#a": "entry"},
            }
        }

    def entries(self, id: str, limit: int, patience: Patience) -> list[Item]:
        """The newest entries of an item's history, newest first."""
        request = {
            "TableName": self.history,
            "KeyConditionExpression": "#a = :id",
            "ExpressionAttributeNames": {"#a": "id"},
            "ExpressionAttributeValues": {":id": {"S": id}},
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        attempt = 0
        while True:
            try:
                answer = orjson.loads(self._dynamodb.call("Query", request).body)
                return list(answer["Items"])
            except AwsUnavailable as error:
                attempt += 1
                patience.pause(attempt, error.code)

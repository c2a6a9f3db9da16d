"""Three tables as others have them, each very different: made from a seed, so that tests know what is in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dynadex.core.attributes import typed_item

_WORDS = ("river", "stone", "light", "north", "garden", "winter", "silver", "morning", "quiet", "copper", "harbor")
_ITEMS_A_CALL = 25


@dataclass(frozen=True)
class OwnTable:
    """A table; `key` has name and type of its attributes, the partition key first."""

    name: str
    key: tuple[tuple[str, str], ...]
    items: Callable[[], Iterator[dict[str, Any]]]

    def make(self, dynamodb: Any, *, stream: bool = False) -> None:
        """Creates and fills it through a boto3 client."""
        roles = [
            {"AttributeName": name, "KeyType": role}
            for (name, _), role in zip(self.key, ("HASH", "RANGE"), strict=False)
        ]
        view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        dynamodb.create_table(
            TableName=self.name,
            KeySchema=roles,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": type} for name, type in self.key],
            BillingMode="PAY_PER_REQUEST",
            **({"StreamSpecification": view} if stream else {}),
        )
        items = [_sent(typed_item(item)) for item in self.items()]
        for start in range(0, len(items), _ITEMS_A_CALL):
            chunk = [{"PutRequest": {"Item": item}} for item in items[start : start + _ITEMS_A_CALL]]
            assert not dynamodb.batch_write_item(RequestItems={self.name: chunk}).get("UnprocessedItems")


def _sent(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """boto3 encodes binaries itself."""
    return {name: {"B": b"\x00\x01\x02"} if "B" in value else value for name, value in item.items()}


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(count)).capitalize()


def _store() -> Iterator[dict[str, Any]]:
    chance = random.Random(1)
    for customer in range(100):
        pk = f"CUSTOMER#{customer}"
        yield {
            "pk": pk,
            "sk": "PROFILE",
            "entity": "customer",
            "name": f"{_words(chance, 1)} Number{customer}",
            "email": f"customer{customer}@example.com",
            "since": f"20{10 + customer % 14}-01-15",
            "address": {"city": _words(chance, 1), "zip": str(10_000 + customer)},
        }
        for order in range(2):
            yield {
                "pk": pk,
                "sk": f"ORDER#{customer * 2 + order}",
                "entity": "order",
                "status": chance.choice(["open", "paid", "sent"]),
                "total": chance.randrange(100, 99_999) / 100,
                "placedAt": 1_700_000_000 + customer,
                "note": f"{_words(chance, 6)} parcel{customer}",
                "lines": [{"sku": f"S-{chance.randrange(99)}", "count": 2}],
                "tags": {"gift", "fast"},
            }


def _readings() -> Iterator[dict[str, Any]]:
    for number in range(400):
        yield {
            "device": number % 20,
            "at": f"2024-05-{1 + number // 20:02}T10:00:00Z",
            "value": number + 0.5,
            "serial": 10**25 + number,
            "flag": number % 2 == 0,
            "raw": b"\x00\x01\x02",
            "code": "x1" if number % 9 else 7,
            "_id": "mine",
            "remark": f"Sensor remark {number} recorded",
        }


def _sparse() -> Iterator[dict[str, Any]]:
    chance = random.Random(2)
    for number in range(300):
        values: list[Callable[[], Any]] = [
            lambda: _words(chance, 4),
            lambda: chance.randrange(1000),
            lambda: True,
            lambda: chance.choice(["red", "green", "blue"]),
            lambda: f"2023-01-{1 + chance.randrange(28):02}",
        ]
        chosen = chance.sample(range(300), 25)
        yield {
            "id": f"product-{number}",
            "title": f"{_words(chance, 2)} edition{number}",
            **{f"attr{one:03}": values[one % len(values)]() for one in chosen},
        }


STORE = OwnTable("Prod.Store", (("pk", "S"), ("sk", "S")), _store)
READINGS = OwnTable("readings", (("device", "N"), ("at", "S")), _readings)
SPARSE = OwnTable("SparseProducts", (("id", "S"),), _sparse)

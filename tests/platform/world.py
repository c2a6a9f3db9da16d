"""A project that is up on the embedded platform, seen from outside: what its tables hold and what its indices hold.

What an index ought to hold is worked out here by plain code of its own, which shares nothing with `dynadex.core`: a
mistake there cannot hide itself.
"""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from dynadex.engine import Engine
from dynadex.operations.deploy import Deployed
from dynadex.platform.laptop import Laptop
from dynadex.project import Project
from tests.platform.engine_door import EngineDoor

Item = Mapping[str, Any]
Document = dict[str, Any]

_ITEMS_A_CALL = 25
_SHOWN = 5


class Indexed(NamedTuple):
    """A document as the engine has it; numbers in `source` are exact (`int` or `Decimal`)."""

    version: int
    source: Document


class Unwanted(Exception):
    """The index holds no document for this item: it is not its own, or it cannot be made or taken."""


def json_value(value: Any) -> Any:
    """A value as boto3 reads it from DynamoDB, as JSON holds it."""
    match value:
        case Binary():
            return _base64(value)
        case set():
            return [json_value(one) for one in sorted(value, key=_set_order)]
        case list():
            return [json_value(one) for one in value]
        case dict():
            return {name: json_value(one) for name, one in value.items()}
    return value


def _set_order(member: Any) -> Any:
    return _base64(member) if isinstance(member, Binary) else member


def _base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


def _song(item: Item) -> Document:
    if "raises" in item or item.get("published") is False:
        raise Unwanted
    if "year" in item and not isinstance(item["year"], Decimal):
        raise Unwanted
    document = {name: json_value(value) for name, value in item.items() if name not in {"published", "expires"}}
    if "artist" in item and "title" in item:
        document["heading"] = item["artist"] + ": " + item["title"]
    return document


def _play(item: Item) -> Document:
    return {name: json_value(value) for name, value in item.items() if name != "secret"}


def _album(item: Item) -> Document:
    if item.get("kind") != "album":
        raise Unwanted
    return {name: json_value(item[name]) for name in ("pk", "sk", "title") if name in item}


def _label(item: Item) -> Document:
    if item.get("kind") not in {"label", "imprint"}:
        raise Unwanted
    return {name: json_value(value) for name, value in item.items()}


def _whole(item: Item) -> Document:
    return {name: json_value(value) for name, value in item.items()}


def _plain_number(number: Decimal) -> str:
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", "0", ""} else text


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("|", "%7C")


#: index -> (its table, the id of an item, the document of an item)
RULES: dict[str, tuple[str, Callable[[Item], str], Callable[[Item], Document]]] = {
    "songs": ("songs", lambda item: str(item["id"]), _song),
    "scores": ("scores", lambda item: _escaped(item["player"]) + "|" + _plain_number(item["level"]), _whole),
    "plays": ("plays", lambda item: _plain_number(item["number"]), _play),
    "blobs": ("blobs", lambda item: _base64(item["hash"]), _whole),
    "albums": ("things", lambda item: _escaped(item["pk"]) + "|" + _escaped(item["sk"]), _album),
    "labels": ("things", lambda item: _escaped(item["pk"]) + "|" + _escaped(item["sk"]), _label),
}


def comparable(value: Any) -> Any:
    """A JSON value in a form whose `==` is exact: 1 is 1.0 but not true, and no number passes through a double."""
    match value:
        case bool():
            return ("truth", value)
        case int():
            return Decimal(value)
        case list():
            return [comparable(one) for one in value]
        case dict():
            return {name: comparable(one) for name, one in value.items()}
    return value


@dataclass
class World:
    """The platform of one test run. Regions are given by name and default to the home region, the first."""

    project: Project
    cloud: Laptop
    deployed: Mapping[str, Deployed]
    engines: Mapping[str, Engine]  # reached directly, whatever the doors do
    doors: Mapping[str, EngineDoor]  # what the functions and the operations reach them through
    _failures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, ...]:
        return self.project.regions

    @property
    def home(self) -> str:
        return self.project.home_region

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of the platform."""
        return self.cloud.client(service, region or self.home)

    def engine(self, region: str | None = None) -> Engine:
        """A region's engine, past its door."""
        return self.engines[region or self.home]

    def door(self, region: str | None = None) -> EngineDoor:
        """What stands between the functions and a region's engine."""
        return self.doors[region or self.home]

    def output(self, name: str, region: str | None = None) -> str:
        """An output of the regional stack, such as `StreamFunctionArn`."""
        return self.deployed[region or self.home].outputs[name]

    # -- Tables

    def physical(self, table: str) -> str:
        """The table's name in DynamoDB."""
        return self.project.tables[table].physical_name

    def put(self, table: str, item: Item, region: str | None = None) -> None:
        """Puts an item of plain Python values (no floats: `Decimal`)."""
        self.client("dynamodb", region).put_item(TableName=self.physical(table), Item=typed(item))

    def delete(self, table: str, item: Item, region: str | None = None) -> None:
        """Deletes the item with the key of this one."""
        self.client("dynamodb", region).delete_item(TableName=self.physical(table), Key=typed(self.key(table, item)))

    def put_all(self, table: str, items: Iterable[Item], region: str | None = None) -> None:
        """Puts many items, of different keys."""
        self._write(table, ({"PutRequest": {"Item": typed(item)}} for item in items), region)

    def delete_all(self, table: str, items: Iterable[Item], region: str | None = None) -> None:
        """Deletes many items, by their keys."""
        self._write(table, ({"DeleteRequest": {"Key": typed(self.key(table, item))}} for item in items), region)

    def _write(self, table: str, requests: Iterable[Mapping[str, Any]], region: str | None) -> None:
        client, name, waiting = self.client("dynamodb", region), self.physical(table), iter(requests)
        while chunk := list(itertools.islice(waiting, _ITEMS_A_CALL)):
            left = {name: chunk}
            while left:
                left = client.batch_write_item(RequestItems=left).get("UnprocessedItems")

    def key(self, table: str, item: Item) -> Item:
        """The key attributes of an item."""
        return {attribute.name: item[attribute.name] for attribute in self.project.tables[table].key.attributes}

    def items(self, table: str, region: str | None = None) -> list[dict[str, Any]]:
        """Every item, by a full scan, as boto3 reads it: numbers are `Decimal`, binaries `Binary`."""
        pages = self.client("dynamodb", region).get_paginator("scan")
        found = pages.paginate(TableName=self.physical(table), ConsistentRead=True)
        return [plain(item) for page in found for item in page["Items"]]

    @contextmanager
    def paused(self, table: str) -> Iterator[None]:
        """No region's stream function sees what is written to the table meanwhile; all of it comes afterwards."""
        self._switch_sources(table, on=False)
        try:
            yield
        finally:
            self._switch_sources(table, on=True)

    def _switch_sources(self, table: str, *, on: bool) -> None:
        for region in self.regions:
            client = self.client("lambda", region)
            mappings = client.list_event_source_mappings(FunctionName=self.output("StreamFunctionArn", region))
            for mapping in mappings["EventSourceMappings"]:
                if mapping["EventSourceArn"].split("/")[1] == self.physical(table):
                    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    # -- Indices

    def documents(self, index: str, region: str | None = None) -> dict[str, Indexed]:
        """Every document that searches of the index can find after a refresh, by id."""
        engine = self.engine(region)
        engine.ask("POST", f"/{index}/_refresh")
        answer = _exact(engine, f"/{index}/_search?scroll=1m", {"size": 1000, "version": True, "sort": ["_doc"]})
        found: dict[str, Indexed] = {}
        while hits := answer["hits"]["hits"]:
            for hit in hits:
                assert hit["_id"] not in found, f"{index} holds {hit['_id']} twice"
                found[hit["_id"]] = Indexed(hit["_version"], hit["_source"])
            answer = _exact(engine, "/_search/scroll", {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
        engine.ask("DELETE", "/_search/scroll", {"scroll_id": [answer["_scroll_id"]]})
        return found

    def expected(self, index: str, region: str | None = None) -> dict[str, Document]:
        """Every document that the index ought to hold, by id: of the table as it is now."""
        table, id_of, document_of = RULES[index]
        found = {}
        for item in self.items(table, region):
            try:
                found[id_of(item)] = document_of(item)
            except Unwanted:
                continue
        return found

    def difference(self, index: str, region: str | None = None) -> list[str]:
        """How the index differs from its table, a line for each document; empty where it does not."""
        wanted, there = self.expected(index, region), self.documents(index, region)
        lines = [f"{id!r} is missing: {wanted[id]}" for id in wanted.keys() - there.keys()]
        lines += [f"{id!r} ought not to be there: {there[id].source}" for id in there.keys() - wanted.keys()]
        lines += [
            f"{id!r} is {there[id].source}, version {there[id].version}, instead of {wanted[id]}"
            for id in wanted.keys() & there.keys()
            if comparable(wanted[id]) != comparable(there[id].source)
        ]
        return sorted(lines)

    def await_equal(
        self, indexes: Sequence[str] | None = None, regions: Sequence[str] | None = None, timeout: float = 30
    ) -> None:
        """Waits until each index equals its table, item by item. Fails with the differences."""
        places = [(index, region) for index in indexes or RULES for region in regions or self.regions]
        differences: dict[tuple[str, str], list[str]] = {}

        def equal() -> bool:
            differences.clear()
            for place in places:
                if lines := self.difference(*place):
                    differences[place] = lines
                    places.remove(place)  # asked first the next time
                    places.insert(0, place)
                    return False
            return True

        if not eventually(equal, timeout):
            differences.update({place: lines for place in places if (lines := self.difference(*place))})
            told = [
                f"{index} in {region} differs from its table in {len(lines)} documents after {timeout:g} s:\n  "
                + "\n  ".join(lines[:_SHOWN] + ["…"] * (len(lines) > _SHOWN))
                for (index, region), lines in differences.items()
            ]
            raise AssertionError("\n".join(told))

    # -- What went wrong

    def failures(self, region: str | None = None) -> list[dict[str, Any]]:
        """Every message of the region's failures queue since `forget_failures`; takes them out of the queue."""
        region = region or self.home
        client, queue = self.client("sqs", region), self.output("FailuresQueueUrl", region)
        kept = self._failures.setdefault(region, [])
        while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                kept.append(json.loads(message["Body"]))
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return list(kept)

    def forget_failures(self) -> None:
        """Empties every region's failures queue."""
        for region in self.regions:
            self.failures(region)
        self._failures.clear()

    def logs(self, region: str | None = None, *, since: float = 0) -> list[str]:
        """Every message that the region's functions have logged, from `since` (seconds since 1970) on."""
        client = self.client("logs", region)
        groups = [group["logGroupName"] for group in client.describe_log_groups()["logGroups"]]
        return [
            event["message"]
            for group in groups
            for page in client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since * 1000)
            )
            for event in page["events"]
        ]


def eventually(condition: Callable[[], bool], timeout: float = 30) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _exact(engine: Engine, path: str, body: Mapping[str, Any]) -> Any:
    status, text = engine.send("POST", path, json.dumps(body).encode())
    assert status == 200, text[:500]
    return json.loads(text, parse_float=Decimal)


class _Deserializer(TypeDeserializer):
    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)  # boto3's own way stumbles over 1E+125 that is spelled out


_serialize, _deserialize = TypeSerializer().serialize, _Deserializer().deserialize


def typed(item: Item) -> dict[str, Any]:
    """Plain Python values as DynamoDB's."""
    return {name: _serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's values as plain Python ones."""
    return {name: _deserialize(value) for name, value in item.items()}

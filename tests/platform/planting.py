"""A large table and its index without any function between them: what differs, and when, is the test's choice."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from dynadex import generations
from dynadex import project as projects
from dynadex.aws import Service
from dynadex.core import changes, versions, writing
from dynadex.core.attributes import Item, typed_item
from dynadex.core.bulk import Operation, Status
from dynadex.core.comparing import loads
from dynadex.core.writing import Feeds
from dynadex.driving import drive
from dynadex.engine import Engine
from dynadex.pacing import Patience
from dynadex.platform.cloud import EngineAddress
from dynadex.platform.laptop import Laptop
from dynadex.project import Index, Project
from dynadex.recipes import recipe_of
from dynadex.table import Table

REGION = "eu-west-1"

_PROJECT = """
[project]
name = "{name}"
regions = ["eu-west-1"]
[tables.lessons]
partition_key = "artist"
sort_key = "id"
[indexes.lessons]
table = "lessons"
mapping = "mapping.json"
transform = "published_lessons:document"
[indexes.lessons.search]
fields = ["title"]
"""
_TRANSFORM = '''
def document(item):
    """A lesson as it is found; drafts are not."""
    if item.get("draft"):
        return None
    return {**item, "heading": item["artist"] + ": " + item["title"]}
'''
_MAPPING = """{"settings": {"refresh_interval": "-1"},
"mappings": {"dynamic": false, "properties": {"title": {"type": "text"}}}}"""


@dataclass
class Plantation:
    """A project whose table and index exist and are empty. Ids have two parts, so that some are no key."""

    project: Project
    cloud: Laptop
    engine: Engine
    dynamodb: Service
    table: Table
    feeds: Feeds
    alias: str
    _sequence: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 62)))

    @property
    def index(self) -> Index:
        return self.project.indexes["lessons"]

    def id_of(self, item: Item) -> str:
        return self.table.schema.id_of(item)

    # -- The table

    def put(self, item: Item) -> None:
        self._call("PutItem", {"TableName": self.table.name, "Item": item})

    def delete(self, item: Item) -> None:
        self._call("DeleteItem", {"TableName": self.table.name, "Key": self.table.schema.key(item)})

    def _call(self, operation: str, request: Mapping[str, Any]) -> None:
        self.dynamodb.call(operation, request)

    def fill(self, items: Iterable[Item]) -> None:
        """Puts items into the table and their documents into the index, as a refill would."""
        waiting = iter(items)
        with ThreadPoolExecutor(3) as pool:
            while chunk := list(islice(waiting, 5000)):
                documents = pool.submit(self._refill, chunk)
                list(pool.map(self._put_all, (chunk[start : start + 25] for start in range(0, len(chunk), 25))))
                documents.result()

    def _put_all(self, items: list[Item]) -> None:
        requests = [{"PutRequest": {"Item": item}} for item in items]
        self._call("BatchWriteItem", {"RequestItems": {self.table.name: requests}})

    def _refill(self, items: list[Item]) -> None:
        batch = changes.of_page(items, self.table.schema, versions.of_page(int(time.time())))
        drive(writing.refill(batch, self.feeds), self.table, self.engine, Patience(30))

    # -- The index

    def plant(self, operations: Iterable[Operation]) -> None:
        """Writes to the index past the protocol: what nobody who keeps to it would write."""
        waiting = iter(operations)
        while chunk := list(islice(waiting, 500)):
            for answer in self.engine.write(chunk, Patience(30)):
                assert answer.status is Status.APPLIED, answer

    def apply(self, item: Item, *, gone: bool = False) -> None:
        """What the stream function does with a record of this item."""
        data: dict[str, Any] = {
            "Keys": self.table.schema.key(item),
            "SequenceNumber": str(next(self._sequence)),
            "ApproximateCreationDateTime": int(time.time()),
        }
        record = {"eventName": "REMOVE", "dynamodb": data}
        if not gone:
            record = {"eventName": "MODIFY", "dynamodb": data | {"NewImage": item}}
        batch = changes.of_records([record], self.table.schema)
        drive(writing.sync(batch, self.feeds), self.table, self.engine, Patience(30))

    # -- What an index ought to hold, worked out here

    def differences(self) -> set[str]:
        """The ids of all documents that differ from the table."""
        wanted: dict[str, Item] = {}
        start = None
        while True:
            page = self.table.scan(start)
            wanted |= {f"{item['artist']['S']}|{item['id']['S']}": item for item in page.items if "draft" not in item}
            if (start := page.last_key) is None:
                break
        self.engine.ask("POST", f"/{self.alias}/_refresh")
        there: dict[str, Any] = {}
        body = b'{"size": 5000, "sort": ["_doc"]}'
        answer = loads(self.engine.send("POST", f"/{self.alias}/_search?scroll=1m", body).body)
        while hits := answer["hits"]["hits"]:
            there |= {hit["_id"]: hit["_source"] for hit in hits}
            body = b'{"scroll": "1m", "scroll_id": "%b"}' % answer["_scroll_id"].encode()
            answer = loads(self.engine.send("POST", "/_search/scroll", body).body)
        differing = wanted.keys() ^ there.keys()
        for id in wanted.keys() & there.keys():
            item, document = wanted[id], there[id]
            title = item["title"]["S"]
            if document.get("title") != title or document.get("heading") != f"{item['artist']['S']}: {title}":
                differing.add(id)
        return differing


@contextmanager
def plantation(name: str, folder: Path, platform: str, engine: str) -> Iterator[Plantation]:
    """An empty table on the platform and an empty index in the engine, of a project of that name."""
    folder.mkdir(exist_ok=True)
    (folder / "dynadex.toml").write_text(_PROJECT.format(name=name))
    (folder / "mapping.json").write_text(_MAPPING)
    (folder / "published_lessons.py").write_text(_TRANSFORM)
    project = projects.load(folder)
    cloud = Laptop(platform, {REGION: EngineAddress(engine, "none", prefix=f"{name}-")})
    described = project.tables["lessons"]
    cloud.client("dynamodb", REGION).create_table(
        TableName=described.physical_name,
        KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("artist", "id")],
        BillingMode="PAY_PER_REQUEST",
    )
    reached, table = cloud.engine(project, REGION), cloud.table(described, REGION)
    generation = generations.ensure(reached, "lessons", project.indexes["lessons"].mapping)
    assert generation is not None
    alias = generations.write_alias(generation)
    feeds = Feeds(table.schema, {alias: recipe_of(project, project.indexes["lessons"], folder)})
    dynamodb = Service("dynamodb", REGION, endpoint=platform, credentials=cloud.credentials)
    yield Plantation(project, cloud, reached, dynamodb, table, feeds, alias)


@contextmanager
def writes_going_on(place: Plantation, items: list[Item], rate: float, lag: float, seed: int) -> Iterator[list[int]]:
    """Puts, deletes and puts back these items all the time; each reaches the index up to `lag` seconds later.

    Yields a list that ends with one number: how many writes there were. After it, all have reached the index.
    """
    chances = random.Random(seed)
    stop = threading.Event()
    written = [0]
    stream: list[tuple[float, int, Item, bool]] = []
    due: dict[str, float] = {}

    def apply_until(moment: float) -> None:
        while stream and stream[0][0] <= moment:
            _, _, item, gone = heapq.heappop(stream)
            place.apply(item, gone=gone)

    def write() -> None:
        while not stop.wait(1 / rate):
            item = chances.choice(items)
            gone = chances.random() < 0.2
            now = time.monotonic()
            if gone:
                place.delete(item)
            else:
                item = {**item, "title": {"S": f"Take {written[0]}"}}
                place.put(item)
            written[0] += 1
            id = place.id_of(item)
            due[id] = max(due.get(id, 0.0), now + chances.uniform(0, lag))  # a key's records keep their order
            heapq.heappush(stream, (due[id], written[0], item, gone))
            apply_until(time.monotonic())
        apply_until(float("inf"))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def items_of(lessons: Iterable[Mapping[str, Any]], *, draft_every: int) -> Iterator[Item]:
    """Lessons as typed items; every so many is a draft, which the index does not want."""
    for number, lesson in enumerate(lessons):
        draft = {"draft": True} if number % draft_every == 0 else {}
        yield typed_item({**lesson, **draft})

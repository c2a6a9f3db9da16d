"""What goes on while a drill takes a region away: writes, searches through the edge, and somebody who looks.

Writers: one in each region, with items of its own, and some that all regions write to. Searchers: one at each of some
locations. A search fails that is not answered with 200, or does not find what it found before the drill: a region whose
index is not whole yet does not pass for a good one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from .. import generations
from ..core import versions
from ..engine import Engine, EngineError
from .boto_items import native
from .drill_items import DrillItems, Template

#: Items that each region has for itself, and such that all write to.
OWN, SHARED = 6, 4
_SEARCH_SECONDS = 8.0
#: So many searches of a location may be under way; more would only wait for each other where a region hangs.
_AT_ONCE = 6
_LOOK_SECONDS = 0.25
_LAG_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A search, and the document that it must find."""

    words: str
    id: str


@dataclass(frozen=True, slots=True)
class Search:
    """One search: when it began, as `time.time()`, where it came from, who answered, and why it failed ("": not)."""

    at: float
    location: str
    region: str
    seconds: float
    failure: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of a region's health, as the edge knows it."""

    at: float
    region: str
    healthy: bool


@dataclass(slots=True)
class Writing:
    """What may be the last that was written to one item by one writer: `states` are numbers, None for a deletion."""

    states: list[int | None] = field(default_factory=list)

    def about_to(self, state: int | None) -> None:
        """Before a write: from here on nobody knows."""
        self.states.append(state)

    def acknowledged(self) -> None:
        """The write is done: all that was before it is over."""
        del self.states[:-1]


class Writer:
    """Writes in one region, item after item, and now and then deletes one of its own."""

    def __init__(self, client: Any, items: DrillItems, template: Template, numbers: Sequence[int], rate: float) -> None:
        self.writings = {number: Writing() for number in numbers}
        self.writes = 0
        self._client, self._items, self._template, self._rate = client, items, template, rate
        self._resting = threading.Event()

    def rest(self, resting: bool) -> None:
        """Writes nothing for a while, as where the region is gone with all in it."""
        (self._resting.set if resting else self._resting.clear)()

    def run(self, stop: threading.Event, count: Callable[[], int]) -> None:
        """Until it is stopped; `count` numbers all writes of the drill."""
        due = time.monotonic()
        turn = 0
        numbers = list(self.writings)
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / self._rate, time.monotonic())
            if not self._resting.is_set():
                number = numbers[turn % len(numbers)]
                self._write(number, None if turn % 7 == 6 and number in numbers[:OWN] else count())
                turn += 1

    def _write(self, number: int, state: int | None) -> None:
        table, key, writing = self._items.table.physical_name, self._items.key(number), self.writings[number]
        writing.about_to(state)
        try:
            if state is None:
                self._client.delete_item(TableName=table, Key=native(key))
            else:
                self._client.put_item(TableName=table, Item=self._template.made(key, state))
        except (ClientError, BotoCoreError):
            return  # not acknowledged: it may be there or not
        writing.acknowledged()
        self.writes += 1


class Searcher:
    """Searches through the edge from some locations, whatever became of the searches before."""

    def __init__(self, url: str, index: str, locations: Sequence[str], probes: Sequence[Probe], rate: float) -> None:
        self.searches: list[Search] = []
        self._url, self._index, self._locations, self._probes = url, index, locations, probes
        self._rate = rate
        self._http = urllib3.PoolManager(maxsize=32, retries=False)

    def run(self, stop: threading.Event) -> None:
        """Until it is stopped."""
        due, number = time.monotonic(), 0
        free = {location: threading.Semaphore(_AT_ONCE) for location in self._locations}

        def search(location: str, probe: Probe) -> None:
            self.searches.append(self.ask(location, probe))
            free[location].release()

        with ThreadPoolExecutor(_AT_ONCE * len(free), thread_name_prefix="search") as pool:
            while not stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / self._rate, time.monotonic())
                for location in self._locations:
                    if free[location].acquire(blocking=False):
                        pool.submit(search, location, self._probes[number % len(self._probes)])
                number += 1

    def ask(self, location: str, probe: Probe) -> Search:
        """One search."""
        query = urlencode({"q": probe.words, "index": self._index, "size": 20, "from": location})
        at, began = time.time(), time.monotonic()
        region, failure = "", ""
        try:
            answer = self._http.request("GET", f"{self._url}/search?{query}", timeout=_SEARCH_SECONDS)
            region = answer.headers.get("X-Dynadex-Region", "")
            failure = _failure(answer.status, answer.data, probe)
        except urllib3.exceptions.HTTPError as error:
            failure = type(error).__name__
        return Search(at, location, region, time.monotonic() - began, failure)


def _failure(status: int, body: bytes, probe: Probe) -> str:
    if status != 200:
        return str(status)
    with suppress(ValueError, KeyError, TypeError):
        if any(hit["id"] == probe.id for hit in json.loads(body)["hits"]):
            return ""
    return "not found"


class Observer:
    """Looks at the edge, and at how far behind each region's index is."""

    def __init__(self, url: str, engines: Mapping[str, Engine], index: str, items: DrillItems, numbers: int) -> None:
        self.turns: list[Turn] = []
        #: (when, region, seconds behind): of the newest write that can be found there
        self.lags: list[tuple[float, str, float]] = []
        self.newest: dict[str, int] = {}
        self.healthy: dict[str, bool] = {}
        self._url, self._engines, self._index = url, engines, index
        self._ids = [items.id(number) for number in range(numbers)]
        self._http = urllib3.PoolManager(retries=False)

    def run(self, stop: threading.Event) -> None:
        """Watches the edge until it is stopped."""
        while not stop.wait(_LOOK_SECONDS):
            self.look()

    def look(self) -> Mapping[str, Any]:
        """Each region as the edge knows it now."""
        try:
            answer = self._http.request("GET", f"{self._url}/edge", timeout=5.0)
            regions: Mapping[str, Any] = json.loads(answer.data)["regions"]
        except (urllib3.exceptions.HTTPError, ValueError, KeyError):
            return {}
        for region, state in regions.items():
            if self.healthy.get(region, True) != state["healthy"]:
                at = datetime.fromisoformat(state["since"]).timestamp()
                self.turns.append(Turn(at, region, state["healthy"]))
            self.healthy[region] = state["healthy"]
        return regions

    def measure(self, stop: threading.Event, region: str) -> None:
        """Measures a region's lag until it is stopped."""
        engine = self._engines[region]
        query = {"query": {"ids": {"values": self._ids}}, "version": True, "_source": False, "size": len(self._ids)}
        while not stop.wait(_LAG_SECONDS):
            with suppress(EngineError, KeyError, ValueError):
                found = engine.search(generations.read_alias(engine, self._index), query, timeout=2.0)
                seconds = [versions.second(hit["_version"]) for hit in found["hits"]["hits"]]
                self.newest[region] = max([self.newest.get(region, 0), *seconds])
            if self.newest.get(region):
                self.lags.append((time.time(), region, max(0.0, time.time() - self.newest[region])))


class Load:
    """All of them, side by side."""

    def __init__(self, writers: Mapping[str, Writer], searcher: Searcher, observer: Observer) -> None:
        self.writers, self.searcher, self.observer = writers, searcher, observer
        self._stops: dict[str, threading.Event] = {"searches": threading.Event(), "writes": threading.Event()}
        self._lock = threading.Lock()
        self._count = 0
        stop = self._stops["searches"]
        self._threads = [threading.Thread(target=searcher.run, args=(stop,), daemon=True)]
        self._threads.append(threading.Thread(target=observer.run, args=(stop,), daemon=True))
        for region, writer in writers.items():
            arguments = (self._stops["writes"], self._next)
            self._threads.append(threading.Thread(target=writer.run, args=arguments, daemon=True))
            self._threads.append(threading.Thread(target=observer.measure, args=(stop, region), daemon=True))

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends, when what is under way has ended."""
        for stop in self._stops.values():
            stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

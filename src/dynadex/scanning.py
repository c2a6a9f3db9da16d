"""Reading a table or an index from its beginning to its end, a page at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from .aws import AwsUnavailable
from .core.attributes import AttributeValue
from .core.comparing import loads
from .engine import Engine, EngineError, EngineUnavailable
from .pacing import Budget, Patience
from .table import Page, Table

Key = Mapping[str, AttributeValue]

_SCROLLED_A_PAGE = 1000
#: How long a scroll outlives the request for its last page.
_SCROLL_KEPT = "3m"
#: What goes through a whole index takes its time.
_LONG_SECONDS = 60.0


class Pages:
    """The pages of one segment of a table, each fetched while the one before it is being dealt with.

    `budget` is this segment's share of the read capacity; whoever reads more of the table spends from it too.
    """

    def __init__(
        self,
        table: Table,
        patience: Callable[[], Patience],
        *,
        segment: int = 0,
        total_segments: int = 1,
        read_capacity: float = 0.0,
        consistent: bool = True,
    ) -> None:
        self._table, self._patience = table, patience
        self._segment, self._total_segments, self._consistent = segment, total_segments, consistent
        self._read_capacity = read_capacity
        self.budget = Budget(read_capacity)
        # no page may cost many seconds' budget at once
        self._limit = max(1, int(read_capacity * 2)) if read_capacity else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scan")

    def fetch(self, start: Key | None, patience: Patience | None = None) -> Future[Page]:
        """A page after `start`, to come; raises `OutOfTime` if the table does not answer as long as patience lasts."""
        return self._thread.submit(self._scan, start, patience or self._patience())

    def budget_wait(self) -> float:
        """Seconds until the read budget allows another page."""
        return self.budget.wait()

    def close(self) -> None:
        """Ends the thread; a page under way is let go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _scan(self, start: Key | None, patience: Patience) -> Page:
        attempt = 0
        time.sleep(self.budget.wait())
        while True:
            try:
                page = self._table.scan(
                    start,
                    segment=self._segment,
                    total_segments=self._total_segments,
                    consistent=self._consistent,
                    limit=self._limit,
                )
            except AwsUnavailable as error:
                attempt += 1
                patience.pause(attempt, str(error))
                continue
            self.budget.spend(page.capacity)
            if self._limit and page.items:
                units_an_item = max(page.capacity / len(page.items), 0.5)
                self._limit = max(1, int(self._read_capacity / units_an_item))
            return page


def scroll(
    engine: Engine,
    index: str,
    patience: Callable[[], Patience],
    *,
    source: bool,
    slice: int = 0,
    slices: int = 1,
    page: int = _SCROLLED_A_PAGE,
) -> Iterator[list[Mapping[str, Any]]]:
    """The hits of one slice of an index, a page at a time, with exact numbers and their versions.

    A document written meanwhile may or may not be among them. Raises `EngineUnavailable` where a page is lost on the
    way: the scroll has moved past it, so the slice must begin again.
    """
    body: dict[str, Any] = {"size": page, "sort": ["_doc"], "version": True, "_source": source}
    if slices > 1:
        body["slice"] = {"id": slice, "max": slices}
    path = f"/{quote(index)}/_search?scroll={_SCROLL_KEPT}&allow_partial_search_results=false"
    answer = _asked(engine, path, body, patience(), repeatable=True)
    try:
        while hits := answer["hits"]["hits"]:
            yield hits
            body = {"scroll": _SCROLL_KEPT, "scroll_id": answer["_scroll_id"]}
            answer = _asked(engine, "/_search/scroll", body, patience(), repeatable=False)
    finally:
        # A cluster holds 500 scrolls at most, each until its time is over or somebody says that it is done with.
        with suppress(EngineError):
            engine.ask("DELETE", "/_search/scroll", {"scroll_id": [answer["_scroll_id"]]})


def _asked(engine: Engine, path: str, body: Mapping[str, Any], patience: Patience, *, repeatable: bool) -> Any:
    attempt = 0
    while True:
        try:
            status, answer = engine.send("POST", path, json.dumps(body).encode(), timeout=_LONG_SECONDS)
            if status >= 400:
                kind = EngineUnavailable if status == 429 or status >= 500 else EngineError
                raise kind(status, "search_failed", answer[:300].decode(errors="replace"))
            found = loads(answer)
            if found.get("timed_out") or found["_shards"].get("failed"):
                raise EngineUnavailable(status, "partial_answer", "not all shards answered the search")
            return found
        except EngineUnavailable as error:
            if not repeatable and error.status != 429:
                raise
            attempt += 1
            patience.pause(attempt, str(error))


def count(engine: Engine, index: str, patience: Callable[[], Patience], unseen: Collection[str] = ()) -> int:
    """How many documents the index has but for those of the ids `unseen`, refreshed first so that none is missed."""
    waiting = patience()
    attempt = 0
    while True:
        try:
            engine.ask("POST", f"/{quote(index)}/_refresh", timeout=_LONG_SECONDS)
            return engine.count(index, unseen, timeout=_LONG_SECONDS)
        except EngineUnavailable as error:
            attempt += 1
            waiting.pause(attempt, str(error))

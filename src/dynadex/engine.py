"""OpenSearch and Elasticsearch over HTTP: bulk, mget, search and the little administration that indices need.

Only what both have in common since Elasticsearch 7.10. Nothing is retried here: what can be tried again is answered as
such, or raised as `EngineUnavailable`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from operator import length_hint
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import urllib3

from .core import bulk, heartbeats
from .core.bulk import Answer, Operation, Status
from .core.comparing import loads, unchanged
from .core.writing import Found, Target
from .errors import DynadexError
from .pacing import Patience

#: Bytes a bulk request may have: well below the smallest limit met (10 MiB, on small managed instances).
REQUEST_BYTES = 5 * 1024 * 1024
#: A batch is spread over several connections only where each gets at least this many operations.
OPERATIONS_A_CONNECTION = 250
_LOOKS_A_REQUEST = 250

#: (method, url, headers, body) -> headers with whatever proves who asks.
Auth = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]


class EngineError(DynadexError):
    """The engine refused a request; `status` is HTTP's, `type` the engine's name for the error."""

    def __init__(self, status: int, type: str, reason: str) -> None:
        super().__init__(f"the engine answered {status}, {type}: {reason}")
        self.status, self.type, self.reason = status, type, reason


class EngineUnavailable(EngineError):
    """Not reached, overloaded, or unable to answer now: asking again later is right."""


class Response(NamedTuple):
    status: int
    body: bytes


def no_auth(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    """For an engine that asks nobody who they are."""
    return headers


def basic_auth(username: str, password: str) -> Auth:
    """HTTP's user and password."""
    proof = urllib3.make_headers(basic_auth=f"{username}:{password}")
    return lambda method, url, headers, body: {**headers, **proof}


class Engine:
    """One cluster. `prefix` comes before every index and alias name, for clusters that several users share."""

    def __init__(
        self, url: str, *, auth: Auth = no_auth, prefix: str = "", connections: int = 2, read_timeout: float = 30.0
    ) -> None:
        self.url, self.prefix = url.rstrip("/"), prefix
        self._auth, self._connections, self._read_timeout = auth, connections, read_timeout
        self._pool = urllib3.PoolManager(maxsize=max(8, connections), retries=False)
        self._threads: ThreadPoolExecutor | None = None

    # -- Requests

    def send(
        self, method: str, path: str, body: bytes = b"", *, kind: str = "application/json", timeout: float = 30.0
    ) -> Response:
        """One request, whatever its answer. Raises `EngineUnavailable` where there is none."""
        url = self.url + path
        headers = self._auth(method, url, {"Content-Type": kind} if body else {}, body)
        limit = urllib3.Timeout(connect=min(3.0, timeout), read=timeout, total=timeout)
        try:
            answer = self._pool.request(method, url, body=body or None, headers=headers, timeout=limit)
        except urllib3.exceptions.HTTPError as error:
            raise EngineUnavailable(0, type(error).__name__, f"{self.url} does not answer: {error}") from error
        return Response(answer.status, answer.data)

    def ask(
        self, method: str, path: str, body: Any = None, *, timeout: float | None = None, **parameters: str | int
    ) -> Any:
        """One JSON request. Raises `EngineError`, or `EngineUnavailable` for 429 and 5xx."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        data = b"" if body is None else json.dumps(body).encode()
        status, answer = self.send(method, path + query, data, timeout=timeout or self._read_timeout)
        if status >= 400:
            raise _error(status, answer)
        return json.loads(answer) if answer else None

    # -- The protocol's requests

    def write(self, operations: Iterable[Operation], patience: Patience) -> list[Answer]:
        """Sends the operations in as many requests as size asks for; one answer for each, in order.

        A request is sent as soon as it is full, while the next one's operations are being made.
        """
        expected = length_hint(operations)
        connections = max(1, min(self._connections, expected // OPERATIONS_A_CONNECTION))
        most = -(-expected // connections)
        sent: list[Future[list[Answer]]] = []
        lines: list[bytes] = []
        bytes_ = 0
        try:
            for line in bulk.lines(operations):
                if lines and (len(lines) == most or bytes_ + len(line) > REQUEST_BYTES):
                    sent.append(self._side_by_side().submit(self._bulk, lines, patience))
                    lines, bytes_ = [], 0
                lines.append(line)
                bytes_ += len(line)
            if not sent:
                return self._bulk(lines, patience) if lines else []
            sent.append(self._side_by_side().submit(self._bulk, lines, patience))
        finally:
            wait(sent)  # nothing is under way when this ends, even if an operation could not be made
        return [answer for request in sent for answer in request.result()]

    def _bulk(self, lines: Sequence[bytes], patience: Patience) -> list[Answer]:
        # require_alias: a generation's write alias goes with it, so a late write never makes an index of its name anew
        path = f"/_bulk?require_alias=true&filter_path={bulk.FILTER_PATH}"
        timeout = self._timeout(patience)
        try:
            status, body = self.send("POST", path, b"".join(lines), kind="application/x-ndjson", timeout=timeout)
        except EngineUnavailable as away:
            return [Answer(Status.RETRY, 0, away.type, away.reason)] * len(lines)
        if status == 200:
            return bulk.read(body, len(lines))
        if status in (400, 413):  # of the request as a whole: find the operation it is about
            if len(lines) == 1:
                error = _error(status, body)
                return [Answer(Status.REFUSED, 0, error.type, error.reason)]
            half = len(lines) // 2
            return self._bulk(lines[:half], patience) + self._bulk(lines[half:], patience)
        error = _error(status, body)
        return [Answer(Status.RETRY, 0, error.type, f"HTTP {status}: {error.reason}")] * len(lines)

    def look(
        self, targets: Sequence[Target], patience: Patience, texts: Sequence[bytes | None] = ()
    ) -> list[Found | Answer | None]:
        """Fetches documents as they are now, searchable or not yet.

        `texts`, one for each target if given, are documents as JSON; one that is there byte for byte like that is found
        with this text as its source.
        """
        if len(targets) <= _LOOKS_A_REQUEST:
            return self._mget(targets, patience, texts) if targets else []

        def part(start: int) -> list[Found | Answer | None]:
            end = start + _LOOKS_A_REQUEST
            return self._mget(targets[start:end], patience, texts[start:end])

        parts = self._side_by_side().map(part, range(0, len(targets), _LOOKS_A_REQUEST))
        return [one for found in parts for one in found]

    def _mget(
        self, targets: Sequence[Target], patience: Patience, texts: Sequence[bytes | None]
    ) -> list[Found | Answer | None]:
        body = json.dumps({"docs": [{"_index": alias, "_id": id} for alias, id in targets]}).encode()
        try:
            status, answer = self.send("POST", "/_mget", body, timeout=self._timeout(patience))
            if status != 200:
                raise _error(status, answer)
            wanted = [text for text in texts if text is not None]
            if texts and len(wanted) == len(targets) and (versions := unchanged(answer, wanted)):
                return [Found(version, text) for version, text in zip(versions, wanted, strict=True)]
            documents = loads(answer)["docs"]
            if len(documents) != len(targets):
                raise ValueError("another number of documents")
        except (EngineError, ValueError, KeyError) as error:
            return [Answer(Status.RETRY, 0, type(error).__name__, str(error))] * len(targets)
        return [_found(document) for document in documents]

    def _side_by_side(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._connections, thread_name_prefix="engine")
        return self._threads

    def _timeout(self, patience: Patience) -> float:
        return max(0.5, min(self._read_timeout, patience.left()))

    # -- Searching

    def search(self, index: str, body: Mapping[str, Any], *, timeout: float = 10.0) -> Any:
        """A search on an index or alias; `body` and the answer are the engine's own, its numbers exact."""
        status, answer = self.send("POST", f"/{quote(index)}/_search", json.dumps(body).encode(), timeout=timeout)
        if status >= 400:
            raise _error(status, answer)
        return loads(answer)

    def count(self, index: str, unseen: Collection[str] = (), *, timeout: float = 10.0) -> int:
        """How many documents searches can find in an index or alias, but for those of the ids `unseen`."""
        query = heartbeats.left_out({"match_all": {}}, unseen)
        return int(self.ask("POST", f"/{quote(index)}/_count", {"query": query}, timeout=timeout)["count"])


def _found(document: Mapping[str, Any]) -> Found | Answer | None:
    match document:
        case {"found": True, "_version": version, "_source": source}:
            return Found(version, source)
        case {"found": False}:
            return None
    return Answer(Status.RETRY, 0, "not_answered", str(document.get("error", "an answer without a document"))[:300])


def _error(status: int, body: bytes) -> EngineError:
    type, reason = "error", body[:200].decode(errors="replace")
    try:
        error = json.loads(body).get("error", {})
        if isinstance(error, dict):
            type, reason = str(error.get("type", type)), str(error.get("reason", reason))
        else:
            reason = str(error)
    except (ValueError, AttributeError):
        pass
    return (EngineUnavailable if status == 429 or status >= 500 else EngineError)(status, type, reason)

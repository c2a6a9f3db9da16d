"""A door in front of an engine behind which requests get lost, come late, come twice, or are refused.

Which faults there are, in which order and how long each lasts, follows from a seed; which request each one meets is up
to the threads that send them.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import orjson

from tests.platform.engine_door import EngineDoor, Request, Response, refused

Send = Callable[[Request], Response]

#: What can become of a bulk request.
FAULTS = (
    "delay",
    "lost request",  # the connection is cut before the request reaches the engine
    "lost answer",  # the connection is cut after the engine has applied it
    "doubled request",  # answered, and sent to the engine once more later
    "late request",  # the sender is told nothing and gives up; it reaches the engine later
    "late and cut",  # the same, but the sender learns at once that it is cut off
    "partial failure",  # some of its operations are refused with 429
    "429",
    "503",
)
#: What can become of another request.
_LOOK_FAULTS = ("delay", "lost request", "503")

_BUSY = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "the door says so"}}


class FaultProxy(EngineDoor):
    """One request in `one_in` meets a fault, as long as it is `faulty`. `met` counts them by name."""

    def __init__(self, engine_url: str, seed: int, one_in: int = 5, longest_hold: float = 3.0) -> None:
        self.faulty = True
        self.met: Counter[str] = Counter()
        self.late: list[float] = []  # seconds by which requests came late
        self._random = random.Random(seed)
        self._one_in, self._longest_hold = one_in, longest_hold
        self._changed = threading.Condition()
        self._held = 0
        super().__init__(engine_url)

    def deliver(self) -> None:
        """No more faults; sends on what is held, and returns when the engine has it all."""
        with self._changed:
            self.faulty = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._held)

    def answer(self, request: Request, send: Send) -> Response | None:
        fault, size = self._draw("/_bulk" in request.path)
        match fault:
            case "delay":
                self._hold(size * 0.4)
            case "lost request":
                return None
            case "lost answer":
                send(request)
                return None
            case "doubled request":
                response = send(request)
                self._later(request, size)
                return response
            case "late request":
                self._arrives(request, size)
                return None
            case "late and cut":
                self._later(request, size)
                return None
            case "partial failure":
                return _in_part(request, send, self._below)
            case "429" | "503":
                return refused(int(fault))
        return send(request)

    def _draw(self, is_bulk: bool) -> tuple[str, float]:
        with self._changed:
            self.requests += 1
            if not self.faulty or self._random.randrange(self._one_in):
                return "", 0.0
            size = self._random.random()
            fault = self._random.choice(FAULTS)
            if not is_bulk and fault not in _LOOK_FAULTS:
                return "", 0.0
            self.met[fault] += 1
            if fault in ("doubled request", "late request", "late and cut"):
                self._held += 1
            return fault, size

    def _below(self, bound: int) -> int:
        with self._changed:
            return self._random.randrange(bound)

    def _later(self, request: Request, size: float) -> None:
        threading.Thread(target=self._arrives, args=(request, size), daemon=True).start()

    def _arrives(self, request: Request, size: float) -> None:
        began = time.monotonic()
        self._hold(size * size * self._longest_hold)
        connection = self.connection()  # one of its own: the sender's may be gone by then
        try:
            _sent_for_certain(connection, request)
        finally:
            connection.close()
            with self._changed:
                self.late.append(time.monotonic() - began)
                self._held -= 1
                self._changed.notify_all()

    def _hold(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self.faulty, seconds)


def _sent_for_certain(connection: http.client.HTTPConnection, request: Request) -> None:
    connection.request(request.method, request.path, request.body, dict(request.headers))
    connection.getresponse().read()


def _in_part(request: Request, send: Send, below: Callable[[int], int]) -> Response:
    """Sends on some operations of a bulk request; the others are answered 429."""
    lines = iter(request.body.splitlines(keepends=True))
    operations = [[line] if line.startswith(b'{"delete"') else [line, next(lines)] for line in lines]
    passed = [below(2) == 1 for _ in operations]
    body = b"".join(line for operation, passes in zip(operations, passed, strict=True) if passes for line in operation)
    answers = iter(())
    if body:
        response = send(request._replace(body=body))
        if response.status != 200:
            return response
        answers = iter(orjson.loads(response.body)["items"])
    items = [next(answers) if passes else {"index": _BUSY} for passes in passed]
    answer = {"errors": True, "items": items}
    return Response(200, {"content-type": "application/json"}, orjson.dumps(answer))

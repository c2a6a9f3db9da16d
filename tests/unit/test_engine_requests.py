"""How the engine's client sends operations: in which requests, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dynadex.core.bulk import APPLIED, Operation
from dynadex.core.writing import Making
from dynadex.engine import Engine, Response
from dynadex.pacing import Patience


class Wire(Engine):
    """Takes everything; notes how many operations each request has. `arrived` is set by the first."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.requests: list[int] = []
        self.arrived, self.held = threading.Event(), threading.Event()
        self.held.set()

    def send(self, method: str, path: str, body: bytes = b"", **_: Any) -> Response:
        self.requests.append(body.count(b'{"index"'))
        self.arrived.set()
        assert self.held.wait(10)
        return Response(200, b'{"errors":false}')


def operations(count: int, length: int = 2) -> Iterator[Operation]:
    for number in range(count):
        yield Operation("x-v1-Write", f"k{number}", 1, b"{%b}" % (b" " * (length - 2)))


@pytest.mark.parametrize(
    ("count", "requests"),
    [(0, []), (1, [1]), (499, [499]), (500, [250, 250]), (1000, [500, 500]), (1301, [651, 650])],
)
def test_a_batch_is_spread_over_the_connections_where_each_has_enough(count: int, requests: list[int]) -> None:
    wire = Wire()
    assert wire.write(Making(operations(count), count), Patience(10)) == [APPLIED] * count
    assert sorted(wire.requests, reverse=True) == requests


def test_no_request_has_more_bytes_than_an_engine_takes() -> None:
    wire = Wire()
    assert wire.write(list(operations(12, 1_000_000)), Patience(10)) == [APPLIED] * 12
    assert sorted(wire.requests) == [2, 5, 5]


def test_the_first_request_is_sent_while_operations_are_still_being_made() -> None:
    wire = Wire()

    def making() -> Iterator[Operation]:
        yield from operations(600)
        assert wire.arrived.wait(10)
        yield from operations(400)

    assert wire.write(Making(making(), 1000), Patience(10)) == [APPLIED] * 1000


def test_nothing_is_under_way_any_more_when_an_operation_cannot_be_made() -> None:
    wire = Wire()
    wire.held.clear()

    def making() -> Iterator[Operation]:
        yield from operations(600)
        threading.Timer(0.2, wire.held.set).start()
        raise MemoryError

    with pytest.raises(MemoryError):
        wire.write(Making(making(), 1000), Patience(10))
    assert wire.held.is_set()


def test_operations_that_were_made_are_the_same_when_they_are_asked_for_again() -> None:
    made = Making(operations(3), 3)
    assert [operation.id for operation, _ in zip(made, range(2), strict=False)] == ["k0", "k1"]
    assert [operation.id for operation in made] == ["k0", "k1", "k2"]
    assert list(made) == list(made) == list(operations(3))


def test_whether_there_are_any_is_told_by_making_the_first() -> None:
    source = operations(3)
    made = Making(source, 3)
    assert made
    assert next(source).id == "k1"
    assert not Making(operations(0), 3)

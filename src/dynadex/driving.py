"""Runs a protocol of `core.writing` against the real engine and the real table."""

from __future__ import annotations

from typing import Any, TypeVar

from .core.writing import Look, Pause, Protocol, Read, Write
from .engine import Engine
from .pacing import Patience
from .table import Table

T = TypeVar("T")


def drive(protocol: Protocol[T], table: Table, engine: Engine, patience: Patience) -> T:
    """Answers the protocol's requests until it returns. Raises `OutOfTime` when patience ends: all may come again."""
    answer: Any = None
    while True:
        try:
            request = protocol.send(answer)
        except StopIteration as finished:
            result: T = finished.value
            return result
        match request:
            case Write(operations):
                answer = engine.write(operations, patience)
            case Look(targets):
                answer = engine.look(targets, patience)
            case Read(keys):
                answer = table.read(keys)
            case Pause(attempt, reason):
                patience.pause(attempt, reason)
                answer = None

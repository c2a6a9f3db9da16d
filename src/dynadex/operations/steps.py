"""How an operation tells what it is doing; the CLI shows it, tests listen or do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Bar(Protocol):
    """A long step's progress."""

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """So many of so many items are done; `total` is None where it is not known."""

    def fail(self) -> None:
        """It has come to its end, but not to that which was wanted."""


class Steps(Protocol):
    """What an operation calls as it goes. Steps may run side by side, in threads."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """A step that takes a while: told when it ends, with its time, or how it failed."""

    def say(self, text: str) -> None:
        """Something worth knowing."""

    def bar(self, title: str) -> AbstractContextManager[Bar]:
        """A long step with progress."""


class Quiet:
    """Tells nobody."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step."""
        yield

    def say(self, text: str) -> None:
        """Something worth knowing."""

    @contextmanager
    def bar(self, title: str) -> Iterator[Bar]:
        """A long step."""
        yield self

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Progress."""

    def fail(self) -> None:
        """A failure."""

"""Where all of a schedule's chance comes from.

A schedule is a function of its choices, each a number below some bound, and nothing else is random. 0 is always the
tamest choice (the first actor, no fault, no time passing), so a list of choices gets simpler as it gets shorter or
smaller: that is what the shrinker works on.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class Choices:
    """Choices drawn from a seed."""

    __slots__ = ("_random",)

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1."""
        return int(self._random() * bound)


class Recorded(Choices):
    """Choices drawn from a seed, written down in `made`."""

    __slots__ = ("made",)

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.made: list[int] = []

    def below(self, bound: int) -> int:
        choice = int(self._random() * bound)
        self.made.append(choice)
        return choice


class Replayed(Choices):
    """Choices read from a list; past its end, 0. What was used, `made`, is the list with every choice in its bounds."""

    __slots__ = ("_given", "made")

    def __init__(self, given: Sequence[int]) -> None:
        self._given = given
        self.made: list[int] = []

    def below(self, bound: int) -> int:
        at = len(self.made)
        choice = self._given[at] % bound if at < len(self._given) else 0
        self.made.append(choice)
        return choice

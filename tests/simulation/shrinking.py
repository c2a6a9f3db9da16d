"""Makes the choices of a failing schedule fewer and smaller while it still fails by the same checker."""

from __future__ import annotations

from collections.abc import Sequence

from . import schedule
from .choices import Recorded, Replayed

#: Schedules that one shrinking may try.
MOST_TRIES = 4000


def recorded(seed: int) -> list[int]:
    """The choices that a seed makes."""
    choices = Recorded(seed)
    schedule.run(choices)
    return choices.made


def shrink(choices: Sequence[int], most: int = MOST_TRIES) -> list[int]:
    """The shortest list of choices found that fails as the given ones do; they must fail."""
    checker = schedule.run(Replayed(choices))[0].checker
    assert checker, "these choices do not fail"
    best = _trimmed(list(choices))
    tries = 0

    def fails(candidate: list[int]) -> bool:
        nonlocal best, tries
        tries += 1
        replayed = Replayed(candidate)
        if schedule.run(replayed)[0].checker != checker:
            return False
        made = _trimmed(replayed.made)
        if (len(made), sum(made)) >= (len(best), sum(best)):
            return False
        best = made
        return True

    before = None
    while before != best and tries < most:
        before = best
        size = len(best) // 2
        while size and tries < most:  # leave out whole pieces
            at = 0
            while at < len(best) and tries < most:
                if not fails(best[:at] + best[at + size :]):
                    at += size
            size //= 2
        size = 8
        while size and tries < most:  # make pieces tame
            for at in range(0, len(best), size):
                piece = best[at : at + size]
                if any(piece):
                    fails(best[:at] + [0] * len(piece) + best[at + size :])
            size //= 2
        for at in range(len(best)):
            while at < len(best) and best[at] > 1 and tries < most:
                if not fails([*best[:at], best[at] // 2, *best[at + 1 :]]):
                    break
    return best


def _trimmed(choices: list[int]) -> list[int]:
    end = len(choices)
    while end and choices[end - 1] == 0:  # what a list does not have is 0 anyway
        end -= 1
    return choices[:end]

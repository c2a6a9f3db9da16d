"""Every loop ends: once nothing goes wrong any more, everything comes to rest within a bound."""

from __future__ import annotations

from ..world import Violation, World

#: Rounds, in each of which every actor takes a step.
ROUNDS = 1500


def ended(world: World, rounds: int) -> None:
    """Checks that it did not take too long."""
    if rounds > ROUNDS:
        raise Violation("loops end", None, f"nothing goes wrong any more, but after {ROUNDS} rounds it is not over")

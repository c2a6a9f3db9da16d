"""Wrong protocols, each of which the simulator must catch.

A mutant is a small edit of the product or of the model of an operation (`edits`), or another scheme altogether, as
known peers have it (`peers`). `ALL` has them by name. `BOUND` schedules are what each may take to be caught.
"""

from __future__ import annotations

from . import edits, peers
from .edits import Mutant

#: A mutant that is not caught within so many schedules survives.
BOUND = 250_000

#: Random schedules come upon these about once in a quarter of a million or less: the recorded one is tried first.
RARE = frozenset({"redrive-below-what-failed"})

ALL: dict[str, Mutant] = {mutant.name: mutant for mutant in (*edits.MUTANTS, *peers.MUTANTS)}

"""The simulator sees: it catches every wrong protocol."""

from __future__ import annotations

from . import mutants, running


def test_every_mutant_is_caught() -> None:
    hunts = list(running.hunt_all())
    assert {hunt.name for hunt in hunts} == set(mutants.ALL)
    survivors = [f"{hunt.name}: {mutants.ALL[hunt.name].wrong}" for hunt in hunts if hunt.seed is None]
    assert not survivors, "\n".join(survivors)


def test_a_mutant_leaves_the_product_as_it_was() -> None:
    hunt = running.hunt("no-settle")
    assert hunt.seed is not None
    assert running.run(range(hunt.seed, hunt.seed + 1)).violations == 0

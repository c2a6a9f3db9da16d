"""Mending documents whose id is no key of the table: no item can be behind them."""

from __future__ import annotations

from dynadex.core import writing
from dynadex.core.writing import Outcome, Read, Request, Write
from tests.unit.core.writing_world import V, World, at, document, feeds, item, key


def test_mending_deletes_a_document_whose_id_is_no_key_and_reads_nothing_for_it() -> None:
    world = World(index={at("foreign"): (V, document("foreign")), at("a"): (V, document("a", "old"))})
    world.table = {"a": item("a"), "foreign": item("foreign")}
    outcome = world.run(writing.mend({"foreign": None, "a": key("a")}, feeds()))
    assert world.index[at("foreign")] == (V + 1, None)
    assert world.index[at("a")] == (V + 1, document("a"))
    assert [list(request.keys) for request in world.requests if isinstance(request, Read)] == [["a"]]
    assert (outcome.deleted, outcome.indexed, outcome.settled) == (1, 1, 2)


def test_mending_an_id_that_is_no_key_writes_nothing_where_no_document_is() -> None:
    world = World(index={at("foreign"): (V, None)})
    assert world.run(writing.mend({"foreign": None, "never": None}, feeds())) == Outcome()
    assert world.asked == ["Look"]


def test_mending_a_foreign_document_that_somebody_writes_goes_on_from_the_new_version() -> None:
    world = World(index={at("foreign"): (V, document("foreign"))})
    rivals = iter([V + 300])

    def interfere(request: Request) -> None:
        if isinstance(request, Write) and (rival := next(rivals, None)):
            world.index[at("foreign")] = (rival, document("foreign", "rival"))

    world.before = interfere
    world.run(writing.mend({"foreign": None}, feeds()))
    assert world.index[at("foreign")] == (V + 301, None)

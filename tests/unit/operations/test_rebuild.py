"""The steps of a rebuild: in which order they come, and that a run can end anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from dynadex import generations
from dynadex.core import versions
from dynadex.engine import EngineError, EngineUnavailable
from dynadex.functions.service import ALIAS_CACHE_SECONDS
from dynadex.operations import deployed, refill
from dynadex.operations import verify as verifying
from dynadex.operations.mapping_changes import mapping_changes
from dynadex.operations.rebuild import RebuildRefused, Rebuilt, progress, rebuild, roll_back
from dynadex.operations.rebuild_steps import DROP, FORWARD, Options, RebuildError
from dynadex.operations.refill import Refill
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud
from dynadex.verifying import Counts, Example
from tests.unit.functions.function_fakes import project as a_project
from tests.unit.operations.rebuild_cluster import STREAM_TIMEOUT, Killed, Region, place_of

OLD = {"settings": {"index": {"number_of_replicas": 2}}, "mappings": {"properties": {"a": {"type": "text"}}}}
NEW = {"settings": {"index": {"number_of_replicas": 2}}, "mappings": {"properties": {"a": {"type": "keyword"}}}}
OTHER = {"mappings": {"dynamic": False}}
REFUSED = {"mappings": {"refused": True}}
V1, V2 = "eu-lessons-v1", "eu-lessons-v2"
READ, FED, BOTH = (True, False), (False, True), (True, True)


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Region:
    """Searches read the first generation, made of OLD."""
    made = Region()
    made.cluster.indices[V1] = generations.definition(OLD) | {
        "aliases": {"eu-lessons": {"is_write_index": True}, "eu-lessons-feed": {}, f"{V1}-Write": {}}
    }
    monkeypatch.setattr(deployed, "outputs", lambda *place: {"StreamFunctionArn": "stream"})
    monkeypatch.setattr("dynadex.operations.rebuild_steps.time.sleep", made.sleep)
    for module, name, instead in (
        (refill, "start", made.start_refill),
        (refill, "take_up", made.take_up),
        (refill, "wait", made.wait_refill),
        (verifying, "start", made.start_verify),
        (verifying, "follow", made.follow),
    ):
        monkeypatch.setattr(module, name, instead)
    return made


def run(region: Region, mapping: Any = NEW, *, back: bool = False, **asked: Any) -> Rebuilt:
    project = a_project()
    index = replace(project.indexes["lessons"], mapping=mapping)
    do = roll_back if back else rebuild
    return do(project, cast("Cloud", region), "eu-west-1", index, Options(**asked), Quiet())


def states(region: Region, mapping: Any = NEW) -> list[tuple[str, str]]:
    project = a_project()
    index = replace(project.indexes["lessons"], mapping=mapping)
    shown = progress(project, cast("Cloud", region), "eu-west-1", index, Options())
    return [(one.name, one.state) for one in shown]


def places(region: Region) -> dict[str, tuple[bool, bool]]:
    return {name: place_of(one) for name, one in region.cluster.indices.items()}


def test_all_steps_in_their_order_and_nothing_else(region: Region) -> None:
    made = run(region, drop_old=True)
    assert made.steps == ("create", "feed", "wait", "refill", "restore", "verify", "swap", "detach", "wait", "drop")
    assert made.steps == tuple(step.name for step in (*FORWARD, *DROP))
    assert (made.read, made.kept, made.dropped) == (V2, (), (V1,))
    assert (made.items, made.documents, made.failures) == (10, 10, 0)
    assert made.changes == ('~ mappings.properties.a.type: "text" -> "keyword"',)
    assert [line for line in region.cluster.log if "_mapping" not in line] == [
        f"PUT /{V2}",
        "POST /_aliases",
        f"refill 1 of {V2}",
        f"PUT /{V2}/_settings",
        f"POST /{V2}/_refresh",
        f"verify {V2}",
        f"POST /{V2}/_refresh",
        "POST /_aliases",
        "POST /_aliases",
        f"DELETE /{V1}",
    ]
    assert places(region) == {V2: BOTH}
    assert region.cluster.indices[V2]["settings"]["index.number_of_replicas"] == 2


def test_the_former_generation_is_kept_and_fed_until_it_is_dropped(region: Region) -> None:
    assert run(region).kept == (V1,)
    assert places(region) == {V1: FED, V2: BOTH}
    again = run(region)
    assert (again.steps, again.kept) == ((), (V1,))
    assert run(region, drop_old=True).steps == ("detach", "wait", "drop")


def test_the_first_page_is_newer_than_anything_that_was_written_before_all_functions_saw(region: Region) -> None:
    began = region.now
    run(region)
    ((generation, when),) = region.started
    assert generation == V2
    assert when - began >= ALIAS_CACHE_SECONDS + STREAM_TIMEOUT + versions.MARGIN_SECONDS


def test_nothing_is_dropped_before_no_function_writes_to_it(region: Region) -> None:
    run(region)
    began = region.now
    run(region, drop_old=True)
    assert region.now - began >= ALIAS_CACHE_SECONDS + STREAM_TIMEOUT


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_ends_at_any_request_is_taken_up(region: Region, after: bool) -> None:
    """Ended at each request that changes something, and then again and again after a few, until nothing is to do."""
    run(region, drop_old=True)
    requests = region.cluster.changes
    assert requests > 15
    for kill_at in range(1, requests + 1):
        _again(region)
        assert _ends(region, kill_at, after)
        runs = 1
        while _ends(region, 4, after):  # a step has three at most
            runs += 1
            assert runs < requests
        assert places(region) == {V2: BOTH}, kill_at
        assert region.cluster.indices[V2]["settings"]["index.refresh_interval"] is None
        assert all(when >= _fed_at(region) + ALIAS_CACHE_SECONDS + STREAM_TIMEOUT for _, when in region.started)


def _ends(region: Region, kill_at: int, after: bool) -> bool:
    """Whether the run came to the request at which it is to be killed."""
    region.cluster.survive(kill_at, after)
    try:
        run(region, drop_old=True)
    except Killed:
        return True
    except RebuildRefused:  # it was ended behind the last request
        assert kill_at == 0 or places(region) == {V2: BOTH}
    return False


def _again(region: Region) -> None:
    region.started.clear()
    region.cluster.indices.clear()
    region.cluster.indices[V1] = generations.definition(OLD) | {
        "aliases": {"eu-lessons": {}, "eu-lessons-feed": {}, f"{V1}-Write": {}}
    }


def _fed_at(region: Region) -> float:
    notes: dict[str, Any] = region.cluster.indices[V2]["mappings"]["_meta"]["dynadex"]
    return float(notes["fed"])


def test_the_view_of_all_steps_says_what_is_done_now_and_to_come(region: Region) -> None:
    names = [step.name for step in FORWARD]
    assert states(region) == list(zip(names, ["now"] + ["to come"] * 6, strict=True))
    region.refills = [Refill("FAILED", 3, 3, 0, 1, 1.0, "x", "the engine is away")]
    with pytest.raises(RebuildError, match="ended as FAILED: the engine is away"):
        run(region)
    assert states(region) == list(zip(names, ["done"] * 3 + ["now"] + ["to come"] * 3, strict=True))
    run(region)
    assert states(region)[:7] == [(name, "done") for name in names]
    assert states(region)[7:] == [("detach", "now"), ("wait", "to come"), ("drop", "to come")]


def test_dropping_what_is_dropped_already_is_no_mistake(region: Region) -> None:
    run(region, drop_old=True)
    again = run(region, drop_old=True)
    assert (again.read, again.steps, again.dropped, again.kept) == (V2, (), (), ())


def test_a_refill_that_failed_goes_on_from_its_last_key(region: Region) -> None:
    region.refills = [Refill("TIMED_OUT", 3, 3, 0, 1, 1.0, "x", "")]
    with pytest.raises(RebuildError, match="goes on from where it was"):
        run(region)
    assert places(region) == {V1: BOTH, V2: FED}
    run(region)
    assert f"take up refill 1 of {V2}" in region.cluster.log
    assert len(region.started) == 1


def test_failures_stop_it_before_the_swap_until_they_are_accepted(region: Region) -> None:
    some = Refill("SUCCEEDED", 10, 8, 2, 1, 1.0, "x")
    region.refills = [some, some]
    for _ in range(2):  # each time it is filled anew
        with pytest.raises(RebuildError, match="cannot take 2 of 10 items"):
            run(region)
    assert len(region.started) == 2
    region.finds = [Counts(items=10, documents=8, missing=2)]
    made = run(region, accept_failures=True)
    assert (made.read, made.failures, len(region.started)) == (V2, 2, 2)


def test_a_refill_that_is_made_anew_must_come_to_its_end_too(region: Region) -> None:
    region.refills = [
        Refill("SUCCEEDED", 10, 8, 2, 1, 1.0, "x"),
        Refill("ABORTED", 3, 3, 0, 1, 1.0, "x"),
    ]
    for reason in ("cannot take 2 of 10 items", "ended as ABORTED"):
        with pytest.raises(RebuildError, match=reason):
            run(region)
    made = run(region, accept_failures=True)
    assert made.steps == ("refill", "restore", "verify", "swap")
    assert f"take up refill 2 of {V2}" in region.cluster.log


@pytest.mark.parametrize(
    "found",
    [Counts(missing=3), Counts(missing=1, ghosts=1), Counts(stale=2, failed=1)],
    ids=lambda found: f"{found.missing}-{found.stale}-{found.ghosts}-{found.failed}",
)
def test_accepted_failures_excuse_no_other_difference(region: Region, found: Counts) -> None:
    region.refills = [Refill("SUCCEEDED", 10, 8, 2, 1, 1.0, "x")]
    region.finds = [found]
    with pytest.raises(RebuildError, match="differs from the table"):
        run(region, accept_failures=True)
    assert places(region) == {V1: BOTH, V2: FED}


def test_differences_stop_it_and_it_is_filled_anew(region: Region) -> None:
    region.finds = [Counts(stale=1, examples=[Example("one", "stale", "title")])]
    with pytest.raises(RebuildError, match=r"1 stale(.|\n)*stale: one title(.|\n)*--rollback --drop-new gives up"):
        run(region)
    assert places(region) == {V1: BOTH, V2: FED}
    assert run(region).steps == ("refill", "verify", "swap")


def test_what_was_verified_long_ago_is_verified_again(region: Region) -> None:
    run(region)
    assert run(region, back=True).read == V1
    assert run(region, force=True).steps == ("swap",)
    assert run(region, back=True).read == V1
    region.now += 7200
    assert run(region, force=True).steps == ("verify", "swap")


def test_the_way_back_and_what_becomes_of_the_new_one(region: Region) -> None:
    run(region)
    back = run(region, back=True)
    assert (back.steps, back.read, back.kept, back.newer_kept) == (("swap back",), V1, (V2,), True)
    with pytest.raises(RebuildError, match="were taken back from"):
        run(region, drop_old=True)
    assert places(region) == {V1: BOTH, V2: FED}
    gone = run(region, back=True, drop_new=True)
    assert (gone.steps, gone.dropped) == (("detach", "wait", "drop"), (V2,))
    assert places(region) == {V1: BOTH}


def test_a_generation_that_was_not_fed_for_a_while_is_filled_anew(region: Region) -> None:
    run(region)
    run(region, back=True)
    region.cluster.survive(kill_at=3)  # after the alias and its note
    with pytest.raises(Killed):
        run(region, back=True, drop_new=True)
    assert places(region) == {V1: BOTH, V2: (False, False)}
    made = run(region, force=True)
    assert made.steps == ("feed", "wait", "refill", "restore", "verify", "swap")
    assert len(region.started) == 2


def test_a_generation_that_somebody_detaches_meanwhile_is_not_read(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(region)
    ask = region.cluster.ask

    def overtaken(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if path == f"/{V1}/_refresh":
            generations.detach(cast("Any", region.cluster), "lessons", V1)
        return ask(method, path, body, **parameters)

    monkeypatch.setattr(region.cluster, "ask", overtaken)
    with pytest.raises(RebuildError, match=f"somebody else is dropping {V1} just now"):
        run(region, back=True)
    assert places(region) == {V1: (False, False), V2: BOTH}


def test_there_is_no_way_back_to_what_has_missed_writes(region: Region) -> None:
    run(region)
    region.cluster.survive(kill_at=2)
    with pytest.raises(Killed):
        run(region, drop_old=True)
    region.cluster.survive()
    with pytest.raises(RebuildError, match=f"{V1} is fed no more, so it has missed writes"):
        run(region, back=True)
    assert run(region, drop_old=True).dropped == (V1,)


def test_what_cannot_be_done_is_refused_with_what_can(region: Region) -> None:
    with pytest.raises(RebuildRefused, match="nothing to do; --force"):
        run(region, OLD)
    with pytest.raises(RebuildRefused, match="nothing to go back to"):
        run(region, back=True)
    with pytest.raises(RebuildError, match="refuses the mapping of lessons, and nothing was changed: mapper_parsing"):
        run(region, REFUSED)
    assert places(region) == {V1: BOTH}
    region.refills = [Refill("FAILED", 0, 0, 0, 1, 1.0, "x", "")]
    with pytest.raises(RebuildError, match="ended as FAILED"):
        run(region)
    with pytest.raises(RebuildError, match=f"to another mapping is under way.*{V2}"):
        run(region, OTHER)
    with pytest.raises(RebuildRefused, match=f"read {V1} already; --rollback --drop-new gives {V2} up"):
        run(region, back=True)
    run(region)
    with pytest.raises(RebuildError, match=f"{V1} is still kept from the last rebuild"):
        run(region, OTHER)


@pytest.mark.parametrize(
    ("former", "new", "seconds"),
    [("green", ["yellow"] * 5 + ["green"], 10), ("yellow", ["yellow"], 0), ("green", ["yellow"] * 1000, 600)],
    ids=["made in time", "the former one has none either", "never made"],
)
def test_copies_are_waited_for_but_not_for_ever(
    region: Region, monkeypatch: pytest.MonkeyPatch, former: str, new: list[str], seconds: float
) -> None:
    clock = region.now
    monkeypatch.setattr("dynadex.operations.rebuild_steps.time.monotonic", lambda: region.now)
    ask, healths = region.cluster.ask, iter(new)

    def health(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if path == f"/_cluster/health/{V1}":
            nonlocal clock
            clock = region.now
            return {"status": former}
        return {"status": next(healths)} if "health" in path else ask(method, path, body, **parameters)

    monkeypatch.setattr(region.cluster, "ask", health)
    assert run(region).read == V2
    assert seconds <= region.now - clock < seconds + 5


def test_who_may_not_know_of_copies_does_not_wait_for_them(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = region.cluster.ask

    def forbidden(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if "health" in path:
            raise EngineError(403, "security_exception", "no permissions")
        return ask(method, path, body, **parameters)

    monkeypatch.setattr(region.cluster, "ask", forbidden)
    assert run(region).read == V2


def test_an_engine_that_is_away_for_a_moment_is_asked_again(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, away = region.cluster.ask, iter([1, 1, 1])

    def now_and_then(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        answer = ask(method, path, body, **parameters)
        if method != "GET" and next(away, 0):
            raise EngineUnavailable(503, "away", "busy")
        return answer

    monkeypatch.setattr(region.cluster, "ask", now_and_then)
    assert run(region, drop_old=True).read == V2
    assert places(region) == {V2: BOTH}


def test_an_engine_that_refuses_is_not_asked_again(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = region.cluster.ask

    def forbidden(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if method == "GET":
            return ask(method, path, body, **parameters)
        raise EngineError(403, "security_exception", "no permissions")

    monkeypatch.setattr(region.cluster, "ask", forbidden)
    with pytest.raises(EngineError, match="security_exception"):
        run(region)


def test_a_changed_mapping_and_a_rebuild_to_it_are_told(region: Region) -> None:
    index = replace(a_project().indexes["lessons"], mapping=NEW)
    told = mapping_changes(cast("Any", region.cluster), index)
    assert (told.under_way, told.paths) == (False, ('~ mappings.properties.a.type: "text" -> "keyword"',))
    assert "`dynadex rebuild lessons --region eu-west-1` makes it anew" in told.advice("lessons", "eu-west-1")
    region.refills = [Refill("FAILED", 0, 0, 0, 1, 1.0, "x", "")]
    with pytest.raises(RebuildError):
        run(region)
    told = mapping_changes(cast("Any", region.cluster), index)
    assert told.under_way
    assert "takes the rebuild up" in told.advice("lessons", "eu-west-1")
    run(region)
    assert mapping_changes(cast("Any", region.cluster), index).paths == ()

"""Refills of an index that lost everything: the contract's rounds, and what goes on or wrong meanwhile."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tests.platform.refilling import INDEX, Execution, Lessons
from tests.platform.world import eventually


def assert_contract(execution: Execution) -> None:
    """`{}` in, the last evaluated key handed on from round to round, `{}` out."""
    rounds = execution.rounds()
    assert execution.status == "SUCCEEDED"
    assert rounds[0].input == {}
    for one, following in itertools.pairwise(rounds):
        assert one.output is not None
        assert set(one.output) == {"lastEvaluatedKey", "items", "documents", "failures"}
        assert set(one.output["lastEvaluatedKey"]) == {"id"}
        assert set(one.output["lastEvaluatedKey"]["id"]) == {"S"}
        assert following.input == one.output
    assert rounds[-1].output == {}
    assert execution.output == {}
    keys = [one.output["lastEvaluatedKey"]["id"]["S"] for one in rounds if one.output]
    assert len(set(keys)) == len(keys)
    counts = [one.output["items"] for one in rounds if one.output]
    assert counts == sorted(counts)


@contextmanager
def writing(lessons: Lessons) -> Iterator[Callable[[int], bool]]:
    """Puts, updates and deletes items all the while; yields a function that tells whether so many were written."""
    stop = threading.Event()
    chance = random.Random(4)
    ids = sorted(item["id"] for item in lessons.items(INDEX))
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            number = chance.randrange(40)
            if chance.random() < 0.3:
                lessons.delete(INDEX, {"id": chance.choice(ids)})
            else:
                id = chance.choice((chance.choice(ids), f"new-{number}"))
                lessons.put(INDEX, {"id": id, "title": f"Written {written}", "tempo": Decimal(written)})
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield lambda count: eventually(lambda: written >= count)
    finally:
        stop.set()
        thread.join()


# -- The contract


def test_an_index_emptied_seconds_after_it_was_filled_is_whole_again(lessons: Lessons) -> None:
    lessons.empty()
    execution = lessons.finished(lessons.start({}))
    assert_contract(execution)
    assert len(execution.rounds()) >= 5
    assert execution.logged("ScannedItems") == len(lessons.items(INDEX))
    assert execution.logged("Settled") > 0  # tombstones lay over what the stream had written
    assert lessons.difference(INDEX) == []


def test_a_lost_index_is_made_anew_with_its_mapping_and_filled(lessons: Lessons) -> None:
    mapping = lessons.engine().ask("GET", f"/{INDEX}/_mapping")
    lessons.lose()
    execution = lessons.finished(lessons.start({}))
    assert_contract(execution)
    assert lessons.engine().ask("GET", f"/{INDEX}/_mapping") == mapping
    assert lessons.difference(INDEX) == []
    # The stream goes on into the new one.
    lessons.put(INDEX, {"id": "after-the-loss", "title": "Yesterday"})
    lessons.await_equal_lessons()
    lessons.delete(INDEX, {"id": "after-the-loss"})
    lessons.await_equal_lessons()


def test_segments_are_refilled_side_by_side_each_with_its_own_keys(lessons: Lessons) -> None:
    lessons.empty()
    parts = [{"segment": segment, "totalSegments": 3} for segment in range(3)]
    execution = lessons.finished(lessons.start({"segments": parts}))
    assert (execution.status, execution.output) == ("SUCCEEDED", [{}, {}, {}])
    outputs = execution.outputs()
    assert outputs.count({}) == 3
    halted = [output for output in outputs if output]
    assert len(halted) >= 5
    for output in halted:
        assert set(output) == {"lastEvaluatedKey", "segment", "totalSegments", "items", "documents", "failures"}
    assert {output["segment"] for output in halted} == {0, 1, 2}
    assert execution.logged("ScannedItems") == len(lessons.items(INDEX))
    assert lessons.difference(INDEX) == []


def test_a_refill_of_a_whole_index_leaves_its_documents_as_they_are(lessons: Lessons) -> None:
    before = {id: document.source for id, document in lessons.documents(INDEX).items()}
    assert_contract(lessons.finished(lessons.start({})))
    assert {id: document.source for id, document in lessons.documents(INDEX).items()} == before


def test_a_read_capacity_holds_the_scan_back(lessons: Lessons) -> None:
    lessons.empty()
    fast = lessons.finished(lessons.start({"readCapacity": 5000}))
    slow = lessons.finished(lessons.start({"readCapacity": 25}))
    assert len(fast.rounds()) == 1
    assert len(slow.rounds()) > 10
    assert slow.rounds()[1].input["readCapacity"] == 25
    assert lessons.difference(INDEX) == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"index": "lesson"}, "index: 'lesson' is not one of lessons"),
        ({"segment": 2, "totalSegments": 2}, "segment: 2 is not a whole number from 0 to 1"),
        ({"readCapacity": -1}, "readCapacity: -1 is not a number of read units a second"),
        ({"lastEvaluatedKey": "abc"}, "lastEvaluatedKey: a key as an earlier round returned it is expected"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_input_that_is_not_the_contract_is_refused_by_name(
    lessons: Lessons, event: dict[str, object], message: str
) -> None:
    name = lessons.output("RefillFunctionArn")
    answer = lessons.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" in answer
    assert message in json.load(answer["Payload"])["errorMessage"]


# -- While others write


def test_writes_and_deletes_meanwhile_are_not_lost(lessons: Lessons) -> None:
    lessons.empty()
    with writing(lessons) as written:
        assert written(20)
        plain = lessons.finished(lessons.start({}))
        lessons.lose()
        again = lessons.finished(lessons.start({"segments": [{"segment": n, "totalSegments": 2} for n in range(2)]}))
        assert written(100)
    assert_contract(plain)
    assert again.status == "SUCCEEDED"
    lessons.await_equal_lessons()


def test_two_refills_at_once_do_not_harm_each_other(lessons: Lessons) -> None:
    lessons.empty()
    with writing(lessons) as written:
        started = [lessons.start({}), lessons.start({}), lessons.start({"readCapacity": 500})]
        ended = [lessons.finished(execution) for execution in started]
        assert written(20)
    assert [execution.status for execution in ended] == ["SUCCEEDED"] * 3
    assert_contract(ended[0])
    assert_contract(ended[1])
    lessons.await_equal_lessons()


# -- Mishaps


def nth_bulk(number: int, mishap: Callable[[], int | None]) -> Callable[[str, str], int | None]:
    """Has `mishap` happen in the middle of the nth bulk request, and never again."""
    seen = 0

    def refusal(method: str, path: str) -> int | None:
        nonlocal seen
        if not path.startswith("/_bulk"):
            return None
        seen += 1
        return mishap() if seen == number else None

    return refusal


@pytest.fixture
def quiet(lessons: Lessons) -> Iterator[Lessons]:
    """Empty, and none but refills writes: every bulk is one of theirs."""
    with lessons.paused(INDEX):
        lessons.empty()
        yield lessons


def test_a_round_that_is_killed_is_repeated_from_its_key(quiet: Lessons) -> None:
    with quiet.door().refusing(nth_bulk(3, quiet.kill_function)):
        execution = quiet.finished(quiet.start({}))
    assert_contract(execution)
    assert execution.calls() == len(execution.rounds()) + 1
    assert quiet.difference(INDEX) == []


def test_a_round_that_times_out_is_repeated_from_its_key(quiet: Lessons) -> None:
    answered = threading.Event()
    with quiet.timeout(3), quiet.door().refusing(nth_bulk(3, lambda: answered.wait(20) and None)):
        execution = quiet.finished(quiet.start({}))
        answered.set()
    assert_contract(execution)
    assert execution.calls() == len(execution.rounds()) + 1
    assert quiet.difference(INDEX) == []


def test_a_stopped_refill_is_taken_up_where_it_was(quiet: Lessons) -> None:
    execution = ""

    def stop() -> None:
        assert eventually(lambda: execution != "")
        quiet.stop(execution)

    with quiet.door().refusing(nth_bulk(4, stop)):
        execution = quiet.start({})
        stopped = quiet.cut_off(execution)
    done = [one.output for one in stopped.rounds() if one.output]
    assert done
    assert quiet.difference(INDEX) != []
    ran = quiet.console.run("refill", INDEX, "--resume", "--wait", "--json")
    assert ran.code == 0, ran.err
    resumed = quiet.finished(ran.document()["execution"])
    assert resumed.rounds()[0].input == done[-1]
    assert ran.document()["items"] == len(quiet.items(INDEX))
    assert quiet.difference(INDEX) == []
    again = quiet.console.run("refill", INDEX, "--resume")
    assert again.code == 2
    assert "the newest refill of lessons in us-east-1 is succeeded" in again.err


def test_a_stopped_refill_in_segments_is_taken_up_where_each_was(quiet: Lessons) -> None:
    execution = ""

    def stop() -> None:
        assert eventually(lambda: execution != "")
        quiet.stop(execution)

    with quiet.door().refusing(nth_bulk(6, stop)):
        parts = [{"index": INDEX, "segment": segment, "totalSegments": 2} for segment in range(2)]
        execution = quiet.start({"segments": parts})
        stopped = quiet.cut_off(execution)
    latest = {output["segment"]: output for output in stopped.outputs() if output}
    assert latest
    ran = quiet.console.run("refill", INDEX, "--resume", "--wait", "--json")
    assert ran.code == 0, ran.err
    told = quiet.client("stepfunctions").describe_execution(executionArn=ran.document()["execution"])
    assert json.loads(told["input"])["segments"] == [latest.get(part["segment"], part) for part in parts]
    assert quiet.difference(INDEX) == []


def test_an_engine_that_says_429_now_and_then_slows_the_refill_down(quiet: Lessons) -> None:
    bulks = iter(range(10_000))
    busy = lambda method, path: 429 if path.startswith("/_bulk") and next(bulks) % 3 else None  # noqa: E731
    with quiet.door().refusing(busy):
        execution = quiet.finished(quiet.start({}))
    assert_contract(execution)
    assert execution.logged("Throttles") >= len(execution.rounds())
    assert quiet.difference(INDEX) == []


def test_an_engine_that_says_429_for_longer_than_a_round_has_is_waited_for(quiet: Lessons) -> None:
    with quiet.timeout(3):
        with quiet.door().refusing(lambda method, path: 429 if path.startswith("/_bulk") else None):
            execution = quiet.start({})
            assert eventually(lambda: any(event["type"] == "TaskFailed" for event in quiet.events(execution)))
        ended = quiet.finished(execution)
    assert_contract(ended)
    assert ended.calls() > len(ended.rounds())
    assert quiet.difference(INDEX) == []

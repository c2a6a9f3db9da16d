"""The refill function: rounds that hand the last evaluated key on until the whole table is in the index."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dynadex.aws import AwsUnavailable
from dynadex.core import versions
from dynadex.core.bulk import Answer, Operation, Status
from dynadex.core.writing import BatchRefused, Target
from dynadex.engine import EngineError
from dynadex.functions.refill import handler
from dynadex.pacing import OutOfTime
from tests.unit.functions.function_fakes import NOW, Context, Region, item, project, with_another_index

BAD = Answer(Status.REFUSED, 0, "mapper_parsing_exception", "no")
NAMES = [f"k{number}" for number in range(7)]


def run(event: dict[str, Any]) -> dict[str, Any]:
    return handler(event, Context())


def test_a_small_table_is_in_the_index_after_one_round(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES}
    assert run({}) == {}
    assert region.engine.found().keys() == set(NAMES)
    assert {version for version, _ in region.engine.documents.values()} == {versions.of_page(NOW)}
    assert [scan["consistent"] for scan in region.table.scans] == [True] * 4


def test_an_empty_table_is_complete_at_once(region: Region) -> None:
    assert run({}) == {}


def test_eventually_consistent_pages_have_a_larger_margin(region: Region) -> None:
    region.use(project(consistent=False))
    region.table.items = {"a": item("a")}
    run({})
    assert region.table.scans[0]["consistent"] is False
    assert region.engine.documents[Target("lessons-v1-Write", "a")][0] == (NOW - 300) << 30


def test_a_halted_round_hands_on_the_next_round_s_input_and_the_rounds_end(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNADEX_REFILL_HALT_AFTER", "0")
    region.table.items = {name: item(name) for name in NAMES}
    given: dict[str, Any] = {"index": "lessons", "segment": 0, "totalSegments": 1, "readCapacity": 0}
    rounds = [given]
    while rounds[-1] and len(rounds) < 10:
        rounds.append(run(rounds[-1]))
    assert [made.get("lastEvaluatedKey", {}).get("id", {}).get("S") for made in rounds[1:]] == ["k1", "k3", "k5", None]
    assert rounds[2] == given | {"lastEvaluatedKey": {"id": {"S": "k3"}}, "items": 4, "documents": 4, "failures": 0}
    assert rounds[-1] == {}
    assert region.engine.found().keys() == set(NAMES)
    assert len(region.table.scans) == 4


def test_a_round_that_dies_is_repeated_from_the_key_it_was_given(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    region.table.items = {name: item(name) for name in NAMES}
    region.engine.answer = lambda operation: Answer(Status.RETRY, 0, "x", "busy") if operation.id == "k4" else None
    with pytest.raises(OutOfTime, match="busy"):
        run({"lastEvaluatedKey": {"id": {"S": "k1"}}})
    region.engine.answer = lambda operation: None
    assert run({"lastEvaluatedKey": {"id": {"S": "k1"}}}) == {}
    assert region.engine.found().keys() == set(NAMES[2:])


def test_the_next_page_is_scanned_while_this_one_is_written(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES[:4]}
    second = threading.Event()
    region.table.on_scan = lambda: second.set() if len(region.table.scans) == 2 else None
    overlapped: list[bool] = []

    def wait_for_the_scan(operation: Operation) -> None:
        overlapped.append(second.wait(10))

    region.engine.answer = wait_for_the_scan
    assert run({}) == {}
    assert overlapped
    assert all(overlapped)


def test_a_page_is_written_while_the_one_before_it_is_and_no_third_one(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES}
    arrived = {name: threading.Event() for name in NAMES}

    def hold_the_first(operation: Operation) -> None:
        arrived[operation.id].set()
        if operation.id == "k0":
            assert arrived["k2"].wait(10)
            assert not arrived["k4"].wait(0.3)

    region.engine.answer = hold_the_first
    assert run({}) == {}
    assert region.engine.found().keys() == set(NAMES)


def test_a_round_that_fails_leaves_no_page_under_way(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES}
    written = threading.Event()

    def answer(operation: Operation) -> Answer | None:
        if operation.id == "k0":
            assert written.wait(10)
            return Answer(Status.RETRY, 0, "x", "busy")
        if operation.id == "k3":
            written.set()
        return None

    region.engine.answer = answer
    with pytest.raises(OutOfTime, match="busy"):
        run({})
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("page")]


def test_pages_under_way_are_done_when_the_table_is_throttled(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_REFILL_HALT_AFTER", "1")
    region.table.items = {name: item(name) for name in NAMES}

    def throttle_after_two_pages() -> None:
        if len(region.table.scans) == 3:
            region.table.throttled = 10_000

    region.table.on_scan = throttle_after_two_pages
    made = run({})
    assert made["lastEvaluatedKey"] == {"id": {"S": "k3"}}
    assert made["items"] == 4
    assert region.engine.found().keys() == set(NAMES[:4])


def test_throttled_reads_are_tried_again(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES}
    region.table.throttled = 3
    assert run({}) == {}
    assert region.engine.found().keys() == set(NAMES)


def test_reads_throttled_beyond_the_time_left_raise(region: Region) -> None:
    region.table.throttled = 10_000
    with pytest.raises(OutOfTime, match="ThrottlingException"):
        run({})


def test_an_index_that_is_not_there_is_made_first(region: Region) -> None:
    region.engine.generations = []
    region.table.items = {"a": item("a")}
    run({})
    assert ("PUT", "/lessons-v1") in region.engine.asked
    assert region.engine.found().keys() == {"a"}


def test_one_generation_alone_is_refilled_when_it_is_named(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_REFILL_HALT_AFTER", "0")
    region.engine.generations = ["lessons-v1", "lessons-v2"]
    region.table.items = {name: item(name) for name in NAMES}
    rounds: list[dict[str, Any]] = [{"generation": "lessons-v2"}]
    while rounds[-1] and len(rounds) < 10:
        rounds.append(run(rounds[-1]))
    assert rounds[-1] == {}
    assert {made["generation"] for made in rounds[:-1]} == {"lessons-v2"}
    assert region.engine.found("lessons-v2").keys() == set(NAMES)
    assert region.engine.found("lessons-v1") == {}
    run({})
    assert len(region.engine.found("lessons-v1")) == 2


def test_a_generation_that_is_not_fed_is_not_refilled_nor_made(region: Region) -> None:
    region.table.items = {"a": item("a")}
    with pytest.raises(ValueError, match=r"^generation: 'lessons-v2' is not fed: lessons-v1"):
        run({"generation": "lessons-v2"})
    assert region.table.scans == []
    assert not [asked for asked in region.engine.asked if asked[0] == "PUT"]


def test_a_generation_that_is_fed_no_more_ends_its_refill(region: Region) -> None:
    region.engine.generations = ["lessons-v1", "lessons-v2"]
    region.table.items = {"a": item("a")}

    def detach() -> None:
        region.engine.generations = ["lessons-v1"]

    region.table.on_scan = detach
    with pytest.raises(EngineError, match="lessons-v2 is fed no more"):
        run({"generation": "lessons-v2"})
    assert region.engine.documents == {}


def test_failures_are_kept_and_counted(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_REFILL_HALT_AFTER", "0")
    region.table.items = {name: item(name) for name in NAMES}
    region.engine.answer = lambda operation: BAD if operation.id == "k0" else None
    made = run({"failures": 2, "documents": 10})
    assert (made["items"], made["documents"], made["failures"]) == (2, 11, 3)
    assert [message["id"] for message in region.queue.messages] == ["k0"]


def test_a_failure_that_the_queue_does_not_take_keeps_the_round(region: Region) -> None:
    region.table.items = {"a": item("a")}
    region.engine.answer = lambda operation: BAD
    region.queue.answers = [AwsUnavailable("sqs", "SendMessageBatch", "ServiceUnavailable", "away")] * 10_000
    with pytest.raises(OutOfTime):
        run({})


def test_a_page_refused_as_a_whole_raises(region: Region) -> None:
    region.table.items = {f"k{number}": item(f"k{number}") for number in range(20)}
    region.table.page_size = 20
    region.engine.answer = lambda operation: BAD
    with pytest.raises(BatchRefused):
        run({})
    assert region.queue.calls == 0


def test_a_segment_scans_its_part_with_its_share_of_the_read_capacity(region: Region) -> None:
    region.table.items = {"a": item("a")}
    run({"segment": 2, "totalSegments": 4, "readCapacity": 400})
    (scan,) = region.table.scans
    assert (scan["segment"], scan["total_segments"], scan["limit"]) == (2, 4, 200)


def test_no_page_is_larger_than_about_a_second_of_the_read_capacity(region: Region) -> None:
    region.table.items = {name: item(name) for name in NAMES[:4]}
    region.table.capacity = 20.0  # ten units an item
    run({"readCapacity": 1000})
    assert [scan["limit"] for scan in region.table.scans] == [2000, 100]


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        ({"index": "nothing"}, "index"),
        ({"index": None}, "index"),
        ({"totalSegments": 0}, "totalSegments"),
        ({"totalSegments": "2"}, "totalSegments"),
        ({"segment": 1}, "segment"),
        ({"segment": -1, "totalSegments": 2}, "segment"),
        ({"segment": 2, "totalSegments": 2}, "segment"),
        ({"readCapacity": -1}, "readCapacity"),
        ({"readCapacity": "5"}, "readCapacity"),
        ({"lastEvaluatedKey": "a"}, "lastEvaluatedKey"),
    ],
)
def test_wrong_input_is_refused_by_the_entry_s_name(region: Region, event: dict[str, Any], entry: str) -> None:
    with pytest.raises(ValueError, match=f"^{entry}: "):
        run(event)
    assert region.table.scans == []


def test_the_index_must_be_named_where_there_are_several(region: Region) -> None:
    region.use(with_another_index(project()))
    with pytest.raises(ValueError, match="lessons, songs"):
        run({})
    assert run({"index": "songs"}) == {}

"""What an index could not take is in the queue, whole and without the item's content, or the batch comes again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dynadex.aws import AwsError, AwsUnavailable, Reply, Service
from dynadex.core.writing import Failure
from dynadex.failures import message, send
from dynadex.pacing import OutOfTime, Patience

AWAY = AwsUnavailable("sqs", "SendMessageBatch", "ServiceUnavailable", "away")


class Queue:
    """Answers each call with the next of `answers`: an error, or the ids it refuses; later calls go well."""

    def __init__(self, *answers: Exception | list[str]) -> None:
        self._answers = iter(answers)
        self.sent: list[list[str]] = []
        self.taken: list[Any] = []

    def call(self, operation: str, request: Mapping[str, Any]) -> Reply:
        assert (operation, request["QueueUrl"]) == ("SendMessageBatch", "http://queue.test/q")
        entries = request["Entries"]
        assert len({entry["Id"] for entry in entries}) == len(entries) <= 10
        self.sent.append([entry["Id"] for entry in entries])
        answer = next(self._answers, [])
        if isinstance(answer, Exception):
            raise answer
        self.taken += [json.loads(entry["MessageBody"]) for entry in entries if entry["Id"] not in answer]
        failed = {"Failed": [{"Id": id, "SenderFault": False} for id in answer]} if answer else {}
        return Reply(json.dumps({"Successful": [], **failed}).encode(), 0)


def put(queue: Queue, count: int) -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += max(seconds, 0.001)

    waiting = Patience(10, clock=lambda: clock[0], sleep=sleep)
    send("http://queue.test/q", cast(Service, queue), [{"number": number} for number in range(count)], waiting)


def failure(reason: str = "failed to parse", key: Mapping[str, Any] | None = None) -> Failure:
    return Failure(
        key or {"id": {"S": "a"}}, "a", "lessons", "lessons-v1-write", "refused", "mapper_parsing", reason, 5
    )


def test_a_message_says_which_item_where_and_why() -> None:
    made = message(failure(), "lessons", "eu-west-1")
    assert made.pop("at") > 1_700_000_000
    assert made == {
        "key": {"id": {"S": "a"}},
        "id": "a",
        "index": "lessons",
        "alias": "lessons-v1-write",
        "kind": "refused",
        "type": "mapper_parsing",
        "reason": "failed to parse",
        "version": 5,
        "table": "lessons",
        "region": "eu-west-1",
    }


@pytest.mark.parametrize("letter", ["x", "\x00", "🎸", "\ud800"])
def test_ten_messages_of_the_longest_reasons_fit_into_one_call_and_are_plain_text(letter: str) -> None:
    bodies = [json.dumps(message(failure(letter * 100_000), "lessons", "eu-west-1")) for _ in range(10)]
    assert sum(map(len, bodies)) < 256 * 1024
    assert all(body.isascii() and body.isprintable() for body in bodies)


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (10, 1), (11, 2), (25, 3)])
def test_messages_go_ten_at_a_time_in_their_order(count: int, calls: int) -> None:
    queue = Queue()
    put(queue, count)
    assert len(queue.sent) == calls
    assert queue.taken == [{"number": number} for number in range(count)]


def test_only_what_the_queue_refused_is_sent_again() -> None:
    queue = Queue(["1", "3"], ["3"])
    put(queue, 4)
    assert queue.sent == [["0", "1", "2", "3"], ["1", "3"], ["3"]]
    assert sorted(made["number"] for made in queue.taken) == [0, 1, 2, 3]


def test_a_queue_that_is_away_for_a_while_is_tried_again() -> None:
    queue = Queue(AWAY, AWAY, ["0"])
    put(queue, 1)
    assert queue.taken == [{"number": 0}]


@pytest.mark.parametrize("answer", [AWAY, ["0"]])
def test_a_queue_that_does_not_take_it_in_time_is_told(answer: Exception | list[str]) -> None:
    with pytest.raises(OutOfTime):
        put(Queue(*[answer] * 10_000), 1)


def test_a_call_that_can_never_go_well_is_not_repeated() -> None:
    queue = Queue(AwsError("sqs", "SendMessageBatch", "QueueDoesNotExist", "no such queue"))
    with pytest.raises(AwsError, match="QueueDoesNotExist"):
        put(queue, 1)
    assert len(queue.sent) == 1

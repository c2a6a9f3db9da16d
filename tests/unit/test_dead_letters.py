"""Messages become failures, and a queue's messages are held, given back or deleted, and never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dynadex.core import versions
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.operations import keys
from dynadex.operations.failures import grouped
from dynadex.operations.queues import Message, Queue
from dynadex.operations.telling import how

NOW = 1_800_000_000


class Sqs:
    """A queue as boto3 shows it: what is received is hidden until it is given back or deleted."""

    def __init__(self, bodies: list[str]) -> None:
        self.visible = {str(n): body for n, body in enumerate(bodies)}
        self.held: dict[str, str] = {}
        self.refuse_deletions = False

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        assert asked["WaitTimeSeconds"] > 0
        assert asked["VisibilityTimeout"] >= 60
        taken = list(self.visible.items())[: asked["MaxNumberOfMessages"]]
        for id, body in taken:
            self.held[id] = body
            del self.visible[id]
        messages = [{"MessageId": id, "ReceiptHandle": f"handle of {id}", "Body": body} for id, body in taken]
        return {"Messages": messages} if messages else {}

    def _entries(self, asked: list[dict[str, Any]]) -> Iterator[str]:
        assert 1 <= len(asked) <= 10
        for entry in asked:
            yield entry["ReceiptHandle"].removeprefix("handle of ")

    def change_message_visibility_batch(self, **asked: Any) -> dict[str, Any]:
        for id in self._entries(asked["Entries"]):
            self.visible[id] = self.held.pop(id)
        return {"Successful": []}

    def delete_message_batch(self, **asked: Any) -> dict[str, Any]:
        if self.refuse_deletions:
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
        for id in self._entries(asked["Entries"]):
            del self.held[id]
        return {}


def test_what_is_received_is_given_back_at_the_end() -> None:
    sqs = Sqs([json.dumps({"n": n}) for n in range(25)])
    with Queue(sqs, "url") as queue:
        assert [message.body for message in queue.receive(1000)] == [{"n": n} for n in range(25)]
        assert (len(sqs.held), queue.receive(1000)) == (25, [])
    assert (len(sqs.visible), sqs.held) == (25, {})


def test_what_is_deleted_is_not_given_back() -> None:
    sqs = Sqs(["{}"] * 25)
    with Queue(sqs, "url") as queue:
        messages = queue.receive(15)
        assert len(messages) == 20  # calls are of ten
        queue.delete(messages[:12])
    assert (len(sqs.visible), sqs.held) == (13, {})


def test_whoever_is_interrupted_gives_back_what_is_left() -> None:
    sqs = Sqs(["{}"] * 25)

    def interrupted() -> None:
        with Queue(sqs, "url") as queue:
            queue.delete(queue.receive(10))
            queue.receive(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (len(sqs.visible), sqs.held) == (15, {})


def test_a_deletion_that_is_refused_is_told_and_the_message_stays() -> None:
    sqs = Sqs(["{}"])
    sqs.refuse_deletions = True
    with pytest.raises(Exception, match="InternalError"), Queue(sqs, "url") as queue:
        queue.delete(queue.receive(10))
    assert len(sqs.visible) == 1


def message(number: int, id: str = "a", **more: Any) -> Message:
    body: dict[str, Any] = {
        "key": {"id": {"S": id}},
        "id": id,
        "index": "songs",
        "alias": "songs-v1-Write",
        "kind": "refused",
    }
    body |= {"type": "t", "reason": "r", "version": 5, "table": "songs", "region": "eu-west-1", "at": NOW}
    return Message(str(number), body | more)


def test_all_messages_of_a_key_in_an_index_are_one_failure_and_the_newest_tells_it() -> None:
    (one,) = grouped(
        [
            message(1, at=NOW + 5, since=NOW - 5, attempts=2, reason="newest"),
            message(2, at=NOW, reason="older"),
            message(3, at=NOW + 1, alias="songs-v2-Write"),
        ]
    )
    assert (one.reason, one.at, one.since, one.attempts, one.generation) == ("newest", NOW + 5, NOW - 5, 2, "songs-v1")
    assert [message.id for message in one.messages] == ["1", "2", "3"]


def test_other_keys_and_other_indexes_are_other_failures() -> None:
    letters = grouped([message(1), message(2, index="albums"), message(3, "b"), message(4, "", key={"id": {"S": "x"}})])
    assert len(letters) == 4


def test_keys_without_an_id_are_told_apart_by_the_key() -> None:
    long, longer = ({"id": {"S": letter * 600}} for letter in "xy")
    assert len(grouped([message(1, "", key=long), message(2, "", key=longer), message(3, "", key=long)])) == 2


@pytest.mark.parametrize("body", [None, {}, {"key": 1}, message(1).body | {"at": "soon"}])  # type: ignore[operator]
def test_what_is_no_failure_is_kept_apart_each_for_itself(body: Any) -> None:
    letters = grouped([Message("1", body), Message("2", body)])
    assert [letter.kind for letter in letters] == ["unreadable"] * 2


def test_versions_are_told_in_words() -> None:
    record = versions.of_record(NOW, 7)
    assert how(record) == "by the stream, from a record of 2027-01-15T08:00:00Z"
    assert how(versions.of_page(NOW)) == "by a refill, from a page read at 2027-01-15T08:00:00Z"
    assert how(versions.after(record)) == "settled by the table, above a version of 2027-01-15T08:00:00Z"


ALBUMS = KeySchema(KeyAttribute("artist", "S"), KeyAttribute("year", "N"))


@pytest.mark.parametrize(
    "text", ["Queen|1975", '{"artist": "Queen", "year": 1975}', '{"year": {"N": "1975"}, "artist": {"S": "Queen"}}']
)
def test_a_key_is_named_by_id_or_as_json(text: str) -> None:
    assert keys.named(text, ALBUMS) == ("Queen|1975", {"artist": {"S": "Queen"}, "year": {"N": "1975"}})


def test_an_id_of_no_key_has_none() -> None:
    assert keys.named("somebody else's", ALBUMS) == ("somebody else's", None)


@pytest.mark.parametrize("text", ["{", '{"artist": "Queen"}', '{"artist": 1, "year": 1}', '{"artist": NaN, "year": 1}'])
def test_json_that_is_no_key_is_wrong_use(text: str) -> None:
    with pytest.raises(keys.WrongKey):
        keys.named(text, ALBUMS)

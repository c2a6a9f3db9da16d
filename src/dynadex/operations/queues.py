"""A queue's messages, looked at and given back.

SQS has no listing. What is received is hidden from others for a while; here it is held until it is deleted or, at the
end, given back. Whoever is killed in between loses nothing: what was held shows itself again after that while.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

#: Seconds for which what is received is hidden from others.
HELD_SECONDS = 300
#: SQS lets a queue have 120,000 messages under way; so many are held at most.
MOST_HELD = 100_000

_MESSAGES_A_CALL = 10  # the limit of SQS's calls
_WAIT_SECONDS = 1  # so that the call asks all of SQS's servers, not a sample of them


class Message(NamedTuple):
    """`body` is the message's JSON object, None where it is none."""

    id: str
    body: dict[str, Any] | None


class Queue:
    """A queue of a region. A context: at its end, what is held and was not deleted is given back."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self.url = sqs, url
        self._handles: dict[str, str] = {}

    def __enter__(self) -> Queue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def receive(self, most: int) -> list[Message]:
        """Up to about so many messages that nobody holds; none once the queue has no more to show."""
        found: dict[str, Message] = {}
        while len(found) < most and len(self._handles) < MOST_HELD:
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_MESSAGES_A_CALL,
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
            )
            if not (messages := answer.get("Messages")):
                break
            for message in messages:
                self._handles[message["MessageId"]] = message["ReceiptHandle"]
                found[message["MessageId"]] = Message(message["MessageId"], _object(message["Body"]))
        return list(found.values())

    @property
    def full(self) -> bool:
        """Whether as many messages are held as can be."""
        return len(self._handles) >= MOST_HELD

    def delete(self, messages: Iterable[Message]) -> None:
        """Deletes messages that are held. Raises where the queue refuses: they show themselves again then."""
        handles = {message.id: self._handles[message.id] for message in messages if message.id in self._handles}
        for entries in _entries(handles):
            answer = self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            for failed in answer.get("Failed", ()):
                raise ClientError(
                    {"Error": {"Code": failed["Code"], "Message": failed.get("Message", "")}}, "DeleteMessageBatch"
                )
        for id in handles:
            del self._handles[id]

    def give_back(self) -> None:
        """Shows what is held to everybody again."""
        for entries in _entries(self._handles):
            shown = [entry | {"VisibilityTimeout": 0} for entry in entries]
            # Whatever this cannot give back shows itself a little later.
            self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=shown)
        self._handles.clear()

    def hidden(self) -> int:
        """About how many messages are held by others."""
        name = "ApproximateNumberOfMessagesNotVisible"
        told = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"]
        return max(0, int(told.get(name, 0)) - len(self._handles))


def _entries(handles: dict[str, str]) -> Iterable[Sequence[dict[str, Any]]]:
    waiting = iter(list(handles.values()))
    while chunk := list(islice(waiting, _MESSAGES_A_CALL)):
        yield [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(chunk)]


def _object(text: str) -> dict[str, Any] | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None

"""What no emulator does: a server that throttles, fails, cuts off or is away, played by the test."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dynadex.aws import AwsError, AwsUnavailable, Credentials, Service
from dynadex.platform import servers
from dynadex.table import Table
from tests.table.emulator import BY_ID, REGION

EMPTY = {"Items": [], "Count": 0}
KEYS = {str(n): {"id": {"S": str(n)}} for n in range(250)}


@dataclass(frozen=True)
class Played:
    """One answer; `date` None leaves the header out, `cut` ends the connection halfway through the body."""

    body: Any = field(default_factory=lambda: EMPTY)
    status: int = 200
    date: str | None = field(default_factory=lambda: formatdate(1_700_000_000, usegmt=True))
    cut: bool = False


def refusal(code: str, status: int = 400, message: str = "as played") -> Played:
    return Played({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, status)


@dataclass
class Stage:
    """A server that gives each request the next of its answers (the last for ever), and keeps what it was asked."""

    url: str = ""
    answers: list[Played | Callable[[Any], Played]] = field(default_factory=list)
    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    def table(self, *, read_timeout: float = 20.0) -> Table:
        service = Service(
            "dynamodb",
            REGION,
            endpoint=self.url,
            credentials=lambda: Credentials("AKIDEXAMPLE", "secret", "a token"),
            read_timeout=read_timeout,
        )
        return Table("lessons", BY_ID, service)

    def answer(self, headers: dict[str, str], request: Any) -> Played:
        self.asked.append((headers, request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Played) else answer(request)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            played = stage.answer(dict(self.headers.items()), request)
            body = played.body if isinstance(played.body, bytes) else json.dumps(played.body).encode()
            self.close_connection = played.cut
            with suppress(OSError):  # who asked may not wait any longer
                self.send_response_only(played.status)
                if played.date is not None:
                    self.send_header("Date", played.date)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if played.cut else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((servers.HOST, 0), Handler)
    stage.url = f"http://{servers.HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield stage
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("played", "code"),
    [
        (refusal("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceededException"),
        (refusal("ThrottlingException"), "ThrottlingException"),
        (refusal("RequestLimitExceeded"), "RequestLimitExceeded"),
        (refusal("InternalServerError", 500), "InternalServerError"),
        (refusal("ServiceUnavailable", 503), "ServiceUnavailable"),
        (Played({"__type": "ThrottlingException", "Message": "no namespace"}, 400), "ThrottlingException"),
        (Played(b"<html>Bad gateway</html>", 502), "HTTP 502"),
        (Played(b"", 503), "HTTP 503"),
        (Played({}, 429), "HTTP 429"),
        (Played([], 500), "HTTP 500"),
        (Played({"Items": [{}] * 100}, cut=True), "ProtocolError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_pass_is_unavailable(stage: Stage, played: Played, code: str) -> None:
    stage.answers = [played]
    with pytest.raises(AwsUnavailable) as raised:
        stage.table().scan()
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("played", "code"),
    [
        (refusal("ValidationException"), "ValidationException"),
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (refusal("ExpiredTokenException"), "ExpiredTokenException"),
        (refusal("UnrecognizedClientException"), "UnrecognizedClientException"),
        (Played(b"not JSON", 400), "HTTP 400"),
        (Played({}, 403), "HTTP 403"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_will_not_pass_is_an_error(stage: Stage, played: Played, code: str) -> None:
    stage.answers = [played]
    for ask in (lambda: stage.table().scan(), lambda: stage.table().read({"1": KEYS["1"]})):
        with pytest.raises(AwsError) as raised:
            ask()
        assert raised.value.code == code
        assert not isinstance(raised.value, AwsUnavailable)


def test_a_refusals_message_is_kept(stage: Stage) -> None:
    stage.answers = [refusal("ValidationException", message="the key is wrong")]
    with pytest.raises(AwsError, match=r"^dynamodb Scan: ValidationException: the key is wrong$"):
        stage.table().scan()


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_an_answer_without_a_date_is_an_error(stage: Stage, date: str | None) -> None:
    # A refill's version comes of it: a guess could outrank what is newer.
    stage.answers = [Played(date=date)]
    with pytest.raises(AwsError) as raised:
        stage.table().scan()
    assert raised.value.code == "NoDate"
    assert not isinstance(raised.value, AwsUnavailable)


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(AwsUnavailable):
        Stage(f"http://{servers.HOST}:{servers.free_port()}").table().scan()


def test_no_answer_in_time_is_unavailable(stage: Stage) -> None:
    released = threading.Event()

    def late(_: Any) -> Played:
        released.wait(20)
        return Played()

    stage.answers = [late]
    started = time.monotonic()
    with pytest.raises(AwsUnavailable) as raised:
        stage.table(read_timeout=0.2).scan()
    released.set()
    assert raised.value.code == "ReadTimeoutError"
    assert time.monotonic() - started < 10


def test_after_a_cut_connection_the_next_call_has_a_new_one(stage: Stage) -> None:
    table = stage.table()
    stage.answers = [Played(), Played(cut=True), Played()]
    table.scan()
    with pytest.raises(AwsUnavailable):
        table.scan()
    assert table.scan().items == []


def test_a_request_is_signed_and_asks_for_a_consistent_page_and_its_cost(stage: Stage) -> None:
    stage.answers = [Played({"Items": [], "ConsumedCapacity": {"CapacityUnits": 12.5}})]
    page = stage.table().scan(KEYS["1"], segment=0, total_segments=3, limit=5)
    assert (page.capacity, page.date) == (12.5, 1_700_000_000)
    headers, request = stage.asked[0]
    assert request == {
        "TableName": "lessons",
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "TOTAL",
        "ExclusiveStartKey": {"id": {"S": "1"}},
        "Segment": 0,
        "TotalSegments": 3,
        "Limit": 5,
    }
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["x-amz-target"] == "DynamoDB_20120810.Scan"
    assert sent["x-amz-security-token"] == "a token"
    proof = sent["authorization"]
    assert proof.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert f"/{REGION}/dynamodb/aws4_request" in proof
    assert "x-amz-target" in proof


def answered(request: Any, *, but: int = 0, date: int = 1_700_000_000) -> Played:
    """The items asked for, less the last `but` of them, which are left unprocessed."""
    asked = request["RequestItems"]["lessons"]
    assert asked["ConsistentRead"] is True
    keys = asked["Keys"]
    got, unread = keys[: len(keys) - but], keys[len(keys) - but :]
    left = {"lessons": {"Keys": unread, "ConsistentRead": True}} if unread else {}
    return Played({"Responses": {"lessons": got}, "UnprocessedKeys": left}, date=formatdate(date, usegmt=True))


def test_a_read_asks_for_a_hundred_keys_at_most_and_takes_the_earliest_date(stage: Stage) -> None:
    stage.answers = [
        lambda request: answered(request, date=1_700_000_009),
        lambda request: answered(request, date=1_700_000_003),
        lambda request: answered(request, date=1_700_000_005),
    ]
    found = stage.table().read(KEYS)
    assert found == (KEYS, 1_700_000_003)
    assert [len(request["RequestItems"]["lessons"]["Keys"]) for _, request in stage.asked] == [100, 100, 50]


def test_unprocessed_keys_are_absent_and_not_none(stage: Stage) -> None:
    stage.answers = [lambda request: answered(request, but=30)]
    found = stage.table().read(KEYS)
    assert found.items == {id: key for id, key in KEYS.items() if int(id) % 100 < 70 and int(id) < 220}


def test_a_throttled_request_leaves_its_keys_absent_and_the_others_read(stage: Stage) -> None:
    stage.answers = [answered, refusal("ProvisionedThroughputExceededException"), answered]
    found = stage.table().read(KEYS)
    assert found.items == {id: key for id, key in KEYS.items() if not 100 <= int(id) < 200}
    stage.answers = [refusal("ThrottlingException")]
    assert stage.table().read(KEYS) == ({}, 0)


def test_an_absent_item_is_none(stage: Stage) -> None:
    stage.answers = [Played({"Responses": {"lessons": []}, "UnprocessedKeys": {}})]
    assert stage.table().read({"1": KEYS["1"]}).items == {"1": None}

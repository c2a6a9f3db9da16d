"""Failures are listed, shown, redriven and dropped, and none is lost on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dynadex.operations import failures as keeping
from dynadex.operations.failures import Wanted
from dynadex.operations.queues import Queue
from dynadex.operations.settling import Settler
from dynadex.operations.status import messages_in
from dynadex.operations.steps import Quiet
from tests.platform.failing import Put, redeploy, songs
from tests.platform.world import World, eventually

_SECONDS = 120


def run(world: World, *arguments: str, code: int = 0, answer: str = "") -> str:
    """What a `failures` command wrote to stdout."""
    command = [sys.executable, "-m", "dynadex", "failures", *arguments, "--project", str(world.project.directory)]
    done = subprocess.run(command, input=answer, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def document(world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The command's JSON document, of the home region."""
    told = json.loads(run(world, *arguments, "--json", "--region", world.home, code=code))
    found: dict[str, Any] = told["regions"][world.home]
    return found


def waiting(world: World, region: str | None = None, queue: str = "FailuresQueueUrl") -> int:
    """How many messages a queue has, hidden ones included."""
    region = region or world.home
    return messages_in(world.cloud, region, world.output(queue, region))


def await_messages(world: World, number: int, queue: str = "FailuresQueueUrl") -> None:
    assert eventually(lambda: all(waiting(world, region, queue) >= number for region in world.regions), 60)


def test_failures_are_counted_by_index_kind_and_type(world: World, put: Put, name: str) -> None:
    items = songs(name, 30)
    items[3]["raises"] = items[5]["raises"] = "anything"
    items[17]["year"] = "in the sixties"
    put("songs", items)
    put(
        "things",
        [{"pk": name, "sk": str(n), "kind": "label", "name": "known"} | ({"x": 1} if n else {}) for n in (0, 1)],
    )
    await_messages(world, 4)

    listed = document(world, "list")
    assert listed["counts"] == [
        {"index": "labels", "kind": "refused", "type": "strict_dynamic_mapping_exception", "count": 1},
        {"index": "songs", "kind": "refused", "type": "mapper_parsing_exception", "count": 1},
        {"index": "songs", "kind": "transform", "type": "ValueError", "count": 2},
    ]
    assert (listed["total"], listed["hidden"], listed["more"]) == (4, 0, False)
    assert document(world, "list") == listed  # looking takes nothing away, and hides nothing
    assert document(world, "list", "--index", "labels")["total"] == 1
    assert document(world, "list", "--kind", "transform")["total"] == 2
    assert document(world, "list", "--type", "mapper_parsing_exception")["total"] == 1
    assert document(world, "list", "--kind", "transform", "--limit", "1")["failures"][0]["kind"] == "transform"
    told = run(world, "list")
    for region in world.regions:
        assert f"{region}: 4 failures" in told


def test_one_failure_is_shown_with_key_error_and_what_its_version_says(world: World, put: Put, name: str) -> None:
    items = songs(name, 2)
    items[1]["raises"] = "anything"
    began = int(time.time())
    put("songs", items)
    await_messages(world, 1)
    for asked in (("--id", f"{name}-1"), ("--key", json.dumps({"id": f"{name}-1"}))):
        (one,) = document(world, "show", *asked)["failures"]
        assert one["key"] == {"id": {"S": f"{name}-1"}}
        assert (one["index"], one["kind"], one["type"], one["attempts"]) == ("songs", "transform", "ValueError", 0)
        assert one["reason"] == "cannot make a document of anything"
        assert one["version"] >> 30 >= began - 1
        assert one["written"]["kind"] == "record"
    told = run(world, "show", "--id", f"{name}-1")
    assert "cannot make a document of anything" in told
    assert "by the stream, from a record of 20" in told
    assert document(world, "show", "--id", "somebody else")["failures"] == []


def test_several_messages_of_a_key_are_one_failure_and_go_together(world: World, put: Put, name: str) -> None:
    (item,) = put("songs", songs(name, 1, raises="at first"))
    await_messages(world, 1)
    world.put("songs", item | {"raises": "and again"})
    await_messages(world, 2)
    (one,) = document(world, "list")["failures"]
    assert (one["messages"], one["reason"]) == (2, "cannot make a document of and again")
    with world.paused("songs"):  # so that it is redrive that mends it
        world.put("songs", {key: value for key, value in item.items() if key != "raises"})
        assert document(world, "redrive")["settled"] == 1
        assert waiting(world) == 0
        assert world.documents("songs")[item["id"]].source["title"] == item["title"]


@pytest.mark.timeout(600)
def test_a_thousand_failures_are_gone_after_the_transform_is_mended(
    world: World, put: Put, making: Path, name: str
) -> None:
    failing = songs(name, 1000, raises="until mended")
    good = songs(f"{name}-good", 40)
    mixed = [one for n in range(40) for one in (*failing[n * 25 : n * 25 + 25], good[n])]
    put("songs", mixed)
    await_messages(world, 1000)
    assert document(world, "redrive", "--index", "songs", code=1) == {
        "settled": 0,
        "failed": 1000,
        "skipped": 0,
        "batches": 0,
        "gone": [],
    }
    assert document(world, "list", "--limit", "1")["failures"][0]["attempts"] == 1

    making.write_text(making.read_text().replace('if "raises" in item:', 'if item.get("raises") == "still":'))
    redeploy(world)
    told = json.loads(run(world, "redrive", "--json"))["regions"]
    assert {region: (one["settled"], one["failed"]) for region, one in told.items()} == dict.fromkeys(
        world.regions, (1000, 0)
    )
    for region in world.regions:
        assert waiting(world, region) == 0
        there = world.documents("songs", region)
        for item in mixed:
            assert there[item["id"]].source == {
                **{key: value for key, value in item.items() if key != "year"},
                "year": 1970,
                "heading": f"someone: {item['title']}",
            }
        assert {id for id in there if id.startswith(name)} == {item["id"] for item in mixed}


def test_what_fails_again_goes_back_with_its_count(world: World, put: Put, name: str) -> None:
    put("songs", songs(name, 3, raises="always"))
    await_messages(world, 3)
    since = document(world, "show", "--id", f"{name}-0")["failures"][0]["since"]
    for attempt in (1, 2):
        result = document(world, "redrive", "--kind", "transform", code=1)
        assert (result["settled"], result["failed"]) == (0, 3)
        listed = document(world, "list")
        assert [(one["attempts"], one["messages"], one["since"]) for one in listed["failures"]] == [
            (attempt, 1, since)
        ] * 3
    result = document(world, "redrive", "--id", f"{name}-1", code=1)
    assert result["failed"] == 1
    assert sorted(one["attempts"] for one in document(world, "list")["failures"]) == [2, 2, 3]


def test_an_item_that_is_gone_is_no_failure_any_more(world: World, put: Put, name: str) -> None:
    longer = name + "é" * 256
    items = put("songs", [{"id": longer, "title": "its key makes no id"}, *songs(name, 1, raises="always")])
    await_messages(world, 2)
    assert document(world, "redrive", "--kind", "key", code=1)["failed"] == 1
    with world.paused("songs"):
        world.delete_all("songs", items)
        assert document(world, "redrive")["settled"] == 2
        assert waiting(world) == 0
    await_messages(world, 1)  # the deletion has no id either


def test_an_interrupted_redrive_loses_nothing(
    world: World, put: Put, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = put("songs", [one for n in range(150) for one in songs(f"{name}-{n}", 2)])
    with world.paused("songs"):
        send(world, [failure(item["id"]) for item in items])
        settle, settled = Settler.settle, 0

        def interrupted(self: Settler, keys: Any, failed: Any) -> Any:
            nonlocal settled
            if settled >= 200:
                raise KeyboardInterrupt
            settled += len(keys)
            return settle(self, keys, failed)

        monkeypatch.setattr(Settler, "settle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            keeping.redrive(world.project, world.cloud, world.home, Wanted(), Quiet())
        monkeypatch.undo()
        assert document(world, "list", "--limit", "0")["total"] == 100
        assert document(world, "redrive")["settled"] == 100
        assert waiting(world) == 0


def test_an_interruption_before_anything_is_deleted_doubles_messages_and_no_failure(
    world: World, put: Put, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("songs", songs(name, 3, raises="always"))
    await_messages(world, 3)

    def interrupted(self: Queue, messages: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Queue, "delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        keeping.redrive(world.project, world.cloud, world.home, Wanted(), Quiet())
    monkeypatch.undo()
    listed = document(world, "list")
    assert [(one["attempts"], one["messages"]) for one in listed["failures"]] == [(1, 2)] * 3
    assert document(world, "redrive", code=1)["failed"] == 3
    assert [(one["attempts"], one["messages"]) for one in document(world, "list")["failures"]] == [(2, 1)] * 3


def test_a_whole_batch_that_the_engine_refuses_again_stays_failures(world: World, put: Put, name: str) -> None:
    put("songs", songs(name, 60, year="in the sixties") + songs(f"{name}-good", 1))
    await_messages(world, 60)
    result = document(world, "redrive", code=1)
    assert (result["settled"], result["failed"]) == (0, 60)
    listed = document(world, "list")
    assert listed["total"] == 60
    assert {(one["kind"], one["attempts"]) for one in listed["failures"]} == {("refused", 1)}


def failure(id: str, **more: Any) -> dict[str, Any]:
    """A failure's message, as the stream function sends it."""
    told = {"key": {"id": {"S": id}}, "id": id, "index": "songs", "alias": "songs-v1-Write", "kind": "refused"}
    return told | {"type": "t", "reason": "r", "version": 5, "table": "songs", "region": "us-east-1", "at": 7} | more


def send(world: World, messages: list[Any], queue: str = "FailuresQueueUrl") -> None:
    client, url = world.client("sqs"), world.output(queue)
    for start in range(0, len(messages), 10):
        entries = [
            {"Id": str(n), "MessageBody": one if isinstance(one, str) else json.dumps(one)}
            for n, one in enumerate(messages[start : start + 10])
        ]
        client.send_message_batch(QueueUrl=url, Entries=entries)


def test_what_cannot_be_redriven_stays_until_it_is_dropped(world: World, put: Put, name: str) -> None:
    put("songs", songs(name, 1))
    send(world, ["no JSON", {"another": "form"}, failure(f"{name}-0"), failure("x", index="an index of long ago")])
    result = document(world, "redrive", code=1)
    assert (result["settled"], result["failed"], result["skipped"]) == (1, 0, 3)
    assert waiting(world) == 3
    assert document(world, "list", "--kind", "unreadable")["total"] == 2
    told = run(world, "drop", "--kind", "unreadable", "--region", world.home, answer="n\n", code=1)
    assert "unreadable" in told
    assert waiting(world) == 3
    run(world, "drop", "--kind", "unreadable", "--region", world.home, answer="y\n")
    assert waiting(world) == 1
    assert "an index of long ago  x  refused" in run(world, "drop", "--yes")
    assert waiting(world) == 0


def test_dropping_asks_somebody(world: World) -> None:
    run(world, "drop", "--json", code=2)
    run(world, "list", "--kind", "unknown", code=2)
    run(world, "list", "--key", "[1]", code=2)


def batch(world: World, first: str, last: str, records: int) -> dict[str, Any]:
    """The platform's message on a batch of songs that it gave up on."""
    stream = world.client("dynamodb").describe_table(TableName=world.physical("songs"))["Table"]["LatestStreamArn"]
    (shard,) = world.client("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    place = {"shardId": shard["ShardId"], "startSequenceNumber": first, "endSequenceNumber": last, "batchSize": records}
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "timestamp": "2030-01-01T00:00:00.000Z",
        "DDBStreamBatchInfo": place | {"streamArn": stream},
    }


def test_a_batch_that_was_given_up_is_read_from_the_stream_and_settled(world: World, put: Put, name: str) -> None:
    """The event source itself gives up here, after a second instead of a day, while the engine is away."""
    client, region = world.client("lambda"), world.home
    (source,) = (
        one
        for one in client.list_event_source_mappings(FunctionName=world.output("StreamFunctionArn"))[
            "EventSourceMappings"
        ]
        if one["EventSourceArn"].split("/")[1] == world.physical("songs")
    )
    items = songs(name, 5)
    items[4]["raises"] = "always"
    client.update_event_source_mapping(UUID=source["UUID"], MaximumRecordAgeInSeconds=1)
    try:
        world.door(region).shut()
        put("songs", items)
        assert eventually(lambda: waiting(world, queue="UndeliveredQueueUrl") > 0, 60)
    finally:
        world.door(region).open()
        client.update_event_source_mapping(UUID=source["UUID"], MaximumRecordAgeInSeconds=-1)
    assert not {id for id in world.documents("songs") if id.startswith(name)}

    listed = document(world, "list", "--kind", "undelivered")
    assert listed["counts"] == [
        {"index": "songs", "kind": "undelivered", "type": "MaxRecordAgeExceeded", "count": listed["total"]}
    ]
    result = document(world, "redrive", code=1)
    assert (result["settled"], result["failed"]) == (4, 1)
    assert waiting(world, queue="UndeliveredQueueUrl") == 0
    assert {id for id in world.documents("songs") if id.startswith(name)} == {f"{name}-{n}" for n in range(4)}
    (one,) = document(world, "list")["failures"]
    assert (one["id"], one["kind"]) == (f"{name}-4", "transform")


def test_records_that_are_gone_are_told_with_what_to_verify(world: World, put: Put) -> None:
    first, last = "1".zfill(30), "9".zfill(30)
    send(world, [batch(world, first, last, 9)], "UndeliveredQueueUrl")
    result = document(world, "redrive", code=1)
    assert [one["first"] for one in result["gone"]] == [first]
    assert "dynadex verify songs --full --repair" in run(world, "redrive", code=1)
    assert waiting(world, queue="UndeliveredQueueUrl") == 1
    run(world, "drop", "--kind", "undelivered", "--yes")
    assert waiting(world, queue="UndeliveredQueueUrl") == 0

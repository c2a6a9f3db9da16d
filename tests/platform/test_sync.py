"""Whatever happens to the items of a table, each region's index becomes equal to it."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from tests.platform.world import World, eventually

#: What DynamoDB says of a record when the time to live removed the item.
_TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def song(id: str, **attributes: Any) -> dict[str, Any]:
    return {"id": id, "title": "Blackbird", "artist": "The Beatles", "year": 1968} | attributes


def test_a_put_an_update_and_a_delete_reach_both_regions(world: World, name: str) -> None:
    for number, region in enumerate(world.regions):
        world.put("songs", song(f"{name}-{number}"), region)
    world.await_equal(["songs"])
    for region in world.regions:
        assert {f"{name}-0", f"{name}-1"} <= world.documents("songs", region).keys()

    world.put("songs", song(f"{name}-0", title="Yesterday"), world.regions[1])
    world.delete("songs", song(f"{name}-1"), world.regions[0])
    world.await_equal(["songs"])
    for region in world.regions:
        found = world.documents("songs", region)
        assert found[f"{name}-0"].source["heading"] == "The Beatles: Yesterday"
        assert f"{name}-1" not in found


def test_a_partial_update_makes_the_document_anew(world: World, name: str) -> None:
    world.put("songs", song(name))
    world.client("dynamodb").update_item(
        TableName=world.physical("songs"),
        Key={"id": {"S": name}},
        UpdateExpression="SET title = :title REMOVE #year",
        ExpressionAttributeNames={"#year": "year"},
        ExpressionAttributeValues={":title": {"S": "Let It Be"}},
    )
    world.await_equal(["songs"])
    for region in world.regions:
        document = world.documents("songs", region)[name].source
        assert document == {
            "id": name,
            "title": "Let It Be",
            "artist": "The Beatles",
            "heading": "The Beatles: Let It Be",
        }


def test_an_item_that_the_transform_no_longer_wants_leaves_the_index(world: World, name: str) -> None:
    world.put("songs", song(name))
    assert eventually(lambda: all(name in world.documents("songs", region) for region in world.regions))
    world.put("songs", song(name, published=False))
    world.await_equal(["songs"])
    assert all(name not in world.documents("songs", region) for region in world.regions)
    world.put("songs", song(name, published=True))
    world.await_equal(["songs"])
    assert all(name in world.documents("songs", region) for region in world.regions)


def test_an_item_moves_between_the_indexes_of_its_table(world: World, name: str) -> None:
    ids = {kind: f"{name}|{kind}" for kind in ("album", "label", "tour")}
    for kind in ids:
        world.put("things", {"pk": name, "sk": kind, "kind": kind, "title" if kind == "album" else "name": kind})
    world.await_equal(["albums", "labels"])
    for region in world.regions:
        assert ids["album"] in world.documents("albums", region)
        assert ids["label"] in world.documents("labels", region)
        assert ids["tour"] not in world.documents("albums", region) | world.documents("labels", region)

    world.put("things", {"pk": name, "sk": "album", "kind": "imprint", "name": "now a label"})
    world.put("things", {"pk": name, "sk": "label", "kind": "tour"})
    world.await_equal(["albums", "labels"])
    for region in world.regions:
        assert ids["album"] not in world.documents("albums", region)
        assert ids["album"] in world.documents("labels", region)
        assert ids["label"] not in world.documents("labels", region)


def test_an_item_that_expires_leaves_the_index(world: World, name: str) -> None:
    item = song(name, expires=Decimal(1_700_000_000))
    world.put("songs", item)
    world.await_equal(["songs"])
    with world.paused("songs"):
        world.delete("songs", item)
        for region in world.regions:
            record = removal(world, name, region)
            assert name in world.documents("songs", region)
            invoke_stream(world, record | {"userIdentity": _TTL_IDENTITY}, region)
            assert name not in world.documents("songs", region)
    # Now the platform delivers the removal once more, as a retry would.
    world.put("songs", song(f"{name}-after"))
    assert eventually(
        lambda: all(f"{name}-after" in world.documents("songs", region) for region in world.regions),
    )
    world.await_equal(["songs"])


def removal(world: World, id: str, region: str) -> dict[str, Any]:
    """The stream's record of the item's removal, as the event source would hand it over."""
    streams = world.client("dynamodbstreams", region)
    table = world.client("dynamodb", region).describe_table(TableName=world.physical("songs"))["Table"]
    arn = table["LatestStreamArn"]
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                answer = streams.get_records(ShardIterator=iterator, Limit=1000)
                found.extend(
                    record
                    for record in answer["Records"]
                    if record["eventName"] == "REMOVE" and record["dynamodb"]["Keys"] == {"id": {"S": id}}
                )
                iterator = answer.get("NextShardIterator") if answer["Records"] else None
        return bool(found)

    assert eventually(seen), f"no record tells of the removal of {id} in {region}"
    data = dict(found[-1]["dynamodb"])
    data["ApproximateCreationDateTime"] = int(data["ApproximateCreationDateTime"].timestamp())
    return {"eventName": "REMOVE", "eventSourceARN": arn, "awsRegion": region, "dynamodb": data}


def invoke_stream(world: World, record: dict[str, Any], region: str) -> None:
    event = json.dumps({"Records": [record]}).encode()
    function = world.output("StreamFunctionArn", region)
    answer = world.client("lambda", region).invoke(FunctionName=function, Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_many_changes_of_few_keys_from_both_regions_at_once(world: World, name: str) -> None:
    """Hundreds of puts, updates and deletions in no time, so that batches, collapses and conflicts all come about."""
    keys = [{"player": f"{name}-{number % 3}", "level": Decimal(number)} for number in range(7)]
    seeds = random.Random(7)

    def write(region: str, seed: int) -> None:
        chances = random.Random(seed)
        for round in range(100):
            item = {**chances.choice(keys), "round": round, "title": f"by {region}"}
            if chances.random() < 0.25:
                world.delete("scores", item, region)
            else:
                world.put("scores", item, region)

    with ThreadPoolExecutor(4) as pool:
        for writing in [pool.submit(write, region, seeds.randrange(2**32)) for region in world.regions * 2]:
            writing.result()
    for key in keys[:4]:  # some of them are there for sure, and some are not
        world.put("scores", {**key, "title": "the last word"})
    for key in keys[4:]:
        world.delete("scores", key)
    world.await_equal(["scores"])
    tables = [sorted(map(repr, map(sorted_items, world.items("scores", region)))) for region in world.regions]
    assert tables[0] == tables[1]
    for region in world.regions:
        mine = [id for id in world.documents("scores", region) if id.startswith(name)]
        assert len(mine) == 4


def sorted_items(item: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(item.items())


def test_batches_of_mixed_changes_of_the_same_keys(world: World, name: str) -> None:
    """All in one batch: what was written while the event sources paused comes as one invocation a region."""
    plays = [{"number": Decimal(number), "title": f"play {number}", "secret": name} for number in range(40)]
    world.put_all("plays", plays)
    world.await_equal(["plays"])
    with world.paused("plays"):
        for round in range(5):
            world.put_all("plays", [play | {"round": round} for play in plays])
            world.delete_all("plays", plays[round::5], world.regions[round % 2])
        world.put_all("plays", plays[::2])
    world.await_equal(["plays"])
    for region in world.regions:
        found = world.documents("plays", region)
        assert found["0"].source == {"number": 0, "title": "play 0"}
        assert len(found) == len(world.items("plays", region)) >= 20

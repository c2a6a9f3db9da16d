"""What `explain` says of a document, in every state that it can be in."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

from tests.platform.world import World, eventually


def run(world: World, index: str, key: str, *arguments: str, code: int = 0) -> str:
    """What the command wrote to stdout, or to stderr where that is nothing."""
    command = [sys.executable, "-m", "dynadex", "explain", index, key, *arguments]
    command += ["--project", str(world.project.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout or done.stderr


def explain(world: World, index: str, key: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(world, index, key, "--json", *arguments, code=code), parse_float=Decimal)
    return found


def test_a_document_that_is_right_tells_how_it_came_there(world: World, name: str) -> None:
    item = {
        "pk": name,
        "sk": "1|2",
        "kind": "album",
        "title": "known",
        "length": Decimal("12345678901234567890.123456789"),
    }
    world.put("things", item)
    world.await_equal(["albums", "labels"])
    by_id = explain(world, "albums", f"{name}|1%7C2")
    assert by_id["right"]
    assert by_id["key"] == {"pk": {"S": name}, "sk": {"S": "1|2"}}
    assert by_id["item"]["length"] == {"N": "12345678901234567890.123456789"}
    assert by_id["document"] == {"pk": name, "sk": "1|2", "title": "known"}
    (generation,) = by_id["generations"]
    assert (generation["generation"], generation["fed"], generation["read"]) == ("albums-v1", True, True)
    assert generation["document"] == by_id["document"]
    assert generation["written"]["kind"] == "record"
    assert by_id["failure"] is None
    assert by_id["gap"] is None
    by_key = explain(world, "albums", json.dumps({"pk": name, "sk": "1|2"}))
    assert by_key["id"] == by_id["id"]
    told = run(world, "albums", f"{name}|1%7C2")
    assert "All is as it should be." in told
    assert "by the stream, from a record of 20" in told

    unwanted = explain(world, "labels", f"{name}|1%7C2")
    assert (unwanted["right"], unwanted["document"]) == (True, None)
    assert "does not want this item" in unwanted["verdict"]
    world.delete("things", item)
    world.await_equal(["albums"])
    assert "no such item" in explain(world, "albums", f"{name}|1%7C2")["verdict"]


def test_numbers_are_told_digit_for_digit(world: World) -> None:
    number = Decimal("1.2345678901234567890123456789012345678")
    world.put("scores", {"player": "exact", "level": Decimal(1), "points": number})
    world.await_equal(["scores"])
    found = explain(world, "scores", "exact|1")
    assert found["document"]["points"] == found["generations"][0]["document"]["points"] == number
    world.delete("scores", {"player": "exact", "level": Decimal(1)})


def test_a_stream_that_is_off_is_what_a_stale_document_is_put_down_to(world: World, name: str) -> None:
    item = {"id": name, "title": "before", "artist": "someone"}
    world.put("songs", item)
    world.await_equal(["songs"])
    with world.paused("songs"):
        world.put("songs", item | {"title": "after"})
        found = explain(world, "songs", name, code=1)
        assert not found["right"]
        (generation,) = found["generations"]
        assert (generation["difference"], generation["path"]) == ("stale", "$.title")
        assert (found["document"]["title"], generation["document"]["title"]) == ("after", "before")
        assert found["trouble"] == "its event source is disabled"
        assert "its event source is disabled" in found["verdict"]
    world.await_equal(["songs"])
    assert explain(world, "songs", name)["right"]
    world.delete("songs", item)


def test_a_document_that_differs_for_no_reason_is_for_verify(world: World, name: str) -> None:
    item = {"id": name, "title": "as it is", "artist": "someone"}
    world.put("songs", item)
    world.await_equal(["songs"])
    engine = world.engine()
    engine.ask("POST", f"/songs-v1/_update/{name}", {"doc": {"title": "tampered with"}})
    engine.ask("PUT", "/songs-v1/_doc/ghost-of-" + name, {"title": "nobody's"})
    stale = explain(world, "songs", name, code=1)
    assert stale["generations"][0]["difference"] == "stale"
    assert stale["next"] == f"dynadex verify songs --region {world.home} --full --repair"
    ghost = explain(world, "songs", "ghost-of-" + name, code=1)
    assert ghost["generations"][0]["difference"] == "ghost"
    assert "no such item" in ghost["verdict"]
    engine.ask("DELETE", "/songs-v1/_doc/ghost-of-" + name)
    world.put("songs", item | {"title": "mended"})
    world.await_equal(["songs"])
    world.delete("songs", item)


def test_failures_are_told_with_their_remedy(world: World, name: str) -> None:
    world.forget_failures()
    raised, refused = {"id": f"{name}-1", "title": "x", "raises": "anything"}, {"id": f"{name}-2", "year": "long ago"}
    world.put_all("songs", [raised, refused])
    assert eventually(lambda: len(explain_failures(world, name)) == 2)
    first = explain(world, "songs", f"{name}-1", code=1)
    assert first["failed"] == "ValueError: cannot make a document of anything"
    assert "transform raises ValueError" in first["verdict"]
    assert f"dynadex failures redrive --index songs --region {world.home} --id '{name}-1'" in first["next"]
    second = explain(world, "songs", f"{name}-2", code=1)
    assert (second["failure"]["kind"], second["generations"][0]["difference"]) == ("refused", "missing")
    assert "the engine refused it (mapper_parsing_exception)" in second["verdict"]
    world.put("songs", raised | {"raises": None})
    world.delete_all("songs", [raised, refused])
    world.await_equal(["songs"])
    old = explain(world, "songs", f"{name}-2")
    assert (old["right"], old["failure"]["kind"]) == (True, "refused")
    assert "earlier state" in old["verdict"]
    world.forget_failures()


def explain_failures(world: World, name: str) -> list[str]:
    """The ids of this test's failures, looked at and given back."""
    client, url = world.client("sqs"), world.output("FailuresQueueUrl")
    bodies = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages"):
        bodies += [json.loads(message["Body"])["id"] for message in messages]
    return [id for id in bodies if id.startswith(name)]


def test_an_id_of_no_key_is_somebody_elses_document_or_a_mistake(world: World, name: str) -> None:
    assert "is no id of albums" in run(world, "albums", "no such id", code=2)
    assert "KEY" in run(world, "albums", '{"pk": "only half of it"}', code=2)
    world.engine().ask("PUT", f"/albums-v1/_doc/{name}", {"title": "foreign"})
    found = explain(world, "albums", name, code=1)
    assert (found["key"], found["generations"][0]["difference"]) == (None, "ghost")
    assert "somebody else's" in found["verdict"]
    world.engine().ask("DELETE", f"/albums-v1/_doc/{name}")

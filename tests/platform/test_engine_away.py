"""An engine that is away for a while costs time and nothing else."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.platform.world import World, eventually

_WRITES = 2_000
_AWAY_SECONDS = 20
_AT_ONCE = 4


@pytest.fixture(autouse=True)
def open_doors(world: World) -> Iterator[None]:
    world.forget_failures()
    yield
    for door in world.doors.values():
        door.open()


def test_nothing_is_lost_while_an_engine_is_away_for_20_s(world: World) -> None:
    name = uuid.uuid4().hex[:12]
    started = time.time()
    door = world.door()

    def write(first: int, last: int) -> None:
        """Every seventh write is a deletion, and every key is written two times or three."""
        for number in range(first, last):
            item = {"player": name, "level": Decimal(number % 800), "title": f"write {number}"}
            region = world.regions[number % 2]
            if number % 7 == 6:
                world.delete("scores", item, region)
            else:
                world.put("scores", item, region)

    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def written(first: int, last: int) -> None:
            share = (last - first) // _AT_ONCE
            for done in [pool.submit(write, first + n * share, first + (n + 1) * share) for n in range(_AT_ONCE)]:
                done.result()

        written(0, 800)
        assert eventually(lambda: bool(mine(world, name)))
        door.shut()
        shut_at, engine_requests = time.monotonic(), door.requests
        written(800, _WRITES)
        assert eventually(lambda: time.monotonic() - shut_at >= _AWAY_SECONDS, _AWAY_SECONDS + 1)
        assert door.requests == engine_requests
        assert world.difference("scores"), "the engine was not missed"
        door.open()

    world.await_equal(["scores"], timeout=60)
    assert len(mine(world, name)) > 600
    for region in world.regions:
        assert world.failures(region) == []
    # It was away for longer than an invocation lasts, so batches were given up and came again.
    assert any("OutOfTime" in line for line in world.logs(since=started))


def mine(world: World, name: str) -> list[str]:
    return [id for id in world.documents("scores") if id.startswith(name)]


def test_a_lost_answer_changes_nothing(world: World) -> None:
    """The engine applied the batch and the answer never came: the retry finds its own work and counts no failure."""
    started = time.time()
    name = uuid.uuid4().hex[:12]
    door = world.door()
    items = [{"player": name, "level": Decimal(number), "title": "once"} for number in range(50)]
    lost = 0

    def lose(method: str, path: str) -> bool:
        nonlocal lost
        if lost < 3 and path.startswith("/_bulk"):
            lost += 1
            return True
        return False

    with door.losing(lose):
        world.put_all("scores", items)
        world.await_equal(["scores"])
    assert lost == 3
    applied = [json.loads(line) for line in world.logs(since=started) if '"applied"' in line]
    assert sum(line["Conflicts"] for line in applied) >= 1, "the retry did not meet what it had written itself"
    for region in world.regions:
        assert world.failures(region) == []
    assert len(mine(world, name)) == 50


def test_an_overloaded_engine_is_asked_again(world: World) -> None:
    name = uuid.uuid4().hex[:12]
    door = world.door()
    refused = 0

    def overloaded(method: str, path: str) -> int | None:
        nonlocal refused
        if refused < 4 and path.startswith("/_bulk"):
            refused += 1
            return (429, 503, 502, 500)[refused - 1]
        return None

    with door.refusing(overloaded):
        world.put_all("scores", [{"player": name, "level": Decimal(number)} for number in range(50)])
        world.await_equal(["scores"])
    assert refused == 4
    for region in world.regions:
        assert world.failures(region) == []

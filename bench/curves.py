"""How the rates go with segments of a refill and with connections of the stream function, and what saturates."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dynadex.core import changes, writing
from dynadex.driving import drive
from dynadex.engine import Engine
from dynadex.functions import service
from dynadex.pacing import Patience

from . import canned, lessons
from .measuring import Plan, spent
from .ours import World

STEPS = (1, 2, 4)
_RECORDS = 1000


def measure(world: World, plan: Plan) -> dict[str, Any]:
    """Rates by segments and by connections, each with the clients' share of one processor."""
    return {"segments": _segments(world, plan), "connections": _connections(world, plan)}


def _connections(world: World, plan: Plan) -> list[dict[str, float]]:
    region = world.region()
    region.enter()
    events = lessons.events(plan.batches, _RECORDS, time.time())
    schema = service.table("lessons").schema
    found = []
    for connections in STEPS:
        engine = Engine(world.engine_url, connections=connections)
        region.empty()
        feeds = service.feeds("lessons", Patience(60))

        def write(engine: Engine = engine, feeds: writing.Feeds = feeds) -> None:
            for event in events:
                batch = changes.of_records(event["Records"], schema)
                drive(writing.sync(batch, feeds), service.table("lessons"), engine, Patience(60))

        took = spent(write)
        rate = plan.batches * _RECORDS / took.wall
        found.append({"connections": connections, "rate": round(rate), "processors": round(took.cpu / took.wall, 2)})
    return found


def _segments(world: World, plan: Plan) -> list[dict[str, int]]:
    root = Path(__file__).parents[1]
    items = plan.pages * canned.ITEMS_A_PAGE * 4
    found = []
    for segments in STEPS:
        region = world.region(items=items)
        region.enter()
        region.empty()
        where = [world.engine_url, world.table_url, str(world.folder)]
        command = [sys.executable, "-m", "bench.curves", str(items), str(segments)]
        processes = [
            subprocess.Popen(
                [*command, str(segment), *where],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for segment in range(segments)
        ]
        for process in processes:
            assert process.stdout
            process.stdout.readline()  # it is ready
        started = time.perf_counter()
        for process in processes:
            process.communicate(b"\n")
            assert process.returncode == 0
        seconds = time.perf_counter() - started
        assert region.documents() == items
        found.append({"segments": segments, "rate": round(items / seconds)})
    return found


def main(items: int, segments: int, segment: int, world: World) -> None:
    """One segment's function instance: says that it is ready, and begins when it is told to."""
    region = world.region(items=items)
    region.enter()
    print("ready", flush=True)
    sys.stdin.readline()
    region.refill(segment=segment, totalSegments=segments)


if __name__ == "__main__":
    given = World(sys.argv[4], sys.argv[5], Path(sys.argv[6]))
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), given)

"""How refill and verify go with the number of items: rate, and peak memory of the process that does it.

Each size runs in a process of its own, which tells its peak resident memory.

    python -m bench.growth refill|verify ITEMS ENGINE_URL TABLE_URL FOLDER
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measuring import Plan
from .ours import World

#: Peak memory for the largest table over that for the smallest, at most.
BAR = 1.2


def measure(world: World, plan: Plan) -> list[dict[str, Any]]:
    """For each size: items, and for refill and verify the rate in items a second and the peak in MiB."""
    found = []
    for items in plan.growth:
        point: dict[str, Any] = {"items": items}
        for work in ("refill", "verify"):
            point[work] = _apart(work, items, world)
        found.append(point)
    return found


def flat(points: Sequence[dict[str, Any]]) -> bool:
    """Whether neither's memory grows with the items."""
    return all(points[-1][work]["peak"] <= BAR * points[0][work]["peak"] for work in ("refill", "verify"))


def _apart(work: str, items: int, world: World) -> dict[str, float]:
    where = [world.engine_url, world.table_url, str(world.folder)]
    command = [sys.executable, "-m", "bench.growth", work, str(items), *where]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    told: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return told


def main(work: str, items: int, world: World) -> None:
    """Does it, and prints rate and peak."""
    from .verification import verified

    region = world.region(items=items)
    region.enter()
    if work == "refill":
        region.empty()
    started = time.perf_counter()
    if work == "refill":
        region.refill()
    else:
        counts = verified(swept=True)
        assert (counts.items, counts.differences) == (items, 0), counts
    seconds = time.perf_counter() - started
    print(json.dumps({"rate": round(items / seconds), "peak": round(peak(), 1)}))


def peak() -> float:
    """The most memory that this process had, in MiB. Not `ru_maxrss`: at its start that is its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), World(sys.argv[3], sys.argv[4], Path(sys.argv[5])))

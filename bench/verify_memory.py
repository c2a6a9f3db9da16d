"""Does verify's memory stay flat? Its peak for a large table over its peak for a small one, both directions compared.

The engine is a real one (in memory); the table is canned pages, so that a million items need no emulator to hold them.
Each size runs in a process of its own, which tells its peak resident memory.

    python -m bench.verify_memory                      1,000,000 items against 10,000: the bar is 1.2
    python -m bench.verify_memory --large 100000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import orjson

from dynadex import generations, verifying
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.core.bulk import Operation
from dynadex.core.documents import Recipe
from dynadex.core.writing import Items
from dynadex.engine import Engine
from dynadex.pacing import Patience
from dynadex.platform import servers
from dynadex.scanning import Pages
from dynadex.table import Page, Table
from dynadex.verifying import Check, TableTruth

BAR = 1.2
_ITEMS_A_PAGE = 1500  # what 1 MB holds of items like these
_DIFFERING = 1000  # one of so many documents is stale
_RECIPE = Recipe("lessons")


class CannedTable:
    """A table of `size` lessons, made as they are read."""

    name = "lessons"
    schema = KeySchema(KeyAttribute("id", "S"))

    def __init__(self, size: int) -> None:
        self.size = size

    def item(self, number: int) -> dict[str, Any]:
        return {
            "id": {"S": f"lesson-{number}"},
            "title": {"S": f"Song number {number}"},
            "artist": {"S": f"The Artists of {number % 1000}"},
            "popularity": {"N": str(number % 100)},
            "chords": {"L": [{"S": chord} for chord in ("Em7", "G", "Dsus4", "A7sus4", "Cadd9")]},
            "text": {"S": f"Play {number} slowly. " * 20},
        }

    def scan(self, start: Mapping[str, Any] | None = None, **options: Any) -> Page:
        first = int(start["id"]["S"].removeprefix("lesson-")) + 1 if start else 0
        last = min(self.size, first + _ITEMS_A_PAGE)
        # Over the wire and back, as real pages come.
        items = orjson.loads(orjson.dumps([self.item(number) for number in range(first, last)]))
        key = {"id": {"S": f"lesson-{last - 1}"}} if last < self.size else None
        return Page(items, key, int(time.time()), 128.0)

    def read(self, keys: Mapping[str, Any]) -> Items:
        found = {}
        for id in keys:
            number = int(id.removeprefix("lesson-"))
            found[id] = self.item(number) if number < self.size else None
        return Items(found, int(time.time()))


def patience() -> Patience:
    return Patience(60)


def fill(engine: Engine, table: CannedTable) -> None:
    """Makes the index and writes its documents; every so many is stale."""
    mapping = {"settings": {"refresh_interval": "-1"}, "mappings": {"dynamic": False}}
    generation = generations.ensure(engine, "lessons", mapping)
    alias = generations.write_alias(cast(str, generation))
    for first in range(0, table.size, 5000):
        operations = []
        for number in range(first, min(table.size, first + 5000)):
            item = table.item(number)
            if number % _DIFFERING == 0:
                item["title"] = {"S": "stale"}
            operations.append(Operation(alias, f"lesson-{number}", 1, _RECIPE.document(item)))
        engine.write(operations, patience())


def verify(url: str, size: int) -> None:
    """Verifies in both directions and prints the peak memory in MiB, the seconds and the counts."""
    engine, table = Engine(url, prefix=f"n{size}-"), cast(Table, CannedTable(size))
    alias = generations.write_alias(generations.read(engine, "lessons")[-1])
    truth = TableTruth(table, _RECIPE)
    check = Check(truth, engine, alias, patience)
    pages = Pages(table, patience)
    began = time.monotonic()
    verifying.scan(check, truth, pages, None, lambda: False)
    pages.close()
    slices = verifying.sweep_slices(check, check.documents, full=True)
    for slice in range(slices):
        verifying.sweep(check, slice, slices)
    check.finish()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    seconds = time.monotonic() - began
    print(json.dumps({**check.counts.to_json(), "peak": peak, "seconds": seconds}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000, help="items of the small table")
    parser.add_argument("--large", type=int, default=1_000_000, help="items of the large table")
    parser.add_argument("--verify", nargs=2, metavar=("URL", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.verify:
        verify(arguments.verify[0], int(arguments.verify[1]))
        return
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        server = servers.start_osmem(servers.free_port(), Path(folder))
        try:
            for size in (arguments.small, arguments.large):
                fill(Engine(server.url, prefix=f"n{size}-"), CannedTable(size))
                command = [sys.executable, "-m", "bench.verify_memory", "--verify", server.url, str(size)]
                ran = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
                assert (ran["items"], ran["stale"]) == (size, -(-size // _DIFFERING)), ran
                peaks.append(ran["peak"])
                print(f"{size:>10,} items  {ran['peak']:7.1f} MiB  {size / ran['seconds']:8,.0f} items/s")
        finally:
            servers.stop(server)
    ratio = peaks[1] / peaks[0]
    print(f"ratio {ratio:.2f}, bar {BAR}")
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()

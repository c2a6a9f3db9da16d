"""The command; the package's own text says what there is."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import (
    canned,
    cold,
    curves,
    freshness,
    growth,
    machine,
    refilling,
    report,
    searching,
    stages,
    streaming,
    verification,
)
from .measuring import FULL, QUICK, TINY, Plan, Row
from .ours import World
from .scale import pages

_ROWS = {
    "stream": streaming.measure,
    "refill": refilling.measure,
    "freshness": freshness.measure,
    "cold-start": cold.measure,
    "search": searching.measure,
    "verify": verification.measure,
}
_PLANS = {"full": FULL, "quick": QUICK, "tiny": TINY}


def main(arguments: list[str]) -> None:
    """Measures, prints a table, keeps the results; the last line is the rows as one JSON list."""
    if arguments[:1] == ["report"]:
        report.write()
        return
    if arguments[:1] == ["scale"]:
        pages.write()
        return
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--engine", choices=machine.ENGINES, default="opensearch")
    parser.add_argument("--plan", choices=_PLANS, default="full", help="how much is measured")
    parser.add_argument("--quick", action="store_const", dest="plan", const="quick", help="eight minutes at most")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[*_ROWS, "growth", "curves", "stages"])
    parser.add_argument("--rounds", type=int, help="how often the three take turns")
    parser.add_argument("--apart", action="store_true", help="half of the processors for the engine alone")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="the folder to keep the results in")
    given = parser.parse_args(arguments)
    plan = _PLANS[given.plan]
    if given.rounds:
        plan = replace(plan, rounds=given.rounds)
    results = measure(plan, given.engine, given.only, apart=given.apart)
    results["plan"] = given.plan
    path = report.keep(results, given.results)
    print(report.table(results), f"\nKept in {path}", sep="\n", flush=True)
    print(json.dumps([{name: row[name] for name in Row.NAMES} for row in results["rows"]], ensure_ascii=False))


def measure(plan: Plan, engine: str, only: list[str], *, apart: bool) -> dict[str, Any]:
    """All that is wanted, with the servers that it takes."""
    began = time.time()
    results: dict[str, Any] = {
        "machine": machine.described(engine),
        "rows": [],
        "growth": [],
        "curves": {},
        "stages": {},
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        machine.engine(engine, Path(folder), apart=apart) as engine_url,
        canned.running(min(20, plan.pages * 4)) as table_url,
    ):
        world = World(engine_url, table_url, Path(folder))
        for name, row in _ROWS.items():
            if name in only:
                _say(f"{name} ...")
                results["rows"] += [row.kept() for row in row(world, plan)]
        if "growth" in only:
            _say("growth ...")
            results["growth"] = growth.measure(world, plan)
        if "curves" in only and plan.curves:
            _say("curves ...")
            results["curves"] = curves.measure(world, plan)
        if "stages" in only:
            _say("stages ...")
            results["stages"] = stages.measure(plan)
    results["machine"]["apart"] = apart
    results["seconds"] = round(time.time() - began)
    results["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
    return results


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

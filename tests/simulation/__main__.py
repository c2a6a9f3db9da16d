"""Runs schedules and mutants, or replays one schedule; `make simulate` calls it.

python -m tests.simulation [--schedules N] [--seed START] [--no-mutants]
python -m tests.simulation replay SEED [--mutant NAME] [--key KEY] [--shrink]
python -m tests.simulation replay --choices 3.0.17… [--mutant NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack

from . import mutants, running, schedule, shrinking
from .choices import Choices, Replayed


def main() -> int:
    """Exit code 0: all well; 1: a violation, or a mutant that survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    parser.add_argument("--schedules", type=int, default=int(os.environ.get("SCHEDULES") or 200_000))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 0), help="where to start")
    parser.add_argument("--no-mutants", action="store_true")
    replay = commands.add_parser("replay", help="one schedule, with its trace")
    replay.add_argument("schedule_seed", type=int, nargs="?", metavar="SEED")
    replay.add_argument("--choices", help="choices with dots between them, in the place of a seed")
    replay.add_argument("--mutant", choices=list(mutants.ALL), metavar="NAME")
    replay.add_argument("--key", help="what happened to this key (default: the one that went wrong)")
    replay.add_argument("--all", action="store_true", help="what happened to every key")
    replay.add_argument("--shrink", action="store_true", help="make the schedule short first")
    given = parser.parse_args()
    if given.command == "replay":
        if (given.schedule_seed is None) == (given.choices is None):
            replay.error("either a seed or --choices is needed")
        return _replay(given)
    return _many(given.seed, given.schedules, mutate=not given.no_mutants)


def _many(start: int, schedules: int, *, mutate: bool) -> int:
    began = time.monotonic()
    totals = running.Totals()
    for totals in running.parallel(start, schedules):
        _progress(f"{totals.schedules:,} of {schedules:,} schedules, {totals.violations} violations")
    seconds = time.monotonic() - began
    _progress("")
    rate = totals.schedules / totals.cpu_seconds if totals.cpu_seconds else 0.0
    print(f"schedules   {totals.schedules:>12,}   in {seconds:.1f} s, {rate:,.0f} a second and core")
    print(f"steps       {totals.steps:>12,}")
    print(f"conflicts   {totals.conflicts:>12,}")
    print(f"settles     {totals.settles:>12,}")
    print(f"violations  {totals.violations:>12,}")
    print("faults")
    for name, count in sorted(totals.faults.items(), key=lambda each: -each[1]):
        print(f"  {name:<20} {count:>12,}")
    for seed, violation in totals.failing:
        print(f"\n{violation}\n  replay: python -m tests.simulation replay {seed} --shrink")
    caught: list[str] = []
    survived: list[str] = []
    if mutate:
        print(f"mutants (each within {mutants.BOUND:,} schedules)")
        for hunt in running.hunt_all(start):
            if hunt.seed is None:
                survived.append(hunt.name)
                print(f"  {hunt.name:<32} SURVIVED", flush=True)
            else:
                caught.append(hunt.name)
                when = "recorded one" if hunt.seed == running.RECORDED else f"after {hunt.schedules:>6,}"
                print(f"  {hunt.name:<32} {when}: {hunt.violation}", flush=True)
    last = {
        "schedules": totals.schedules,
        "violations": totals.violations,
        "seconds": round(seconds, 1),
        "mutants": {"caught": sorted(caught), "survived": sorted(survived)},
    }
    print(json.dumps(last))
    return 1 if totals.violations or survived else 0


def _replay(given: argparse.Namespace) -> int:
    with ExitStack() as stack:
        stack.enter_context(schedule.scaled())
        if given.mutant:
            print(f"mutant {given.mutant}: {mutants.ALL[given.mutant].wrong}")
            stack.enter_context(mutants.ALL[given.mutant].made())
        if given.choices is not None:
            choices = [int(choice) for choice in given.choices.split(".") if choice]
        else:
            choices = shrinking.recorded(given.schedule_seed)
        if given.shrink and schedule.run(Replayed(choices))[0].violation:
            short = shrinking.shrink(choices)
            print(f"{len(choices)} choices shrunk to {len(short)}; this schedule alone:")
            mutant = f" --mutant {given.mutant}" if given.mutant else ""
            print(f"  python -m tests.simulation replay{mutant} --choices {'.'.join(map(str, short))}\n")
            choices = short
        seeded = given.choices is None and not given.shrink
        result, _ = schedule.run(Choices(given.schedule_seed) if seeded else Replayed(choices), traced=True)
    wanted = given.key or result.key
    for key, line in result.trace:
        if given.all or key is None or wanted is None or key == wanted:
            print(f"{key or ' '} {line}")
    print(result.violation or "no violation")
    return 1 if result.violation else 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<78}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

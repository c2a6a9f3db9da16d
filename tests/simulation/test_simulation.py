"""The write protocol converges, in any of many thousand schedules of failures."""

from __future__ import annotations

import os

from . import running

#: `SCHEDULES` and `SEED` choose how many, and others.
SCHEDULES = int(os.environ.get("SCHEDULES") or 300_000)
START = int(os.environ.get("SEED") or 0)


def test_no_schedule_violates_anything_and_every_fault_comes_up() -> None:
    totals = running.Totals()
    for totals in running.parallel(START, SCHEDULES):
        if totals.violations:
            break
    replays = [f"{violation}: python -m tests.simulation replay {seed}" for seed, violation in totals.failing]
    assert not replays, "\n".join(replays)
    assert totals.schedules == SCHEDULES
    assert totals.conflicts > totals.settles > SCHEDULES // 2
    assert {
        "403",
        "429",
        "5xx",
        "batch cut anew",
        "broken mapping",
        "clock step",
        "doubled invocation",
        "doubled request",
        "engine restart",
        "index emptied",
        "index lost",
        "killed function",
        "killed rebuild",
        "late request",
        "lost answer",
        "lost request",
        "partial failure",
        "paused function",
        "reordered request",
        "shard split",
        "shards merged",
        "stale page",
        "stream gap",
        "stream replayed",
        "unanswered look",
        "unread keys",
    } == set(totals.faults)

"""What a schedule has: few things each, and each schedule others, so that all combinations come up and each is cheap.

Everything is off at choice 0, so a schedule that is shrunk keeps only what it needs to fail.
"""

from __future__ import annotations

from .choices import Choices

#: What can become of a request; `faults.requests` has each.
REQUEST_FAULTS = (
    "late request",
    "lost answer",
    "lost request",
    "doubled request",
    "partial failure",
    "reordered request",
    "429",
    "5xx",
    "403",
)


class Plan:
    """The features of one schedule."""

    __slots__ = (
        "clocks",
        "doubled_one_in",
        "emptied",
        "gap",
        "indices",
        "keys",
        "kill_one_in",
        "lanes",
        "mappings",
        "pause_one_in",
        "rebuild",
        "recut",
        "refills",
        "refusals",
        "regions",
        "request_faults",
        "request_one_in",
        "reshard",
        "restart",
        "rewind",
        "rounding",
        "shards",
        "slow",
        "stale_pages",
        "steps",
        "ties",
        "unread",
        "verify",
        "wire",
        "writers",
        "writes",
    )

    @staticmethod
    def of(choices: Choices) -> Plan:
        """Draws a plan."""
        below = choices.below

        def one_in(bound: int) -> bool:
            return below(bound) == bound - 1

        plan = Plan()
        plan.steps = 30 + below(90)
        plan.writes = 2 + below(8)
        plan.keys = (4, 1, 2, 3, 1, 2, 2)[below(7)]
        plan.writers = 1
        plan.regions = 1 + one_in(10)
        plan.indices = 1 + one_in(8)
        plan.shards = 1 + below(2)
        plan.lanes = 1 + below(2)
        plan.rounding = 60_000 if one_in(4) else 1000
        plan.slow = one_in(2)
        plan.ties = one_in(4)
        plan.wire = one_in(16)
        # Faults
        chosen = below(1 << len(REQUEST_FAULTS)) if below(3) else 0
        plan.request_faults = tuple(name for at, name in enumerate(REQUEST_FAULTS) if chosen >> at & 1)
        plan.request_one_in = (12, 6, 3)[below(3)]
        plan.kill_one_in = (0, 0, 0, 40, 15)[below(5)]
        plan.pause_one_in = (0, 0, 10, 4)[below(4)]
        plan.doubled_one_in = (0, 0, 4, 2)[below(4)]
        plan.clocks = one_in(3)
        plan.unread = one_in(12)
        plan.refusals = one_in(6)
        plan.mappings = one_in(16)
        # Not with failures: they leave no version in the index by which a shorter batch that comes late could be told.
        plan.recut = one_in(2) and not plan.refusals and not plan.mappings
        plan.verify = one_in(8)
        plan.reshard = one_in(8)
        plan.rewind = one_in(16)
        if one_in(6):  # a crowd around one key, within seconds; few writes, as a later one would mend what went wrong
            plan.keys, plan.slow, plan.ties = 1, True, True
            plan.doubled_one_in, plan.pause_one_in = 2, 4
            plan.writers, plan.writes, plan.verify = 2, 1 + below(3), one_in(2)
        # What operators do, and what they must do something about
        plan.refills = (0, 0, 1, 1, 2)[below(5)]
        plan.stale_pages = plan.refills > 0 and one_in(4)
        plan.rebuild = plan.emptied = plan.gap = plan.restart = False
        match below(12):
            case 6 | 7:
                plan.emptied = True
            case 8:
                plan.gap = True
            case 9:
                plan.restart = True
            case 10 | 11:
                plan.rebuild = True
        return plan

    clocks: bool  # hosts' clocks step, within 2 s of the true time
    doubled_one_in: int  # of the invocations that are run twice; 0: none
    emptied: bool  # an index is emptied from outside, or lost
    gap: bool  # records expire before they are read
    indices: int
    keys: int  # that are written to
    kill_one_in: int  # of a function's steps; 0: never
    lanes: int  # of each shard: the event source's parallelization factor
    mappings: bool  # the mapping is broken for a time
    pause_one_in: int  # of a function's steps; 0: never
    rebuild: bool
    recut: bool  # batches that failed come again with other records
    refills: int
    refusals: bool  # some items are refused, by the engine or the transform
    regions: int
    request_faults: tuple[str, ...]
    request_one_in: int
    reshard: bool  # shards are split and merged
    restart: bool  # the engine is restarted
    rewind: bool  # the stream is delivered once more from its oldest record
    rounding: int  # of creation times, in ms
    shards: int
    slow: bool  # little time passes
    stale_pages: bool  # refills read eventually consistent pages
    steps: int
    ties: bool  # sequence numbers are chosen to tie
    unread: bool  # the table does not get to all keys
    verify: bool
    wire: bool  # bulk requests go over the wire as bytes
    writers: int
    writes: int  # of each writer

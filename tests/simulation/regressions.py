"""Schedules that once found a hole in the protocol or in what operators were told to do, each with what it found.

They are kept as choices, not as seeds, which would mean other schedules whenever the simulator changes. They stay
readable for as long as plans draw the same things in the same order; one that no longer shows its hole under the
mutant named beside it is found by the tests, and is to be recorded anew.
"""

from __future__ import annotations

from typing import NamedTuple


class Regression(NamedTuple):
    """`mutant` puts the hole back; the schedule must fail with it, and be well without."""

    found: str
    mutant: str
    text: str  # the choices, with dots between them

    @property
    def choices(self) -> list[int]:
        return [int(choice) for choice in self.text.split(".")]


REGRESSIONS = (
    Regression(
        "Two records of a key share a version with a lower one between them: a shorter batch of the same "
        "records, coming late, outranked the whole one.",
        "collapse-to-an-equal",
        "0.3.0.0.0.0.0.0.0.3.0.1.1.0.3.2.3.2.0.0.0.1.0.0.0.0.2.0.0.0.0.0.0.0.1.0.2.0.0.0.0.2.0.1.4.3.0.0."
        "1.0.0.4.0.0.0.4.0.0.0.4.0.1.0.0.4.3.3.2.1.0.0.2.3.3.0.1.0.0.0.0.0.0.2.1.0.0.5.0.0.2.0.0.2.2.3.1."
        "2",
    ),
    Regression(
        "An item put and deleted while only some functions have seen the new generation is a ghost there;"
        " a refill cannot see it.",
        "rebuild-without-sweep",
        "0.1.0.0.0.1.0.0.0.0.0.0.0.0.0.3.0.0.0.0.1.0.0.0.0.4.0.11.0.0.0.0.0.0.0.0.1.0.0.1.0.0.2.0.0.1.0.1"
        ".2.0.0.5.5.0.1.0.0.9.7",
    ),
    Regression(
        "A function that has not seen the new generation writes an update to the old one alone; the page,"
        " dated too close to it, takes what the new generation has for newer.",
        "rebuild-without-margin",
        "0.0.0.9.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.0.0.0.0.0.0.2.0.10.0.0.0.0.0.0.0.0.1.1.0.1.3.1.0.4.4.0.3.0.6.6.1.0.1.3",
    ),
    Regression(
        "A late write of before its loss arrives in an index made anew, and a page that is dated too "
        "close to it takes it for newer.",
        "lost-index-without-verify",
        "44.2.0.0.0.0.0.0.0.0.0.1.1.0.0.0.2.2.0.0.0.0.0.0.0.0.2.3.7.0.0.0.0.1.1.0.4.9.2.3.0.0.0.0.0.1.0.0"
        ".2.0.5.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.2.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.4.5.0.3.4"
        ".1.0.0.0.2.1.0.0.3.0.0.2.0.0.1.2.0.0.0.0.0.0.0.0.2.4.0.0.0.0.0.0.1.0.0.0.5.0.3.3.0.0.1.0.0.0.1.1"
        ".0.2.0.0.0.0.3.0.0.0.2.3.2.4.3.4.4.1.0.0.0.0.1.2.1.0.0.1.0.0.2.0.0.1.1.0.1.0.0.0.1",
    ),
    Regression(
        "An item younger than the pages are stale is emptied from the index and not in the pages that are"
        " to bring it back.",
        "emptied-index-from-stale-pages",
        "33.0.0.0.0.0.0.0.0.0.0.1.1.0.3.2.0.0.0.0.0.0.0.0.0.0.4.3.6.0.0.0.0.0.0.0.0.1.4.10.0.0.0.0.1.0.0."
        "0.2.3.1.0.0.3.0.0.2.0.4.2.3.0.0.0.1.0.0.0.0.5.3.0.0.0.0.0.1.0.0.4.0.0.4.2.1.0.0.0.1.0.0.0.0.0.0."
        "0.3.5.0.0.0.0.0.1.1.1.0.0.0.0.4.5.0.0.0.0.0.0.0.1.0.0.0.0.0.0.3.1.0.0.0.0.0.0.0.0.0.0.1.0.1.0.0."
        "0.1.1.1.0.0.0.0.1.0.0.1.1.0.0.1.0.0.1.0.0.2.1.0.0.0.1.0.1",
    ),
    Regression(
        "A restarted engine has forgotten its tombstones, and a late put of before a deletion is applied.",
        "no-verify-after-restart",
        "0.1.0.0.0.1.0.0.0.0.0.0.0.0.0.0.2.0.0.0.0.0.7.0.0.3.0.9.0.0.1.0.0.0.0.1.2.1.0.1.3.0.0.2.0.1.0.2."
        "2.0.0.7.0.0.0.1.0.1.0.2.4.12.0.8.8.1",
    ),
    Regression(
        "A write that was refused is delivered once more when the mapping is mended, and outranks what a redrive "
        "settled below it.",
        "redrive-below-what-failed",
        "0.0.0.0.0.0.0.0.0.0.0.1.284.1.0.0.0.0.0.0.15.0.0.0.0.5.2.0.0.6.0.0.0.0.0.0.4.0.1.0.0.1.0.0.3.0.0.0.4.1.2."
        "2.0.0.0.0.1.0.0.0.0.1.0.0.3.1.0.1.2.0.0.0.0.1.1.2.1.0.1.0.5.1.7.7.6.0.0.2.0.0.4",
    ),
)

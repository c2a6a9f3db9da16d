"""The version of a change: external versions in the engine, decided by time and never by arrival.

    63 bits: creation second (33) << 30 | tie (24) << 6 | gen (6)

- A stream record: its creation second, `tie = 1 + SequenceNumber mod (2^24 - 1)`, gen 0. Of two records of one key in
  different seconds the later has the higher version; within a second the tie usually differs, and where it happens not
  to order them, the conflict makes the table decide.
- A refill page: the server's date of the page less a margin, tie 0, gen 0. So it is below every record that the page
  cannot have seen.
- Settled, or collapsed from several records: the next version above the one that was there, gen >= 1.

So the low bits say how a version came about: `decode` reads them for people.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

SECOND_SHIFT = 30
TIE_SHIFT = 6
GEN_MASK = (1 << TIE_SHIFT) - 1
TIE_MASK = (1 << 24) - 1

#: Seconds by which a refill's version lies behind the date of its page. It must exceed how far a record's creation time
#: can lag the clock: it is rounded down, to the second as documented, to the minute in DynamoDB Local, and clocks
#: disagree. A larger margin is always safe, a smaller one is not.
MARGIN_SECONDS = 65
#: The same for eventually consistent pages: it must also exceed how stale they can be.
STALE_MARGIN_SECONDS = 300


def of_record(creation_second: int, sequence_number: int) -> int:
    """The version of a stream record, from its ApproximateCreationDateTime (whole seconds) and SequenceNumber."""
    return creation_second << SECOND_SHIFT | (1 + sequence_number % TIE_MASK) << TIE_SHIFT


def of_page(date: int, margin: int = MARGIN_SECONDS) -> int:
    """The version of all items of a scan page that the server dated `date` (seconds since 1970)."""
    return (date - margin) << SECOND_SHIFT


def after(version: int) -> int:
    """The next version above one that is there; never one with gen 0, which only records and pages have."""
    following = version + 1
    return following if following & GEN_MASK else following + 1


def second(version: int) -> int:
    """The creation second in a version, in seconds since 1970."""
    return version >> SECOND_SHIFT


def gen(version: int) -> int:
    """How often a version was raised since the record or page it comes from."""
    return version & GEN_MASK


class Decoded(NamedTuple):
    """A version's parts; `second` is in seconds since 1970 (for a page: less the margin)."""

    second: int
    tie: int
    gen: int
    kind: Literal["record", "page", "settled"]


def decode(version: int) -> Decoded:
    """Reads a version: when, and how it was written."""
    tie, raised = version >> TIE_SHIFT & TIE_MASK, gen(version)
    return Decoded(second(version), tie, raised, "settled" if raised else "record" if tie else "page")

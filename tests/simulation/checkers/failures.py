"""Nothing is in the failures queue that should not be, and everything that should.

- A failure is of a key that has had an item which an index refuses, or of a mapping that was broken then.
- A whole batch that is refused never drains into the queue.
- When all is at rest and redriven, the queue has just the keys whose items are refused.
"""

from __future__ import annotations

from collections import Counter

from dynadex.core.writing import Outcome

from ..data import KEYS, is_refused
from ..world import Region, Violation, World

NAME = "failures queue"


def kept(world: World, region: Region, outcome: Outcome) -> None:
    """Checks what an invocation puts into the queue."""
    for failure in outcome.failures:
        if world.trace is not None:
            world.tell(failure.id, f"{region.name} failure: {failure.kind} {failure.type} in {failure.alias}")
        if failure.id not in region.was_refused and not world.plan.mappings:
            raise Violation(NAME, failure.id, f"{failure.id} is in the queue, {failure.type}, but nothing refuses it")
    if not (outcome.indexed or outcome.repeated or outcome.superseded or outcome.settled):
        for alias, count in Counter(failure.alias for failure in outcome.failures).items():
            if count >= len(KEYS):
                raise Violation(NAME, None, f"a whole batch of {count} drained into the queue, refused by {alias}")


def at_rest(world: World, region: Region) -> None:
    """Checks the queue when all is done and redriven."""
    there = {failure.id for failure in region.queue}
    refused = {id for id in KEYS if is_refused(region.table.items.get(id))}
    for id in sorted(there - refused):
        raise Violation(NAME, id, f"{id} is still in the queue, but nothing refuses it")
    for id in sorted(refused - there):
        raise Violation(NAME, id, f"{id} is refused, but is not in the queue")

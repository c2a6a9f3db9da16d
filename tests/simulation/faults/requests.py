"""What becomes of a request to the engine.

Without a fault it is applied at once, as a whole. With one it may be applied late, twice, in parts, in another order
or never, and its sender may be told, or not.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from dynadex.core import bulk
from dynadex.core.bulk import Answer, Operation, Status
from dynadex.core.writing import Found, Target

from ..engine import FORBIDDEN, OVERLOADED, UNAVAILABLE
from ..world import LATE_SECONDS, Actor, Region, World

_NO_ANSWER = Answer(Status.RETRY, 0, "ReadTimeoutError", "the engine does not answer")
_HTTP_429 = Answer(Status.RETRY, 0, "too_many_requests", "HTTP 429")
_HTTP_503 = Answer(Status.RETRY, 0, "unavailable", "HTTP 503")

_HOLD_SECONDS = (0, 0, 0, 1, 3, 10, 60, 180)


def write(
    world: World, region: Region, operations: Sequence[Operation], who: str
) -> Generator[int, None, Sequence[Answer]]:
    """Sends a bulk request; returns the answers that its sender gets."""
    kinds = world.plan.request_faults
    one_in = world.plan.request_one_in
    if kinds and world.faulty and world.below(one_in) == one_in - 1:
        kind = kinds[world.below(len(kinds))]
        world.fault(kind, None, f"for {who}, of {', '.join(operation.id for operation in operations)}")
        return (yield from _faulty(world, region, operations, kind, who))
    if world.plan.wire:
        body = region.engine.wire(bulk.encode(operations), world.now)
        answers: Sequence[Answer] = bulk.read(body, len(operations))
    else:
        answers = region.engine.write(operations, world.now)
    if world.trace is not None:
        _told(world, region, operations, answers, who)
    return answers


def _faulty(
    world: World, region: Region, operations: Sequence[Operation], kind: str, who: str
) -> Generator[int, None, Sequence[Answer]]:
    none = [_NO_ANSWER] * len(operations)
    match kind:
        case "late request":
            world.actors.append(_arrives(world, region, operations, world.now, who))
            return none
        case "lost answer":
            _apply(world, region, operations, who)
            yield 0
            return none
        case "lost request":
            return none
        case "doubled request":
            world.actors.append(_arrives(world, region, operations, world.now, who))
            return _apply(world, region, operations, who)
        case "partial failure":
            refusal = (OVERLOADED, UNAVAILABLE)[world.below(2)]
            return [
                bulk.read_item(refusal) if world.below(2) else _apply(world, region, [operation], who)[0]
                for operation in operations
            ]
        case "reordered request":
            answers = list(none)
            order = list(range(len(operations)))
            while order:
                at = order.pop(world.below(len(order)))
                answers[at] = _apply(world, region, [operations[at]], who)[0]
                yield 0
            return answers
        case "429":
            return [_HTTP_429] * len(operations)
        case "5xx":
            return [_HTTP_503] * len(operations)
    assert kind == "403"
    return [bulk.read_item(FORBIDDEN)] * len(operations)


def _arrives(world: World, region: Region, operations: Sequence[Operation], sent: int, who: str) -> Actor:
    """A request on its way that nobody waits for."""
    until = sent + _HOLD_SECONDS[world.below(len(_HOLD_SECONDS))] * 1000
    while world.now < until:
        yield until
    for _ in range(world.below(4)):
        yield 0
    if world.now <= sent + LATE_SECONDS * 1000:
        _apply(world, region, operations, f"(late) {who}")
    yield 0


def _apply(world: World, region: Region, operations: Sequence[Operation], who: str) -> list[Answer]:
    answers = region.engine.write(operations, world.now)
    if world.trace is not None:
        _told(world, region, operations, answers, who)
    return answers


def look(world: World, region: Region, targets: Sequence[Target], who: str) -> list[Found | Answer | None]:
    """Asks for documents as they are now; the engine may not answer for some."""
    found = region.engine.look(targets, world.now)
    if world.faulty and world.plan.request_faults and world.below(12) == 11:
        world.fault("unanswered look")
        found = [_HTTP_503 if world.below(2) else each for each in found]
    if world.trace is not None:
        for (alias, id), each in zip(targets, found, strict=True):
            state = "gets no answer"
            if each is None:
                state = "sees no document"
            elif isinstance(each, Found):
                state = f"sees {each.source} at {world.version(each.version)}"
            world.tell(id, f"{region.name} {who} looks into {alias}: {state}")
    return found


def _told(world: World, region: Region, operations: Sequence[Operation], answers: Sequence[Answer], who: str) -> None:
    for (alias, id, version, source), answer in zip(operations, answers, strict=True):
        what = "deletes" if source is None else f"writes {source.decode()}"
        came = answer.status.value
        if answer.status is Status.CONFLICT:
            came = f"conflict, there is {world.version(answer.current)}"
        elif answer.status is not Status.APPLIED:
            came = f"{came}, {answer.type}"
        world.tell(id, f"{region.name} {who} {what} in {alias} at {world.version(version)}: {came}")

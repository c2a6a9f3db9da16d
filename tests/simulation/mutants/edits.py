"""Every rule left out or off by one, as an edit of the code that follows it.

An edit replaces one piece of a function's text. If the code changes so that the piece is no longer there just once,
the mutant fails to be made, and says so.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from unittest.mock import patch

from dynadex.core import bulk, changes, versions, writing

from .. import functions, world
from ..actors import mending, rebuild, refill, stream
from ..engine import Engine, Watcher
from ..faults import outages


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong protocol. `wrong` says what it does; `made` is the context in which everything does it."""

    name: str
    wrong: str
    made: Callable[[], ExitStack]


@contextmanager
def edited(module: ModuleType, function: str, old: str, new: str) -> Iterator[None]:
    """Replaces a piece of a function's text while the context lasts."""
    original = getattr(module, function)
    text = textwrap.dedent(inspect.getsource(original))
    assert text.count(old) == 1, f"{module.__name__}.{function} has {old!r} {text.count(old)} times"
    flags = __future__.annotations.compiler_flag
    exec(compile(text.replace(old, new), f"<mutant of {function}>", "exec", flags), module.__dict__)
    try:
        yield
    finally:
        setattr(module, function, original)


def edit(name: str, wrong: str, module: ModuleType, function: str, old: str, new: str) -> Mutant:
    """A mutant that is one edit."""

    def made() -> ExitStack:
        with ExitStack() as stack:
            stack.enter_context(edited(module, function, old, new))
            return stack.pop_all()

    return Mutant(name, wrong, made)


def setting(name: str, wrong: str, owner: object, constant: str, value: object) -> Mutant:
    """A mutant that is another value."""

    def made() -> ExitStack:
        with ExitStack() as stack:
            stack.enter_context(patch.object(owner, constant, value))
            return stack.pop_all()

    return Mutant(name, wrong, made)


def _steps(*names: str) -> tuple[rebuild.Step, ...]:
    return tuple(getattr(rebuild, name) for name in names)


def _rebuild_without_sweep() -> ExitStack:
    with ExitStack() as stack:
        stack.enter_context(edited(rebuild, "verify", "yield from mending.sweep(world, region, began)", "pass"))
        order = [step.__name__ for step in rebuild.STEPS]
        stack.enter_context(patch.object(rebuild, "STEPS", _steps(*order)))
        return stack.pop_all()


_SETTLE = "yield from _settle(unsettled, keys, feeds, outcome)"

SYNC = (
    edit("no-settle", "a conflict is taken for done", writing, "sync", _SETTLE, "pass"),
    edit(
        "a-second-ahead-is-later",
        "a conflict is taken for done where what is there is a second ahead, less than the margin",
        writing,
        "sync",
        " + versions.MARGIN_SECONDS",
        "",
    ),
    edit(
        "equal-is-mine",
        "an equal version is taken for a retry, unseen",
        writing,
        "sync",
        "mine.append((operation, there))",
        "outcome.repeated += 1",
    ),
    edit(
        "settle-from-before",
        "settle writes what was read before the conflict was known",
        writing,
        "_settle",
        "        items, _ = yield from _read({target.id: keys[target.id] for target in known}, outcome)\n",
        "        if not attempt:\n"
        "            items, _ = yield from _read({target.id: keys[target.id] for target in known}, outcome)\n",
    ),
    edit(
        "settle-by-image",
        "settle writes the record's image instead of asking the table",
        writing,
        "sync",
        _SETTLE,
        "images = {o.id: o.source for o in operations}\n"
        "    yield from _write([Operation(*t, versions.after(v), images[t.id]) for t, v in unsettled.items()],"
        " keys, feeds, outcome)",
    ),
    edit("next-is-equal", "the next version is the one that is there", versions, "after", "version + 1", "version"),
    edit(
        "collapse-own-version",
        "of several records of a key the last one's version is used, though another's is higher",
        changes,
        "of_records",
        "latest[id] = latest[id]._replace(version=versions.after(peak))",
        "pass",
    ),
    edit(
        "collapse-to-an-equal",
        "of several records of a key the last one's version is used where none is higher, though one may be equal",
        changes,
        "of_records",
        "versions.after(peak)",
        "peak if latest[id].version == peak else versions.after(peak)",
    ),
    edit(
        "collapse-to-first",
        "of several records of a key the first image is sent",
        changes,
        "of_records",
        "latest[id] = Change(id, key, image, version)",
        "latest.setdefault(id, Change(id, key, image, version))",
    ),
    edit(
        "deletes-only-what-is-there",
        "a deletion is not sent where it is not known that there is a document",
        writing,
        "_operations",
        "yield Operation(generation, change.id, change.version, source)",
        "if source is not None or not change.version & 64:\n"
        "                yield Operation(generation, change.id, change.version, source)",
    ),
    edit(
        "retryable-is-done",
        "what the engine could not answer now is not asked again",
        writing,
        "_write",
        "                again.append(operation)\n",
        "                pass\n",
    ),
)

FAILURES = (
    edit(
        "forbidden-is-refused",
        "an answer about the cluster, 403, is taken for one about the document",
        bulk,
        "read_item",
        "status in (401, 403, 404, 408, 429)",
        "status in (408, 429)",
    ),
    edit(
        "429-is-refused",
        "an overloaded engine's answer is taken for one about the document",
        bulk,
        "read_item",
        "status in (401, 403, 404, 408, 429)",
        "status in (401, 403, 404)",
    ),
    setting(
        "whole-batch-drains",
        "a batch that is refused as a whole goes into the failures queue",
        writing.Outcome,
        "checked",
        lambda outcome: outcome,
    ),
    edit(
        "failures-forgotten",
        "a batch counts as done before its failures are in the queue, and they are lost",
        functions,
        "invoke",
        "region.queue += outcome.failures",
        "pass",
    ),
    edit("failed-batch-is-done", "a batch that failed does not come again", stream, "poll", "if done and ", "if "),
)

REFILL = (
    edit(
        "pages-from-the-future",
        "pages are stamped after their date",
        versions,
        "of_page",
        "date - margin",
        "date + margin",
    ),
    edit(
        "margin-below-rounding",
        "the pages' margin is 30 s, though creation times are rounded down to the minute",
        versions,
        "of_page",
        "margin)",
        "min(margin, 30))",
    ),
    setting("stale-pages-as-consistent", "stale pages have the margin of others", versions, "STALE_MARGIN_SECONDS", 65),
    edit("refill-skips-conflicts", "a refill skips what conflicts, tombstones too", writing, "refill", _SETTLE, "pass"),
    edit(
        "refill-overwrites",
        "a refill writes its page over whatever is there",
        writing,
        "refill",
        "outcome.superseded += 1",
        "yield from _write([operation._replace(version=versions.after(there))], keys, feeds, outcome)",
    ),
    edit(
        "round-skips-its-page",
        "a round that failed is repeated from the key after its page",
        refill,
        "_round",
        "return False, start",
        "return page.last_key is None, page.last_key",
    ),
    edit(
        "lost-index-without-verify",
        "an index that was lost and is refilled is not verified from the table to the index afterwards",
        outages,
        "emptied",
        "region.sweep_whole = True\n",
        "pass\n",
    ),
    edit(
        "emptied-index-from-stale-pages",
        "an emptied index is refilled at once from stale pages",
        outages,
        "emptied",
        "region.refill_from = world.now + refill.wait_seconds(stale=True) * 1000\n",
        "pass\n",
    ),
)

MENDING = (
    edit(
        "redrive-below-what-failed",
        "a redrive settles below the version that failed, whose write may still arrive",
        mending,
        "redrive",
        '"redrive", failed)',
        '"redrive")',
    ),
    edit(
        "mend-without-settle",
        "a repair whose write conflicts is taken for done",
        writing,
        "mend",
        "yield from _settle(known, keys, feeds, outcome)",
        "pass",
    ),
    edit(
        "reads-not-consistent",
        "settle and repair read what the table was some seconds ago",
        functions,
        "read",
        "{id: items.get(id) for id in ids}",
        "{id: table.as_of(id, world.now - 2000) for id in ids}",
    ),
    edit(
        "no-sweep-after-gap",
        "a gap is followed by a refill alone",
        mending,
        "sweep",
        "while wrong and",
        "while False and",
    ),
    edit(
        "no-verify-after-restart",
        "a restarted engine is left alone",
        outages,
        "restarted",
        "world.actors.append(mending.sweep(world, region, began))",
        "region.sweep_due = 0",
    ),
    edit(
        "sweep-too-early",
        "a restarted engine is swept while writes of before can still arrive",
        outages,
        "restarted",
        "LONGEST_WRITE_SECONDS * 1000",
        "1000",
    ),
)

REBUILD = (
    setting(
        "swap-before-wait",
        "a rebuild swaps before it waits",
        rebuild,
        "STEPS",
        _steps("create", "attach", "fill", "swap", "wait", "verify", "keep", "drop"),
    ),
    setting(
        "fill-before-attach",
        "a rebuild fills the new generation before the stream feeds it",
        rebuild,
        "STEPS",
        _steps("create", "fill", "attach", "wait", "verify", "swap", "keep", "drop"),
    ),
    edit(
        "rebuild-without-wait",
        "a rebuild fills before every function has seen that the new generation is fed",
        rebuild,
        "wait_seconds",
        "return seen + refill.margin(stale) + CLOCKS_SECONDS",
        "return 0",
    ),
    edit(
        "rebuild-without-margin",
        "a rebuild waits until every function has seen the new generation, but not for the margin of its pages",
        rebuild,
        "wait_seconds",
        "return seen + refill.margin(stale) + CLOCKS_SECONDS",
        "return seen",
    ),
    Mutant(
        "rebuild-without-sweep",
        "a rebuild fills the new generation, but does not look for documents whose item is gone",
        _rebuild_without_sweep,
    ),
)


class _ShortMemory(Engine):
    """An engine that keeps tombstones for its default time."""

    def __init__(self, watch: Watcher) -> None:
        super().__init__(watch)
        self.gc_ms = 60_000


class _NoTombstones(Engine):
    """An engine whose deletions of what is not there leave nothing."""

    def __init__(self, watch: Watcher) -> None:
        super().__init__(watch)
        self.keeps_absent = False


ENGINE = (
    setting("tombstones-of-a-minute", "index.gc_deletes is the default, 60 s", world, "Engine", _ShortMemory),
    setting(
        "absent-is-not-deleted",
        "what is not there is not deleted, and leaves no tombstone",
        world,
        "Engine",
        _NoTombstones,
    ),
)

MUTANTS = (*SYNC, *FAILURES, *REFILL, *MENDING, *REBUILD, *ENGINE)

"""Many items at once, from a JSONL or CSV file, each line an edit of its own with an entry in the history.

A line whose item is as the table has it changes nothing, so a file may be sent again after half an answer, or none.
A line that has a `revision` is taken only while the item has that revision. A file that takes too long for one request,
or whose report grows too long for one answer, is broken off with `next`, the line to go on from: the same file is sent
again with `?from=LINE`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from ..core.attributes import InvalidKey, Item, dumps
from ..core.comparing import same
from ..core.editing import REVISION, Plain, bare, plain, revision_of
from ..core.lines import Line, WrongFile, csv_lines, json_lines
from ..ledger import Changed, Edit
from ..pacing import OutOfTime
from . import report, service
from .answers import Refusal, Response, answer, body, header
from .editing import Request, id_of, item_problems, not_for_items, now

#: A function takes requests of 6 MB, and a file comes in base64, a third longer.
MAX_BYTES = 4_000_000
MAX_LINES = 20_000
_AT_ONCE = 8
#: An API waits 30 seconds for its function.
_SECONDS = 18.0
_STEP = 200
#: A function's answer has up to 6 MB. A report that is longer than this is not gone on with, and the last step's lines
#: are in it whole, each with its first problems only.
_MOST_REPORTED = 4_000_000
_MOST_PROBLEMS = 5_000
_OUTCOMES = ("created", "updated", "unchanged", "failed")

Outcome = dict[str, Any]


def imported(asked: Request) -> Response:
    """`POST /admin/{table}/import`."""
    began, first = time.monotonic(), _from(asked.parameters)
    lines = _without_twins(asked, _lines(asked))
    waiting = iter([line for line in lines if line[0].number >= first])
    outcomes: list[Outcome] = []
    following: int | None = None
    reported = 0
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import") as pool:
        while step := list(islice(waiting, _STEP)):
            if outcomes and (time.monotonic() - began > _SECONDS or reported > _MOST_REPORTED):
                following = step[0][0].number
                break
            try:
                there = asked.ledger.read_all([id for line, id in step if line.item is not None], asked.patience)
            except OutOfTime:
                following = step[0][0].number
                break
            found = list(pool.map(partial(_outcome, asked, there), step))
            outcomes += found
            reported += sum(map(_length, found))
    counted = Counter(outcome["outcome"] for outcome in outcomes)
    totals = {name: counted[name] for name in _OUTCOMES}
    edits = {"Edits": counted["created"] + counted["updated"]}
    report.line("imported", service.project().name, "admin", edits, table=asked.table.name, **totals)
    return answer(200, {**totals, "next": following, "lines": outcomes})


def _lines(asked: Request) -> list[Line]:
    kind = header(asked.event, "content-type").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "application/x-ndjson", "application/jsonl"):
        detail = "Send a file as `text/csv`, or of a JSON object a line as `application/x-ndjson`."
        raise Refusal(415, "Unknown kind of file", detail)
    try:
        text = body(asked.event, MAX_BYTES).decode()
        if "\ufffd" in text:  # an API that takes a text for UTF-8 puts this where it was not
            raise Refusal(400, "Wrong file", "The file is not UTF-8.")
        columns = {**asked.schema.properties, REVISION: {"type": "integer"}}
        read = csv_lines(text, columns) if kind == "text/csv" else json_lines(text)
        lines = list(islice(read, MAX_LINES + 1))
    except UnicodeDecodeError:
        raise Refusal(400, "Wrong file", "The file is not UTF-8.") from None
    except WrongFile as error:
        raise Refusal(400, "Wrong file", f"The file cannot be read: {error}.") from None
    if len(lines) > MAX_LINES:
        raise Refusal(413, "Too large", f"The file has more than {MAX_LINES:,} lines; send it in parts.")
    return lines


def _from(parameters: Mapping[str, str]) -> int:
    told = parameters.get("from", "1")
    unknown = {name[:50]: "is no parameter here; allowed is from" for name in parameters if name != "from"}
    if unknown or not (told.isascii() and told.isdigit() and len(told) < 10 and int(told)):
        problems = unknown or {"from": "is not the number of a line"}
        raise Refusal(400, "Wrong request", "; ".join(f"{k}: {v}" for k, v in problems.items()), problems=problems)
    return int(told)


def _without_twins(asked: Request, lines: list[Line]) -> list[tuple[Line, str]]:
    """Lines with their items' ids. A second line of one id is a problem: lines are carried out side by side."""
    checked: list[tuple[Line, str]] = []
    seen: dict[str, int] = {}
    for line in lines:
        id, problems = "", dict(line.problems)
        if line.item is not None:
            problems = item_problems(asked.schema, bare(line.item)) | problems
            try:
                id = id_of(asked.table, line.item)
                asked.table.key.key_of(id)
                if mistake := not_for_items(asked.table, id):
                    problems = {asked.table.partition_key.name: mistake}
            except InvalidKey as error:
                problems = problems or {asked.table.partition_key.name: str(error)}
            if not problems and seen.setdefault(id, line.number) != line.number:
                problems = {asked.table.partition_key.name: f"is in line {seen[id]} already"}
        checked.append((Line(line.number, None if problems else line.item, problems), id))
    return checked


def _outcome(asked: Request, there: Mapping[str, Item | None], one: tuple[Line, str]) -> Outcome:
    line, id = one
    told: Outcome = {"line": line.number, "id": id or None}
    if line.item is None:
        return {**told, "outcome": "failed", "problems": _first(line.problems)}
    try:
        return {**told, **_take(asked, line.item, id, there[id])}
    except (OutOfTime, ValueError) as error:
        return {**told, "outcome": "failed", "problems": {"": str(error)}}
    except Changed:
        return {**told, "outcome": "failed", "problems": {"": "was changed meanwhile; send the file again"}}


def _length(value: Any) -> int:
    """In bytes, as an answer has it: JSON in a text, which is JSON again."""
    return len(dumps(dumps(value).decode()))


def _first(problems: Mapping[str, str]) -> dict[str, str]:
    """The first problems of a line, as many as a report has room for: a line may have 100,000 attributes, all wrong."""
    kept: dict[str, str] = {}
    length = 0
    for path, text in problems.items():
        one = {path[:100]: text[:500]}
        if (length := length + _length(one)) > _MOST_PROBLEMS:
            return {**kept, "": f"and {len(problems) - len(kept)} more"}
        kept |= one
    return kept


def _take(asked: Request, item: Plain, id: str, before: Item | None) -> Outcome:
    after = bare(item)
    if before is not None and same(bare(plain(before)), after):
        return {"outcome": "unchanged", "revision": revision_of(before)}
    if REVISION in item and item[REVISION] != revision_of(before):
        problem = f"the item has revision {revision_of(before)}" if before else "there is no such item any more"
        return {"outcome": "failed", "problems": {REVISION: problem}}
    written = asked.ledger.write(Edit(id, before, "import", asked.by, now()), after, asked.patience)
    return {"outcome": "updated" if before else "created", "revision": revision_of(written)}

"""One item, read and edited: what each route of the admin API does with it.

Every edit is conditional on the revision that the admin saw, checked against the table's JSON Schema, and written in
one transaction with its entry in the history. A request with an `Idempotency-Key` may come again: it is carried out
once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from ..core import heartbeats
from ..core.attributes import InvalidKey, Item, dumps
from ..core.comparing import same
from ..core.editing import Plain, bare, merged, plain, read, revision_of, slug, typed_like
from ..core.validating import Schema
from ..ledger import MAX_ENTRIES, Changed, Edit, Ledger
from ..pacing import Patience
from ..project import Admin, Table
from . import report, service
from .answers import Event, Refusal, Response, answer, body, header

#: What an item may have as JSON: its history entry holds the old and the new values, and DynamoDB takes 400 kB.
MAX_ITEM_BYTES = 100_000
#: Path segments after a table's name that are no ids.
_RESERVED_IDS = ("import", "schema")
_REVISION = re.compile(r'(?:W/)?"?(0|[1-9][0-9]{0,14})"?').fullmatch


@dataclass(frozen=True, slots=True)
class Request:
    """One admin's request to one table."""

    event: Event
    table: Table
    admin: Admin
    by: str
    ledger: Ledger
    schema: Schema
    patience: Patience

    @property
    def id(self) -> str:
        """The id in the path. Raises `InvalidKey` where no item that anybody edits has it."""
        id = str((self.event.get("pathParameters") or {}).get("id", ""))
        if id and not_for_items(self.table, id):
            raise InvalidKey
        return id

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.event.get("queryStringParameters") or {})


# -- Reading


def show(asked: Request) -> Response:
    return _shown(200, _there(asked))


def show_history(asked: Request) -> Response:
    entries = asked.ledger.entries(asked.id, MAX_ENTRIES, asked.patience)
    if not entries and asked.ledger.read(asked.id, asked.patience) is None:
        raise InvalidKey
    kept = ("revision", "at", "by", "action", "region", "changes")
    told = [{name: entry[name] for name in kept if name in entry} for entry in map(plain, entries)]
    return answer(200, {"entries": told})


def show_schema(asked: Request) -> Response:
    return answer(200, asked.admin.schema)


def _there(asked: Request) -> Item:
    if (item := asked.ledger.read(asked.id, asked.patience)) is None:
        raise InvalidKey
    return item


def shown(item: Item) -> Plain:
    """An item as the API shows it: with its revision, also where that is 0."""
    return {**plain(item), "revision": revision_of(item)}


def _shown(status: int, item: Item, **headers: str) -> Response:
    return answer(status, shown(item), headers={"ETag": f'"{revision_of(item)}"', **headers})


# -- Writing


def create(asked: Request) -> Response:
    item = _json_object(asked)
    token = _token(asked)
    [key, *others] = [attribute.name for attribute in asked.table.key.attributes]
    if key not in item and not others and asked.table.partition_key.type == "S":
        made = slug(item.get(name) for name in asked.admin.id_from)
        if not asked.admin.id_from:
            # the same for a request that comes again
            made = str(uuid.UUID(token[:32]) if token else uuid.uuid4())
        if made:
            item = {key: made, **item}
    _check(asked, item)
    id = _id_of(asked, item)
    if mistake := not_for_items(asked.table, id):
        raise _invalid({key: mistake})
    edit = _edit(asked, id, None, "create")
    current = asked.ledger.read(id, asked.patience)
    # An item that was made by this request and deleted since is not made again.
    if current is not None or (edit.request and _done_before(asked, edit)):
        return _changed(asked, edit, current, created=True)
    try:
        return _created(asked, id, _write(asked, edit, item))
    except Changed as changed:
        return _changed(asked, edit, changed.current, created=True)


def _created(asked: Request, id: str, item: Item) -> Response:
    return _shown(201, item, Location=f"/admin/{asked.table.name}/{quote(id, safe='')}")


def replace_item(asked: Request) -> Response:
    return _revise(asked, "replace", lambda before: _json_object(asked))


def patch(asked: Request) -> Response:
    return _revise(asked, "patch", lambda before: bare(merged(before, _json_object(asked))))


def publish(asked: Request) -> Response:
    draft = asked.admin.draft
    return _revise(asked, "publish", lambda before: {name: v for name, v in before.items() if name != draft})


def unpublish(asked: Request) -> Response:
    return _revise(asked, "unpublish", lambda before: {**before, asked.admin.draft: True})


def _revise(asked: Request, action: str, new: Callable[[Plain], Plain]) -> Response:
    """Brings the item from the revision that the request names to a new state; nothing is written if it is that."""
    seen = _seen(asked)
    item = _there(asked)
    before = bare(plain(item))
    edit = _edit(asked, asked.id, item, action)
    if revision_of(item) != seen:
        return _changed(asked, edit, item)
    after = new(before)
    if same(before, after):
        return _shown(200, item)
    _check(asked, after)
    if _id_of(asked, after) != asked.id:
        names = [attribute.name for attribute in asked.table.key.attributes]
        raise _invalid(dict.fromkeys(names, "is the key and cannot be changed; make another item"))
    try:
        return _shown(200, _write(asked, edit, after))
    except Changed as changed:
        return _changed(asked, edit, changed.current)


def delete(asked: Request) -> Response:
    seen = _seen(asked)
    item = asked.ledger.read(asked.id, asked.patience)
    edit = _edit(asked, asked.id, item, "delete")
    if item is None or revision_of(item) != seen:
        return _changed(asked, edit, item)
    try:
        asked.ledger.delete(edit, asked.patience)
    except Changed as changed:
        return _changed(asked, edit, changed.current)
    except ValueError as error:
        what = f"DynamoDB cannot hold the history's entry: {error}"
        raise Refusal(422, "Not valid", f"The item cannot be deleted: {what}.", problems={"": what}) from None
    _log_edit(asked, edit, None)
    return answer(204)


def _edit(asked: Request, id: str, before: Item | None, action: str) -> Edit:
    return Edit(id, before, action, asked.by, now(), _token(asked))


def now() -> str:
    """The time as history entries have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(asked: Request, edit: Edit, after: Plain) -> Item:
    try:
        written = asked.ledger.write(edit, after, asked.patience)
    except ValueError as error:
        raise _invalid({"": f"DynamoDB cannot hold it: {error}"}) from None
    _log_edit(asked, edit, written)
    return written


def _log_edit(asked: Request, edit: Edit, written: Item | None) -> None:
    fields = {"table": asked.table.name, "action": edit.action, "revision": revision_of(written)}
    report.line("edited", service.project().name, "admin", {"Edits": 1}, **fields)


def _changed(asked: Request, edit: Edit, current: Item | None, *, created: bool = False) -> Response:
    """The item is not what the request was made for: because it was carried out before, or because of others."""
    if edit.request and _done_before(asked, edit):
        if edit.action == "delete":
            return answer(204)
        if current is not None:
            return _created(asked, edit.id, current) if created else _shown(200, current)
    if current is None:
        raise InvalidKey
    what = "There is an item with this id already." if created else "The item was changed meanwhile."
    raise Refusal(409, "Conflict", f"{what} `current` is what it is now.", current=shown(current))


def _done_before(asked: Request, edit: Edit) -> bool:
    entries = asked.ledger.entries(edit.id, MAX_ENTRIES, asked.patience)
    return any(entry.get("request", {}).get("S") == edit.request for entry in entries)


# -- What requests hold


def _token(asked: Request) -> str:
    """What marks this request, if it may come again: the same for the same key, user, path and body."""
    if not (key := header(asked.event, "idempotency-key")):
        return ""
    if len(key) > 200:
        raise Refusal(400, "Wrong request", "The Idempotency-Key is longer than 200 characters.")
    parts = (key, asked.by, str(asked.event.get("routeKey")), asked.id, str(asked.event.get("body") or ""))
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _seen(asked: Request) -> int:
    told = header(asked.event, "if-match").strip()
    if not told:
        detail = 'Say which revision this changes, as the item\'s ETag has it: `If-Match: "3"`.'
        raise Refusal(428, "A revision is needed", detail)
    if (found := _REVISION(told)) is None:
        raise Refusal(400, "Wrong request", 'If-Match is not one revision, such as `"3"`.')
    return int(found[1])


def _json_object(asked: Request) -> Plain:
    """The request's body without what the API keeps itself. Raises `Refusal`."""
    try:
        content = read(body(asked.event, MAX_ITEM_BYTES))
    except ValueError:
        raise Refusal(400, "Wrong request", "The body is not JSON in UTF-8.") from None
    if not isinstance(content, dict):
        raise Refusal(400, "Wrong request", "The body is not a JSON object.")
    return bare(content)


def _check(asked: Request, item: Plain) -> None:
    if problems := item_problems(asked.schema, item):
        raise _invalid(problems)


def item_problems(schema: Schema, item: Plain) -> dict[str, str]:
    """What keeps an item out of the table, by path."""
    if problems := schema.problems(item):
        return problems
    try:
        size = len(dumps(item))
        typed_like(item, {})
    except (ValueError, TypeError, RecursionError) as error:
        return {"": f"DynamoDB cannot hold it: {error}"}
    return {"": f"has {size:,} bytes; {MAX_ITEM_BYTES:,} are allowed"} if size > MAX_ITEM_BYTES else {}


def _invalid(problems: dict[str, str]) -> Refusal:
    told = "; ".join(f"{path} {text}".strip() for path, text in list(problems.items())[:5])
    return Refusal(422, "Not valid", f"The item cannot be taken: {told[:500]}.", problems=problems)


def _id_of(asked: Request, item: Plain) -> str:
    try:
        return id_of(asked.table, item)
    except InvalidKey as error:
        raise _invalid({asked.table.partition_key.name: str(error)}) from None


def not_for_items(table: Table, id: str) -> str:
    """Why no item may have this id; "" where one may."""
    if id in _RESERVED_IDS or heartbeats.region_of_id(table.key, id):
        return "is an id that is kept for the API itself"
    return ""


def id_of(table: Table, item: Plain) -> str:
    """The id of an item. Raises `InvalidKey` where its key is not whole."""
    try:
        return table.key.id_of(typed_like({part.name: item.get(part.name) for part in table.key.attributes}, {}))
    except ArithmeticError:
        raise InvalidKey("a number of the key is out of range") from None

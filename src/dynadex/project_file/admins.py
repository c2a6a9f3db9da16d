"""A table's [admin] section: who may edit its items over the HTTP API, and the JSON Schema that they must keep to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dynadex.core.editing import BOOKKEEPING
from dynadex.core.validating import WrongSchema, check
from dynadex.project import Admin, Table
from dynadex.project_file.sections import Section, Shape, listed, quoted, suggestion

_FILE = Shape(r"(?s).+", "a JSON file with a JSON Schema, its path relative to dynadex.toml")
_GROUP = Shape(r"[A-Za-z0-9_-]{1,64}", "up to 64 letters, digits, underscores and hyphens")


def read_admin(section: Section, table: Table, directory: Path) -> Admin:
    """What [tables.NAME.admin] says of a table whose other entries were read."""
    schema = _read_schema(section, directory)
    known = tuple(schema.get("properties", {}))
    keys = [attribute.name for attribute in table.key.attributes]
    admin = Admin(
        schema=schema,
        group=section.text("group", _GROUP) or "admins",
        draft=section.text("draft") or "draft",
        id_from=section.texts("id_from"),
    )
    for name in (*keys, admin.draft) if schema else ():
        if name not in known:
            kind = "a key attribute" if name in keys else "what marks an item that is not published"
            section.problem("schema", f"it has no property {quoted(name)}, {kind}; allowed: one that has it")
    for name in known:
        if name in BOOKKEEPING:
            section.problem("schema", f"the property {quoted(name)} is kept by the API itself; leave it out")
    if admin.draft in keys:
        section.problem("draft", f"{quoted(admin.draft)} is a key attribute; allowed: another attribute")
    if admin.id_from and (table.sort_key or table.partition_key.type != "S"):
        section.problem("id_from", "ids are made only for a table whose key is one string; leave it out")
    for name in admin.id_from if schema else ():
        if name in keys or name not in known:
            close = suggestion(name, known)
            others = listed(one for one in known if one not in keys)
            section.problem("id_from", f"{quoted(name)} is no property to make an id of{close}; allowed: {others}")
    return admin


def _read_schema(section: Section, directory: Path) -> dict[str, Any]:
    name = section.required_text("schema", _FILE)
    file = directory / name
    if not name:
        return {}
    if not file.is_file():
        close = suggestion(name, (path.name for path in directory.glob("*.json")))
        section.problem("schema", f"no such file: {quoted(name)}{close}; allowed: a JSON file next to dynadex.toml")
        return {}
    try:
        schema = json.loads(file.read_bytes())
    except ValueError as error:
        section.problem("schema", f"{name} is not JSON: {error}")
        return {}
    mistakes = list(_mistakes(schema))
    for mistake in mistakes:
        section.problem("schema", f"{name}: {mistake}")
    return {} if mistakes else dict(schema)


def _mistakes(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        yield 'allowed: {"type": "object", "properties": {...}} with the attributes of an item'
        return
    if outside := sorted({reference for reference in _references(schema) if not reference.startswith("#")}):
        yield f"the reference {quoted(outside[0])} leads out of the file; allowed: references that begin with #"
        return
    try:
        check(schema)
    except WrongSchema as error:
        yield str(error)


def _references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            if isinstance(reference := value.get("$ref"), str):
                yield reference
            for inner in value.values():
                yield from _references(inner)
        case list():
            for inner in value:
                yield from _references(inner)

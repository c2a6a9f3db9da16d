"""The OpenAPI document of a project's HTTP API: its own indexes, filters, tables and schemas, nothing general."""

from __future__ import annotations

from typing import Any

from ..core.attributes import MAX_ID_BYTES
from ..core.editing import REVISION, UPDATED_AT, UPDATED_BY
from ..core.querying import MAX_DEPTH, MAX_FILTER_LENGTH, MAX_SUGGESTIONS, MAX_WORDS_LENGTH, RELEVANCE
from ..project import Index, Project, Table
from .openapi_parts import (
    COMMON_SCHEMAS,
    body,
    cached,
    ok,
    operation,
    parameter,
    ref,
)

Document = dict[str, Any]

_ID = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES}
_TEXT = {"type": "string"}
_MERGE_PATCH = "application/merge-patch+json"


def document(project: Project) -> Document:
    """The document; the same for the same project."""
    schemas = dict(COMMON_SCHEMAS)
    paths: Document = {
        "/search": {"get": _search(project)},
        "/suggest": {"get": _suggest(project)},
        "/health": {"get": _health()},
        "/openapi.json": {"get": operation("describe", "This document", [], cached({"type": "object"}), problems=())},
    }
    for index in project.indexes.values():
        paths[f"/{index.name}/{{id}}"] = {"get": _one(index)}
    components: Document = {"schemas": schemas}
    if project.edited_tables:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        paths |= _signing_in()
    for table in project.edited_tables:
        name = table.name.replace("-", " ").title().replace(" ", "") + "Item"
        schemas |= _item_schemas(table, name)
        paths |= _editing(table, name)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project.name,
            "version": "1",
            "description": "Searches, and edits by signed-in admins. Errors are problem documents (RFC 9457).",
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": components,
    }


# -- For everybody


def _index_parameter(project: Project) -> list[Document]:
    return [parameter("index", {"type": "string", "enum": list(project.indexes)}, "The first, if left out")]


def _search(project: Project) -> Document:
    searched = [index.search for index in project.indexes.values()]
    largest = max(one.max_size for one in searched)
    sorts = dict.fromkeys((RELEVANCE, *(name for one in searched for name in one.sorts)))
    filters = dict.fromkeys(name for one in searched for name in one.filters)
    ranges = dict.fromkeys(name for one in searched for name in one.ranges)
    number = r"[0-9]{1,18}(\.[0-9]{1,9})?"
    pattern = rf"^({number}-({number})?|-{number})$"
    parameters = [
        parameter("q", {"type": "string", "maxLength": MAX_WORDS_LENGTH}, "The words to look for"),
        parameter("size", {"type": "integer", "minimum": 1, "maximum": largest}, "Hits on a page"),
        parameter(
            "page",
            {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH},
            f"The page, from 1; not beyond hit {MAX_DEPTH:,}, and not together with a cursor",
        ),
        parameter("cursor", _TEXT, "Goes on where an answer to the same search ended"),
        parameter("sort", {"type": "string", "enum": list(sorts)}, "The order of the hits"),
        *_index_parameter(project),
        *(
            parameter(name, {"type": "string", "maxLength": MAX_FILTER_LENGTH}, "Exact values, with commas between")
            for name in filters
        ),
        *(parameter(name, {"type": "string", "pattern": pattern}, "A range: A-B, A- or -B") for name in ranges),
    ]
    return operation("search", "Search", parameters, cached(ref("SearchResult")), problems=(400, 500, 503))


def _suggest(project: Project) -> Document:
    parameters = [
        parameter("q", {"type": "string", "maxLength": MAX_WORDS_LENGTH}, "What was typed so far"),
        parameter("size", {"type": "integer", "minimum": 1, "maximum": MAX_SUGGESTIONS}, "At the most so many"),
        *_index_parameter(project),
    ]
    return operation(
        "suggest", "Suggest while somebody types", parameters, cached(ref("Suggestions")), problems=(400, 500, 503)
    )


def _health() -> Document:
    answers = {
        "200": {"description": "Healthy", **body(ref("Health"))},
        "503": {"description": "Not healthy", **body(ref("Health"))},
    }
    return operation("health", "Whether this region should be sent searches", [], answers, problems=())


def _one(index: Index) -> Document:
    parameters = [parameter("id", _ID, "The document's id", where="path")]
    answers = cached(ref("OneDocument"))
    return operation(
        f"get_{index.name}", f"One document of {index.name}", parameters, answers, problems=(404, 500, 503)
    )


# -- Signing in


def _signing_in() -> Document:
    password = {"type": "string", "minLength": 1, "maxLength": 256}
    sign_in = {
        "type": "object",
        "required": ["username", "password"],
        "additionalProperties": False,
        "properties": {
            "username": {"type": "string", "minLength": 1, "maxLength": 128},
            "password": password,
            "newPassword": password,
        },
    }
    refresh = {
        "type": "object",
        "required": ["refreshToken"],
        "additionalProperties": False,
        "properties": {"refreshToken": {"type": "string", "minLength": 1, "maxLength": 8192}},
    }
    tokens = ok(ref("Tokens"))
    problems = (400, 401, 403, 413, 422, 429, 500, 503)
    return {
        "/auth": {"get": operation("auth", "Where one signs in", [], ok(ref("Auth")), problems=(500,))},
        "/auth/sign-in": {
            "post": operation("sign_in", "Sign in", [], tokens, problems=problems, request=body(sign_in))
        },
        "/auth/refresh": {
            "post": operation("refresh", "New tokens", [], tokens, problems=problems, request=body(refresh))
        },
    }


# -- For admins


def _item_schemas(table: Table, name: str) -> Document:
    """The item as admins send it, and as the API answers it."""
    schema = table.admin.schema if table.admin else {}
    sent = {key: value for key, value in _rerooted(schema, name).items() if key != "$schema"}
    # What the table holds may be older than the schema, so an answer promises no more than what the API itself adds.
    kept = {
        REVISION: {"type": "integer", "minimum": 0},
        UPDATED_AT: {"type": "string", "format": "date-time"},
        UPDATED_BY: {"type": "string"},
    }
    # A new item need not have a key that the API makes.
    made = () if table.sort_key or table.partition_key.type != "S" else (table.partition_key.name,)
    new = {**sent, "required": [one for one in sent.get("required", ()) if one not in made]}
    return {
        name: sent,
        f"{name}New": new,
        f"{name}Kept": {"type": "object", "required": [REVISION], "properties": kept},
    }


def _rerooted(value: Any, name: str) -> Any:
    """A schema whose references within itself lead to where it is in this document."""
    match value:
        case {"$ref": str(target)} if target.startswith("#"):
            return {**value, "$ref": f"#/components/schemas/{name}{target[1:]}"}
        case dict():
            return {key: _rerooted(inner, name) for key, inner in value.items()}
        case list():
            return [_rerooted(inner, name) for inner in value]
    return value


def _editing(table: Table, name: str) -> Document:
    root, one = f"/admin/{table.name}", f"/admin/{table.name}/{{id}}"
    id = parameter("id", _ID, "The item's id", where="path")
    match = parameter(
        "If-Match", {"type": "string", "pattern": r'^"[0-9]{1,9}"$'}, "The revision seen", where="header", required=True
    )
    again = parameter(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
        "The same request may then come again",
        where="header",
    )
    etag = {"ETag": {"description": "The revision", "schema": _TEXT}}
    item = ok(ref(f"{name}Kept"), headers=etag)
    common = (400, 403, 404, 500, 503)
    changing = (*common, 409, 413, 422)
    revising = (*changing, 428)

    def secured(verb: str, text: str, parameters: list[Document], answers: Document, **more: Any) -> Document:
        return operation(f"{verb}_{table.name}_item", text, parameters, answers, secured=True, **more)

    sent = body(ref(name))
    created = {"201": {**ok(ref(f"{name}Kept"))["200"], "description": "Made"}}
    created["201"]["headers"] = {**etag, "Location": {"description": "Where it is", "schema": _TEXT}}
    listing = [
        parameter("q", {"type": "string", "maxLength": 200}, "Words that the item has"),
        parameter("state", {"type": "string", "enum": ["all", "draft", "published"]}, "Which items"),
        parameter("size", {"type": "integer", "minimum": 1, "maximum": 100}, "At the most so many; perhaps fewer"),
        parameter("cursor", _TEXT, "Goes on where an answer ended"),
    ]
    pages = ok(
        {
            "type": "object",
            "required": ["items", "cursor"],
            "properties": {
                "items": {"type": "array", "items": ref(f"{name}Kept")},
                "cursor": {"type": ["string", "null"]},
            },
        }
    )
    file = body({"description": "The file"}, "text/csv", "application/x-ndjson")
    start = parameter("from", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "The line to go on from")
    patch = body({"type": "object"}, _MERGE_PATCH, "application/json")
    return {
        root: {
            "get": secured("list", "Items, drafts too", listing, pages, problems=common),
            "post": secured(
                "create", "Make an item", [again], created, problems=changing, request=body(ref(f"{name}New"))
            ),
        },
        f"{root}/schema": {
            "get": secured("describe", "The JSON Schema of items", [], ok({"type": "object"}), problems=common)
        },
        f"{root}/import": {
            "post": secured(
                "import",
                "Make or replace many items",
                [start],
                ok(ref("ImportReport")),
                problems=(*common, 413, 415, 429),
                request=file,
            )
        },
        one: {
            "get": secured("get", "One item", [id], item, problems=common),
            "put": secured("replace", "Replace it", [id, match, again], item, problems=revising, request=sent),
            "patch": secured("patch", "Change it", [id, match, again], item, problems=revising, request=patch),
            "delete": secured(
                "delete", "Take it away", [id, match, again], {"204": {"description": "Gone"}}, problems=revising
            ),
        },
        f"{one}/publish": {
            "post": secured("publish", "Let searches find it", [id, match, again], item, problems=revising)
        },
        f"{one}/unpublish": {
            "post": secured("unpublish", "Make it a draft", [id, match, again], item, problems=revising)
        },
        f"{one}/history": {"get": secured("history", "Who changed what", [id], ok(ref("History")), problems=common)},
    }

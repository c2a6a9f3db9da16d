"""What every project's OpenAPI document is made of: operations, parameters, answers, and the schemas that all share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Document = dict[str, Any]

_TITLES = {
    400: "The request is wrong; `problems` says where",
    401: "No token, or one that is not good here",
    403: "Not a member of the group",
    404: "There is none",
    409: "It was changed meanwhile; `current` is what it is now",
    413: "The request is too large",
    415: "A kind of file that is not read",
    422: "The item is not valid; `problems` says where",
    428: "If-Match is missing",
    429: "Too many requests; see Retry-After",
    500: "It failed",
    503: "Away; see Retry-After",
}


def ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(
    name: str, schema: Mapping[str, Any], text: str, *, where: str = "query", required: bool = False
) -> Document:
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "description": text,
        "schema": dict(schema),
    }


def body(schema: Mapping[str, Any], *types: str) -> Document:
    """A body of a request or an answer, of JSON if no type is named."""
    return {"content": {type: {"schema": dict(schema)} for type in types or ("application/json",)}}


def ok(schema: Mapping[str, Any], *, headers: Mapping[str, Any] | None = None) -> Document:
    """The answer 200."""
    answer = {"description": "Done", **body(schema)}
    return {"200": {**answer, "headers": dict(headers)} if headers else answer}


def cached(schema: Mapping[str, Any]) -> Document:
    """The answer 200 with an ETag, and the one that it still holds."""
    tag = {"ETag": {"description": "Send it as If-None-Match", "schema": {"type": "string"}}}
    return {**ok(schema, headers=tag), "304": {"description": "As the ETag says"}}


def operation(
    id: str,
    text: str,
    parameters: list[Document],
    answers: Mapping[str, Any],
    *,
    problems: Iterable[int],
    request: Document | None = None,
    secured: bool = False,
) -> Document:
    """One operation; `problems` are the statuses of its problem documents."""
    told = dict(answers)
    for status in sorted(set(problems)):
        told.setdefault(str(status), _problem(status))
    if secured:
        # Without a good token the gateway itself answers, in its own words; a group's members are seen to later.
        told["401"] = {
            "description": _TITLES[401],
            **body({"type": "object"}, "application/json", "application/problem+json"),
        }
    made: Document = {"operationId": id.replace("-", "_"), "summary": text}
    if parameters:
        made["parameters"] = parameters
    if request is not None:
        made["requestBody"] = {"required": True, **request}
    made["responses"] = dict(sorted(told.items()))
    if secured:
        made["security"] = [{"token": []}]
    return made


def _problem(status: int) -> Document:
    answer: Document = {"description": _TITLES[status], **body(ref("Problem"), "application/problem+json")}
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}}
    return answer


def _object(required: Mapping[str, Any], **optional: Any) -> Document:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_ANY_OBJECT = {"type": "object"}
_TEXT_OR_NONE = {"type": ["string", "null"]}
_MARKS = {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}}


def _list(inner: Mapping[str, Any]) -> Document:
    return {"type": "array", "items": dict(inner)}


COMMON_SCHEMAS: Document = {
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
        problems={"type": "object", "additionalProperties": _TEXT},
        current=_ANY_OBJECT,
        challenge=_TEXT,
    ),
    "SearchResult": _object(
        {
            "total": _COUNT,
            "page": _COUNT,
            "size": _COUNT,
            "hits": _list(
                _object(
                    {
                        "id": _TEXT,
                        "score": {"type": ["number", "null"]},
                        "document": _ANY_OBJECT,
                        "highlights": _MARKS,
                    }
                )
            ),
            "facets": {"type": "object", "additionalProperties": _list(_object({"value": {}, "count": _COUNT}))},
            "cursor": _TEXT_OR_NONE,
            "didYouMean": _TEXT_OR_NONE,
            "took": {"type": "number"},
        }
    ),
    "Suggestions": _object({"suggestions": _list(_object({"id": _TEXT, "highlights": _MARKS}))}),
    "OneDocument": _object({"id": _TEXT, "document": _ANY_OBJECT, "version": _ANY_OBJECT}),
    "Health": _object({"healthy": {"type": "boolean"}, "region": _TEXT, "indexes": _ANY_OBJECT}),
    "Auth": _object({"region": _TEXT, "userPoolId": _TEXT, "clientId": _TEXT, "endpoint": _TEXT}),
    "Tokens": _object(
        {"idToken": _TEXT, "accessToken": _TEXT, "expiresIn": _COUNT, "groups": _list(_TEXT)}, refreshToken=_TEXT
    ),
    "History": _object(
        {
            "entries": _list(
                _object(
                    {
                        "revision": _COUNT,
                        "at": {"type": "string", "format": "date-time"},
                        "by": _TEXT,
                        "action": {
                            "type": "string",
                            "enum": ["create", "replace", "patch", "delete", "publish", "unpublish", "import"],
                        },
                        "region": _TEXT,
                        "changes": _list({**_object({"path": _TEXT}), "description": "With `from` and `to`"}),
                    }
                )
            )
        }
    ),
    "ImportReport": _object(
        {
            **dict.fromkeys(("created", "updated", "unchanged", "failed"), _COUNT),
            "next": {"type": ["integer", "null"], "description": "The line to go on from, where not all were read"},
            "lines": _list(
                _object(
                    {
                        "line": _COUNT,
                        "id": _TEXT_OR_NONE,
                        "outcome": {"type": "string", "enum": ["created", "updated", "unchanged", "failed"]},
                    },
                    revision=_COUNT,
                    problems={"type": "object", "additionalProperties": _TEXT},
                )
            ),
        }
    ),
}

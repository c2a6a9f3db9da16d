"""The admin function: items of tables with an [admin] section, edited over a region's HTTP API by signed-in admins.

docs/admin.md has the whole contract. This module finds out who asks for what; `editing`, `listing`, `importing` and
`signing_in` do it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from ..aws import AwsError
from ..core.attributes import InvalidKey
from ..core.validating import Schema
from ..ledger import Ledger
from ..pacing import OutOfTime
from . import editing, importing, listing, report, service, signing_in
from .admins import member
from .answers import Event, Refusal, Response, problem
from .editing import Request

_OPEN: dict[str, Callable[[Event], Response]] = {
    "GET /auth": signing_in.describe,
    "POST /auth/sign-in": signing_in.sign_in,
    "POST /auth/refresh": signing_in.refresh,
}
_FOR_ADMINS: dict[str, Callable[[Request], Response]] = {
    "GET /admin/{table}": listing.listed,
    "POST /admin/{table}": editing.create,
    "GET /admin/{table}/schema": editing.show_schema,
    "POST /admin/{table}/import": importing.imported,
    "GET /admin/{table}/{id}": editing.show,
    "PUT /admin/{table}/{id}": editing.replace_item,
    "PATCH /admin/{table}/{id}": editing.patch,
    "DELETE /admin/{table}/{id}": editing.delete,
    "POST /admin/{table}/{id}/publish": editing.publish,
    "POST /admin/{table}/{id}/unpublish": editing.unpublish,
    "GET /admin/{table}/{id}/history": editing.show_history,
}


def handler(event: dict[str, Any], context: service.Context) -> Response:
    """Takes an HTTP API event (payload format 2.0)."""
    route = str(event.get("routeKey", ""))
    try:
        if route in _OPEN:
            return _OPEN[route](event)
        if route in _FOR_ADMINS:
            return _FOR_ADMINS[route](_request(event, context))
        return problem(404, "Not found", f"There is nothing at {str(event.get('rawPath', ''))[:200]}.")
    except Refusal as refusal:
        return refusal.answer()
    except InvalidKey:
        return problem(404, "Not found", "The table has no item with this id.")
    except OutOfTime:
        _log("table away", "TableAway", route=route)
        return problem(503, "The table is busy", "It does not answer in time; try again.", retry_after=2)
    except AwsError as error:
        _log("refused", "AdminErrors", route=route, code=error.code)
        return problem(500, "Failed", "The region's own services refused it; the function's log says which.")


def _request(event: Event, context: service.Context) -> Request:
    name = str((event.get("pathParameters") or {}).get("table", ""))
    table = service.project().tables.get(name)
    # Who may not edit anything is not told which tables there are.
    group = table.admin.group if table and table.admin else "admins"
    by = member(event, group)
    if table is None or table.admin is None:
        raise Refusal(404, "Not found", "There is no such table to edit.")
    return Request(event, table, table.admin, by, _ledger(name), _schema(name), service.patience(context))


@cache
def _ledger(name: str) -> Ledger:
    history = service.project().history_of(service.project().tables[name])
    return Ledger(service.table(name), history.physical_name, service.aws("dynamodb"), service.region())


@cache
def _schema(name: str) -> Schema:
    admin = service.project().tables[name].admin
    return Schema(admin.schema if admin else {})


def forget() -> None:
    """Looks up tables and schemas anew: for tests, which change them."""
    _ledger.cache_clear()
    _schema.cache_clear()


def _log(event: str, metric: str, **fields: Any) -> None:
    report.line(event, service.project().name, "admin", {metric: 1}, **fields)

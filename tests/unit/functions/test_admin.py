"""The admin function carries an edit out once, or says why not; what runs twice, late or half is no harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dynadex.aws import AwsError, AwsUnavailable, Reply
from dynadex.core.attributes import typed_item
from dynadex.core.heartbeats import id_of as heartbeat_of
from dynadex.functions import admin, importing, service
from dynadex.functions.admin import handler
from dynadex.functions.admins import groups
from dynadex.project import Admin
from tests.unit.functions.function_fakes import NOW, SCHEMA, Context, FakeTable, Region, project

ADMIN = Admin(
    schema={
        "type": "object",
        "required": ["id", "title"],
        "additionalProperties": False,
        "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "draft": {"type": "boolean"}, "n": {}},
    },
    id_from=("title",),
)
CLAIMS = {"token_use": "id", "email": "ann@example.com", "cognito:groups": "[admins editors]"}


@dataclass
class Dynamo:
    """Transactions and queries over the region's table and its history; `trouble` is what the next calls meet."""

    table: FakeTable
    history: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    trouble: list[Exception | str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def call(self, operation: str, request: Mapping[str, Any]) -> Reply:
        met = self.trouble.pop(0) if self.trouble else None
        if isinstance(met, Exception):
            raise met
        answer = getattr(self, operation)(request)
        if met == "lost":
            raise AwsUnavailable("dynamodb", operation, "ReadTimeoutError", "no answer")
        return Reply(json.dumps(answer).encode(), NOW)

    def Query(self, request: Mapping[str, Any]) -> Any:
        id = request["ExpressionAttributeValues"][":id"]["S"]
        entries = [entry for key, entry in sorted(self.history.items(), reverse=True) if key[0] == id]
        return {"Items": entries[: request["Limit"]]}

    def TransactWriteItems(self, request: Mapping[str, Any]) -> Any:
        if request["ClientRequestToken"] in self.tokens:
            return {}
        [write, entry] = request["TransactItems"]
        put = entry["Put"]["Item"]
        [(kind, operation)] = write.items()
        id = (operation.get("Item") or operation["Key"])["id"]["S"]
        key = (put["id"]["S"], put["entry"]["S"])
        if not self._holds(operation, self.table.items.get(id)) or key in self.history:
            message = "Transaction cancelled [ConditionalCheckFailed, None]"
            raise AwsError("dynamodb", "TransactWriteItems", "TransactionCanceledException", message)
        self.tokens.add(request["ClientRequestToken"])
        self.history[key] = put
        if kind == "Put":
            self.table.items[id] = operation["Item"]
        else:
            del self.table.items[id]
        return {}

    @staticmethod
    def _holds(operation: Mapping[str, Any], item: Any) -> bool:
        match operation["ConditionExpression"]:
            case "attribute_not_exists(#a)":
                return item is None
            case "#a = :seen":
                return item is not None and item.get("revision") == operation["ExpressionAttributeValues"][":seen"]
        return item is not None and "revision" not in item


@pytest.fixture
def dynamo(region: Region, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dynamo]:
    described = project()
    lessons = replace(described.tables["lessons"], admin=ADMIN)
    region.use(replace(described, tables={"lessons": lessons}))
    made = Dynamo(region.table)
    monkeypatch.setattr(service, "aws", lambda name: made)
    admin.forget()
    yield made
    admin.forget()


def ask(route: str, id: str = "", body: Any = None, claims: Mapping[str, Any] = CLAIMS, **more: Any) -> Any:
    """Status and body; `if_match` and the like are headers."""
    parameters = {"table": "lessons", **({"id": id} if id else {})}
    event: dict[str, Any] = {
        "routeKey": route,
        "pathParameters": more.pop("path", parameters),
        "queryStringParameters": more.pop("query", None),
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
        "headers": {name.replace("_", "-"): value for name, value in more.items()},
    }
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    response = handler(event, Context())
    return response["statusCode"], json.loads(response["body"]) if "body" in response else None


def put(region: Region, id: str, **more: Any) -> None:
    region.table.items[id] = typed_item({"id": id, "title": "One", **more})


ONE = "/admin/{table}/{id}"


def test_a_new_item_has_an_id_of_its_attributes_and_revision_1(region: Region, dynamo: Dynamo) -> None:
    status, item = ask("POST /admin/{table}", body={"title": "Für Elise"})
    assert (status, item["id"], item["revision"], item["updated_by"]) == (201, "fur-elise", 1, "ann@example.com")
    assert region.table.items["fur-elise"]["revision"] == {"N": "1"}


@pytest.mark.parametrize(
    "trouble", [["", "lost"], ["", AwsUnavailable("dynamodb", "x", "ThrottlingException", "slow")]]
)
def test_a_write_whose_answer_is_lost_is_done_once(region: Region, dynamo: Dynamo, trouble: Any) -> None:
    put(region, "a", revision=3)
    dynamo.trouble = ["", trouble]
    status, item = ask(f"PATCH {ONE}", "a", {"title": "Two"}, if_match='"3"')
    assert (status, item["revision"], len(dynamo.history)) == (200, 4, 1)


def test_a_transaction_that_met_another_is_tried_again(region: Region, dynamo: Dynamo) -> None:
    put(region, "a")
    cancelled = "Transaction cancelled [TransactionConflict, None]"
    dynamo.trouble = ["", AwsError("dynamodb", "x", "TransactionCanceledException", cancelled)]
    assert ask(f"PATCH {ONE}", "a", {"title": "Two"}, if_match='"0"')[0] == 200


def test_a_table_that_is_away_is_503_and_nothing_is_half_done(region: Region, dynamo: Dynamo) -> None:
    put(region, "a")
    region.seconds = 0.2
    dynamo.trouble = [AwsUnavailable("dynamodb", "x", "InternalServerError", "away")] * 1000
    assert ask(f"PATCH {ONE}", "a", {"title": "Two"}, if_match='"0"')[0] == 503
    assert (dynamo.history, region.table.items["a"]["title"]) == ({}, {"S": "One"})


def test_a_change_between_reading_and_writing_is_a_conflict_with_what_it_is_now(
    region: Region, dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(region, "a", revision=1)
    query = dynamo.Query

    def changed_meanwhile(request: Mapping[str, Any]) -> Any:
        put(region, "a", revision=2, n=5)
        return query(request)

    monkeypatch.setattr(dynamo, "Query", changed_meanwhile)
    status, problem = ask(f"PUT {ONE}", "a", {"id": "a", "title": "Two"}, if_match='"1"')
    assert (status, problem["current"]["n"], problem["current"]["revision"]) == (409, 5, 2)
    assert dynamo.history == {}


def test_a_request_with_a_key_may_come_again_but_not_with_another_body_or_of_another(
    region: Region, dynamo: Dynamo
) -> None:
    put(region, "a")
    first = ask(f"PATCH {ONE}", "a", {"title": "Two"}, if_match='"0"', idempotency_key="k")
    assert ask(f"PATCH {ONE}", "a", {"title": "Two"}, if_match='"0"', idempotency_key="k") == first
    assert ask(f"PATCH {ONE}", "a", {"title": "Six"}, if_match='"0"', idempotency_key="k")[0] == 409
    other = {**CLAIMS, "email": "bob@example.com"}
    assert ask(f"PATCH {ONE}", "a", {"title": "Two"}, other, if_match='"0"', idempotency_key="k")[0] == 409
    assert len(dynamo.history) == 1


def test_a_new_item_without_id_attributes_has_the_same_id_when_its_request_comes_again(
    region: Region, dynamo: Dynamo
) -> None:
    described = project()
    lessons = replace(described.tables["lessons"], admin=replace(ADMIN, id_from=()))
    region.use(replace(described, tables={"lessons": lessons}))
    first = ask("POST /admin/{table}", body={"title": "x"}, idempotency_key="k")
    assert ask("POST /admin/{table}", body={"title": "x"}, idempotency_key="k") == first
    assert ask("POST /admin/{table}", body={"title": "x"})[1]["id"] != first[1]["id"]


def test_a_new_item_that_was_deleted_is_not_made_again_by_the_request_that_made_it(
    region: Region, dynamo: Dynamo
) -> None:
    body = {"id": "a", "title": "x"}
    assert ask("POST /admin/{table}", body=body, idempotency_key="k")[0] == 201
    assert ask(f"DELETE {ONE}", "a", if_match='"1"') == (204, None)
    assert ask("POST /admin/{table}", body=body, idempotency_key="k")[0] == 404
    assert (region.table.items, len(dynamo.history)) == ({}, 2)
    assert ask("POST /admin/{table}", body=body, idempotency_key="another")[1]["revision"] == 3


def test_publishing_what_is_published_writes_nothing(region: Region, dynamo: Dynamo) -> None:
    put(region, "a", revision=4)
    assert ask(f"POST {ONE}/publish", "a", if_match='"4"')[1]["revision"] == 4
    assert dynamo.history == {}


def test_a_history_outlives_its_item(region: Region, dynamo: Dynamo) -> None:
    put(region, "a", n=1)
    assert ask(f"DELETE {ONE}", "a", if_match='"0"') == (204, None)
    status, told = ask(f"GET {ONE}/history", "a")
    assert status == 200
    assert {change["path"]: change["from"] for change in told["entries"][0]["changes"]} == {
        "id": "a",
        "title": "One",
        "n": 1,
    }
    assert ask(f"GET {ONE}/history", "never")[0] == 404


def test_a_heartbeat_and_the_api_s_own_words_are_no_items(region: Region, dynamo: Dynamo) -> None:
    beat = heartbeat_of(SCHEMA, "us-east-1")
    put(region, beat)
    put(region, "a")
    assert ask(f"GET {ONE}", beat)[0] == 404
    assert [item["id"] for item in ask("GET /admin/{table}")[1]["items"]] == ["a"]
    for id in (beat, "schema", "import"):
        assert ask("POST /admin/{table}", body={"id": id, "title": "x"})[0] == 422


def test_a_long_list_hands_on_where_it_stopped(region: Region, dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynadex.functions.listing.MOST_READ", 4)
    for number in range(11):
        put(region, f"i{number:02d}", title="Rare" if number == 9 else "One")
    pages, cursor = [], ""
    while cursor is not None:
        answered = ask("GET /admin/{table}", query={"q": "RARE", "cursor": cursor})[1]
        pages.append([item["id"] for item in answered["items"]])
        cursor = answered["cursor"]
    assert pages == [[], [], ["i09"]]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 401),
        ({**CLAIMS, "token_use": "refresh"}, 401),
        ({**CLAIMS, "cognito:groups": None}, 403),
        ({**CLAIMS, "cognito:groups": "[admin s]"}, 403),
        ({**CLAIMS, "cognito:groups": ["admins"]}, 200),
    ],
)
def test_who_is_not_in_the_group_is_refused_before_anything_is_read(
    region: Region, dynamo: Dynamo, claims: dict[str, Any], status: int
) -> None:
    put(region, "a")
    assert ask(f"GET {ONE}", "a", claims=claims)[0] == status
    elsewhere = ask(f"GET {ONE}", "a", claims=claims, path={"table": "none", "id": "a"})[0]
    assert elsewhere == (404 if status == 200 else status)


def test_a_claim_of_groups_is_read_in_both_its_forms() -> None:
    assert groups(["a", "b c"]) == {"a", "b c"}
    assert groups("[a b]") == {"a", "b"}
    assert groups("[x,admins [admins]]") == {"x,admins", "[admins]"}
    assert groups(None) == groups("[]") == set()


def test_a_body_may_come_in_base64_and_numbers_keep_their_digits(region: Region, dynamo: Dynamo) -> None:
    text = base64.b64encode(b'{"id": "a", "title": "x", "n": 1.23456789012345678901234567890}').decode()
    event = {
        "routeKey": "POST /admin/{table}",
        "pathParameters": {"table": "lessons"},
        "requestContext": {"authorizer": {"jwt": {"claims": CLAIMS}}},
        "body": text,
        "isBase64Encoded": True,
    }
    response = handler(event, Context())
    assert '"n":1.2345678901234567890123456789' in response["body"]
    assert region.table.items["a"]["n"] == {"N": "1.23456789012345678901234567890"}


def test_a_number_that_dynamodb_cannot_hold_is_a_problem_of_the_item(region: Region, dynamo: Dynamo) -> None:
    dynamo.trouble = ["", AwsError("dynamodb", "TransactWriteItems", "ValidationException", "Number overflow")]
    status, problem = ask("POST /admin/{table}", body='{"id": "a", "title": "x", "n": 1e999}')
    assert (status, problem["title"]) == (422, "Not valid")


@pytest.mark.parametrize(
    "error",
    [
        AwsError("dynamodb", "TransactWriteItems", "ValidationException", "Nesting Levels have exceeded"),
        AwsError("dynamodb", "x", "TransactionCanceledException", "cancelled [None, ValidationError: item size]"),
    ],
)
def test_an_item_whose_history_entry_does_not_fit_cannot_be_deleted(
    region: Region, dynamo: Dynamo, error: AwsError
) -> None:
    put(region, "a")
    dynamo.trouble = ["", error]
    status, problem = ask(f"DELETE {ONE}", "a", if_match='"0"')
    assert (status, problem["title"]) == (422, "Not valid")
    assert "the history's entry, with all that changed, has at most 400 kB and 32 levels" in problem["problems"][""]
    assert (list(region.table.items), dynamo.history) == (["a"], {})


@pytest.mark.parametrize(
    "text", ['{"\\ud800": 1}', '{"n": NaN}', '{"n": ' + "[" * 600 + "]" * 600 + "}", '{"n": 1e9999999999999999999}']
)
@pytest.mark.parametrize("route", ["POST /auth/sign-in", "POST /admin/{table}"])
def test_what_no_json_can_say_is_a_wrong_request(region: Region, dynamo: Dynamo, route: str, text: str) -> None:
    assert ask(route, body=text)[0] == 400


def take(body: str, kind: str = "application/x-ndjson", **query: str) -> Any:
    """The report of an import."""
    status, report = ask("POST /admin/{table}/import", body=body, query=query, content_type=kind)
    assert status == 200
    return report


def test_a_line_that_no_json_can_say_does_not_keep_the_others_back(region: Region, dynamo: Dynamo) -> None:
    bad = '{"id": NaN, "title": "x"}\n{"id": "\\ud800", "title": "x"}\n'
    report = take(bad + '{"id": "a", "title": "x"}\n')
    assert [line["outcome"] for line in report["lines"]] == ["failed", "failed", "created"]


def test_a_key_that_is_no_number_of_dynamodb_is_a_problem_of_its_line(region: Region, dynamo: Dynamo) -> None:
    described = project()
    key = replace(described.tables["lessons"].partition_key, type="N")
    numbered = replace(ADMIN, schema={"type": "object"})
    region.use(
        replace(described, tables={"lessons": replace(described.tables["lessons"], partition_key=key, admin=numbered)})
    )
    [line] = take('{"id": 1e99999}\n')["lines"]
    assert (line["outcome"], line["problems"]) == ("failed", {"id": "a number of the key is out of range"})


def test_a_revision_in_a_csv_file_is_a_number(region: Region, dynamo: Dynamo) -> None:
    put(region, "a", revision=1)
    put(region, "b", revision=2)
    report = take("id,title,revision\na,Two,1\nb,Two,1\nc,Two,x\n", "text/csv")
    assert [line["outcome"] for line in report["lines"]] == ["updated", "failed", "failed"]
    assert [line.get("problems") for line in report["lines"]] == [
        None,
        {"revision": "the item has revision 2"},
        {"revision": "is not a number"},
    ]


def test_a_report_is_never_longer_than_an_answer_may_be(region: Region, dynamo: Dynamo) -> None:
    wrong = ", ".join(f'"{number:04d}": 1' for number in range(150))
    lines = "\n".join([f'{{"id": "a", {wrong}}}'] * 2000)
    assert len(lines) < importing.MAX_BYTES
    told: list[Any] = []
    start = "1"
    while start != "None":
        report = take(lines, **{"from": start})
        assert len(json.dumps(json.dumps(report))) < 6_000_000
        told += [line["line"] for line in report["lines"]]
        start = str(report["next"])
    assert told == list(range(1, 2001))


def test_one_line_with_very_many_problems_tells_the_first(region: Region, dynamo: Dynamo) -> None:
    wrong = ", ".join(f'"{number:05d}": 1' for number in range(50_000))
    [line] = take(f'{{"id": "a", {wrong}}}')["lines"]
    assert len(json.dumps(line)) < 10_000
    assert line["problems"]["title"] == "is required"
    assert line["problems"][""].endswith(f"{50_001 - len(line['problems']) + 1} more")


def test_a_file_that_takes_too_long_is_gone_on_with_from_its_next_line(
    region: Region, dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_STEP", 2)
    monkeypatch.setattr(importing, "_SECONDS", -1)
    lines = "".join(f'{{"id": "i{number}", "title": "x"}}\n' for number in range(5))
    told, start = [], 1
    while start:
        query = {"from": str(start)}
        answered = ask("POST /admin/{table}/import", body=lines, query=query, content_type="application/x-ndjson")[1]
        told.append((answered["created"], answered["next"]))
        start = answered["next"]
    assert told == [(2, 3), (2, 5), (1, None)]


def test_an_unknown_route_is_404(region: Region, dynamo: Dynamo) -> None:
    assert ask("GET /admin")[0] == 404

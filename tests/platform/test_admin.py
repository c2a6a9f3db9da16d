"""Admins edit items over a region's API, and searches in every region find what they wrote."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.platform.api import Api, for_admin, item_path, of
from tests.platform.world import World, eventually

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture(scope="module")
def admin(world: World) -> Api:
    return for_admin(world)


def piece(**more: Any) -> dict[str, Any]:
    return {"id": f"piece-{uuid.uuid4()}", "title": "One", **more}


def test_an_item_s_life_is_seen_by_searches_in_every_region_and_kept_in_its_history(world: World, admin: Api) -> None:
    apis = [of(world, region) for region in world.regions]
    made = admin.ask("POST", "/admin/pieces", {"title": "Nocturne", "draft": True, "weight": 1.25})
    assert (made.status, made.headers["etag"], made.body["revision"]) == (201, '"1"', 1)
    assert made.body["updated_by"] == "admin@example.com"
    id = made.body["id"]
    assert made.headers["location"] == item_path(id)

    published = admin.ask("POST", f"{item_path(id)}/publish", if_match='"1"')
    assert (published.status, published.body["revision"], "draft" in published.body) == (200, 2, False)
    patched = admin.ask("PATCH", item_path(id), {"level": "hard", "weight": None}, if_match='"2"')
    assert (patched.status, patched.headers["etag"]) == (200, '"3"')

    def revision(api: Api) -> int:
        return int((api.ask("GET", f"/pieces/{id}").body.get("document") or {}).get("revision", 0))

    assert eventually(lambda: all(revision(api) == 3 for api in apis))
    found = apis[1].ask("GET", "/search?index=pieces&q=nocturne&level=hard")
    assert [hit["id"] for hit in found.body["hits"]] == [id]

    assert admin.ask("POST", f"{item_path(id)}/unpublish", if_match='"3"').status == 200
    assert eventually(lambda: all(api.ask("GET", f"/pieces/{id}").status == 404 for api in apis))
    assert admin.ask("GET", item_path(id)).body["draft"] is True
    assert admin.ask("DELETE", item_path(id), if_match='"4"').status == 204
    assert admin.ask("GET", item_path(id)).status == 404

    entries = admin.ask("GET", f"{item_path(id)}/history").body["entries"]
    assert [entry["action"] for entry in entries] == ["delete", "unpublish", "patch", "publish", "create"]
    assert [entry["revision"] for entry in entries] == [5, 4, 3, 2, 1]
    assert {entry["by"] for entry in entries} == {"admin@example.com"}
    assert entries[2]["changes"] == [{"path": "weight", "from": 1.25}, {"path": "level", "to": "hard"}]
    history = world.project.history_of(world.project.tables["pieces"]).physical_name
    other = world.client("dynamodb", world.regions[1])
    condition = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": id}}}
    assert eventually(lambda: other.query(TableName=history, **condition)["Count"] == 5)


def test_of_two_who_saw_the_same_revision_one_is_told_of_the_other_s(admin: Api) -> None:
    item = admin.ask("POST", "/admin/pieces", piece()).body
    with ThreadPoolExecutor(4) as pool:
        titles = [f"Number {number}" for number in range(4)]
        answers = list(
            pool.map(lambda title: admin.ask("PATCH", item_path(item["id"]), {"title": title}, if_match='"1"'), titles)
        )
    [won] = [answered for answered in answers if answered.status == 200]
    lost = [answered for answered in answers if answered.status == 409]
    assert len(lost) == 3
    assert all(answered.body["current"] == won.body for answered in lost)
    entries = admin.ask("GET", f"{item_path(item['id'])}/history").body["entries"]
    assert [entry["revision"] for entry in entries] == [2, 1]


def test_a_request_that_comes_again_is_carried_out_once(admin: Api) -> None:
    key = str(uuid.uuid4())
    first = admin.ask("POST", "/admin/pieces", {"title": "Again"}, idempotency_key=key)
    again = admin.ask("POST", "/admin/pieces", {"title": "Again"}, idempotency_key=key)
    assert first.status == again.status == 201
    assert first.body == again.body
    path = item_path(first.body["id"])
    for _ in range(2):
        patched = admin.ask("PATCH", path, {"bars": 3}, if_match='"1"', idempotency_key=key)
        assert (patched.status, patched.body["revision"]) == (200, 2)
    other = admin.ask("PATCH", path, {"bars": 4}, if_match='"1"', idempotency_key=key)
    assert other.status == 409
    for _ in range(2):
        assert admin.ask("DELETE", path, if_match='"2"', idempotency_key=key).status == 204


def test_an_item_made_anew_goes_on_counting(admin: Api) -> None:
    item = piece()
    admin.ask("POST", "/admin/pieces", item)
    admin.ask("DELETE", item_path(item["id"]), if_match='"1"')
    assert admin.ask("POST", "/admin/pieces", item).body["revision"] == 3


def test_what_was_loaded_has_revision_0_and_keeps_its_digits_and_sets(world: World, admin: Api) -> None:
    item = piece()
    digits = "1.2345678901234567890123456789012345678"
    world.client("dynamodb").put_item(
        TableName=world.physical("pieces"),
        Item={"id": {"S": item["id"]}, "title": {"S": "Old"}, "weight": {"N": digits}, "tags": {"SS": ["a", "b"]}},
    )
    assert admin.ask("GET", item_path(item["id"])).headers["etag"] == '"0"'
    patched = admin.ask("PATCH", item_path(item["id"]), {"title": "New"}, if_match='"0"')
    assert (patched.status, patched.body["revision"]) == (200, 1)
    stored = world.client("dynamodb").get_item(TableName=world.physical("pieces"), Key={"id": {"S": item["id"]}})[
        "Item"
    ]
    assert (stored["weight"], sorted(stored["tags"]["SS"])) == ({"N": digits}, ["a", "b"])


def test_nothing_is_written_where_nothing_changes(admin: Api) -> None:
    item = piece()
    admin.ask("POST", "/admin/pieces", item)
    same = admin.ask("PUT", item_path(item["id"]), item, if_match='"1"')
    assert (same.status, same.headers["etag"]) == (200, '"1"')


def test_what_is_wrong_with_a_request_is_told(admin: Api) -> None:
    item = piece()
    path = item_path(item["id"])
    wrong = admin.ask("POST", "/admin/pieces", {"title": "", "level": "?", "bars": 1.5, "colour": 1})
    assert (wrong.status, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert set(wrong.body["problems"]) == {"title", "level", "bars", "colour"}
    admin.ask("POST", "/admin/pieces", item)
    assert admin.ask("POST", "/admin/pieces", item).status == 409
    assert admin.ask("PATCH", path, {"bars": 2}).status == 428
    assert admin.ask("PATCH", path, {"bars": 2}, if_match="*").status == 400
    assert admin.ask("PATCH", path, b"{", if_match='"1"').status == 400
    assert admin.ask("PATCH", path, {"id": "other"}, if_match='"1"').status == 422
    assert admin.ask("PUT", item_path("none"), item, if_match='"1"').status == 404
    assert admin.ask("POST", "/admin/pieces", piece(title="x" * 200_000)).status == 413
    assert admin.ask("GET", "/admin/songs").status == 404
    assert admin.ask("GET", "/admin/pieces?size=1000&state=x&cursor=%&y=1").body["problems"].keys() == {
        *("size", "state", "cursor", "y")
    }


def test_a_file_is_taken_line_by_line_and_changes_nothing_the_second_time(admin: Api) -> None:
    one, two = f"csv-{uuid.uuid4()}", f"csv-{uuid.uuid4()}"
    file = f"id,title,bars,tags,draft\n{one},Étude,12,a; b,true\n{two},Waltz,many,,\n{one},Twice,,,\n".encode()
    first = admin.ask("POST", "/admin/pieces/import", file, content_type="text/csv").body
    assert [first[name] for name in ("created", "updated", "unchanged", "failed", "next")] == [1, 0, 0, 2, None]
    assert [line["line"] for line in first["lines"]] == [2, 3, 4]
    assert first["lines"][1]["problems"] == {"bars": "is not a number"}
    again = admin.ask("POST", "/admin/pieces/import", file, content_type="text/csv").body
    assert (again["created"], again["unchanged"], again["failed"]) == (0, 1, 2)
    stored = admin.ask("GET", item_path(one)).body
    assert (stored["tags"], stored["bars"], stored["draft"], stored["revision"]) == (["a", "b"], 12, True, 1)

    lines = [{"id": one, "title": "Étude", "revision": 7}, {"id": two, "title": "Waltz"}]
    jsonl = "\n".join(json.dumps(line) for line in lines).encode()
    told = admin.ask("POST", "/admin/pieces/import", jsonl, content_type="application/x-ndjson").body
    assert [line["outcome"] for line in told["lines"]] == ["failed", "created"]
    assert list(told["lines"][0]["problems"]) == ["revision"]
    rest = admin.ask("POST", "/admin/pieces/import?from=2", jsonl, content_type="application/x-ndjson").body
    assert [(line["line"], line["outcome"]) for line in rest["lines"]] == [(2, "unchanged")]


@pytest.mark.parametrize(
    ("content_type", "file", "status"),
    [
        ("application/pdf", b"x", 415),
        ("text/csv", b"\xff", 400),
        ("text/csv", b"id,id\n", 400),
        ("text/csv", b"id\n" * 20_002, 413),
        ("text/csv", b"x" * 4_000_001, 413),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(admin: Api, content_type: str, file: bytes, status: int) -> None:
    assert admin.ask("POST", "/admin/pieces/import", file, content_type=content_type).status == status


def test_a_list_goes_through_all_items_drafts_too(admin: Api) -> None:
    mark = uuid.uuid4().hex
    made = {
        admin.ask("POST", "/admin/pieces", {"title": f"Thème {mark} {n}", "draft": n % 2 == 0}).body["id"]
        for n in range(5)
    }

    def all_of(state: str) -> list[dict[str, Any]]:
        items, cursor = [], ""
        while cursor is not None:
            page = admin.ask("GET", f"/admin/pieces?q=THEME%20{mark}&state={state}&size=2&cursor={cursor}").body
            assert len(page["items"]) <= 2
            items += page["items"]
            cursor = page["cursor"]
        return items

    assert {item["id"] for item in all_of("all")} == made
    assert len(all_of("all")) == 5
    assert [len(all_of("draft")), len(all_of("published"))] == [3, 2]


def test_the_schema_and_the_openapi_document_are_served(world: World, admin: Api) -> None:
    assert admin.ask("GET", "/admin/pieces/schema").body["required"] == ["id", "title"]
    told = of(world).ask("GET", "/openapi.json")
    assert told.status == 200
    assert "/admin/pieces/{id}/publish" in told.body["paths"]
    again = of(world).ask("GET", "/openapi.json", if_none_match=told.headers["etag"])
    assert (again.status, again.body) == (304, None)


def test_a_search_may_be_kept_for_a_moment_and_an_admin_s_answer_never(world: World, admin: Api) -> None:
    found = of(world).ask("GET", "/search?index=pieces&q=")
    assert found.headers["cache-control"].startswith("public, max-age=")
    assert of(world).ask("GET", "/search?index=pieces&q=", if_none_match=found.headers["etag"]).status in (200, 304)
    assert admin.ask("GET", "/admin/pieces").headers["cache-control"] == "no-store"

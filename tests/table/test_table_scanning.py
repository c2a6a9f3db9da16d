"""Scan pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from dynadex.aws import AwsError, AwsUnavailable
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.table import Page, Table
from tests.table.emulator import BY_ID, Emulator

COUNT, BYTES = 400, 10_000


@pytest.fixture(scope="module")
def filled(emulator: Emulator) -> Table:
    """400 items of 10 kB: four pages."""
    table = emulator.table()
    emulator.put(table, ({"id": {"S": str(n)}, "text": {"S": "x" * BYTES}} for n in range(COUNT)))
    return table


def pages(table: Table, *, segment: int = 0, total_segments: int = 1, limit: int | None = None) -> Iterator[Page]:
    start = None
    while True:
        page = table.scan(start, segment=segment, total_segments=total_segments, limit=limit)
        yield page
        if page.last_key is None:
            return
        start = page.last_key


def ids(page: Page) -> list[str]:
    return [item["id"]["S"] for item in page.items]


ALL = sorted(str(n) for n in range(COUNT))


def test_pages_of_a_megabyte_hold_every_item_once(filled: Table) -> None:
    found = list(pages(filled))
    assert len(found) == 4
    assert max(len(json.dumps(page.items)) for page in found) < 1.2 * 2**20
    assert sorted(id for page in found for id in ids(page)) == ALL
    assert [page.last_key is None for page in found] == [False, False, False, True]
    assert found[0].items[0]["text"] == {"S": "x" * BYTES}


def test_a_page_starts_after_the_key_it_is_given(filled: Table) -> None:
    first = filled.scan(limit=10)
    assert first.last_key == {"id": {"S": ids(first)[-1]}}
    assert ids(filled.scan(first.last_key, limit=10)) == ids(filled.scan(limit=20))[10:]


@pytest.mark.parametrize("segments", [2, 7])
def test_segments_cover_everything_exactly_once(filled: Table, segments: int) -> None:
    found = [list(pages(filled, segment=segment, total_segments=segments)) for segment in range(segments)]
    assert sorted(id for segment in found for page in segment for id in ids(page)) == ALL


def test_a_limit_is_held_until_the_end(filled: Table) -> None:
    found = list(pages(filled, limit=77))
    assert [len(page.items) for page in found] == [77, 77, 77, 77, 77, 15]
    assert sorted(id for page in found for id in ids(page)) == ALL


def test_a_limit_at_the_very_end_leaves_one_empty_page(emulator: Emulator) -> None:
    table = emulator.table()
    emulator.put(table, ({"id": {"S": str(n)}} for n in range(10)))
    assert [len(page.items) for page in pages(table, limit=10)] == [10, 0]
    assert [len(page.items) for page in pages(table, limit=11)] == [10]


def test_an_empty_table_is_one_empty_page(emulator: Emulator) -> None:
    page = emulator.table().scan()
    assert (page.items, page.last_key) == ([], None)


def test_a_page_has_the_servers_date(filled: Table) -> None:
    before = int(time.time())
    page = filled.scan(limit=1)
    assert before - 1 <= page.date <= time.time() + 1


#: Read units of a whole megabyte, read consistently and not. What ministack says has no meaning.
UNITS = {"ministack": (1.0, 0.5), "dynamodb-local": (257.0, 128.5)}


def test_a_page_has_its_read_units(emulator: Emulator, filled: Table) -> None:
    consistent, eventual = filled.scan(), filled.scan(consistent=False)
    assert (consistent.capacity, eventual.capacity) == UNITS[emulator.name]


def test_pages_of_a_table_with_a_sort_key_go_on_within_a_partition(emulator: Emulator) -> None:
    table = emulator.table(KeySchema(KeyAttribute("p", "S"), KeyAttribute("n", "N")))
    keys = [("a", n) for n in range(30)] + [("b", 1), ("ä|%", -1)]
    emulator.put(table, ({"p": {"S": p}, "n": {"N": str(n)}} for p, n in keys))
    found = [(item["p"]["S"], int(item["n"]["N"])) for page in pages(table, limit=7) for item in page.items]
    assert sorted(found) == sorted(keys)
    assert len(table.scan(limit=7).last_key or {}) == 2


def test_a_missing_table_is_told_by_its_code(emulator: Emulator) -> None:
    missing = Table("missing", BY_ID, emulator.service())
    for ask in (missing.scan, lambda: missing.read({"1": {"id": {"S": "1"}}})):
        with pytest.raises(AwsError, match=r"^dynamodb \w+: ResourceNotFoundException: \w") as raised:
            ask()
        assert raised.value.code == "ResourceNotFoundException"
        assert not isinstance(raised.value, AwsUnavailable)


def test_a_wrong_request_is_told_by_its_code(filled: Table) -> None:
    with pytest.raises(AwsError, match="starting key is invalid") as raised:
        filled.scan({"other": {"S": "1"}})
    assert raised.value.code == "ValidationException"
    with pytest.raises(AwsError, match=r"(?i)segment") as raised:
        filled.scan(segment=5, total_segments=2)
    assert raised.value.code == "ValidationException"

"""Which tables are recognised as single-table designs, and by what."""

from __future__ import annotations

from typing import Any

from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.operations.entities import Design, recognise

KEY = KeySchema(KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))


def attributes(**values: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}


def customers(count: int = 20) -> list[dict[str, Any]]:
    return [attributes(pk=f"C#{n}", sk="PROFILE", name="x", email="y", phone="z") for n in range(count)]


def orders(count: int = 20) -> list[dict[str, Any]]:
    return [attributes(pk=f"C#{n}", sk=f"ORDER#{n}", total="1", placed="2", note="3") for n in range(count)]


def with_entity(items: list[dict[str, Any]], entity: str, name: str = "entity") -> list[dict[str, Any]]:
    return [{**item, name: {"S": entity}} for item in items]


def shape(design: Design | None) -> tuple[str, bool, dict[str, int]] | None:
    if design is None:
        return None
    return design.attribute, design.by_prefix, {one.value: len(one.items) for one in design.entities}


def test_an_attribute_that_tells_kinds_apart_is_found() -> None:
    items = with_entity(customers(), "customer") + with_entity(orders(30), "order")
    design = recognise(items, KEY)
    assert shape(design) == ("entity", False, {"order": 30, "customer": 20})
    assert design is not None
    assert (design.explained, design.in_common, design.without) == (1.0, 0.0, 0)


def test_a_key_whose_beginning_tells_kinds_apart_is_found() -> None:
    assert shape(recognise(customers() + orders(30), KEY)) == ("sk", True, {"ORDER#": 30, "PROFILE": 20})


def test_an_attribute_goes_before_a_key_that_says_the_same() -> None:
    items = with_entity(customers(), "c", "t") + with_entity(orders(), "o", "t")
    assert shape(recognise(items, KEY)) == ("t", False, {"c": 20, "o": 20})


def test_a_status_with_an_attribute_of_its_own_is_no_kind() -> None:
    common = {"title": "a", "body": "b", "owner": "c", "created": "d"}
    items = [attributes(pk=str(n), sk="x", status="open", **common) for n in range(20)]
    items += [attributes(pk=str(n), sk="x", status="closed", closed="e", **common) for n in range(20, 40)]
    assert recognise(items, KEY) is None


def test_kinds_may_share_more_where_the_attribute_is_named_for_it() -> None:
    common = {"name": "a", "created": "b", "updated": "c", "owner": "d"}
    items = [attributes(pk=str(n), sk="x", entityType="song", seconds="1", key="2", **common) for n in range(20)]
    items += [attributes(pk=str(n), sk="x", entityType="album", label="3", **common) for n in range(20, 40)]
    assert shape(recognise(items, KEY)) == ("entityType", False, {"album": 20, "song": 20})


def test_sparse_attributes_at_random_are_no_kinds() -> None:
    items = [
        attributes(
            pk=str(n), sk="x", colour=["red", "green"][n % 2], **{f"a{(n * 7 + k * 13) % 50}": "1" for k in range(5)}
        )
        for n in range(200)
    ]
    assert recognise(items, KEY) is None


def test_few_items_are_no_pattern() -> None:
    assert recognise(with_entity(customers(2), "customer") + with_entity(orders(2), "order"), KEY) is None
    assert recognise([], KEY) is None


def test_items_of_no_kind_are_counted() -> None:
    items = with_entity(customers(), "customer") + with_entity(orders(), "order") + [attributes(pk="a", sk="META")]
    design = recognise(items, KEY)
    assert design is not None
    assert design.without == 1


def test_too_many_values_are_no_kinds() -> None:
    items = [attributes(pk=str(n), sk="x", kind=f"k{n % 30}", **{f"only{n % 30}": "1"}) for n in range(300)]
    assert recognise(items, KEY) is None

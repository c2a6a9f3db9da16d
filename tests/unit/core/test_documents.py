"""Which document an item makes, and that a transform's mistake is its item's alone."""

from __future__ import annotations

import asyncio
import sys
from collections import UserDict
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from dynadex.core.attributes import Item
from dynadex.core.comparing import loads
from dynadex.core.documents import Recipe, TransformFailed

ITEM: Item = {
    "id": {"S": "a"},
    "kind": {"S": "lesson"},
    "year": {"N": "1979"},
    "price": {"N": "9.90"},
    "aws:rep:updateregion": {"S": "eu-west-1"},
    "aws:rep:deleting": {"BOOL": False},
}


def made(recipe: Recipe, item: Item | None = ITEM) -> Any:
    document = recipe.document(item)
    return None if document is None else loads(document)


def test_without_anything_the_document_is_the_item_less_replication_s_own_attributes() -> None:
    assert made(Recipe("x")) == {"id": "a", "kind": "lesson", "year": 1979, "price": Decimal("9.90")}


def test_include_takes_what_it_names_in_the_item_s_order() -> None:
    assert Recipe("x", include=frozenset({"price", "year", "absent"})).document(ITEM) == b'{"year":1979,"price":9.90}'


def test_exclude_leaves_out_what_it_names() -> None:
    assert made(Recipe("x", exclude=frozenset({"price", "kind", "absent"}))) == {"id": "a", "year": 1979}


def test_replication_s_attributes_reach_no_document_even_where_they_are_named() -> None:
    assert made(Recipe("x", include=frozenset({"id", "aws:rep:deleting"}))) == {"id": "a"}
    assert made(Recipe("x", transform=dict, exclude=frozenset({"kind"}))).keys() == {"id", "year", "price"}


def test_a_gone_item_makes_no_document_and_asks_no_transform() -> None:
    assert made(Recipe("x"), None) is None
    assert made(Recipe("x", transform=_raiser(KeyError("x"))), None) is None


@pytest.mark.parametrize(
    ("value", "matches"),
    [({"S": "lesson"}, True), ({"S": "song"}, True), ({"S": "Lesson"}, False), ({"N": "1"}, False), (None, False)],
)
def test_match_decides_before_the_transform_sees_the_item(value: Any, matches: bool) -> None:
    recipe = Recipe("x", transform=lambda item: {"seen": True}, match={"kind": ("lesson", "song")})
    item = {**ITEM, "kind": value} if value else {name: inner for name, inner in ITEM.items() if name != "kind"}
    assert recipe.matches(item) is matches
    assert made(recipe, item) == ({"seen": True} if matches else None)


def test_an_item_has_to_match_all_attributes() -> None:
    recipe = Recipe("x", match={"kind": ("lesson",), "id": ("b",)})
    assert made(recipe) is None
    assert made(recipe, {**ITEM, "id": {"S": "b"}}) is not None


def test_match_may_use_an_attribute_that_is_left_out_of_the_document() -> None:
    assert made(Recipe("x", match={"kind": ("lesson",)}, include=frozenset({"id"}))) == {"id": "a"}


def test_a_transform_gets_python_values_and_none_means_not_in_this_index() -> None:
    seen: list[Any] = []
    recipe = Recipe("x", transform=seen.append, include=frozenset({"year", "price"}))
    assert recipe.document(ITEM) is None
    assert seen == [{"year": 1979, "price": Decimal("9.90")}]
    assert type(seen[0]["year"]) is int


@pytest.mark.parametrize("document", [UserDict({"a": 1}), MappingProxyType({"a": 1})])
def test_a_transform_may_return_any_mapping(document: Any) -> None:
    assert made(Recipe("x", transform=lambda item: document)) == {"a": 1}


def test_a_transform_that_spoils_its_item_spoils_nobody_else_s() -> None:
    def spoil(item: dict[str, Any]) -> dict[str, Any]:
        item["tags"].append("more")
        item.pop("id")
        return item

    item: Item = {"id": {"S": "a"}, "tags": {"L": [{"S": "x"}]}}
    recipe = Recipe("x", transform=spoil)
    assert recipe.document(item) == recipe.document(item) == b'{"tags":["x","more"]}'
    assert made(Recipe("y"), item) == {"id": "a", "tags": ["x"]}


def _raiser(error: BaseException) -> Callable[[dict[str, Any]], Any]:
    def transform(item: dict[str, Any]) -> Any:
        raise error

    return transform


class _Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def _generator(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield item


@pytest.mark.parametrize(
    ("transform", "type"),
    [
        (_raiser(KeyError("title")), "KeyError"),
        (_raiser(RecursionError()), "RecursionError"),
        (_raiser(StopIteration(1)), "StopIteration"),
        (_raiser(_Speechless()), "_Speechless"),
        (lambda item: sys.exit("bye"), "SystemExit"),
        (_generator, "TypeError"),
        (lambda item: [item], "TypeError"),
        (lambda item: "text", "TypeError"),
        (lambda item: 0, "TypeError"),
        (lambda item: {1: "a"}, "TypeError"),
        (lambda item: {"a": float("nan")}, "ValueError"),
        (lambda item: {"a": 10**5000}, "ValueError"),
        (lambda item: {"a": "\ud83c"}, "TypeError"),
        (lambda item: {"a": object()}, "TypeError"),
        (lambda item: item["missing"], "KeyError"),
        (lambda: {}, "TypeError"),
    ],
)
def test_whatever_a_transform_does_wrong_is_that_item_s_failure(transform: Any, type: str) -> None:
    with pytest.raises(TransformFailed) as failed:
        Recipe("x", transform=transform).document(ITEM)
    assert failed.value.type == type
    assert isinstance(failed.value.reason, str)
    assert failed.value.__cause__ is not None


def test_a_coroutine_is_no_document() -> None:
    async def transform(item: dict[str, Any]) -> dict[str, Any]:
        return item

    waiting = transform({})
    with pytest.raises(TransformFailed, match="coroutine"):
        Recipe("x", transform=lambda item: waiting).document(ITEM)  # type: ignore[arg-type,return-value]
    asyncio.run(waiting)


def test_a_huge_reason_is_cut() -> None:
    with pytest.raises(TransformFailed) as failed:
        Recipe("x", transform=_raiser(ValueError("é" * 100_000))).document(ITEM)
    assert failed.value.reason == "é" * 500


def test_stopping_the_process_is_no_failure_of_an_item() -> None:
    with pytest.raises(KeyboardInterrupt):
        Recipe("x", transform=_raiser(KeyboardInterrupt())).document(ITEM)


def test_an_item_of_no_known_form_is_a_failure_without_a_transform_too() -> None:
    with pytest.raises(TransformFailed):
        Recipe("x").document({"a": {"N": "abc"}})
    with pytest.raises(TransformFailed):
        Recipe("x").document({"a": {"?": "abc"}})

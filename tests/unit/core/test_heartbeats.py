"""Reserved keys of every kind, and the empty documents of their items."""

from __future__ import annotations

import base64
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core import heartbeats
from dynadex.core.attributes import KeyAttribute, KeySchema, typed
from dynadex.core.documents import Recipe

TYPES: tuple[Literal["S", "N", "B"], ...] = ("S", "N", "B")
SCHEMAS = [KeySchema(KeyAttribute("p", one)) for one in TYPES] + [
    KeySchema(KeyAttribute("p", one), KeyAttribute("s", other)) for one in TYPES for other in TYPES
]
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2", "us-gov-west-1", "us-isob-east-1", "us-isof-south-1"]

schemas = st.sampled_from(SCHEMAS)


def test_a_string_key_says_what_it_is() -> None:
    schema = KeySchema(KeyAttribute("id", "S"))
    assert heartbeats.key(schema, "eu-west-1") == {"id": {"S": "dynadex.heartbeat.eu-west-1"}}
    assert heartbeats.id_of(schema, "eu-west-1") == "dynadex.heartbeat.eu-west-1"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: "-".join(one.type for one in schema.attributes))
@pytest.mark.parametrize("region", REGIONS)
def test_the_region_is_read_back_from_the_key_and_the_id_of_every_key_schema(schema: KeySchema, region: str) -> None:
    key = heartbeats.key(schema, region)
    assert heartbeats.region_of(schema, {**key, "beat": {"N": "1"}}) == region
    assert heartbeats.region_of_id(schema, heartbeats.id_of(schema, region)) == region
    assert schema.key_of(heartbeats.id_of(schema, region)) == key


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: "-".join(one.type for one in schema.attributes))
def test_regions_have_different_ids(schema: KeySchema) -> None:
    assert len({heartbeats.id_of(schema, region) for region in REGIONS}) == len(REGIONS)


def test_a_number_is_known_however_it_is_spelled() -> None:
    schema = KeySchema(KeyAttribute("n", "N"))
    text = heartbeats.key(schema, "eu-west-1")["n"]["N"]
    assert len(text.lstrip("-")) <= 38
    assert heartbeats.region_of(schema, {"n": {"N": f"{text[:2]}.{text[2:]}E+37"}}) == "eu-west-1"


@given(schemas, st.text(), st.decimals(allow_nan=False, allow_infinity=False, places=3), st.binary(min_size=1))
def test_no_other_key_is_taken_for_a_heartbeat(schema: KeySchema, text: str, number: Any, data: bytes) -> None:
    values = {"S": {"S": text}, "N": typed(number), "B": {"B": base64.b64encode(data).decode()}}
    item = {one.name: values[one.type] for one in schema.attributes}
    assert heartbeats.region_of(schema, item) is None


@pytest.mark.parametrize("schema", [schema for schema in SCHEMAS if schema.sort])
def test_both_parts_of_a_key_are_reserved_together(schema: KeySchema) -> None:
    mine, other = heartbeats.key(schema, "eu-west-1"), heartbeats.key(schema, "us-east-1")
    assert heartbeats.region_of(schema, {"p": mine["p"], "s": other["s"]}) is None
    assert heartbeats.region_of(schema, {"p": mine["p"]}) is None


@pytest.mark.parametrize(
    "value",
    [
        {"S": "dynadex.heartbeat."},
        {"S": "dynadex.heartbeat.nowhere"},
        {"S": "dynadex.heartbeat"},
        {"N": "-7"},
        {"N": "-73617274856200000000000000000000000000"},
        {"B": base64.b64encode(b"dynadex.heartbeat.\xff").decode()},
        {"M": {}},
    ],
)
def test_a_prefix_without_a_region_is_an_item_like_others(value: dict[str, Any]) -> None:
    for kind in TYPES:
        assert heartbeats.region_of(KeySchema(KeyAttribute("p", kind)), {"p": value}) is None


SCHEMA = KeySchema(KeyAttribute("id", "S"))
BEAT = {**heartbeats.key(SCHEMA, "eu-west-1"), "at": {"N": "1"}}


def test_a_heartbeat_makes_an_empty_document_whatever_the_recipe_says() -> None:
    def refuse(item: dict[str, Any]) -> None:
        raise ValueError(item)

    for recipe in (
        Recipe("x", schema=SCHEMA, beating=True),
        Recipe("x", transform=refuse, schema=SCHEMA, beating=True),
        Recipe("x", match={"kind": ("lesson",)}, schema=SCHEMA, beating=True),
        Recipe("x", include=frozenset({"at"}), schema=SCHEMA, beating=True),
    ):
        assert recipe.document(BEAT) == b"{}"
        assert recipe.matches(BEAT)


def test_a_table_without_heartbeats_has_no_document_of_one_that_was_left() -> None:
    assert Recipe("x", schema=SCHEMA).document(BEAT) is None


def test_queries_leave_heartbeats_out() -> None:
    query: dict[str, Any] = {"match_all": {}}
    assert heartbeats.left_out(query, ()) == query
    assert heartbeats.left_out(query, ["a"]) == {"bool": {"must": [query], "must_not": [{"ids": {"values": ["a"]}}]}}

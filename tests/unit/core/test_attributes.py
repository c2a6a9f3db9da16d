"""Attribute values keep everything on their way to JSON and Python and back; keys and ids are one to one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dynadex.core.attributes import (
    AttributeValue,
    InvalidKey,
    Item,
    KeyAttribute,
    KeySchema,
    canonical_number,
    dumps,
    item_json,
    jsonable,
    plain,
    typed,
    typed_item,
)
from dynadex.core.comparing import loads, same

_UNICODE = st.characters(exclude_categories=["Cs"])
strings = st.text(_UNICODE, max_size=12)
binaries = st.binary(max_size=12).map(lambda raw: base64.b64encode(raw).decode())


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Up to 38 digits with an exponent, in any spelling that DynamoDB and its emulators use."""
    digits = draw(st.text("0123456789", min_size=1, max_size=38)).lstrip("0") or "0"
    sign = draw(st.sampled_from(["", "-"]))
    cut = draw(st.integers(0, len(digits)))
    match draw(st.sampled_from(["whole", "point", "exponent"])):
        case "whole":
            return sign + digits
        case "point":
            return f"{sign}{digits[:cut] or '0'}.{digits[cut:] or '0'}"
    return f"{sign}{digits}{draw(st.sampled_from(['E', 'e', 'E+']))}{draw(st.integers(0, 80))}"


def _unequal(texts: list[str]) -> bool:
    return len({Decimal(text) for text in texts}) == len(texts)


def _typed(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {kind: value})


leaves = st.one_of(
    _typed("S", strings),
    _typed("N", numbers()),
    _typed("B", binaries),
    _typed("BOOL", st.booleans()),
    st.just({"NULL": True}),
    _typed("SS", st.lists(strings, min_size=1, max_size=4, unique=True)),
    _typed("NS", st.lists(numbers(), min_size=1, max_size=4).filter(_unequal)),
    _typed("BS", st.lists(binaries, min_size=1, max_size=4, unique=True)),
)
attribute_values = st.recursive(
    leaves,
    lambda inner: _typed("L", st.lists(inner, max_size=3)) | _typed("M", st.dictionaries(strings, inner, max_size=3)),
    max_leaves=8,
)
items = st.dictionaries(strings, attribute_values, max_size=4)


def expected_json(value: AttributeValue) -> Any:
    """What an attribute value is as JSON, said another way than the code does."""
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return Decimal(str(inner))
        case "NULL":
            return None
        case "L":
            return [expected_json(member) for member in inner]
        case "M":
            return {name: expected_json(member) for name, member in inner.items()}
        case "NS":
            return sorted(map(Decimal, inner))
        case "SS" | "BS":
            return sorted(inner)
    return inner


def with_numbers_by_value(value: Any) -> Any:
    """The attribute value with its numbers as `Decimal` and its sets in order: equal where they mean the same."""
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return {"N": Decimal(inner)}
        case "NS":
            return {"NS": sorted(map(Decimal, inner))}
        case "SS" | "BS":
            return {kind: sorted(inner)}
        case "L":
            return {"L": [with_numbers_by_value(member) for member in inner]}
        case "M":
            return {"M": {name: with_numbers_by_value(member) for name, member in inner.items()}}
    return value


@given(items)
def test_every_item_is_json_without_loss(item: Item) -> None:
    assert same(loads(dumps(jsonable(item))), {name: expected_json(value) for name, value in item.items()})
    assert item_json(item) == dumps(jsonable(item))


@given(numbers())
def test_a_number_is_written_digit_for_digit(text: str) -> None:
    assert dumps(jsonable({"n": {"N": text}})) == b'{"n":%b}' % text.encode()


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("+5", b"5"),
        (".5", b"0.5"),
        ("5.", b"5"),
        ("00", b"0"),
        ("-00", b"-0"),
        ("007", b"7"),
        ("٣", b"3"),
        (" 1 ", b"1"),
    ],
)
def test_a_number_that_is_spelled_unlike_json_is_made_json(text: str, json: bytes) -> None:
    assert dumps(jsonable({"n": {"N": text}})) == b'{"n":%b}' % json


@pytest.mark.parametrize("text", ["", "-", "NaN", "Infinity", "-Infinity", "1,5", "0x10", "²", "--1", '1,"x":2'])
def test_what_is_no_number_is_an_error_and_not_json(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        jsonable({"n": {"N": text}})
    with pytest.raises(ValueError, match="number"):
        plain({"n": {"N": text}})


@given(st.permutations(["b", "a", "ä", "B", "10", "9"]), st.permutations(["10", "9", "-1.5", "1E+2", "0"]))
def test_the_same_set_is_always_the_same_json(strings: list[str], numbers: list[str]) -> None:
    document = dumps(jsonable({"s": {"SS": strings}, "n": {"NS": numbers}}))
    assert document == '{"s":["10","9","B","a","b","ä"],"n":[-1.5,0,9,10,1E+2]}'.encode()


def test_attribute_names_with_dots_and_other_signs_stay_as_they_are() -> None:
    assert dumps(jsonable({"a.b": {"S": "1"}, "ключ": {"M": {"": {"L": []}}}})) == '{"a.b":"1","ключ":{"":[]}}'.encode()


@given(items)
def test_python_values_are_the_item_again(item: Item) -> None:
    again = {name: with_numbers_by_value(value) for name, value in typed_item(plain(item)).items()}
    assert again == {name: with_numbers_by_value(value) for name, value in item.items()}


@given(items)
def test_a_transform_that_returns_its_item_makes_the_document_of_no_transform(item: Item) -> None:
    assume(not any(kind in str(item) for kind in ("'BS'",)))  # sorted as bytes, not as base64
    assert same(loads(dumps(plain(item))), loads(dumps(jsonable(item))))


@pytest.mark.parametrize("text", ["100", "1E+2", "1e2", "100.0", "+100", "100."])
def test_a_whole_number_is_an_int_however_it_is_spelled(text: str) -> None:
    value = plain({"n": {"N": text}})["n"]
    assert (type(value), value) == (int, 100)


def test_a_number_with_38_digits_keeps_them_all_in_python() -> None:
    text = "1234567890123456789012345678.0123456789"
    assert plain({"n": {"N": text}}) == {"n": Decimal(text)}


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        set(),
        {1, "a"},
        {True},
        frozenset({(1,)}),
        object(),
        {"a": {"b": set()}},
    ],
)
def test_what_dynamodb_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"set|number|type"):
        typed(value)


def test_a_bool_is_no_number() -> None:
    assert typed([True, 1, 0.5, 1e22]) == {"L": [{"BOOL": True}, {"N": "1"}, {"N": "0.5"}, {"N": "1E+22"}]}


@given(st.integers(-(10**60), 10**60) | st.integers(2**63 - 2, 2**64 + 2))
def test_whole_numbers_of_any_width_are_written_exactly(number: int) -> None:
    document = {"n": number, "deep": [{"n": (number,)}], "set": {number}}
    assert loads(dumps(document)) == {"n": number, "deep": [{"n": [number]}], "set": [number]}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("Infinity")])
@pytest.mark.parametrize("wide", [0, 2**70])
def test_what_is_no_number_never_becomes_null_in_silence(number: Any, wide: int) -> None:
    for document in (
        {"n": number, "wide": wide},
        {"a": [{"n": (1, number)}], "wide": wide},
        {"s": {number, 1}, "w": wide},
    ):
        with pytest.raises((TypeError, ValueError, ArithmeticError)):
            dumps(document)


def test_null_beside_true_numbers_is_null() -> None:
    assert dumps({"a": None, "b": [0.5, None], "c": "null"}) == b'{"a":null,"b":[0.5,null],"c":"null"}'


def _forever() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "document",
    [
        {1: "a"},
        {True: 1},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": _forever()},
        {"a": object()},
        {"a": 1j},
        {"a": {1: 2**70}},
    ],
)
def test_what_has_no_json_form_is_an_error(document: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        dumps(document)


def test_a_document_deeper_than_anything_dynamodb_holds_is_an_error_and_no_crash() -> None:
    deep: Any = 2**70
    for _ in range(5000):
        deep = [deep]
    with pytest.raises((TypeError, RecursionError)):
        dumps({"deep": deep})


def test_binaries_and_sets_of_a_transform_are_written_as_those_of_an_item() -> None:
    assert dumps({"b": b"\x00\xff", "s": {"b", "a"}, "d": Decimal("1.10")}) == b'{"b":"AP8=","s":["a","b"],"d":1.10}'


_KEY_STRINGS = st.text(st.sampled_from("ab|%27C5é\U0001f3b8") | _UNICODE, min_size=1, max_size=8)
_KEY_VALUES: dict[str, st.SearchStrategy[str]] = {
    "S": _KEY_STRINGS,
    "N": numbers(),
    "B": st.binary(min_size=1, max_size=8).map(lambda raw: base64.b64encode(raw).decode()),
}
_TYPES: tuple[Literal["S", "N", "B"], ...] = ("S", "N", "B")
SCHEMAS = [KeySchema(KeyAttribute("p", one)) for one in _TYPES] + [
    KeySchema(KeyAttribute("p", one), KeyAttribute("s", two)) for one, two in product(_TYPES, repeat=2)
]


def _name(schema: KeySchema) -> str:
    return "+".join(part.type for part in schema.attributes)


def keys(schema: KeySchema) -> st.SearchStrategy[dict[str, dict[str, str]]]:
    parts = {part.name: _KEY_VALUES[part.type] for part in schema.attributes}
    kinds = {part.name: part.type for part in schema.attributes}
    return st.fixed_dictionaries(parts).map(lambda key: {name: {kinds[name]: value} for name, value in key.items()})


def _meaning(key: Any) -> dict[str, Any]:
    return {name: with_numbers_by_value(value) for name, value in key.items()}


@pytest.mark.parametrize("schema", SCHEMAS, ids=_name)
@given(data=st.data())
def test_an_id_is_the_key_again(schema: KeySchema, data: st.DataObject) -> None:
    key = data.draw(keys(schema))
    id = schema.id_of({**key, "other": {"S": "x"}})
    assert len(id.encode()) <= 512
    assert _meaning(schema.key_of(id)) == _meaning(key)
    assert schema.id_of(schema.key_of(id)) == id


@pytest.mark.parametrize("schema", SCHEMAS, ids=_name)
@given(data=st.data())
def test_different_keys_have_different_ids_and_the_same_key_always_the_same(
    schema: KeySchema, data: st.DataObject
) -> None:
    one, other = data.draw(keys(schema)), data.draw(keys(schema))
    assert (schema.id_of(one) == schema.id_of(other)) == (_meaning(one) == _meaning(other))


@pytest.mark.parametrize("schema", SCHEMAS, ids=_name)
@given(id=st.text(st.sampled_from("01.-E|%27C5Aé=+/ ") | _UNICODE, max_size=10))
def test_any_text_is_the_id_of_its_key_or_of_none(schema: KeySchema, id: str) -> None:
    try:
        key = schema.key_of(id)
    except InvalidKey:
        return
    assert schema.id_of(key) == id


def test_a_string_key_alone_is_the_id_as_it_is() -> None:
    schema = KeySchema(KeyAttribute("id", "S"))
    assert schema.id_of({"id": {"S": "a|b%7C/é"}}) == "a|b%7C/é"


def test_a_bar_in_a_part_is_not_the_bar_between_the_parts() -> None:
    schema = KeySchema(KeyAttribute("p", "S"), KeyAttribute("s", "S"))
    ids = [schema.id_of({"p": {"S": p}, "s": {"S": s}}) for p, s in (("a|b", "c"), ("a", "b|c"), ("a%7Cb", "c"))]
    assert ids == ["a%7Cb|c", "a|b%7Cc", "a%257Cb|c"]


@pytest.mark.parametrize("text", ["1", "1.0", "+1", "1E0", "10E-1", "0.1E1", "1.000"])
def test_the_same_number_is_the_same_id(text: str) -> None:
    assert canonical_number(text) == "1"


@pytest.mark.parametrize("text", ["0", "-0", "0.0", "0E5", "-0E-5"])
def test_zero_has_one_id(text: str) -> None:
    assert canonical_number(text) == "0"


@pytest.mark.parametrize("text", ["9.9999999999999999999999999999999999999E+125", "-1E-130", "1E+125"])
def test_the_widest_numbers_of_dynamodb_make_ids_without_rounding(text: str) -> None:
    schema = KeySchema(KeyAttribute("n", "N"))
    assert Decimal(schema.key_of(schema.id_of({"n": {"N": text}}))["n"]["N"]) == Decimal(text)


@pytest.mark.parametrize("id", ["1.0", "1E2", "-0", "x", "", "٣", "1" * 39, "1" + "0" * 126, "NaN", " 1"])
def test_an_id_that_no_number_key_makes_is_no_key(id: str) -> None:
    with pytest.raises(InvalidKey):
        KeySchema(KeyAttribute("n", "N")).key_of(id)


@pytest.mark.parametrize(
    ("letter", "count", "fits"),
    [("a", 512, True), ("a", 513, False), ("é", 256, True), ("é", 257, False), ("🎸", 129, False)],
)
def test_an_id_has_at_most_512_bytes(letter: str, count: int, fits: bool) -> None:
    schema = KeySchema(KeyAttribute("id", "S"))
    key = {"id": {"S": letter * count}}
    if fits:
        assert schema.key_of(schema.id_of(key)) == key
    else:
        with pytest.raises(InvalidKey, match=f"{len((letter * count).encode())} bytes"):
            schema.id_of(key)


def test_escapes_count_towards_the_length() -> None:
    schema = KeySchema(KeyAttribute("p", "S"), KeyAttribute("s", "N"))
    with pytest.raises(InvalidKey, match="602 bytes"):
        schema.id_of({"p": {"S": "|" * 200}, "s": {"N": "1"}})


@pytest.mark.parametrize("item", [{}, {"p": {"S": "a"}}, {"p": {"N": "1"}, "s": {"N": "1"}}, {"s": {"N": "1"}}])
def test_an_item_without_its_key_names_the_attribute(item: Item) -> None:
    schema = KeySchema(KeyAttribute("p", "S"), KeyAttribute("s", "N"))
    for read in (schema.id_of, schema.key):
        with pytest.raises(InvalidKey, match=r"'[ps]' of type [SN] is not in the item"):
            read(item)

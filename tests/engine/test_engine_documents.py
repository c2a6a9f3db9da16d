"""What a document may hold, and how it comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dynadex import generations
from dynadex.core.attributes import KeyAttribute, KeySchema, dumps, jsonable
from dynadex.core.bulk import APPLIED, Operation, Status
from dynadex.core.comparing import loads
from dynadex.core.writing import Found, Target
from tests.engine.subject import Place, Subject, patience, statuses

#: As DynamoDB writes them: 38 digits, and its smallest and largest exponents.
NUMBERS = [
    "12345678901234567890123456789012345678",
    "-0.12345678901234567890123456789012345678",
    "9.9999999999999999999999999999999999999E+125",
    "1E-130",
    "0.1",
    "9007199254740993",
    "18446744073709551616",
]


def write(place: Place, source: bytes) -> None:
    assert place.subject.write(Operation(*place.target, 1, source)) == [APPLIED]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_comes_back_digit_for_digit(place: Place, number: str) -> None:
    write(place, dumps(jsonable({"n": {"N": number}, "in": {"L": [{"M": {"n": {"N": number}}}]}})))
    exact = Decimal(number)
    assert place.look() == Found(1, {"n": exact, "in": [{"n": exact}]})
    assert place.subject.documents(place.target.alias)["1"]["n"] == exact
    text = place.subject.engine.send("GET", f"/{place.target.alias}/_source/1").body
    assert text.count(number.encode()) == 2


def test_a_mapped_number_is_searched_as_a_double_and_comes_back_exactly(subject: Subject) -> None:
    generation = subject.generation(properties={"n": {"type": "double"}})
    subject.write(Operation(generations.write_alias(generation), "1", 1, b'{"n":%b}' % NUMBERS[0].encode()))
    assert subject.documents(generation)["1"]["n"] == int(NUMBERS[0])
    found = subject.engine.search(generation, {"query": {"range": {"n": {"gt": 1.2345e37}}}})
    assert found["hits"]["total"]["value"] == 1


def test_a_guessed_mapping_takes_no_wide_number_and_no_deep_map(subject: Subject) -> None:
    # Why the documentation advises against `"dynamic": true`.
    alias = generations.write_alias(subject.generation(dynamic=True))
    deep: dict[str, Any] = {"x": 1}
    for _ in range(31):
        deep = {"d": deep}
    answers = subject.write(
        Operation(alias, "wide", 1, b'{"n":%b}' % NUMBERS[0].encode()), Operation(alias, "deep", 1, dumps(deep))
    )
    assert statuses(answers) == ["refused", "refused"]
    assert "depth" in answers[1].reason


DOCUMENTS: dict[str, dict[str, Any]] = {
    "names with dots": {"a.b": 1, "a": {"b": 2}, "x.y.z": {"p.q": [1]}},
    "a name that ends with a dot": {"a.": 1},
    "names with blanks": {" ": 1, "with blank": 2, "\n": 3},
    "long and odd names": {"n" * 1000: 1, "名前": 2, "a|b%c\"d\\e'f": 3, "_x": 4},
    "empty values": {"s": "", "l": [], "m": {}, "null": None, "nested": [{}, [], "", None]},
    "mixed lists": {"l": [1, "one", True, None, {"n": 1}, [2, [3]]]},
    "all that a string can be": {"s": "\x00\x1f\x7f\u2028 \ud7ff\uffff 🎸 e\u0301 \\ \" / <b>'"},
    "nothing": {},
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_comes_back_as_it_was_sent(place: Place, document: dict[str, Any]) -> None:
    write(place, dumps(document))
    assert place.look() == Found(1, document)
    assert place.subject.documents(place.target.alias) == {"1": document}


def test_a_map_as_deep_as_dynamodb_has_them_comes_back(place: Place) -> None:
    deep: dict[str, Any] = {"x": 1}
    for _ in range(31):
        deep = {"d": deep}
    write(place, dumps(deep))
    assert place.look() == Found(1, deep)


@pytest.mark.parametrize("name", ["", ".a", "a..b", "_id", "_source"])
def test_a_name_that_the_engine_keeps_for_itself_is_a_refusal(place: Place, name: str) -> None:
    answer = place.index(1, {name: 1})
    assert (answer.status, answer.type) == (Status.REFUSED, "mapper_parsing_exception")


IDS = [
    "plain",
    "a|b",
    "%7C|%25",
    "with blank  and\ttab",
    "line\nbreak",
    "quotes \"'`",
    "back\\slash /and? #hash &amp",
    "*",
    "_all",
    ".",
    "é 東京 🎸",
    "e\u0301",
    "\x00",
    "x" * 512,
    "é" * 256,
]


def test_ids_of_every_kind_stay_apart_and_come_back(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation())
    answers = subject.write(*(Operation(alias, id, 1, b'{"n":%d}' % n) for n, id in enumerate(IDS)))
    assert answers == [APPLIED] * len(IDS)
    assert subject.look(*(Target(alias, id) for id in IDS)) == [Found(1, {"n": n}) for n in range(len(IDS))]
    assert subject.documents(alias) == {id: {"n": n} for n, id in enumerate(IDS)}
    assert subject.write(*(Operation(alias, id, 2, None) for id in IDS)) == [APPLIED] * len(IDS)
    assert subject.documents(alias) == {}


def test_composite_keys_are_read_back_from_the_ids_in_the_index(subject: Subject) -> None:
    schema = KeySchema(KeyAttribute("p", "S"), KeyAttribute("n", "N"))
    keys = [{"p": {"S": text}, "n": {"N": n}} for text in ("a|b", "a", "|%7C ") for n in ("-1.5", "1E+3", "0")]
    alias = generations.write_alias(subject.generation())
    subject.write(*(Operation(alias, schema.id_of(key), 1, b"{}") for key in keys))
    read = [schema.key_of(id) for id in subject.documents(alias)]
    assert sorted((key["p"]["S"], Decimal(key["n"]["N"])) for key in read) == sorted(
        (key["p"]["S"], Decimal(key["n"]["N"])) for key in keys
    )


def test_the_whole_answer_of_a_search_is_exact(place: Place) -> None:
    write(place, b'{"n":%b}' % NUMBERS[0].encode())
    place.subject.refresh(place.target.alias)
    answer = place.subject.engine.send("GET", f"/{place.target.alias}/_search").body
    assert loads(answer)["hits"]["hits"][0]["_source"] == {"n": int(NUMBERS[0])}


def test_a_document_that_is_as_expected_byte_for_byte_is_not_parsed(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation())
    texts = [dumps({"n": number, "text": 'a"},{"_id":"b"'}) for number in range(600)]
    subject.engine.write([Operation(alias, str(n), n + 1, text) for n, text in enumerate(texts)], patience())
    targets = [Target(alias, str(n)) for n in range(600)]
    found = subject.engine.look(targets, patience(), texts)
    if subject.name == "osmem":  # it puts an answer's members into another order, so all are parsed
        assert found == [Found(n + 1, loads(text)) for n, text in enumerate(texts)]
    else:
        assert found == [Found(n + 1, text) for n, text in enumerate(texts)]
    assert subject.engine.look(targets, patience()) == [Found(n + 1, loads(text)) for n, text in enumerate(texts)]
    other = subject.engine.look(targets[:2], patience(), [texts[0], texts[0]])
    assert other == [Found(1, loads(texts[0])), Found(2, loads(texts[1]))]

"""What `init` proposes from items takes every one of these items, and searches find in it what they are to find."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynadex import generations
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.core.bulk import Operation, Status
from dynadex.core.documents import Recipe
from dynadex.operations.proposing import Proposal, propose
from tests.engine.subject import Subject

KEY = KeySchema(KeyAttribute("id", "S"))

# Each attribute's values, which items take in turn: what schemaless tables come to hold.
NASTY: dict[str, list[dict[str, Any]]] = {
    "title": [{"S": "Let It Be"}, {"S": "Here Comes the Sun"}, {"S": "Help!"}],
    "prose": [{"S": "a long story " * 4000}, {"S": "a short one"}],
    "blob_of_text": [{"S": "x" * 40_000}, {"S": "y"}],
    "made": [{"S": "2024-02-29T10:00:00Z"}, {"S": "2024-03-01T10:00:00.123456789+02:00"}, {"S": "2024-03-02"}],
    "nearly_dates": [{"S": "2024-02-29"}] * 39 + [{"S": "soon"}],
    "no_dates": [{"S": "2024-02-30"}, {"S": "2024-13-01"}, {"S": "2024-02-29"}],
    "spaced_at": [{"S": "2024-02-29 10:00:00"}],
    "german": [{"S": "31.12.2023"}],
    "expires_at": [{"N": "1767225600"}],
    "sent_time": [{"N": "1767225600123"}],
    "count": [{"N": "0"}, {"N": "-9223372036854775808"}, {"N": "9223372036854775807"}],
    "beyond": [{"N": "9223372036854775808"}, {"N": "1"}],
    "huge": [{"N": "1E+125"}, {"N": "1"}],
    "price": [{"N": "1.5"}, {"N": "1E-130"}, {"N": "3"}],
    "exact": [{"N": "12345678901234567890.123456789012345678"}, {"N": "1"}],
    "scalar": [{"S": "seven"}, {"N": "7"}, {"BOOL": True}, {"NULL": True}],
    "sometimes_map": [{"M": {"a": {"N": "1"}}}, {"S": "none"}],
    "maps": [{"L": [{"M": {"a": {"N": "1"}}}, {"M": {"a": {"N": "2"}, "b": {"S": "x"}}}]}],
    "nested_lists": [{"L": [{"L": [{"N": "1"}]}, {"N": "2"}]}],
    "empty": [{"M": {}}, {"L": []}, {"S": ""}],
    "nothing": [{"NULL": True}],
    "tags": [{"SS": ["a", "b"]}],
    "numbers": [{"NS": ["1", "2.5"]}],
    "hashes": [{"BS": ["aGk="]}],
    "flag": [{"BOOL": True}, {"BOOL": False}],
    "small_binary": [{"B": "aGVsbG8="}],
    "by_user": [{"M": {f"user{number}": {"N": "1"}}} for number in range(40)],
    "_id": [{"S": "mine"}],
    ".hidden": [{"S": "x"}],
    "trailing.": [{"S": "x"}],
    "a..b": [{"S": "x"}],
    "dotted.name": [{"S": "x"}],
    "clash": [{"S": "x"}],
    "clash.inner": [{"S": "x"}],
    "inner_names": [{"M": {"": {"S": "x"}}}],
    "inner_clash": [{"M": {"a": {"S": "x"}, "a.b": {"S": "y"}}}],
    "inner_dotted": [{"M": {"a.b": {"S": "y"}}}],
    "deep": [{"M": {"1": {"M": {"2": {"M": {"3": {"M": {"4": {"M": {"5": {"M": {"6": {"M": {"7": {"M": {"8": {"M": {
        "9": {"N": "1"}}}}}}}}}}}}}}}}}}}],
}  # fmt: skip


def made_items(attributes: dict[str, list[dict[str, Any]]], count: int = 40) -> list[dict[str, Any]]:
    return [
        {"id": {"S": f"{number}"}, **{name: values[number % len(values)] for name, values in attributes.items()}}
        for number in range(count)
    ]


def refused(subject: Subject, index: str, proposal: Proposal, items: list[dict[str, Any]]) -> list[str]:
    """Why the engine refuses documents of the items under the proposed mapping."""
    generation = generations.ensure(subject.engine, index, proposal.mapping)
    assert generation is not None
    recipe = Recipe(index, exclude=frozenset(proposal.exclude))
    sources = [recipe.document(item) for item in items]
    answers = subject.write(
        *(
            Operation(generations.write_alias(generation), KEY.id_of(item), 1, source)
            for item, source in zip(items, sources, strict=True)
        )
    )
    return [answer.reason for answer in answers if answer.status is not Status.APPLIED]


def test_every_item_that_was_looked_at_is_taken(subject: Subject) -> None:
    items = made_items(NASTY)
    assert refused(subject, "nasty", propose(items, KEY), items) == []


@pytest.mark.parametrize("name", NASTY)
def test_no_attribute_is_unfit_by_itself(subject: Subject, name: str) -> None:
    items = made_items({name: NASTY[name]})
    assert refused(subject, "one", propose(items, KEY), items) == []


def test_searches_find_dates_numbers_words_and_choices(subject: Subject) -> None:
    items = made_items(NASTY)
    proposal = propose(items, KEY)
    assert refused(subject, "found", proposal, items) == []
    name = f"{subject.engine.prefix}found-v1"
    subject.refresh(name)

    def count(query: dict[str, Any]) -> int:
        return int(subject.engine.search(name, {"query": query})["hits"]["total"]["value"])

    assert count({"match": {"title": "here sun"}}) == 13
    assert count({"range": {"made": {"gte": "2024-03-01", "lt": "2024-03-02"}}}) == 13
    assert count({"range": {"expires_at": {"gte": "1767225600"}}}) == 40
    assert count({"range": {"spaced_at": {"gte": "2024-02-29 09:00:00", "lt": "2024-02-29 11:00:00"}}}) == 40
    assert count({"term": {"exact": "12345678901234567890.123456789012345678"}}) == 20
    assert count({"term": {"scalar": "7"}}) == 10
    assert count({"term": {"maps.a": 2}}) == 40
    assert count({"term": {"tags": "b"}}) == 40
    assert count({"term": {"flag": True}}) == 20
    assert count({"term": {"dotted.name": "x"}}) == 40


_values = st.recursive(
    st.one_of(
        st.text(max_size=12).map(lambda text: {"S": text}),
        st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20).map(
            lambda number: {"N": str(number)}
        ),
        st.booleans().map(lambda truth: {"BOOL": truth}),
        st.just({"NULL": True}),
        st.just({"B": "aGk="}),
        st.dates().map(lambda date: {"S": date.isoformat()}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(st.sampled_from(["a", "b", "a.b", "c"]), inner, max_size=3).map(lambda values: {"M": values}),
    ),
    max_leaves=6,
)
_names = st.sampled_from(["a", "b", "a.b", "b.c", "time", "title", "x y", "naïve", "_source", "..", "q"])
_items = st.lists(st.dictionaries(_names, _values, max_size=5), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(attributes=_items)
def test_whatever_items_hold_the_proposal_takes_them(subject: Subject, attributes: list[dict[str, Any]]) -> None:
    items = [{**values, "id": {"S": str(number)}} for number, values in enumerate(attributes)]
    proposal = propose(items, KEY)
    try:
        assert refused(subject, "any", proposal, items) == [], json.dumps(proposal.mapping)
    finally:
        for generation in generations.existing(subject.engine, "any"):
            subject.engine.ask("DELETE", f"/{generation}")

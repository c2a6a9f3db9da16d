"""Records and pages become changes: the last image of a key, at a version that nothing collapsed can outrank."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core import versions
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.core.changes import WrongView, of_page, of_records

SCHEMA = KeySchema(KeyAttribute("id", "S"))


def record(id: str, second: float, sequence_number: int, text: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "Keys": {"id": {"S": id}},
        "ApproximateCreationDateTime": second,
        "SequenceNumber": str(sequence_number),
    }
    if text is not None:
        data["NewImage"] = {"id": {"S": id}, "text": {"S": text}}
    return {"eventName": "REMOVE" if text is None else "MODIFY", "eventSourceARN": "arn:x", "dynamodb": data}


# Clocks step back, ties collide (a sequence number and the same + 2^24 - 1), images come and go.
_SEQUENCES = st.sampled_from([5, 6, 5 + versions.TIE_MASK, 2**70])
histories = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(100, 103), _SEQUENCES, st.none() | st.text("xyz", max_size=2)),
    max_size=12,
)


@given(histories)
def test_collapsing_keeps_the_last_image_at_a_version_above_all_others(
    history: list[tuple[str, int, int, str | None]],
) -> None:
    batch = of_records([record(*entry) for entry in history], SCHEMA)
    assert {change.id for change in batch.changes} == {entry[0] for entry in history}
    assert len({change.id for change in batch.changes}) == len(batch.changes)
    for change in batch.changes:
        own = [entry for entry in history if entry[0] == change.id]
        last = own[-1]
        highest = max(versions.of_record(second, number) for _, second, number, _ in own)
        assert change.image == (None if last[3] is None else {"id": {"S": last[0]}, "text": {"S": last[3]}})
        assert change.key == {"id": {"S": last[0]}}
        assert change.version == (highest if len(own) == 1 else highest + 1)
        assert versions.gen(change.version) == (0 if len(own) == 1 else 1)
    assert batch.newest_second == max((entry[1] for entry in history), default=0)


def test_an_empty_batch_has_no_changes() -> None:
    assert of_records([], SCHEMA) == ([], [], 0)
    assert of_page([], SCHEMA, 5 << 30) == ([], [], 0)


def test_creation_times_with_fractions_are_rounded_down_to_the_second() -> None:
    batch = of_records([record("a", 1_700_000_000.999, 1, "x")], SCHEMA)
    assert versions.second(batch.changes[0].version) == batch.newest_second == 1_700_000_000


def test_a_record_without_the_image_it_should_have_is_an_error_and_no_deletion() -> None:
    broken = record("a", 1, 1, "x")
    del broken["dynamodb"]["NewImage"]
    with pytest.raises(WrongView, match="NEW_AND_OLD_IMAGES"):
        of_records([broken], SCHEMA)


def test_an_item_that_expires_is_a_deletion() -> None:
    expired = record("a", 1, 1, None) | {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    assert of_records([expired], SCHEMA).changes[0].image is None


def test_a_key_that_makes_no_id_is_told_once_with_its_last_version_and_stops_nothing_else() -> None:
    long = "x" * 600
    records = [record(long, 1, 1, "one"), record("a", 2, 2, "two"), record(long, 3, 3, "three")]
    batch = of_records(records, SCHEMA)
    assert [change.id for change in batch.changes] == ["a"]
    (unkeyed,) = batch.unkeyed
    assert unkeyed.key == {"id": {"S": long}}
    assert "600 bytes" in unkeyed.reason
    assert unkeyed.version == versions.of_record(3, 3)
    assert batch.newest_second == 3


def test_a_page_s_items_all_have_the_page_s_version_and_their_bare_keys() -> None:
    page: list[dict[str, Any]] = [{"id": {"S": name}, "text": {"S": "x"}} for name in "ab"]
    page += [{"id": {"S": "x" * 513}, "secret": {"S": "y"}}, {"text": {"S": "no key"}}]
    batch = of_page(page, SCHEMA, versions.of_page(1000))
    assert [(change.id, change.key, change.image, change.version) for change in batch.changes] == [
        (name, {"id": {"S": name}}, {"id": {"S": name}, "text": {"S": "x"}}, 935 << 30) for name in "ab"
    ]
    assert [unkeyed.key for unkeyed in batch.unkeyed] == [{"id": {"S": "x" * 513}}, {}]

"""Bulk requests: one answer for each operation, whatever else is in the request."""

from __future__ import annotations

import json

import pytest

from dynadex import generations
from dynadex.core import bulk
from dynadex.core.bulk import APPLIED, Operation, Status
from dynadex.core.writing import Found, Target
from dynadex.engine import REQUEST_BYTES, Engine, EngineUnavailable, Response, basic_auth
from dynadex.platform import servers
from tests.engine.subject import Place, Subject, patience, statuses


def test_mixed_operations_are_answered_each_in_its_place(subject: Subject) -> None:
    typed = generations.write_alias(subject.generation("typed", properties={"when": {"type": "date"}}))
    strict = generations.write_alias(subject.generation("strict", dynamic="strict"))
    subject.write(Operation(typed, "old", 9, b"{}"))
    answers = subject.write(
        Operation(typed, "new", 1, b'{"when":"2024-02-29"}'),
        Operation(typed, "old", 8, b"{}"),
        Operation(typed, "unparsed", 1, b'{"when":"yesterday"}'),
        Operation(strict, "unnamed", 1, b'{"surprise":1}'),
        Operation(typed, "absent", 1, None),
        Operation(subject.engine.prefix + "missing", "1", 1, b"{}"),
        Operation(strict, "named", 1, b"{}"),
    )
    assert statuses(answers) == ["applied", "conflict", "refused", "refused", "applied", "retry", "applied"]
    assert answers[1].current == 9
    assert answers[2].type == "mapper_parsing_exception"
    assert "[when]" in answers[2].reason
    assert answers[3].type == "strict_dynamic_mapping_exception"
    assert "[surprise]" in answers[3].reason
    assert answers[5].type == "index_not_found_exception"


def test_the_answer_has_no_more_than_is_read(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation(properties={"n": {"type": "long"}}))

    def send(*operations: Operation) -> object:
        path = f"/_bulk?filter_path={bulk.FILTER_PATH}"
        status, body = subject.engine.send("POST", path, bulk.encode(operations), kind="application/x-ndjson")
        assert status == 200
        return json.loads(body)

    went_well = send(Operation(alias, "1", 1, b"{}"), Operation(alias, "1", 2, b"{}"), Operation(alias, "no", 1, None))
    items = [{"index": {"status": 201}}, {"index": {"status": 200}}, {"delete": {"status": 404}}]
    assert went_well == {"errors": False, "items": items}
    mixed = send(
        Operation(alias, "1", 2, b"{}"), Operation(alias, "2", 1, b'{"n":"x"}'), Operation(alias, "1", 3, None)
    )
    assert isinstance(mixed, dict)
    assert mixed.keys() == {"errors", "items"}
    conflict, refused, deleted = mixed["items"]
    assert conflict["index"].keys() == refused["index"].keys() == {"status", "error"}
    assert (conflict["index"]["status"], refused["index"]["status"]) == (409, 400)
    assert deleted == {"delete": {"status": 200}}


def test_a_write_to_a_missing_alias_is_to_be_tried_again_and_makes_no_index(subject: Subject) -> None:
    missing = generations.write_alias(f"{subject.engine.prefix}lessons-v1")
    answer = subject.write(Operation(missing, "1", 1, b"{}"))[0]
    assert (answer.status, answer.type) == (Status.RETRY, "index_not_found_exception")
    assert not subject.exists(missing)


def test_a_deletion_from_a_missing_alias_is_to_be_tried_again_and_makes_no_index(subject: Subject) -> None:
    missing = generations.write_alias(f"{subject.engine.prefix}lessons-v1")
    answers = subject.write(Operation(missing, "1", 1, None), Operation(missing, "2", 1, None))
    assert statuses(answers) == ["retry", "retry"]
    assert not subject.exists(missing)


def test_a_late_deletion_does_not_keep_a_lost_index_from_being_made_again(subject: Subject) -> None:
    generation = subject.generation()
    subject.engine.ask("DELETE", f"/{generation}")
    subject.write(Operation(generations.write_alias(generation), "1", 1, None))
    assert subject.generation() == generation


def test_an_index_itself_is_no_alias(subject: Subject) -> None:
    answer = subject.write(Operation(subject.generation(), "1", 1, b"{}"))[0]
    assert (answer.status, answer.type) == (Status.RETRY, "index_not_found_exception")


def test_a_late_write_to_a_dropped_generation_does_not_bring_it_back(subject: Subject) -> None:
    generation = subject.generation()
    alias = generations.write_alias(generation)
    assert subject.write(Operation(alias, "1", 1, b"{}")) == [APPLIED]
    subject.engine.ask("DELETE", f"/{generation}")
    assert subject.write(Operation(alias, "1", 2, b"{}"))[0].status is Status.RETRY
    assert not subject.exists(generation)
    assert not subject.exists(alias)


def test_a_closed_index_is_not_the_documents_fault(subject: Subject) -> None:
    generation = subject.generation()
    place = Place(subject, Target(generations.write_alias(generation), "1"))
    subject.engine.ask("POST", f"/{generation}/_close")
    answer = place.index(1)
    assert (answer.status, answer.type) == (Status.RETRY, "index_closed_exception")
    subject.engine.ask("POST", f"/{generation}/_open")
    assert place.index(1) == APPLIED


def test_a_write_block_is_not_the_documents_fault(subject: Subject) -> None:
    generation = subject.generation()
    place = Place(subject, Target(generations.write_alias(generation), "1"))
    subject.engine.ask("PUT", f"/{generation}/_settings", {"index.blocks.write": True})
    answer = place.index(1)
    assert (answer.status, answer.type) == (Status.RETRY, "cluster_block_exception")
    subject.engine.ask("PUT", f"/{generation}/_settings", {"index.blocks.write": False})
    assert place.index(1) == APPLIED


def test_a_batch_of_more_bytes_than_a_request_may_have_goes_in_several(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = generations.write_alias(subject.generation())
    subject.write(Operation(alias, "5", 9, b"{}"))
    sent: list[int] = []
    send = subject.engine.send

    def counting(method: str, path: str, body: bytes = b"", *, kind: str = "", timeout: float = 30.0) -> Response:
        sent.append(len(body))
        return send(method, path, body, kind=kind, timeout=timeout)

    monkeypatch.setattr(subject.engine, "send", counting)
    text = json.dumps({"text": "x" * 1_000_000}).encode()
    answers = subject.write(*(Operation(alias, str(n), 1, text) for n in range(12)))
    assert statuses(answers) == ["conflict" if n == 5 else "applied" for n in range(12)]
    assert len(sent) == 3
    assert max(sent) <= REQUEST_BYTES


def test_a_big_batch_goes_over_several_connections_and_is_answered_in_order(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation())
    subject.write(*(Operation(alias, str(n), 7, b"{}") for n in range(0, 1000, 100)))
    answers = subject.write(*(Operation(alias, str(n), 5 if n % 100 == 0 else 1, b"{}") for n in range(1000)))
    assert statuses(answers) == ["conflict" if n % 100 == 0 else "applied" for n in range(1000)]


@pytest.mark.parametrize("id", ["x" * 513, "é" * 257, ""], ids=["513 bytes", "257 of 2 bytes", "empty"])
def test_an_impossible_id_is_refused_alone(subject: Subject, id: str) -> None:
    alias = generations.write_alias(subject.generation())
    ids = [str(n) for n in range(30)]
    ids[17] = id
    answers = subject.write(*(Operation(alias, each, 1, b"{}") for each in ids))
    assert [n for n, answer in enumerate(answers) if answer.status is Status.REFUSED] == [17]
    assert statuses(answers).count("applied") == 29


@pytest.mark.parametrize("document", [b'{"n":"a secret"}', b'{"n":12345678901234567890123456789012345678}'])
def test_a_refusal_tells_neither_values_nor_the_password(subject: Subject, document: bytes) -> None:
    # Elasticsearch 7.10 quotes the first 500 bytes of the request, headers too, where a number is out of range.
    alias = generations.write_alias(subject.generation(properties={"n": {"type": "long"}}))
    engine = Engine(subject.engine.url, auth=basic_auth("user", "password"))
    answers = engine.write(
        [Operation(alias, "1", 1, b'{"b":"neighbour"}'), Operation(alias, "2", 1, document)], patience()
    )
    assert statuses(answers) == ["applied", "refused"]
    assert "[n]" in answers[1].reason
    for told in ("a secret", "12345678901234567890", "neighbour", "Basic "):
        assert told not in answers[1].reason


def test_documents_are_seen_at_once_before_any_refresh(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation())
    subject.write(*(Operation(alias, str(n), n + 1, b'{"n":%d}' % n) for n in range(600)))
    subject.write(Operation(alias, "7", 100, None))
    found = subject.look(*(Target(alias, str(n)) for n in range(601)))
    expected = [Found(n + 1, {"n": n}) for n in range(600)]
    assert found == [*expected[:7], None, *expected[8:], None]


def test_a_look_at_a_missing_index_is_to_be_tried_again_and_spoils_no_other(subject: Subject) -> None:
    alias = generations.write_alias(subject.generation())
    subject.write(Operation(alias, "1", 3, b"{}"))
    found = subject.look(Target(alias, "1"), Target(subject.engine.prefix + "missing", "1"), Target(alias, "2"))
    assert (found[0], found[2]) == (Found(3, {}), None)
    assert isinstance(found[1], bulk.Answer)
    assert found[1].status is Status.RETRY
    assert "no such index" in found[1].reason


def test_a_look_through_an_alias_of_two_generations_is_no_answer(subject: Subject) -> None:
    first, second = subject.generation("one"), subject.generation("two")
    both = subject.engine.prefix + "both"
    actions = [{"add": {"index": index, "alias": both}} for index in (first, second)]
    subject.engine.ask("POST", "/_aliases", {"actions": actions})
    found = subject.look(Target(both, "1"))[0]
    assert isinstance(found, bulk.Answer)
    assert found.status is Status.RETRY


def test_an_engine_that_is_away_makes_everything_to_be_tried_again() -> None:
    engine = Engine(f"http://{servers.HOST}:{servers.free_port()}")
    assert statuses(engine.write([Operation("a", "1", 1, b"{}")] * 3, patience())) == ["retry"] * 3
    found = engine.look([Target("a", "1")], patience())[0]
    assert isinstance(found, bulk.Answer)
    assert found.status is Status.RETRY
    with pytest.raises(EngineUnavailable):
        engine.search("a", {})

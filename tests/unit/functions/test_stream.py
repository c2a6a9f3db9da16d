"""The stream function returns when every change is in the index or in the queue, and raises otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from dynadex.aws import AwsUnavailable
from dynadex.core.bulk import Answer, Status
from dynadex.core.changes import WrongView
from dynadex.core.writing import BatchRefused
from dynadex.engine import EngineError, EngineUnavailable
from dynadex.functions import service
from dynadex.functions.stream import handler
from dynadex.pacing import OutOfTime
from tests.unit.functions.function_fakes import ARN, NOW, Context, Region, item, project, record, with_another_index

BAD = Answer(Status.REFUSED, 0, "mapper_parsing_exception", "failed to parse field [title]: 'secret'")
BUSY = Answer(Status.RETRY, 0, "es_rejected_execution_exception", "full")


def run(*records: dict[str, Any]) -> None:
    handler({"Records": list(records)}, Context())


def test_a_batch_is_in_the_index_when_the_function_returns(region: Region) -> None:
    run(record("a", "One"), record("b", "Two"), record("b", None, number=2))
    assert region.engine.found() == {"a": {"id": "a", "title": "One"}}
    assert region.queue.calls == 0


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("functions.stream", True),
        ("functions.refill", True),
        ("functions.verify", True),
        ("operations.rebuild", False),  # the command's process is its own
    ],
)
def test_only_functions_with_many_items_set_their_process_up(module: str, changed: bool) -> None:
    program = f"""
import gc, sys
before = gc.get_threshold(), sys.getswitchinterval()
import dynadex.{module}
print(before, (gc.get_threshold(), sys.getswitchinterval()), sep="|")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after = ran.stdout.strip().split("|")
    assert (before != after) == changed
    assert not changed or after == "((50000, 20, 100), 0.0005)"


def test_the_same_batch_again_changes_nothing(region: Region) -> None:
    records = [record("a", "One"), record("b", "Two"), record("a", "Three", number=2)]
    region.table.items = {"a": item("a", "Three"), "b": item("b", "Two")}
    run(*records)
    first = region.engine.found()
    run(*records)
    assert region.engine.found() == first == {"a": {"id": "a", "title": "Three"}, "b": {"id": "b", "title": "Two"}}


def test_every_generation_of_every_index_of_the_table_is_written(region: Region) -> None:
    region.use(with_another_index(project()))
    region.engine.generations = ["lessons-v1", "lessons-v2"]
    run(record("a"))
    assert region.engine.found("lessons-v1") == region.engine.found("lessons-v2") == {"a": {"id": "a", "title": "One"}}
    assert [path for _, path in region.engine.asked] == ["/_alias/lessons-feed", "/_alias/songs-feed"]


def test_generations_are_looked_up_once_and_again_after_a_failed_batch(region: Region) -> None:
    run(record("a"))
    run(record("b"))
    assert len(region.engine.asked) == 1
    region.engine.answer = lambda operation: BUSY
    with pytest.raises(OutOfTime):
        run(record("c"))
    region.engine.answer = lambda operation: None
    region.engine.generations = ["lessons-v2"]
    run(record("c"))
    assert len(region.engine.asked) == 2
    assert region.engine.found("lessons-v2") == {"c": {"id": "c", "title": "One"}}


def test_a_line_is_logged_with_metrics_and_no_item_content(region: Region, capsys: pytest.CaptureFixture[str]) -> None:
    region.engine.answer = lambda operation: BAD if operation.id == "bad" else None
    run(record("a", "confidential"), record("bad", "confidential"), record("c", None))
    out = capsys.readouterr().out
    line = json.loads(out)
    assert "confidential" not in out
    assert "secret" not in out
    names = {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert names >= {
        "RecordsApplied",
        "Deleted",
        "Conflicts",
        "Settled",
        "Failures",
        "Lag",
        "EngineMillis",
        "Throttles",
    }
    assert (line["RecordsApplied"], line["Deleted"], line["Failures"]) == (1, 1, 1)
    assert (line["table"], line["records"], line["newest"]) == ("lessons", 3, NOW)
    assert line["kinds"] == {"lessons refused mapper_parsing_exception": 1}


def test_a_refused_document_is_in_the_queue_with_its_key_and_reason(region: Region) -> None:
    region.engine.answer = lambda operation: BAD if operation.id == "bad" else None
    run(record("bad"), record("a"))
    (message,) = region.queue.messages
    assert message["key"] == {"id": {"S": "bad"}}
    assert (message["table"], message["index"], message["region"]) == ("lessons", "lessons", "us-east-1")
    assert (message["kind"], message["type"], message["reason"]) == ("refused", BAD.type, BAD.reason)
    assert "One" not in json.dumps(message)
    assert region.engine.found().keys() == {"a"}


def test_a_transform_that_raises_costs_only_its_item(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop_lessons")

    def document(item: dict[str, Any]) -> dict[str, Any]:
        return {"length": 60 // len(item["title"])}

    module.document = document  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop_lessons", module)
    region.use(project(transform="shop_lessons:document"))
    run(record("a", "abc"), record("b", ""))
    assert region.engine.found() == {"a": {"length": 20}}
    assert [(message["id"], message["type"]) for message in region.queue.messages] == [("b", "ZeroDivisionError")]


def test_a_broken_mapping_raises_and_nothing_drains_into_the_queue(region: Region) -> None:
    region.engine.answer = lambda operation: BAD
    with pytest.raises(BatchRefused):
        run(*(record(f"k{number}") for number in range(20)))
    assert region.queue.calls == 0


def test_a_failure_that_the_queue_does_not_take_keeps_the_batch(region: Region) -> None:
    region.engine.answer = lambda operation: BAD
    region.queue.answers = [AwsUnavailable("sqs", "SendMessageBatch", "ServiceUnavailable", "away")] * 10_000
    with pytest.raises(OutOfTime, match="ServiceUnavailable"):
        run(record("a"))


def test_a_busy_engine_is_tried_again_within_the_time_left(region: Region) -> None:
    answers = iter([BUSY] * 5)
    region.engine.answer = lambda operation: next(answers, None)
    run(record("a"))
    assert region.engine.found().keys() == {"a"}


@pytest.mark.parametrize("error", [EngineUnavailable(0, "timeout", "away"), EngineError(404, "error", "no alias")])
def test_an_engine_that_does_not_tell_its_generations_raises(region: Region, error: EngineError) -> None:
    region.engine.error = error
    with pytest.raises((EngineError, OutOfTime)):
        run(record("a"))
    assert region.engine.documents == {}


def test_a_stream_of_the_wrong_view_raises(region: Region) -> None:
    broken = record("a")
    del broken["dynamodb"]["NewImage"]
    with pytest.raises(WrongView):
        run(broken)


def test_a_stream_of_a_table_that_is_not_the_project_s_raises_and_names_it(region: Region) -> None:
    with pytest.raises(ValueError, match="other/stream"):
        run(record("a") | {"eventSourceARN": ARN.replace("shop-lessons", "other")})
    assert service.table_of_source(ARN) == "lessons"


@pytest.mark.parametrize(("hours", "told"), [(22.9, False), (23.1, True)])
def test_a_batch_that_was_about_to_expire_says_so(
    region: Region, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, hours: float, told: bool
) -> None:
    monkeypatch.setattr("dynadex.functions.stream.time.time", lambda: NOW + hours * 3600)
    run(record("a"))
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == (["applied", "expiring"] if told else ["applied"])

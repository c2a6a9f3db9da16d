"""Refills from an export of the table: no scan, nothing lost or brought back, taken up wherever they were cut off."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from dynadex import generations, tombstones
from dynadex.core import versions
from tests.platform.console import Ran
from tests.platform.refilling import INDEX, REGION, Lessons
from tests.platform.test_refill import nth_bulk, writing
from tests.platform.world import eventually


def refill(lessons: Lessons, *arguments: str) -> Ran:
    return lessons.console.run("refill", INDEX, "--from-export", "--json", *arguments)


def refilled(lessons: Lessons, *arguments: str) -> Mapping[str, Any]:
    ran = refill(lessons, *arguments)
    assert ran.code == 0, ran.err
    told: Mapping[str, Any] = ran.document()
    assert told["status"] == "SUCCEEDED"
    return told


def exported(lessons: Lessons) -> str:
    """An export that is complete and written, as it would be on AWS; returns its ARN."""
    client, table = lessons.client("dynamodb"), lessons.physical(INDEX)
    arn = client.export_table_to_point_in_time(
        TableArn=client.describe_table(TableName=table)["Table"]["TableArn"],
        S3Bucket=lessons.client("s3").list_buckets()["Buckets"][0]["Name"],
        S3Prefix="exports",
    )["ExportDescription"]["ExportArn"]
    described = {}

    def complete() -> bool:
        described.update(client.describe_export(ExportArn=arn)["ExportDescription"])
        return bool(described["ExportStatus"] == "COMPLETED")

    assert eventually(complete)
    manifest = f"exports/AWSDynamoDB/{arn.rpartition('/')[2]}/manifest-summary.json"
    lessons.cloud.finish_export(described, manifest)
    return str(arn)


def exports_of(lessons: Lessons) -> set[str]:
    return {one["ExportArn"] for one in lessons.client("dynamodb").list_exports()["ExportSummaries"]}


def gc_deletes(lessons: Lessons) -> str:
    """How long the newest generation remembers deletions."""
    name = generations.survey(lessons.engine(), INDEX)[-1].name
    return str(lessons.engine().ask("GET", f"/{name}/_settings")[name]["settings"]["index"]["gc_deletes"])


def notes(lessons: Lessons) -> Mapping[str, Any]:
    return generations.survey(lessons.engine(), INDEX)[-1].notes


@contextmanager
def calls_of_the_function(lessons: Lessons) -> Iterator[list[str]]:
    """What the refill function asks of DynamoDB meanwhile, as `DynamoDB_20120810.Scan`."""
    asked: list[str] = []
    pool = urllib3.PoolManager()

    class PassOn(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(self.headers["X-Amz-Target"])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = pool.request("POST", lessons.cloud.url + self.path, body=body, headers=dict(self.headers))
            self.send_response_only(answer.status)
            for name in ("Date", "Content-Type"):
                self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), PassOn)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    client, name = lessons.client("lambda"), lessons.output("RefillFunctionArn")
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    here = {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{server.server_address[1]}"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before | here})
    try:
        yield asked
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})
        server.shutdown()
        thread.join()
        server.server_close()


# -- What it does


def test_an_emptied_index_is_whole_again_with_writes_and_deletes_going_on(lessons: Lessons) -> None:
    lessons.empty()
    with writing(lessons) as written:
        assert written(20)
        told = refilled(lessons)
        assert written(100)
    lessons.await_equal_lessons()
    assert told["items"] > 300  # some were deleted while the export was made
    assert told["rounds"] >= 4  # a part each, side by side


def test_the_function_reads_no_page_of_the_table(lessons: Lessons) -> None:
    with lessons.paused(INDEX), calls_of_the_function(lessons) as asked:
        lessons.lose()
        assert lessons.finished(lessons.start({})).status == "SUCCEEDED"
        assert "DynamoDB_20120810.Scan" in asked  # so it would be seen
        lessons.lose()
        asked.clear()
        told = refilled(lessons)
        assert asked == []
        assert told["documents"] == told["items"] == len(lessons.items(INDEX))
        assert lessons.difference(INDEX) == []


def test_what_was_deleted_or_changed_after_the_export_stays_as_it_is(lessons: Lessons) -> None:
    names = [f"late-{number}" for number in range(4)]
    lessons.put_all(INDEX, [{"id": name, "title": "Before"} for name in names])
    lessons.await_equal_lessons()
    arn = exported(lessons)
    lessons.delete(INDEX, {"id": "late-0"})
    lessons.put(INDEX, {"id": "late-1", "title": "After"})
    lessons.put(INDEX, {"id": "late-new", "title": "After"})
    lessons.await_equal_lessons()
    before = lessons.documents(INDEX)
    told = refilled(lessons, arn)
    assert told["items"] >= len(names)
    after = lessons.documents(INDEX)
    assert lessons.difference(INDEX) == []
    assert "late-0" not in after
    assert {name: after[name] for name in ("late-1", "late-new")} == {
        name: before[name] for name in ("late-1", "late-new")
    }
    # Nor does it come back where the other documents were lost; what came after the export is not in it.
    lessons.empty()
    refilled(lessons, arn)
    (missing,) = lessons.difference(INDEX)
    assert missing.startswith("'late-new' is missing")
    refilled(lessons)
    assert lessons.difference(INDEX) == []


def test_a_lost_index_is_made_first_and_filled_at_the_version_of_the_export(lessons: Lessons) -> None:
    lessons.lose()
    with lessons.paused(INDEX):
        told = refilled(lessons)
        assert lessons.difference(INDEX) == []
        (version,) = {document.version for document in lessons.documents(INDEX).values()}
    assert told["documents"] == told["items"] == len(lessons.items(INDEX))
    (arn,) = [arn for arn in exports_of(lessons) if version_of(lessons, arn) == version]
    assert arn


def version_of(lessons: Lessons, arn: str) -> int:
    described = lessons.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
    return versions.of_page(int(described["StartTime"].timestamp()))


def test_an_export_from_before_the_index_was_made_is_refused(lessons: Lessons) -> None:
    arn = exported(lessons)
    lessons.lose()
    ran = refill(lessons, arn)
    assert ran.code == 1
    assert "knows all deletions only since" in ran.err
    assert lessons.documents(INDEX) == {}
    assert "export" not in notes(lessons)
    refilled(lessons)
    lessons.await_equal_lessons()


# -- Cut off, and taken up


def test_a_refill_that_is_stopped_is_taken_up_with_the_same_export(lessons: Lessons) -> None:
    lessons.empty()
    before = exports_of(lessons)
    client, machine = lessons.client("stepfunctions"), lessons.output("RefillStateMachineArn")

    def stop() -> None:
        running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        for execution in running:
            lessons.stop(execution["executionArn"])

    with lessons.paused(INDEX), lessons.door().refusing(nth_bulk(3, stop)):
        ran = refill(lessons, "--segments", "1")
        assert ran.code == 1
        stopped = lessons.cut_off(ran.document()["execution"])
        halted = [one.output for one in stopped.rounds() if one.output]
        # The call under way may go on to the end when its execution is stopped; what was handed on is short of it.
        assert halted
        assert halted[-1]["items"] < len(lessons.items(INDEX))
        assert gc_deletes(lessons) == tombstones.HELD
        refused = lessons.console.run("refill", INDEX, "--resume")
        assert refused.code == 2
        assert "--from-export` takes it up" in refused.err
        again = refilled(lessons)
        assert lessons.difference(INDEX) == []
    assert len(exports_of(lessons) - before) == 1
    assert lessons.finished(again["execution"]).rounds()[0].input == halted[-1]
    assert again["items"] == len(lessons.items(INDEX))
    assert gc_deletes(lessons) == "1h"
    assert {"export", "tombstones"}.isdisjoint(notes(lessons))


def test_a_command_that_is_killed_during_the_export_is_taken_up(lessons: Lessons) -> None:
    lessons.empty()
    before = exports_of(lessons)
    process = subprocess.Popen(
        lessons.console.command("refill", INDEX, "--from-export"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert eventually(lambda: "arn" in notes(lessons).get("export", {}))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    ran = refill(lessons)
    assert ran.code == 0, ran.err
    (arn,) = exports_of(lessons) - before
    assert f"takes up {arn}" in " ".join(ran.err.split())
    lessons.await_equal_lessons()


def test_a_part_that_is_broken_fails_at_once_and_the_next_export_is_a_new_one(lessons: Lessons) -> None:
    arn = exported(lessons)
    s3 = lessons.client("s3")
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    folder = f"exports/AWSDynamoDB/{arn.rpartition('/')[2]}"
    key = s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/data/")["Contents"][0]["Key"]
    s3.put_object(Bucket=bucket, Key=key, Body=b"not gzip")
    ran = refill(lessons, arn)
    assert ran.code == 1
    assert f"export: {key}: broken after line 0" in ran.document()["error"]
    assert "export" not in notes(lessons)
    refilled(lessons)
    assert lessons.difference(INDEX) == []


# -- Wrong use


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["arn:x"], 2, "only with --from-export"),
        (["--bucket", "mine"], 2, "only with --from-export"),
        (["--from-export", "--resume"], 2, "not with --resume"),
        (["--from-export", "--read-capacity", "5"], 2, "not with --resume nor --read-capacity"),
        (["--from-export", "arn:x", "--bucket", "mine"], 2, "is in a bucket already"),
        (
            ["--from-export", f"arn:aws:dynamodb:{REGION}:000000000000:table/no/export/1"],
            1,
            "there is no export arn:aws",
        ),
    ],
)
def test_what_cannot_be_is_told(lessons: Lessons, arguments: list[str], code: int, message: str) -> None:
    ran = lessons.console.run("refill", INDEX, *arguments)
    assert ran.code == code
    assert message in " ".join(ran.err.split())
    assert ran.out == ""

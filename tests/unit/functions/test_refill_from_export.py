"""The refill function on an export: rounds that hand their position on, and what must not be refilled from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from dynadex.core import versions
from dynadex.core.bulk import Answer, Status
from dynadex.core.writing import Target
from dynadex.exports import ExportError
from dynadex.functions import service
from dynadex.functions.refill import handler
from dynadex.generations import IndexMissing
from dynadex.pacing import OutOfTime
from tests.unit.functions.function_fakes import Context, FakeEngine, Region, item, project
from tests.unit.stored_exports import BUCKET, MANIFEST, TABLE_ARN, Storage, storage, store

NAMES = [f"k{number:04}" for number in range(2500)]
#: Of the export. It is read when the tests are collected, so the index remembers deletions for longer than a run takes.
SECOND = int(time.time()) - 5
EXPORT = {"bucket": BUCKET, "manifest": MANIFEST}


@dataclass
class Engine(FakeEngine):
    """Tells each generation's settings and notes too."""

    settings: Mapping[str, Any] = field(
        default_factory=lambda: {"creation_date": str((SECOND - 60) * 1000), "gc_deletes": "1d"}
    )
    notes: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if method == "GET" and path.strip("/") in self.generations:
            told = {"settings": {"index": self.settings}, "mappings": {"_meta": {"dynadex": self.notes}}}
            return {path.strip("/"): told}
        return super().ask(method, path, body, **parameters)


@dataclass
class Place:
    region: Region
    engine: Engine
    stored: Storage


@pytest.fixture
def place(region: Region, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    engine = region.engine = Engine()
    with storage() as stored:
        monkeypatch.setattr(service, "aws", lambda name: {"sqs": region.queue, "s3": stored.service}[name])
        export(stored)
        yield Place(region, engine, stored)
        assert region.table.scans == []


def export(stored: Storage, second: int = SECOND, **summary: Any) -> list[str]:
    at = datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", ".700Z")
    return store(stored, [list(map(item, NAMES[:2100])), [], list(map(item, NAMES[2100:]))], at, **summary)


def run(event: dict[str, Any]) -> dict[str, Any]:
    return handler(event, Context())


def test_an_export_is_in_the_index_after_one_round_and_the_table_is_not_read(place: Place) -> None:
    assert run({"export": EXPORT}) == {}
    assert place.engine.found().keys() == set(NAMES)
    assert {version for version, _ in place.engine.documents.values()} == {versions.of_page(SECOND)}


def test_the_margin_is_the_same_where_the_project_s_scans_are_eventually_consistent(place: Place) -> None:
    place.region.use(project(consistent=False))
    run({"export": EXPORT})
    assert place.engine.documents[Target("lessons-v1-Write", "k0000")][0] == (SECOND - 65) << 30


def test_what_is_newer_than_the_export_stays(place: Place) -> None:
    newer, deleted = versions.of_record(SECOND + 5, 7), versions.of_record(SECOND - 30, 8)
    place.engine.documents[Target("lessons-v1-Write", "k0001")] = (newer, {"title": "Newer"})
    place.engine.documents[Target("lessons-v1-Write", "k0002")] = (deleted, None)
    run({"export": EXPORT})
    assert place.engine.found()["k0001"] == {"title": "Newer"}
    assert place.engine.found().keys() == set(NAMES) - {"k0002"}


def test_a_halted_round_hands_on_its_position_and_the_rounds_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_REFILL_HALT_AFTER", "0")
    first, _, last = export(place.stored)
    given: dict[str, Any] = {"index": "lessons", "export": EXPORT, "segment": 0, "totalSegments": 1}
    rounds = [given]
    while rounds[-1] and len(rounds) < 10:
        rounds.append(run(rounds[-1]))
    assert [made.get("export") for made in rounds[1:]] == [
        {**EXPORT, "part": first, "line": 1000},
        {**EXPORT, "part": first, "line": 2000},
        {**EXPORT, "part": last, "line": 0},
        None,
    ]
    counts = {"items": 2000, "documents": 2000, "failures": 0}
    assert rounds[2] == given | {"export": {**EXPORT, "part": first, "line": 2000}} | counts
    assert rounds[-1] == {}
    assert place.engine.found().keys() == set(NAMES)


def test_a_round_that_dies_is_repeated_from_the_position_it_was_given(place: Place) -> None:
    first = export(place.stored)[0]
    given = {"export": {**EXPORT, "part": first, "line": 1000}}
    place.engine.answer = lambda operation: Answer(Status.RETRY, 0, "x", "busy") if operation.id == "k2050" else None
    with pytest.raises(OutOfTime, match="busy"):
        run(given)
    place.engine.answer = lambda operation: None
    assert run(given) == {}
    assert place.engine.found().keys() == set(NAMES[1000:])


def test_segments_share_the_parts(place: Place) -> None:
    assert run({"export": EXPORT, "segment": 1, "totalSegments": 2}) == {}
    assert place.engine.found().keys() == set(NAMES[2100:])
    assert run({"export": EXPORT, "segment": 0, "totalSegments": 2}) == {}
    assert run({"export": EXPORT, "segment": 2, "totalSegments": 3}) == {}
    assert place.engine.found().keys() == set(NAMES)


@pytest.mark.parametrize("arn", [TABLE_ARN + "-old", TABLE_ARN.replace("us-east-1", "eu-west-1")])
def test_an_export_of_another_table_or_region_is_refused(place: Place, arn: str) -> None:
    export(place.stored, tableArn=arn)
    with pytest.raises(ExportError, match="not of shop-lessons in us-east-1"):
        run({"export": EXPORT})
    assert place.engine.documents == {}


def test_an_export_from_before_the_index_was_made_is_refused(place: Place) -> None:
    place.engine.settings = {"creation_date": str(SECOND * 1000), "gc_deletes": "1h"}
    with pytest.raises(ExportError, match="lessons-v1 knows all deletions only since"):
        run({"export": EXPORT})
    assert place.engine.documents == {}


def test_an_export_from_before_the_deletions_that_are_remembered_is_refused(place: Place) -> None:
    place.engine.settings = {**place.engine.settings, "gc_deletes": "1s"}
    with pytest.raises(ExportError, match="knows all deletions only since"):
        run({"export": EXPORT})
    place.engine.settings = {**place.engine.settings, "gc_deletes": "40d"}
    place.engine.notes = {"tombstones": {"since": SECOND - 20, "before": "5m"}}
    assert run({"export": EXPORT}) == {}


def test_for_a_rebuild_the_export_must_be_of_a_time_after_all_fed_the_new_generation(place: Place) -> None:
    place.engine.generations = ["lessons-v1", "lessons-v2"]
    sight = service.sight_seconds(project())
    place.engine.notes = {"fed": SECOND - int(sight) - versions.MARGIN_SECONDS - 4}
    with pytest.raises(ExportError, match="lessons-v2 knows all deletions only since"):
        run({"export": EXPORT, "generation": "lessons-v2"})
    place.engine.notes = {"fed": SECOND - int(sight) - versions.MARGIN_SECONDS - 6}
    assert run({"export": EXPORT, "generation": "lessons-v2"}) == {}
    assert place.engine.found("lessons-v2").keys() == set(NAMES)
    assert place.engine.found("lessons-v1") == {}


def test_an_index_that_is_not_there_is_not_made_by_an_old_export(place: Place) -> None:
    place.engine.generations = []
    with pytest.raises(IndexMissing):
        run({"export": EXPORT})
    assert place.engine.generations == []


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        ({"export": "arn"}, "export"),
        ({"export": {"bucket": BUCKET}}, "export"),
        ({"export": {**EXPORT, "part": "p"}}, "export"),
        ({"export": {**EXPORT, "line": 1}}, "export"),
        ({"export": {**EXPORT, "part": "p", "line": "1"}}, "export"),
        ({"export": {**EXPORT, "part": "p", "line": -1}}, "export"),
        ({"export": EXPORT, "lastEvaluatedKey": {"id": {"S": "k"}}}, "lastEvaluatedKey"),
    ],
)
def test_wrong_input_is_refused_by_the_entry_s_name(place: Place, event: dict[str, Any], entry: str) -> None:
    with pytest.raises(ValueError, match=f"^{entry}: "):
        run(event)
    assert place.stored.gets == []

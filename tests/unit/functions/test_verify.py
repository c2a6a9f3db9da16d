"""The verify function: rounds of a scan that hand the key on, then a sweep of those indexes whose counts ask for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dynadex import generations, verifying
from dynadex.core import suspects
from dynadex.core.writing import Target
from dynadex.engine import Response
from dynadex.functions.verify import VerifyInputError, handler
from tests.unit.functions.function_fakes import Context, FakeEngine, Region, item, project, with_another_index

NAMES = [f"k{number}" for number in range(7)]
ALIAS = generations.write_alias("lessons-v1")


@dataclass
class SearchedEngine(FakeEngine):
    """One that also counts, and scrolls in pages of one hit each; a slice takes the ids whose number falls on it."""

    sweeps: int = 0

    def ask(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if path.endswith("/_refresh"):
            return {}
        return super().ask(method, path, body, **parameters)

    def count(self, index: str, unseen: Collection[str] = (), **options: Any) -> int:
        return sum(source is not None for _, source in self.documents.values())

    def send(self, method: str, path: str, body: bytes = b"", **options: Any) -> Response:
        asked = json.loads(body)
        if "scroll_id" in asked:
            ids = json.loads(asked["scroll_id"])
        else:
            self.sweeps += 1
            slice = asked.get("slice", {"id": 0, "max": 1})
            there = sorted(target.id for target, (_, source) in self.documents.items() if source is not None)
            ids = [id for number, id in enumerate(there) if number % slice["max"] == slice["id"]]
        hits = [{"_id": id, "_version": 1} for id in ids[:1]]
        answer = {"_scroll_id": json.dumps(ids[1:]), "hits": {"hits": hits}, "_shards": {"failed": 0}}
        return Response(200, json.dumps(answer).encode())


@pytest.fixture
def engine(region: Region) -> SearchedEngine:
    assert isinstance(region.engine, SearchedEngine)
    return region.engine


@pytest.fixture
def region(region: Region, monkeypatch: pytest.MonkeyPatch) -> Region:
    """Seven items and their documents; what differs is certain at once."""
    monkeypatch.setattr(suspects, "STABLE_SECONDS", 0.01)
    region.engine = SearchedEngine()
    region.table.items = {name: item(name) for name in NAMES}
    region.engine.documents = {Target(ALIAS, name): (1, {"id": name, "title": "One"}) for name in NAMES}
    return region


def run(event: Mapping[str, Any]) -> dict[str, Any]:
    return handler(dict(event), Context())


def through(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rounds as the state machine calls them; returns the outputs of the sweep."""
    scanned: list[dict[str, Any]] = []
    for segment in segments:
        while "lastEvaluatedKey" in (segment := run(segment)):
            assert len(scanned) < 50
        scanned.append(segment)
    outputs = [run({"segments": scanned})]
    while "sweep" in outputs[-1]:
        assert len(outputs) < 50
        outputs.append(run(outputs[-1]))
    return outputs


def test_a_right_index_is_verified_in_one_round_and_not_swept(region: Region, engine: SearchedEngine) -> None:
    [output] = through([{}])
    [found] = output["indexes"]
    assert (found["index"], found["items"], found["documents"], found["examples"]) == ("lessons", 7, 7, [])
    assert [found[kind] for kind in ("missing", "stale", "ghosts", "failed", "inFlight", "repaired")] == [0] * 6
    assert [scan["consistent"] for scan in region.table.scans] == [False] * 4
    assert engine.sweeps == 0


def test_a_halted_round_hands_on_the_next_round_s_input(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_VERIFY_HALT_AFTER", "0")
    del region.engine.documents[Target(ALIAS, "k1")]
    given = {"index": "lessons", "segment": 0, "totalSegments": 1, "repair": False, "maxExamples": 3}
    first = run(given)
    assert first.pop("seconds") >= 0
    example = {"id": "k1", "kind": "missing", "path": ""}
    counts = {"items": 2, "documents": 1, "missing": 1, "stale": 0, "ghosts": 0, "failed": 0, "inFlight": 0}
    assert first == given | counts | {
        "repaired": 0,
        "examples": [example],
        "lastEvaluatedKey": {"id": {"S": "k1"}},
    }
    rounds = [first]
    while "lastEvaluatedKey" in rounds[-1]:
        rounds.append(run(rounds[-1]))
    assert [made["items"] for made in rounds] == [2, 4, 6, 7]
    assert rounds[-1] | {"seconds": 0} == given | counts | {
        "items": 7,
        "documents": 6,
        "repaired": 0,
        "examples": [example],
        "seconds": 0,
    }


def test_segments_are_joined_and_the_index_is_swept_where_it_has_other_documents(region: Region) -> None:
    region.engine.documents[Target(ALIAS, "other")] = (1, {"id": "other"})
    parts = [run({"segment": 0, "totalSegments": 2, "repair": True})]
    # The fake table gives each segment all items: the second one's counts are made as if it had none.
    parts.append({"segment": 1, "totalSegments": 2, "repair": True})
    output = run({"segments": parts})
    [found] = output["indexes"]
    assert (found["items"], found["documents"], found["ghosts"], found["repaired"]) == (7, 7, 1, 1)
    assert "other" not in region.engine.found()
    assert "segment" not in found
    assert "totalSegments" not in found


def test_a_sweep_halts_between_slices_and_is_taken_up_there(
    region: Region, engine: SearchedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNADEX_VERIFY_HALT_AFTER", "0")
    monkeypatch.setattr(verifying, "SLICE_DOCUMENTS", 3)
    for number in range(3):
        region.engine.documents[Target(ALIAS, f"other{number}")] = (1, {"id": "other"})
    outputs = through([{}])
    assert [output["indexes"][0].get("sweep") for output in outputs] == [
        {"slice": 1, "slices": 4},
        {"slice": 2, "slices": 4},
        {"slice": 3, "slices": 4},
        None,
    ]
    assert outputs[-1]["indexes"][0]["ghosts"] == 3
    assert engine.sweeps == 4


def test_full_sweeps_though_the_counts_agree(engine: SearchedEngine) -> None:
    through([{"full": True}])
    assert engine.sweeps == 1


def test_several_indexes_are_each_joined_and_the_end_says_one_number(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    region.use(with_another_index(project()))
    region.engine.documents[Target(ALIAS, "k1")] = (1, {"id": "k1", "title": "Two"})
    output = through([{"index": "lessons"}, {"index": "songs"}])[-1]
    assert [(one["index"], one["stale"]) for one in output["indexes"]] == [("lessons", 1), ("songs", 1)]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["scanned", "scanned", "verified"]
    assert (lines[-1]["Differences"], lines[-1]["InFlight"], lines[-1]["Repaired"]) == (2, 0, 0)
    assert "k1" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        ({"index": "songs"}, "index: 'songs' is not one of lessons"),
        ({"segment": 2, "totalSegments": 2}, "segment: 2"),
        ({"totalSegments": 0}, "totalSegments: 0"),
        ({"totalSegments": True}, "totalSegments: True"),
        ({"readCapacity": -1}, "readCapacity: -1"),
        ({"repair": "yes"}, "repair: 'yes'"),
        ({"maxExamples": 1000}, "maxExamples: 1000"),
        ({"generation": "lessons-v9"}, "generation: 'lessons-v9'"),
        ({"lastEvaluatedKey": "k1"}, "lastEvaluatedKey"),
        ({"segments": [{"index": "songs"}]}, "index: 'songs'"),
    ],
)
def test_a_wrong_input_is_named(region: Region, event: dict[str, Any], entry: str) -> None:
    with pytest.raises(VerifyInputError, match=entry):
        run(event)

"""The heartbeat function: beats through a minute, how fresh each was, and a sample of the region's numbers."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dynadex import freshness
from dynadex.aws import AwsError, AwsUnavailable, Reply
from dynadex.core import versions
from dynadex.engine import EngineUnavailable
from dynadex.freshness import Seen
from dynadex.functions import heartbeat, service
from dynadex.functions.heartbeat import Clock, Heart
from dynadex.project import Heartbeat, Project
from tests.unit.functions.function_fakes import NOW, Region, project, with_another_index

EVERY = 10


@dataclass
class World:
    """A clock that sleeps at once, a table that is followed after `delay` seconds, and what a region's services say."""

    delay: float = 0.4
    now: float = float(NOW)
    puts: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    refused: type[AwsError] | None = None
    engine_away: bool = False
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    prefix: str = ""

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)

    def call(self, operation: str, request: dict[str, Any]) -> Reply:
        if operation in self.away:
            raise AwsError("service", operation, "AccessDenied", "no")
        match operation:
            case "PutItem":
                if self.refused:
                    raise self.refused("dynamodb", operation, "Throttling", "later")
                self.puts.append((self.now, request))
                return Reply(b"{}", int(self.now))
            case "DescribeTable":
                return Reply(json.dumps({"Table": {"ItemCount": 12}}).encode(), NOW)
            case "GetQueueAttributes":
                attributes = {"ApproximateNumberOfMessages": "3", "ApproximateNumberOfMessagesNotVisible": "1"}
                return Reply(json.dumps({"Attributes": attributes}).encode(), NOW)
            case "FilterLogEvents":
                lines = self.logs.get(request["logGroupName"], [])
                return Reply(json.dumps({"events": [{"message": json.dumps(line)} for line in lines]}).encode(), NOW)
        raise AssertionError(operation)

    def look(self, project: Project, engine: Any, *, timeout: float) -> dict[str, Seen]:
        if self.engine_away:
            raise EngineUnavailable(0, "timeout", "away")
        found = [versions.of_record(int(at), 7) for at, _ in self.puts if self.now >= at + self.delay]
        return {name: Seen("ok", {"us-east-1": found[-1]} if found else {}) for name in project.indexes}

    def count(self, index: str, unseen: Collection[str], *, timeout: float) -> int:
        if self.engine_away:
            raise EngineUnavailable(0, "timeout", "away")
        assert list(unseen) == ["dynadex.heartbeat.us-east-1", "dynadex.heartbeat.eu-west-1"]
        return 9


@pytest.fixture
def world(region: Region, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    region.use(replace(project(), regions=("us-east-1", "eu-west-1"), heartbeat=Heartbeat(EVERY, 60, ("lessons",))))
    monkeypatch.setenv("DYNADEX_STREAM_LOGS", "stream")
    monkeypatch.setenv("DYNADEX_SEARCH_LOGS", "search")
    monkeypatch.setattr(service, "aws", lambda name: made)
    monkeypatch.setattr(service, "engine", lambda: made)
    monkeypatch.setattr(freshness, "look", made.look)
    service.heartbeats.cache_clear()
    return made


def heart(world: World) -> Heart:
    described = service.project()
    assert described.heartbeat
    return Heart(described, described.heartbeat, Clock(lambda: world.now, world.sleep))


def minute(world: World, beating: Heart | None = None, seconds: float = 90.0) -> None:
    began = world.now
    (beating or heart(world)).run(lambda: began + seconds - world.now)


def lines(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in found if line["event"] == event]


def test_it_beats_through_its_minute_and_not_into_the_next(world: World) -> None:
    minute(world)
    assert [round(at - NOW) for at, _ in world.puts] == [0, 10, 20, 30, 40, 50]
    assert world.now < NOW + 60


def test_each_beat_is_another_item_under_the_regions_own_key(world: World) -> None:
    minute(world)
    requests = [request for _, request in world.puts]
    assert {request["TableName"] for request in requests} == {"shop-lessons"}
    assert all(request["Item"]["id"] == {"S": "dynadex.heartbeat.us-east-1"} for request in requests)
    assert len({request["Item"]["dynadex_beat"]["S"] for request in requests}) == 6


def test_a_beat_says_how_long_it_took_to_be_found(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    minute(world)
    beats = lines(capsys, "beat")
    assert len(beats) == 6
    assert all(400 <= beat["Freshness"] <= 700 for beat in beats)
    assert all(beat["late"] == [] for beat in beats)
    unit = beats[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert unit == [{"Name": "Freshness", "Unit": "Milliseconds"}]


def test_an_index_that_lags_is_late_by_how_old_its_newest_beat_is(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    beating = heart(world)
    minute(world, beating)
    lines(capsys, "beat")
    world.delay = 10**6
    world.now = NOW + 60
    minute(world, beating)
    beats = lines(capsys, "beat")
    assert [beat["late"] for beat in beats] == [["lessons"]] * 6
    ages = [beat["Freshness"] for beat in beats]
    assert ages == sorted(ages)
    assert 65_000 <= ages[-1] <= 75_000


def test_an_engine_that_is_away_is_stale_since_the_beat_that_was_found_last(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    beating = heart(world)
    minute(world, beating)
    lines(capsys, "beat")
    world.engine_away = True
    world.now = NOW + 600
    minute(world, beating)
    beats = lines(capsys, "beat")
    assert beats[0]["Freshness"] > 550_000


@pytest.mark.parametrize("refused", [AwsUnavailable])
def test_a_put_that_fails_is_logged_and_the_next_beat_tries_again(
    world: World, refused: type[AwsError], capsys: pytest.CaptureFixture[str]
) -> None:
    world.refused = refused
    minute(world)
    assert len(lines(capsys, "put failed")) == 6


def test_every_index_of_a_table_is_waited_for(
    world: World, region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    region.use(with_another_index(service.project()))
    look = world.look

    def without_songs(*args: Any, **options: Any) -> dict[str, Seen]:
        return {**look(*args, **options), "songs": Seen("missing")}

    monkeypatch.setattr(freshness, "look", without_songs)
    minute(world)
    assert [beat["late"] for beat in lines(capsys, "beat")] == [["songs"]] * 6


def test_it_ends_before_its_time_is_over(world: World) -> None:
    minute(world, seconds=35)
    assert len(world.puts) == 3


def test_once_a_minute_it_logs_the_numbers_of_the_region(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.logs = {
        "stream": [{"event": "applied", "Lag": 2.5}, {"event": "applied", "Lag": 0.5}],
        "search": [
            {"event": "searched", "Searches": 3, "SearchMillis": 30.0},
            {"event": "searched", "Searches": 1, "SearchMillis": 50.0},
        ],
    }
    minute(world)
    (sample,) = lines(capsys, "sample")
    assert sample["at"].endswith("Z")
    assert 0.4 <= sample["freshness"] <= 0.7
    assert (sample["lag"], sample["documents"], sample["items"], sample["failures"]) == (0.5, 9, 10, 4)
    assert (sample["searches"], sample["searchMillis"]) == (4, 20.0)
    assert sample["indexes"] == {"lessons": {"documents": 9, "items": 10}}


def test_what_cannot_be_told_is_null_in_a_sample(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.engine_away = True
    world.away = {"DescribeTable", "GetQueueAttributes", "FilterLogEvents"}
    minute(world)
    (sample,) = lines(capsys, "sample")
    names = ("lag", "documents", "items", "failures", "searchMillis")
    assert [sample[name] for name in names] == [None] * len(names)
    assert sample["searches"] == 0


def test_without_heartbeats_it_does_nothing(world: World, region: Region) -> None:
    region.use(project())
    heartbeat.handler({}, object())  # type: ignore[arg-type]
    assert world.puts == []

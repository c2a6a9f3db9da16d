"""Several regions: how healthy each is, what is written in one found in the other, and regions added and taken out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dynadex import generations
from dynadex import project as projects
from dynadex.operations import deployed, explain, removing, routing, status, verify
from dynadex.operations.deploy import deploy
from dynadex.operations.steps import Quiet
from dynadex.operations.up import Options, down, up
from dynadex.pacing import Patience
from dynadex.platform import embedded
from dynadex.platform.embedded import Folder, Running
from dynadex.project import Project
from dynadex.scanning import scroll
from tests.platform.console import HOME, SECOND, await_true, free_base

THIRD = "ap-southeast-2"
_TOML = """\
[project]
name = "tour"
regions = {regions}
[tables.songs]
name = "tour-songs"
partition_key = "id"
seed = "songs.jsonl"
[tables.takes]
partition_key = "number:N"
sort_key = "reel:B"
[indexes.songs]
table = "songs"
mapping = "strict.json"
match = {{ kind = "song" }}
search = {{ fields = ["title"] }}
[indexes.takes]
table = "takes"
mapping = "strict.json"
transform = "takes:document"
[heartbeat]
every = 5
limit = 10
[routing]
domain = "tour.example.com"
[routing.regions.eu-west-1]
continents = ["EU"]
{more}
"""
_STRICT = {"mappings": {"dynamic": "strict", "properties": {"id": {"type": "keyword"}, "kind": {"type": "keyword"},
           "title": {"type": "text"}}}}  # fmt: skip
_TAKES = 'def document(item):\n    return {"title": item["title"]}\n'
_TABLE = "tour-songs"


@dataclass
class Tour:
    """A project that runs in several regions."""

    directory: Path
    port: int
    project: Project = field(init=False)
    running: Running = field(init=False)

    def write(self, *regions: str) -> None:
        """dynadex.toml with these regions; the third, if it is there, answers for Oceania."""
        more = f'[routing.regions.{THIRD}]\ncontinents = ["OC"]' if THIRD in regions else ""
        (self.directory / "dynadex.toml").write_text(_TOML.format(regions=json.dumps(list(regions)), more=more))
        self.project = projects.load(self.directory)

    def up(self) -> None:
        """Starts or takes up what dynadex.toml says."""
        self.running = up(self.project, Options(port=self.port), Quiet()).running

    @property
    def cloud(self) -> Any:
        return self.running.laptop()

    def get(self, path: str, region: str | None = None) -> tuple[int, Any]:
        """An answer of a region's API, or of the one that the edge chooses."""
        base = f"http://127.0.0.1:{self.port + 1}" if region is None else deployed.api(self.project, self.cloud, region)
        answer = urllib3.request("GET", base + path, timeout=30.0, retries=False)
        return answer.status, json.loads(answer.data)

    def put(self, region: str, id: str, title: str, **more: str) -> None:
        item = {"id": id, "title": title, "kind": "song", **more}
        client = self.cloud.client("dynamodb", region)
        client.put_item(TableName=_TABLE, Item={name: {"S": value} for name, value in item.items()})

    def await_health(self, region: str, wanted: int, seconds: float = 40) -> dict[str, Any]:
        """Waits until /health of a region has this status; returns its document."""
        await_true(lambda: self.get("/health", region)[0] == wanted, f"/health of {region} is {wanted}", seconds)
        return dict(self.get("/health", region)[1])

    def await_beats(self, region: str) -> None:
        """Waits until a region sees its own heartbeat and the other one's."""
        await_true(
            lambda: set(self.get("/health", region)[1]["freshness"]["regions"]) == {HOME, SECOND},
            f"both heartbeats in {region}",
        )

    def await_one(self, path: str, region: str) -> None:
        """Waits until a search in a region finds one document."""
        await_true(lambda: self.get(path, region)[1]["total"] == 1, f"{path} finds one document in {region}")

    def documents(self, region: str, index: str = "songs") -> dict[str, Any]:
        """All documents of an index but heartbeats."""
        engine = self.cloud.engine(self.project, region)
        engine.ask("POST", f"/{index}/_refresh")
        pages = scroll(engine, generations.read_alias(engine, index), lambda: Patience(20), source=True)
        unseen = self.project.heartbeats(self.project.indexes[index])
        return {hit["_id"]: hit["_source"] for page in pages for hit in page if hit["_id"] not in unseen}

    def items(self, region: str) -> dict[str, Any]:
        """All items of the songs' table in a region but heartbeats."""
        found = self.cloud.client("dynamodb", region).scan(TableName=_TABLE)["Items"]
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in found]
        return {item["id"]: item for item in plain if not item["id"].startswith("dynadex.")}


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    directory = tmp_path_factory.mktemp("tour")
    (directory / "strict.json").write_text(json.dumps(_STRICT))
    (directory / "takes.py").write_text(_TAKES)
    songs = [{"id": str(number), "title": f"Song {number}", "kind": "song"} for number in range(1, 21)]
    (directory / "songs.jsonl").write_text("".join(json.dumps(song) + "\n" for song in songs))
    made = Tour(directory, free_base())
    made.write(HOME, SECOND)
    try:
        made.up()
        yield made
    finally:
        down(made.project, Quiet(), wipe=True)


def test_each_region_is_healthy_and_sees_the_other_ones_heartbeat(tour: Tour) -> None:
    for region in (HOME, SECOND):
        health = tour.await_health(region, 200)
        assert health["indexes"] == {"songs": "ok", "takes": "ok"}
        tour.await_beats(region)


@pytest.mark.parametrize("region", [HOME, SECOND])
def test_heartbeats_are_in_no_search_count_nor_failure(tour: Tour, region: str) -> None:
    tour.await_health(region, 200)
    found = status.status(tour.project, tour.cloud, [region], count=True)[region]
    assert (found["songs"].documents, found["songs"].items) == (20, 20)
    assert (found["takes"].documents, found["takes"].items) == (0, 0)
    assert status.queues(tour.project, tour.cloud, [region])[region].failures == 0
    for path in ("/search?size=100", "/search?q=dynadex", "/search?index=takes"):
        code, answer = tour.get(path, region)
        assert (code, [hit for hit in answer["hits"] if "heartbeat" in hit["id"] or not hit["document"]]) == (200, [])
    assert tour.get("/search", region)[1]["total"] == 20
    assert tour.get(f"/songs/dynadex.heartbeat.{region}", region)[0] == 404


@pytest.mark.parametrize("index", ["songs", "takes"])
def test_verifications_find_no_difference_in_heartbeats(tour: Tour, index: str) -> None:
    options = verify.Options(full=True)
    counts = verify.verify(tour.project, tour.cloud, SECOND, tour.project.indexes[index], options, Quiet())
    assert (counts.differences, counts.items, counts.documents) == (0, len(tour.documents(SECOND, index)), counts.items)
    against = verify.compare(tour.project, tour.cloud, HOME, SECOND, tour.project.indexes[index], options, Quiet())
    assert against.differences == 0


def test_explain_says_what_a_heartbeat_is(tour: Tour) -> None:
    id = f"dynadex.heartbeat.{SECOND}"
    found = explain.explain(tour.project, tour.cloud, HOME, tour.project.indexes["songs"], id, Quiet())
    assert found.heartbeat == SECOND
    assert found.right
    assert f"heartbeat of {SECOND}" in found.verdict


def test_a_region_without_its_engine_is_not_healthy_until_it_is_back(tour: Tour) -> None:
    tour.await_health(SECOND, 200)
    folder = Folder(tour.directory)
    tour.running = embedded.stop_engine(folder, tour.running, SECOND, keep=True)
    began = time.monotonic()
    tour.await_health(SECOND, 503, 5)
    assert tour.get("/health", SECOND)[1]["engine"]["ok"] is False
    assert time.monotonic() - began < 10
    assert tour.get("/health", HOME)[0] == 200
    tour.running = embedded.start_engine(folder, tour.running, SECOND)
    tour.await_health(SECOND, 200)


def test_a_region_whose_stream_is_not_applied_is_not_healthy_once_its_heartbeat_is_old(tour: Tour) -> None:
    tour.await_health(SECOND, 200)
    client = tour.cloud.client("lambda", SECOND)
    sources = client.list_event_source_mappings(FunctionName="tour-stream")["EventSourceMappings"]
    for source in sources:
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    health = tour.await_health(SECOND, 503)
    assert (health["engine"]["ok"], health["freshness"]["ok"]) == (True, False)
    for source in sources:
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=True)
    tour.await_health(SECOND, 200)


def test_what_is_written_in_one_region_is_found_in_the_other(tour: Tour) -> None:
    for number, region in enumerate((HOME, SECOND)):
        tour.put(region, f"from-{region}", f"Postcard {number}")
        tour.await_one(f"/search?q=Postcard+{number}", SECOND if region == HOME else HOME)


def test_writes_of_one_key_in_both_regions_end_the_same_everywhere(tour: Tour) -> None:
    def write(region: str) -> None:
        for number in range(40):
            tour.put(region, f"duel-{number % 5}", f"Written {number} in {region}")

    writers = [threading.Thread(target=write, args=(region,)) for region in (HOME, SECOND)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    await_true(lambda: tour.documents(HOME) == tour.items(HOME), "the home index has what its table has")
    await_true(lambda: tour.documents(SECOND) == tour.items(SECOND), "the other index has what its table has")
    assert tour.items(HOME) == tour.items(SECOND)
    assert len([id for id in tour.documents(HOME) if id.startswith("duel-")]) == 5


def test_what_route_53_has_is_what_dynadex_toml_says(tour: Tour) -> None:
    told = [(str(one.location), one.region) for one in routing.deployed_records(tour.project, tour.cloud)]
    assert told == [("EU", SECOND), ("*", HOME), ("*", SECOND)]
    checks = routing.health_checks(tour.project, tour.cloud)
    assert {region: (one.interval, one.threshold) for region, one in checks.items()} == {
        HOME: (10, 3),
        SECOND: (10, 3),
    }
    for region, one in checks.items():
        assert deployed.api(tour.project, tour.cloud, region).endswith(one.path.removesuffix("/health"))


# -- Regions added and taken out; each test leaves the two it found


class Crash(Exception):
    """A deployment is cut off."""


class Crashing(Quiet):
    """Cuts off at the first step that it has not cut off before and that is of interest, before or after its work."""

    def __init__(self, done: set[str]) -> None:
        self.done = done

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        cut = title not in self.done and (title.startswith((THIRD, "table", "send")))
        self.done.add(title)
        if cut and len(self.done) % 2:
            raise Crash(title)
        with super().step(title):
            yield
        if cut:
            raise Crash(title)


class Searching:
    """Searches through the edge all the time, from everywhere in turn."""

    def __init__(self, tour: Tour) -> None:
        self.tour, self.failed, self.done = tour, list[str](), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._search)

    def __enter__(self) -> Searching:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _search(self) -> None:
        places = ("DE", "US", "AU", "*")
        while not self._over.wait(0.05):
            place = places[self.done % len(places)]
            try:
                code, answer = self.tour.get(f"/search?q=Song&from={place}")
                if code != 200 or answer["total"] != 20:
                    self.failed.append(f"{place}: {code} {answer}")
            except Exception as error:
                self.failed.append(f"{place}: {error}")
            self.done += 1


def test_a_region_is_added_to_what_runs_and_taken_out_again_and_no_search_fails(tour: Tour) -> None:
    before = tour.running.servers()
    try:
        with Searching(tour) as searching:
            tour.write(HOME, SECOND, THIRD)
            tour.up()
            assert tour.documents(THIRD) == tour.documents(HOME)
            tour.await_health(THIRD, 200)
            await_true(lambda: tour.get("/edge")[1]["regions"][THIRD]["requests"] > 3, "searches in the new region")
            tour.write(HOME, SECOND)
            tour.up()
            seen = searching.done
            await_true(lambda: searching.done > seen + 8, "searches afterwards")
    finally:
        tour.write(HOME, SECOND)
        tour.up()
    assert searching.failed == []
    assert tour.running.servers() == before
    assert THIRD not in tour.get("/edge")[1]["regions"]
    assert [one.region for one in routing.deployed_records(tour.project, tour.cloud)] == [SECOND, HOME, SECOND]
    assert removing.replicated(tour.project, tour.cloud) == [HOME, SECOND]
    assert tour.cloud.client("dynamodb", THIRD).list_tables()["TableNames"] == []
    assert f"dynadex.heartbeat.{THIRD}" not in _all_ids(tour)


def _all_ids(tour: Tour) -> set[str]:
    found = tour.cloud.client("dynamodb", HOME).scan(TableName=_TABLE)["Items"]
    return {item["id"]["S"] for item in found}


def test_adding_and_taking_out_go_on_wherever_they_were_cut_off(tour: Tour) -> None:
    tour.write(HOME, SECOND, THIRD)
    tour.running = embedded.add_engine(Folder(tour.directory), tour.running, THIRD, None)
    done: set[str] = set()
    routed_early = []
    try:
        while True:
            try:
                deploy(tour.project, tour.cloud, [THIRD], Crashing(done), tour.directory / "work")
                break
            except Crash:
                if any(one.region == THIRD for one in routing.deployed_records(tour.project, tour.cloud)):
                    routed_early.append(tour.documents(THIRD) == tour.documents(HOME))
        assert len([title for title in done if title.startswith(THIRD)]) >= 7
        assert tour.documents(THIRD) == tour.documents(HOME)
        assert all(routed_early)
        assert THIRD in routing.serving(tour.project, tour.cloud)
        done.clear()
        while True:
            try:
                removing.remove(tour.project, tour.cloud, THIRD, Crashing(done))
                break
            except Crash:
                assert all(one.region != THIRD for one in routing.deployed_records(tour.project, tour.cloud)) or (
                    len(done) == 1
                )
    finally:
        tour.write(HOME, SECOND)
        removing.remove(tour.project, tour.cloud, THIRD, Quiet())
        tour.running = embedded.remove_engine(Folder(tour.directory), tour.running, THIRD)
    assert removing.replicated(tour.project, tour.cloud) == [HOME, SECOND]
    assert f"dynadex.heartbeat.{THIRD}" not in _all_ids(tour)
    assert tour.documents(HOME) == tour.items(HOME)

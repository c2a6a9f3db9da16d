"""A rebuild with a new mapping: searches and writes go on, every interruption is survived, and there is a way back."""

from __future__ import annotations

import copy
import json
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dynadex import generations
from dynadex.generations import Generation
from dynadex.operations.mapping_changes import mapping_changes
from dynadex.operations.rebuild import RebuildRefused, Rebuilt, progress, rebuild, roll_back
from dynadex.operations.rebuild_steps import DROP, FORWARD, Options, RebuildError
from dynadex.operations.steps import Quiet, Steps
from dynadex.project import Index, Project
from tests.platform.world import World

_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
_EVERY_SECONDS = 0.02
_QUIET = Quiet()
_ADDED = {"settings": {"index": {"refresh_interval": "200ms"}}}


#: Fields that a mapping gets beside or instead of its own.
Properties = dict[str, dict[str, str]]


class Killed(BaseException):
    """As if the process had ended here."""


def changed(world: World, name: str, properties: Properties | None) -> tuple[Project, Index]:
    """The project with other properties in the mapping of an index, or as it is."""
    index = world.project.indexes[name]
    if properties is None:
        return world.project, index
    mapping = copy.deepcopy(dict(index.mapping)) | _ADDED
    mapping["mappings"]["properties"] |= properties
    index = replace(index, mapping=mapping)
    return replace(world.project, indexes={**world.project.indexes, name: index}), index


def run(
    world: World, name: str, properties: Properties | None, steps: Steps = _QUIET, *, back: bool = False, **asked: Any
) -> Rebuilt:
    """A rebuild of an index in the home region to other properties, or the way back; `asked` are its `Options`."""
    project, index = changed(world, name, properties)
    do = roll_back if back else rebuild
    return do(project, world.cloud, world.home, index, Options(**asked), steps)


def there(world: World, name: str) -> list[Generation]:
    """The index's generations in the home region."""
    return generations.survey(world.engine(), name)


def places(world: World, name: str) -> list[tuple[int, str]]:
    """Each generation's number and its place."""
    return [
        (generations.number(one.name), " and ".join(["read"] * one.read + ["fed"] * one.fed))
        for one in there(world, name)
    ]


class Hurried(Quiet):
    """Ends the run where it would wait; see `hurried`."""

    def say(self, text: str) -> None:
        if text.strip().startswith("waits"):
            raise Killed(text)


def hurried(
    world: World,
    name: str,
    properties: Properties | None,
    steps: Steps | None = None,
    *,
    back: bool = False,
    **asked: Any,
) -> Rebuilt:
    """The same, told that its waits are over. Only right where nobody writes to the table."""
    while True:
        try:
            return run(world, name, properties, steps or Hurried(), back=back, **asked)
        except Killed:
            for one in there(world, name):
                dates = {note: one.notes[note] - 1000 for note in ("fed", "detached") if note in one.notes}
                generations.note(world.engine(), one.name, **dates)


@contextmanager
def going_on(work: Callable[[int], None]) -> Iterator[list[BaseException]]:
    """Does this over and over in a thread; yields what went wrong, and fails with it in the end."""
    stop, wrong, done = threading.Event(), list[BaseException](), 0

    def go_on() -> None:
        nonlocal done
        while not stop.wait(_EVERY_SECONDS):
            try:
                work(done)
            except Exception as error:
                wrong.append(error)
            done += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()
    assert not wrong, f"{len(wrong)} of {done} times: {wrong[0]!r}"
    assert done > 10


def play(number: int, title: str) -> dict[str, Any]:
    return {"number": Decimal(number), "title": title}


def score(player: str, level: int, title: str) -> dict[str, Any]:
    return {"player": player, "level": Decimal(level), "title": title}


@contextmanager
def scores_written(world: World, player: str) -> Iterator[None]:
    """Puts, changes and deletes a player's scores all the while."""

    def write(turn: int) -> None:
        level = turn * 7 % 40
        if turn % 5 == 4:
            world.delete("scores", score(player, level, ""))
        else:
            world.put("scores", score(player, level, f"Take {turn}"))

    with going_on(write):
        yield


def test_searches_and_writes_go_on_and_lose_nothing_on_the_way_there_back_and_to_the_end(world: World) -> None:
    name = "standing" + uuid.uuid4().hex[:8]
    world.put_all("songs", ({"id": f"{name}-{number}", "title": name} for number in range(300)))
    world.await_equal(["songs"])
    engine, api = world.engine(), world.deployed[world.home].api
    (first,) = there(world, "songs")

    def search_the_alias(turn: int) -> None:
        query = {"query": {"match": {"title": name}}, "size": 0, "track_total_hits": True}
        found = engine.search(generations.read_alias(engine, "songs"), query)["hits"]["total"]["value"]
        assert found >= 300, f"{found} found"

    def search_the_api(turn: int) -> None:
        with _OPEN(f"{api}/search?index=songs&q={name}", timeout=30) as answer:
            found = json.load(answer)["total"]
        assert found >= 300, f"{found} found by the API"

    def write(turn: int) -> None:
        world.put("songs", {"id": f"{name}-{turn % 300}", "title": name, "year": 1900 + turn % 100})
        if turn % 3:
            world.put("songs", {"id": f"{name}-more-{turn % 20}", "title": name})
        else:
            world.delete("songs", {"id": f"{name}-more-{turn % 20}"})

    new = {"artist": {"type": "keyword"}}
    with going_on(search_the_alias), going_on(search_the_api), going_on(write):
        made = run(world, "songs", new)
        assert made.steps == tuple(step.name for step in FORWARD)
        assert made.failures == 0
        assert made.items >= 300
        assert made.read != first.name
        assert [place for _, place in places(world, "songs")] == ["fed", "read and fed"]
        assert (
            engine.ask("GET", f"/{made.read}/_mapping")[made.read]["mappings"]["properties"]["artist"] == new["artist"]
        )

        back = run(world, "songs", new, back=True)
        assert (back.read, back.kept) == (first.name, (made.read,))
        with pytest.raises(RebuildError, match="--force has them read it again"):
            run(world, "songs", new)
        again = run(world, "songs", new, force=True)
        assert (again.read, again.steps) == (made.read, ("swap",))

        ended = run(world, "songs", new, drop_old=True)
        assert (ended.dropped, ended.kept) == ((first.name,), ())
        assert [(one.name, one.read, one.fed) for one in there(world, "songs")] == [(made.read, True, True)]
    world.await_equal(["songs"])
    world.delete_all("songs", world_items(world, "songs", "id", name))
    original(world, "songs")


def world_items(world: World, table: str, attribute: str, beginning: str) -> list[dict[str, Any]]:
    """The items that a test has made."""
    return [item for item in world.items(table) if str(item[attribute]).startswith(beginning)]


def original(world: World, name: str) -> None:
    """Leaves the index as the project has it, for the other tests."""
    world.await_equal([name])
    hurried(world, name, None, drop_old=True)
    assert [(one.read, one.fed) for one in there(world, name)] == [(True, True)]
    world.await_equal([name])


class Killing(Quiet):
    """Ends the run at the beginning and at the end of each step, once for each."""

    def __init__(self) -> None:
        self.killed: list[tuple[str, str]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._kill(title, "before")
        yield
        self._kill(title, "after")

    def _kill(self, title: str, when: str) -> None:
        if (title, when) not in self.killed:
            self.killed.append((title, when))
            raise Killed(f"{when} {title}")


def test_a_rebuild_that_is_killed_at_each_step_and_loses_answers_ends_right(world: World) -> None:
    player = uuid.uuid4().hex
    world.put_all("scores", (score(player, level, f"Score {level}") for level in range(-60, 40)))
    world.await_equal(["scores"])
    (first,) = there(world, "scores")
    killing, lost, runs = Killing(), list[str](), 0

    def lose_every_other(method: str, path: str) -> bool:
        """Of the requests that only a rebuild makes."""
        if method in ("PUT", "DELETE") or path == "/_aliases":
            lost.append(f"{method} {path}")
            return len(lost) % 2 == 1
        return False

    new = {"title": {"type": "keyword"}}
    with scores_written(world, player), world.door().losing(lose_every_other):
        while len(killing.killed) < 2 * (len(FORWARD) + len(DROP)):
            runs += 1
            assert runs < 80, killing.killed
            with pytest.raises(Killed):
                run(world, "scores", new, killing, drop_old=True)
        assert run(world, "scores", new, drop_old=True).steps == (), "there was something left to do"
    assert {line.split("/")[-1] for line in lost} >= {"_mapping", "_settings", "_aliases", first.name}
    (made,) = there(world, "scores")
    assert (made.read, made.fed, generations.number(made.name)) == (True, True, generations.number(first.name) + 1)
    aliases = world.engine().ask("GET", "/_alias")
    assert [index for index in aliases if index.startswith("scores")] == [made.name]
    settings = world.engine().ask("GET", f"/{made.name}/_settings")[made.name]["settings"]["index"]
    assert settings["refresh_interval"] == "200ms"
    world.await_equal(["scores"])
    original(world, "scores")


def test_a_mapping_that_the_engine_refuses_changes_nothing(world: World) -> None:
    before = there(world, "blobs")
    with pytest.raises(
        RebuildError, match=r"the engine refuses the mapping of blobs, and nothing was changed: .*no_such"
    ):
        run(world, "blobs", {"title": {"type": "no_such_type"}})
    assert there(world, "blobs") == before


def test_nothing_is_rebuilt_where_nothing_changed_unless_it_must_be(world: World) -> None:
    before = there(world, "blobs")
    with pytest.raises(RebuildRefused, match="was made of the mapping that blobs has now: nothing to do"):
        run(world, "blobs", None)
    with pytest.raises(RebuildRefused, match="nothing to go back to"):
        run(world, "blobs", None, back=True)
    assert there(world, "blobs") == before
    with pytest.raises(Killed, match="waits"):
        run(world, "blobs", None, Hurried(), force=True)
    assert len(there(world, "blobs")) == 2
    # Once begun it is taken up without being forced, and can be given up.
    with pytest.raises(Killed, match="waits"):
        run(world, "blobs", None, Hurried())
    with pytest.raises(RebuildRefused, match=r"--rollback --drop-new gives blobs-v\d+ up"):
        run(world, "blobs", None, back=True)
    project, index = changed(world, "blobs", None)
    states = [(one.name, one.state) for one in progress(project, world.cloud, world.home, index, Options())]
    assert states[:4] == [("create", "done"), ("feed", "done"), ("wait", "now"), ("refill", "to come")]
    with pytest.raises(RebuildError, match="to another mapping is under way"):
        run(world, "blobs", {"title": {"type": "text"}})
    assert len(hurried(world, "blobs", None, back=True, drop_new=True).dropped) == 1
    assert [(one.name, one.read, one.fed) for one in there(world, "blobs")] == [(before[0].name, True, True)]


def test_items_that_the_new_mapping_cannot_take_stop_it_before_the_swap(world: World) -> None:
    base = uuid.uuid4().int % 10**12
    world.put_all("plays", (play(base + number, str(number)) for number in range(60)))
    world.put_all("plays", (play(base + 100 + number, "a text") for number in range(3)))
    world.await_equal(["plays"])
    world.forget_failures()
    before = there(world, "plays")
    others = len([item for item in world.items("plays") if not str(item.get("title", "")).isdigit()])
    new = {"title": {"type": "long"}}
    with pytest.raises(RebuildError, match=f"cannot take {others:,} of .* items; they are in the failures queue"):
        hurried(world, "plays", new)
    assert [place for _, place in places(world, "plays")] == ["read and fed", "fed"]
    assert {failure["alias"] for failure in world.failures() if failure["index"] == "plays"} == {
        generations.write_alias(there(world, "plays")[1].name)
    }
    # Again, it is filled again, and stops there again.
    with pytest.raises(RebuildError, match="cannot take"):
        hurried(world, "plays", new)
    made = hurried(world, "plays", new, accept_failures=True)
    assert (made.failures, made.kept) == (others, (before[0].name,))
    back = run(world, "plays", new, back=True)
    assert back.read == before[0].name
    assert hurried(world, "plays", new, back=True, drop_new=True).dropped == (made.read,)
    world.forget_failures()
    world.await_equal(["plays"])
    world.delete_all("plays", [play(base + number, "") for number in range(103)])


def test_what_verify_finds_stops_it_and_is_mended_the_next_time(world: World) -> None:
    name = uuid.uuid4().hex[:12]
    things = [{"pk": name, "sk": str(number), "kind": "album", "title": f"Album {number}"} for number in range(30)]
    world.put_all("things", things)
    world.await_equal(["albums"])
    new = {"title": {"type": "keyword"}}

    class Meddling(Hurried):
        """Deletes two documents of the new generation just before it is verified."""

        def __init__(self) -> None:
            self.meddled = False

        @contextmanager
        def step(self, title: str) -> Iterator[None]:
            if ": verify" in title and not self.meddled:
                self.meddled = True
                generation = there(world, "albums")[-1].name
                for number in (3, 4):
                    world.engine().ask("DELETE", f"/{generation}/_doc/{name}%7C{number}")
            yield

    meddling = Meddling()
    with pytest.raises(RebuildError, match=r"differs from the table: 2 missing, 0 stale(.|\n)*missing: "):
        hurried(world, "albums", new, meddling)
    assert [place for _, place in places(world, "albums")] == ["read and fed", "fed"]
    made = run(world, "albums", new, meddling)
    assert made.steps == ("refill", "verify", "swap")
    world.await_equal(["albums"])
    world.delete_all("things", things)
    original(world, "albums")


def test_a_changed_mapping_is_told_with_what_changed(world: World) -> None:
    _, index = changed(world, "labels", {"title": {"type": "keyword"}, "founded": {"type": "date"}})
    told = mapping_changes(world.engine(), index)
    assert told.paths == (
        '~ mappings.properties.founded.type: "integer" -> "date"',
        '+ mappings.properties.title: {"type": "keyword"}',
        '+ settings: {"index": {"refresh_interval": "200ms"}}',
    )
    assert not told.under_way
    assert mapping_changes(world.engine(), world.project.indexes["labels"]).paths == ()

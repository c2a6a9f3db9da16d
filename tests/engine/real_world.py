"""The simulator's world with a real engine in the place of the model, and threads in the place of the scheduler.

Everything is the simulator's own: table, streams, actors, checkers. But what a function asks of the engine is asked by
`driving.drive` and the product's `Engine`, through a proxy that makes the faults. Whoever touches the world holds the
baton, and lets go of it where a function waits: so the actors are as atomic as in the simulator, and everything else
happens at the same time.
"""

from __future__ import annotations

import threading
from collections import UserDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast
from unittest.mock import patch

import orjson

from dynadex import driving, generations, pacing, table
from dynadex.core.bulk import Answer, Operation
from dynadex.core.writing import Found, Items, Key, Protocol, Read, Target
from dynadex.engine import Engine
from dynadex.pacing import Patience
from tests.simulation import engine as model
from tests.simulation import functions
from tests.simulation import world as simulated
from tests.simulation.choices import Choices
from tests.simulation.data import KEYS
from tests.simulation.faults import requests
from tests.simulation.world import Actor, Killed, Region, World

T = TypeVar("T")

#: Real seconds after which a sender gives up a request. The product's engine never waits less.
GIVEN_UP_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0

MAPPING: Mapping[str, Any] = {
    "settings": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
    "mappings": {"dynamic": False, "properties": {"refuse": {"type": "date", "format": "strict_date"}}},
}


@dataclass
class Place:
    """Where a world is: the engine, asked directly and through the faults, and the baton for all that is in it."""

    direct: Engine
    faulty: Engine
    baton: threading.Lock = field(default_factory=threading.Lock)
    ending: threading.Event = field(default_factory=threading.Event)
    regions: int = 0

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Lets others act meanwhile; for whoever holds the baton."""
        self.baton.release()
        try:
            yield
        finally:
            self.baton.acquire()

    def wait(self, seconds: float) -> None:
        """Lets others act for a time, or until all are to end."""
        with self.let_go():
            self.ending.wait(seconds)


class Generation(model.Generation):
    """A physical index; what is in it is read from the engine."""

    __slots__ = ("_place", "name")

    def __init__(self, place: Place, name: str, alias: str, born: int) -> None:
        self._place, self.name, self.alias, self.born = place, name, alias, born
        self.highest = {}
        self.broken = False

    @property
    def slots(self) -> dict[str, tuple[int, bytes | None, int]]:  # type: ignore[override]  # nobody sets them
        """The documents as they are; nobody else acts meanwhile, though requests may be on their way."""
        engine = self._place.direct
        engine.ask("POST", f"/{self.name}/_refresh")
        answer = engine.search(self.name, {"size": 100, "version": True})  # there are only a few
        assert not answer["_shards"]["failed"], answer
        return {hit["_id"]: (hit["_version"], orjson.dumps(hit["_source"]), 0) for hit in answer["hits"]["hits"]}


class _Generations(UserDict[str, model.Generation]):
    """Generations by write alias; what is taken out is deleted."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def __delitem__(self, alias: str) -> None:
        generation = self.data.pop(alias)
        assert isinstance(generation, Generation)
        self._place.direct.ask("DELETE", f"/{generation.name}")


class RealEngine(model.Engine):
    """What actors and checkers take for the model engine. The names of aliases are the model's."""

    __slots__ = ("place", "prefix")

    def __init__(self, watch: model.Watcher, place: Place) -> None:
        super().__init__(watch)
        place.regions += 1
        self.place, self.prefix = place, f"{place.direct.prefix}{place.regions}-"
        self.generations = cast(dict[str, model.Generation], _Generations(place))

    def make(self, alias: str, now: int) -> model.Generation:
        name = self.prefix + alias.removesuffix("-write")
        aliases: Mapping[str, Any] = {generations.write_alias(name): {}}
        self.place.direct.ask("PUT", f"/{name}", generations.definition(MAPPING) | {"aliases": aliases})
        made = self.generations[alias] = Generation(self.place, name, alias, now)
        return made

    def real(self, alias: str) -> str:
        """What the engine calls a write alias."""
        return generations.write_alias(self.prefix + alias.removesuffix("-write"))

    def write(self, operations: Sequence[Operation], now: int) -> list[Answer]:
        return self.place.direct.write(self.named(operations), _patience())

    def named(self, operations: Sequence[Operation]) -> list[Operation]:
        """The operations with the engine's names."""
        return [operation._replace(alias=self.real(operation.alias)) for operation in operations]

    def delete_by_query(self, now: int) -> int:
        count = 0
        for generation in self.generations.values():
            assert isinstance(generation, Generation)
            self.place.direct.ask("POST", f"/{generation.name}/_refresh")
            path = f"/{generation.name}/_delete_by_query"
            answer = self.place.direct.ask("POST", path, {"query": {"match_all": {}}}, conflicts="proceed")
            count += answer["deleted"]
        return count

    def observe(self) -> None:
        """Looks at every document; its version must not be below the highest seen before. Lets go of the baton."""
        for alias, generation in list(self.generations.items()):
            before = dict(generation.highest)
            targets = [Target(self.real(alias), id) for id in KEYS]
            with self.place.let_go():
                found = self.place.direct.look(targets, _patience())
            if self.generations.get(alias) is not generation:
                continue  # lost meanwhile
            for id, document in zip(KEYS, found, strict=True):
                if isinstance(document, Found):
                    if document.version < before.get(id, 0):
                        self.watch(generation, id, before[id], document.version)
                    generation.highest[id] = max(generation.highest.get(id, 0), document.version)


def _patience() -> Patience:
    return Patience(30)


class _Function(NamedTuple):
    """What a function sees of the world: to `driving.drive` it is both the table and the engine."""

    world: World
    region: Region
    engine: RealEngine
    until: int
    who: str

    def write(self, operations: Sequence[Operation], patience: Patience) -> list[Answer]:
        self._step()
        with self.engine.place.let_go():
            answers = self.engine.place.faulty.write(self.engine.named(operations), patience)
        if self.world.trace is not None:
            requests._told(self.world, self.region, operations, answers, self.who)
        return answers

    def look(
        self, targets: Sequence[Target], patience: Patience, texts: Sequence[bytes | None] = ()
    ) -> list[Found | Answer | None]:
        self._step()
        named = [Target(self.engine.real(alias), id) for alias, id in targets]
        with self.engine.place.let_go():
            return self.engine.place.faulty.look(named, patience)

    def read(self, keys: Mapping[str, Key]) -> Items:
        self._step()
        return functions.read(self.world, self.region, Read(keys), self.who)

    def _step(self) -> None:
        """What can befall a function before each of its requests."""
        world, place = self.world, self.engine.place
        one_in = world.plan.pause_one_in if world.faulty else 0
        if one_in and not world.below(one_in):
            world.fault("paused function", None, self.who)
            place.wait((world.below(25) / 32) ** 2)  # longer than a sender waits, now and then
        if world.now > self.until:
            raise Killed("its time was up")
        if world.kill_one_in and not world.below(world.kill_one_in):
            world.fault("killed function", None, self.who)
            raise Killed


def _drive(world: World, region: Region, protocol: Protocol[T], until: int, who: str) -> Generator[int, None, T]:
    yield 0
    engine = region.engine
    assert isinstance(engine, RealEngine)
    function = _Function(world, region, engine, until, who)
    patience = Patience(_PATIENCE_SECONDS, first=0.01, longest=0.2, sleep=engine.place.wait)
    try:
        return driving.drive(protocol, cast(table.Table, function), cast(Engine, function), patience)
    except pacing.OutOfTime as late:
        raise functions.OutOfTime(str(late)) from late


_making = threading.Lock()


def made(place: Place, choices: Choices) -> World:
    """A world whose engine is the place's."""
    with _making, patch.object(simulated, "Engine", lambda watch: RealEngine(watch, place)):
        return World(choices, traced=True)


@contextmanager
def driven_for_real() -> Iterator[None]:
    """Has the simulator's functions drive their protocols against the engine of such worlds, and no others."""
    with patch.object(functions, "drive", _drive):
        yield


class Crew:
    """Threads that each take an actor at random and have it act, again and again."""

    def __init__(self, world: World, place: Place, threads: int) -> None:
        self._world, self._place = world, place
        self._threads = [threading.Thread(target=self._act, daemon=True) for _ in range(threads)]
        self._error: BaseException | None = None

    def work(self, seconds: float) -> None:
        """Acts for a time; when it returns nobody acts any more. Raises what an actor raised."""
        for thread in self._threads:
            thread.start()
        self._place.ending.wait(seconds)
        self._place.ending.set()
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def _act(self) -> None:
        world, place = self._world, self._place
        with place.baton:
            while not place.ending.is_set():
                at = world.below(len(world.actors))
                actor = world.actors[at]  # taken out, as nobody else may run it while it waits
                world.actors[at] = world.actors[-1]
                world.actors.pop()
                try:
                    next(actor)
                except StopIteration:
                    pass
                except BaseException as error:
                    self._error = error
                    place.ending.set()
                else:
                    world.actors.append(actor)
                place.wait(world.below(8) / 1000)


def watching(world: World, region: Region) -> Actor:
    """Watches the documents' versions."""
    engine = region.engine
    assert isinstance(engine, RealEngine)
    while world.faulty:
        yield 0
        engine.observe()

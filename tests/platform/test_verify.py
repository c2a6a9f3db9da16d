"""Verify finds what differs, and nothing else, whatever is being written meanwhile; repair mends all of it."""

from __future__ import annotations

import importlib
import json
import random
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest

from dynadex.core.attributes import Item
from dynadex.core.bulk import Operation
from dynadex.operations import verify as verifying
from dynadex.operations.steps import Quiet
from dynadex.operations.verify import Options
from dynadex.platform.servers import Server
from dynadex.verifying import Counts
from tests.platform import world
from tests.platform.planting import REGION, Plantation, items_of, plantation, writes_going_on

_EXAMPLE = Path(__file__).parents[2] / "examples/lessons"


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """The lessons example's generator."""
    sys.path.insert(0, str(_EXAMPLE))
    try:
        yield importlib.import_module("generate")
    finally:
        sys.path.remove(str(_EXAMPLE))


@pytest.fixture
def place(ministack: str, osmem: Server, tmp_path: Path) -> Iterator[Plantation]:
    with plantation(f"verify-{uuid.uuid4().hex[:8]}", tmp_path / "project", ministack, osmem.url) as found:
        yield found


_LATER = 1 << 62  # far above any version that a record or a page gets


def plant(place: Plantation, items: list[Item], chances: random.Random) -> dict[str, str]:
    """Plants 1,000 differences among these items; returns their kinds by id."""
    wanted = chances.sample([item for item in items if "draft" not in item], 500)
    missing, stale = (
        {place.id_of(item): item for item in wanted[:250]},
        {place.id_of(item): item for item in wanted[250:]},
    )
    drafts = [place.id_of(item) for item in chances.sample([item for item in items if "draft" in item], 125)]
    gone = [f"Nobody {number}|{_text(chances)}" for number in range(125)]
    # No keys of the table: one part, three parts, an escape that is none.
    foreign = [chances.choice(["{}", "{}|a|b", "a|{}%2"]).format(_text(chances)) for _ in range(250)]

    forgotten = set(chances.sample(sorted(missing), 125))  # as if never written; of the others a tombstone is left
    for id in forgotten:
        place.engine.ask("DELETE", f"/{place.alias}/_doc/{quote(id, safe='')}")
    operations = [Operation(place.alias, id, _LATER, None) for id in missing if id not in forgotten]
    operations += [Operation(place.alias, id, _LATER, _spoiled(item, chances)) for id, item in stale.items()]
    operations += [Operation(place.alias, id, _LATER, b'{"title": "A draft"}') for id in drafts]
    operations += [
        Operation(place.alias, id, chances.choice([1, _LATER]), b'{"title": "A ghost"}') for id in (*gone, *foreign)
    ]
    place.plant(operations)
    planted = dict.fromkeys(missing, "missing") | dict.fromkeys(stale, "stale")
    planted |= dict.fromkeys((*drafts, *gone, *foreign), "ghost")
    assert len(planted) == 1000
    return planted


def _text(chances: random.Random) -> str:
    return f"{chances.getrandbits(128):032x}"


def _spoiled(item: Item, chances: random.Random) -> bytes:
    """The item's document with one change."""
    document = world.json_value(world.plain(item))
    document["heading"] = f"{document['artist']}: {document['title']}"
    match chances.randrange(3):
        case 0:
            document["title"] += "!"
        case 1:
            del document["heading"]
        case 2:
            document["more"] = [1, 2]
    return json.dumps(document, default=float).encode()


def verify(place: Plantation, **options: Any) -> Counts:
    asked = Options(segments=2, examples=2_000, **options)
    return verifying.verify(place.project, place.cloud, REGION, place.index, asked, Quiet())


@pytest.mark.timeout(600)  # a machine with much else to do
def test_every_one_of_a_thousand_differences_is_found_and_mended_while_writes_go_on(
    place: Plantation, generate: ModuleType
) -> None:
    chances = random.Random(20)
    items = list(items_of(generate.lessons(100_000), draft_every=20))
    place.fill(items)
    chances.shuffle(items)
    busy, quiet = items[:2_000], items[2_000:]
    planted = plant(place, quiet, chances)

    with writes_going_on(place, busy, rate=60, lag=2.0, seed=3) as written:
        before = written[0]
        found = verify(place, repair=True)
        assert written[0] > before + 100, "too few writes went on meanwhile"
    assert {example.id: example.kind for example in found.examples} == planted
    assert (found.missing, found.stale, found.ghosts, found.failed) == (250, 250, 500, 0)
    assert (found.repaired, found.differences) == (1000, 0)
    assert all(bool(example.path) is (example.kind == "stale") for example in found.examples)
    assert place.differences() == set()

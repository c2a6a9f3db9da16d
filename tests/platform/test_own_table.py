"""One's own table: `init`, `preview` and `estimate`, and the whole way from a table that is there to a search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dynadex import project as projects
from dynadex.core.attributes import typed_item
from dynadex.engine import Engine
from dynadex.operations import previewing, sampling
from dynadex.operations.previewing import OWN_CHECKS
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud, EngineAddress
from dynadex.platform.endpoint import Endpoint
from dynadex.platform.laptop import Laptop
from dynadex.platform.servers import Server
from tests.platform.console import HOME, Console, Ran, await_true, free_base
from tests.platform.own_tables import READINGS, SPARSE, STORE, OwnTable

_TABLES = {table.name: table for table in (STORE, READINGS, SPARSE)}


@pytest.fixture(scope="module")
def source(ministack: str) -> str:
    """The address where the tables are."""
    dynamodb = Endpoint(ministack).client("dynamodb", HOME)
    for table in _TABLES.values():
        table.make(dynamodb, stream=table is READINGS)
    return ministack


def dynadex(*arguments: str | Path) -> Ran:
    """A command that is not about a project that is there."""
    done = subprocess.run(
        [sys.executable, "-m", "dynadex", *map(str, arguments)],
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def init(table: OwnTable, source: str, directory: Path, *arguments: str) -> Ran:
    return dynadex("init", table.name, "--endpoint", source, "--region", HOME, "--directory", directory, *arguments)


@dataclass(frozen=True)
class Way:
    """What is to be found at the end of it: documents by index, and what `words` find first in the last index.

    `changed` is the attribute of the table's first item that is given other words.
    """

    table: OwnTable
    documents: dict[str, int]
    words: str
    id: str
    changed: str


WAYS = [
    Way(STORE, {"order": 200, "customer": 100}, "number42", "CUSTOMER#42|PROFILE", "name"),
    Way(READINGS, {"readings": 400}, "sensor 173", "13|2024-05-09T10:00:00Z", "remark"),
    Way(SPARSE, {"sparse-products": 300}, "edition123", "product-123", "title"),
]


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path / "own", free_base())
    yield made
    if (made.directory / "dynadex.toml").exists():
        made.run("down", "--wipe")
    assert made.ports() == []


@pytest.mark.parametrize("way", WAYS, ids=[way.table.name for way in WAYS])
def test_from_a_table_that_is_there_to_a_search(source: str, console: Console, way: Way) -> None:
    began = init(way.table, source, console.directory, "--seed", "--json")
    assert began.code == 0, began.err
    assert [index["name"] for index in began.document()["indexes"]] == list(way.documents)
    items = list(way.table.items())
    assert began.document()["sampled"] == len(items)

    for index, documents in way.documents.items():
        seen = console.run("preview", index, "--endpoint", source, "--json")
        assert (seen.code, seen.document()["documents"]) == (0, documents), seen.err
        assert seen.document()["refusals"] == []

    assert console.up().code == 0
    assert scanned(console.cloud(), way.table) == scanned(Endpoint(source), way.table)  # sets and binaries too
    for index, documents in way.documents.items():
        assert search(console, index)["total"] == documents
    last = list(way.documents)[-1]
    assert search(console, last, way.words)["hits"][0]["id"] == way.id

    # What is loaded comes by way of the stream; the line is as an export has it.
    changed = items[0] | {way.changed: "Marvellous thing"}
    (console.directory / "more.jsonl").write_text(json.dumps({"Item": typed_item(changed)}) + "\n")
    logical = next(iter(console.project().tables))
    assert console.run("load", logical, str(console.directory / "more.jsonl")).code == 0
    await_true(lambda: search(console, last, "marvellous thing")["total"] == 1, "the changed item")

    # An index that is lost comes back by way of a refill.
    engine = console.cloud().engine(console.project(), HOME)
    for index, documents in way.documents.items():
        engine.ask("DELETE", f"/{index}-v1")
        ran = console.run("refill", index, "--wait", "--json")
        assert (ran.code, ran.document()["documents"], ran.document()["failures"]) == (0, documents, 0), ran.err
    for index, documents in way.documents.items():
        _await_documents(console, index, documents)

    seen = console.run("preview", last, "--json")
    assert (seen.code, seen.document()["checkedBy"]) == (0, f"the engine of {HOME}")
    assert set(_indices(engine)) == {f"{index}-v1" for index in way.documents}
    estimated = console.run("estimate", last, "--json", "--writes-per-second", "10").document()
    assert (estimated["items"], estimated["traffic"]["streamShards"]) == (len(items), 1)


def _await_documents(console: Console, index: str, count: int) -> None:
    await_true(lambda: search(console, index)["total"] == count, f"{count} documents in {index}")


def scanned(cloud: Cloud, table: OwnTable) -> list[str]:
    """Every item as text; sets in one order."""
    items = cloud.client("dynamodb", HOME).scan(TableName=table.name, ConsistentRead=True)["Items"]
    return sorted(repr(sorted((name, _ordered(value)) for name, value in item.items())) for item in items)


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: sorted(content) if kind.endswith("S") and kind != "S" else content for kind, content in value.items()}


def search(console: Console, index: str, words: str = "") -> Any:
    """The API's answer."""
    return console.run("search", index, words, "--json").document()


def _indices(engine: Engine) -> list[str]:
    return [name for name in engine.ask("GET", "/_alias") if not name.startswith(".")]


def test_up_takes_its_stand_in_up_again_and_leaves_a_table_that_is_there_alone(source: str, console: Console) -> None:
    assert init(READINGS, source, console.directory, "--seed").code == 0
    assert console.up().code == 0
    cloud = console.cloud()
    dynamodb = cloud.client("dynamodb", HOME)
    dynamodb.delete_item(TableName="readings", Key={"device": {"N": "13"}, "at": {"S": "2024-05-09T10:00:00Z"}})
    await_true(lambda: console.run("search", "readings", "--json").document()["total"] == 399, "the deletion")
    assert console.run("down").code == 0
    assert console.up().code == 0
    assert console.run("search", "readings", "--json").document()["total"] == 399
    # The real table was only read.
    count = Endpoint(source).client("dynamodb", HOME).scan(TableName="readings", Select="COUNT")["Count"]
    assert count == 400


def test_a_table_that_is_not_there_is_told_with_those_that_are(source: str, tmp_path: Path) -> None:
    ran = dynadex("init", "raedings", "--endpoint", source, "--region", HOME, "--directory", tmp_path / "p")
    assert (ran.code, ran.out) == (1, "")
    assert "did you mean 'readings'" in ran.err
    assert not (tmp_path / "p").exists()


def test_a_project_that_is_there_is_not_written_over(source: str, tmp_path: Path) -> None:
    (tmp_path / "dynadex.toml").write_text("mine")
    ran = init(READINGS, source, tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "dynadex.toml is there already" in ran.err
    assert "--force" in ran.err
    assert (tmp_path / "dynadex.toml").read_text() == "mine"
    assert init(READINGS, source, tmp_path, "--force").code == 0
    assert projects.load(tmp_path).tables["readings"].physical_name == "readings"


def test_a_table_without_a_stream_is_told_how_to_get_one(source: str, tmp_path: Path) -> None:
    ran = init(STORE, source, tmp_path)
    assert "has no stream" in ran.err
    assert f"update-table --table-name Prod.Store --region {HOME} --endpoint-url {source}" in ran.err
    assert "no stream" not in init(READINGS, source, tmp_path / "streamed").err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--endpoint", "127.0.0.1:4566"], "is not an address like http://"),
        (["--endpoint", "http://127.0.0.1:4566", "--aws"], "not together with --aws"),
        (["--endpoint", "http://127.0.0.1:9", "--region", HOME], "does not answer"),
        ([], "--region: which one?"),
    ],
)
def test_wrong_use_of_init_is_told(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    ran = dynadex("init", "t", "--directory", tmp_path, *arguments)
    assert ran.code in (1, 2)
    assert told in ran.err


def test_a_sample_is_bounded_and_spread_over_the_table(source: str) -> None:
    cloud = Endpoint(source)
    table = sampling.describe(cloud, HOME, STORE.name).table()
    part = sampling.sample(cloud, HOME, table, Quiet(), count=100, read_capacity=0)
    assert (len(part.items), part.whole) == (100, False)
    assert len({item["pk"]["S"] for item in part.items}) > 20
    whole = sampling.sample(cloud, HOME, table, Quiet(), count=1000, read_capacity=0)
    assert (len(whole.items), whole.whole) == (300, True)
    assert len({(item["pk"]["S"], item["sk"]["S"]) for item in whole.items}) == 300
    assert part.read_units < 100


def test_a_description_has_what_a_project_needs(source: str) -> None:
    found = sampling.describe(Endpoint(source), HOME, READINGS.name)
    assert [(one.name, one.type) for one in found.key.attributes] == list(READINGS.key)
    assert (found.items, found.stream, found.on_demand, found.ttl) == (400, "NEW_AND_OLD_IMAGES", True, None)


@pytest.mark.java
def test_aws_s_own_emulator_can_be_looked_at_too(dynamodb_local: Server, tmp_path: Path) -> None:
    STORE.make(Endpoint(dynamodb_local.url).client("dynamodb", HOME))
    ran = init(STORE, dynamodb_local.url, tmp_path, "--json")
    assert (ran.code, ran.document()["sampled"]) == (0, 300), ran.err
    assert list(projects.load(tmp_path).indexes) == ["order", "customer"]
    seen = dynadex("preview", "order", "--project", tmp_path, "--endpoint", dynamodb_local.url, "--json")
    assert (seen.code, seen.document()["documents"]) == (0, 200), seen.err


_TROUBLED = OwnTable(
    "troubled",
    (("id", "S"), ("part", "S")),
    lambda: iter(
        [
            *({"id": f"good{n}", "part": "a", "year": 1968, "seen": "2024-01-01", "price": 1.25} for n in range(10)),
            {"id": "bad-year", "part": "a", "year": "nineteen"},
            {"id": "bad-date", "part": "a", "seen": "yesterday"},
            {"id": "bad-map", "part": "a", "year": {"a": 1}},
            {"id": "raises", "part": "a", "raises": True},
            {"id": "skipped", "part": "a", "skip": True},
            {"id": "x" * 300, "part": "y" * 300},
            {"id": "cut", "part": "a", "year": 1968.5},
            {"id": "unmapped", "part": "a", "extra": "here"},
        ]
    ),
)
_TOML = """\
[project]
name = "troubled"
regions = ["us-east-1"]
[tables.troubled]
name = "troubled"
partition_key = "id"
sort_key = "part"
existing = true
[indexes.troubled]
table = "troubled"
mapping = "mapping.json"
transform = "troubled_documents:document"
search = { fields = ["title"], filters = ["year"] }
"""
_MODULE = """\
def document(item):
    if item.get("raises"):
        raise KeyError("no such thing")
    return None if item.get("skip") else item
"""
_MAPPING = {
    "mappings": {
        "dynamic": False,
        "properties": {
            "id": {"type": "keyword"},
            "part": {"type": "keyword"},
            "title": {"type": "text"},
            "year": {"type": "long"},
            "seen": {"type": "date"},
            "price": {"type": "double"},
        },
    }
}


@pytest.fixture(scope="module")
def troubled(ministack: str, tmp_path_factory: pytest.TempPathFactory) -> projects.Project:
    """A project whose items make trouble of every kind."""
    _TROUBLED.make(Endpoint(ministack).client("dynamodb", HOME))
    folder = tmp_path_factory.mktemp("troubled")
    (folder / "dynadex.toml").write_text(_TOML)
    (folder / "mapping.json").write_text(json.dumps(_MAPPING))
    (folder / "troubled_documents.py").write_text(_MODULE)
    return projects.load(folder)


def previewed(project: projects.Project, cloud: Endpoint | Laptop) -> previewing.Preview:
    index = next(iter(project.indexes.values()))
    return previewing.preview(project, cloud, HOME, index, Quiet(), items=1000, read_capacity=0)


def refused(found: previewing.Preview) -> set[tuple[str, str]]:
    return {(one.step, json.loads(one.key)["id"]["S"][:8]) for one in found.refusals}


REFUSED = {
    ("mapping", "bad-year"),
    ("mapping", "bad-date"),
    ("mapping", "bad-map"),
    ("transform", "raises"),
    ("id", "xxxxxxxx"),
}


def test_an_engine_says_what_it_refuses_and_keeps_nothing(
    troubled: projects.Project, ministack: str, osmem: Server
) -> None:
    engine = Engine(osmem.url)
    before = _indices(engine)
    found = previewed(troubled, Laptop(ministack, {HOME: EngineAddress(osmem.url, "none")}))
    assert found.checked_by == f"the engine of {HOME}"
    assert refused(found) == REFUSED
    assert (found.items, len(found.documents), found.unwanted) == (18, 12, 1)
    assert _indices(engine) == before


def test_without_an_engine_one_in_memory_is_asked(troubled: projects.Project, ministack: str) -> None:
    found = previewed(troubled, Endpoint(ministack))
    assert found.checked_by == "an engine in memory, started for this"
    assert refused(found) == REFUSED


def test_without_any_engine_own_checks_say_the_same(
    troubled: projects.Project, ministack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dynadex.platform.servers", None)  # as without the laptop's extra
    monkeypatch.delattr("dynadex.platform.servers")
    found = previewed(troubled, Endpoint(ministack))
    assert found.checked_by == OWN_CHECKS
    assert refused(found) == REFUSED


def test_what_is_taken_but_not_found_is_told(troubled: projects.Project, ministack: str) -> None:
    found = previewed(troubled, Endpoint(ministack))
    warnings = dict(found.warnings.keys())
    assert "cuts off" in warnings["year"]
    assert "not searchable" in warnings["extra"]
    assert "in no sampled document" in warnings["title"]


def test_preview_ends_with_1_where_something_would_be_refused(troubled: projects.Project, ministack: str) -> None:
    place = ("--project", troubled.directory, "--endpoint", ministack)
    ran = dynadex("preview", "troubled", *place, "--json", "--count", "2")
    assert ran.code == 1
    document = ran.document()
    assert (document["items"], document["documents"], document["refused"]) == (18, 12, 5)
    assert sum(one["count"] for one in document["refusals"]) == 5
    assert len(document["examples"]) == 2
    told = dynadex("preview", "troubled", *place)
    assert told.code == 1
    assert "KeyError" in told.out
    assert "failed to parse field [year]" in told.out


def test_a_transform_that_cannot_be_loaded_is_told(tmp_path: Path, ministack: str, troubled: projects.Project) -> None:
    for name in ("dynadex.toml", "mapping.json"):
        (tmp_path / name).write_text((troubled.directory / name).read_text())
    (tmp_path / "troubled_documents.py").write_text("import nowhere_to_be_found\n" + _MODULE)
    ran = dynadex("preview", "troubled", "--project", tmp_path, "--endpoint", ministack)
    assert ran.code == 1
    assert "indexes.troubled.transform" in ran.err
    assert "nowhere_to_be_found" in ran.err


def test_a_mapping_that_engines_refuse_as_a_whole_is_told(
    tmp_path: Path, ministack: str, troubled: projects.Project
) -> None:
    for path in troubled.directory.glob("*.*"):
        (tmp_path / path.name).write_text(path.read_text())
    mapping: dict[str, Any] = json.loads(json.dumps(_MAPPING))
    mapping["mappings"]["properties"]["year"] = {"type": "lnog"}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    ran = dynadex("preview", "troubled", "--project", tmp_path, "--endpoint", ministack, "--json")
    assert ran.code == 1
    assert "lnog" in ran.document()["mappingRefused"]


def test_numbers_that_are_given_need_no_cloud(troubled: projects.Project) -> None:
    numbers = ("--items", "1000000", "--item-bytes", "2048", "--writes-per-second", "100", "--segments", "4")
    ran = dynadex("estimate", "--project", troubled.directory, *numbers, "--json", "--assume", "shard_gib=1")
    assert (ran.code, ran.err) == (0, "")
    document = ran.document()
    assert document["refillByScan"]["readUnits"] == 500_000
    assert document["refillFromExport"]["readUnits"] == 0
    assert document["size"]["primaryShards"] == 4
    assert document["assumptions"]["shard_gib"]["value"] == 1
    assert document["prices"]["usd_export_gb"]["value"] == 0.1
    assert "us-east-1" in document["pricesOf"]
    told = dynadex("estimate", "--project", troubled.directory, *numbers)
    assert told.code == 0
    for text in ("Refill", "Steady traffic", "Formulas", "Prices", "Assumptions", "us-east-1", "500,000"):
        assert text in told.out


def test_prices_come_from_a_file_and_from_options_which_win(troubled: projects.Project, tmp_path: Path) -> None:
    numbers = ("--items", "1000000", "--item-bytes", "2048", "--json")
    (tmp_path / "prices.toml").write_text("usd_export_gb = 0.15\nusd_gb_month_s3 = 0.03\n")
    (tmp_path / "prices.json").write_text('{"usd_export_gb": "much"}')
    (tmp_path / "broken.toml").write_text("usd_export_gb =")
    place = ("estimate", "--project", troubled.directory, *numbers)
    ran = dynadex(*place, "--prices", str(tmp_path / "prices.toml"), "--price", "usd_gb_month_s3=0.04")
    assert [ran.document()["prices"][name]["value"] for name in ("usd_export_gb", "usd_gb_month_s3")] == [0.15, 0.04]
    for file, told in (("prices.json", "usd_export_gb is 'much'"), ("broken.toml", "cannot be read")):
        wrong = dynadex(*place, "--prices", str(tmp_path / file))
        assert wrong.code != 0
        assert told in wrong.err


def test_the_tables_own_size_is_taken_where_none_is_given(source: str, tmp_path: Path) -> None:
    assert init(STORE, source, tmp_path).code == 0
    ran = dynadex("estimate", "order", "--project", tmp_path, "--endpoint", source, "--json")
    assert (ran.code, ran.document()["items"]) == (0, 300), ran.err
    assert "six hours" in ran.document()["notes"][0]
    assert dynadex("estimate", "--project", tmp_path, "--endpoint", source).code == 2  # of which index?

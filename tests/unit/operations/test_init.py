"""The files that `init` writes: read back as the project they are meant to be, whatever the table holds."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynadex import project as projects
from dynadex.core.attributes import KeyAttribute, KeySchema
from dynadex.operations.init import Beginning, FilesThere, begin
from dynadex.operations.sampling import Described, Sample

KEY = KeySchema(KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))


def described(name: str = "Orders", key: KeySchema = KEY, **others: Any) -> Described:
    plain: dict[str, Any] = {"items": 2000, "bytes": 400_000, "stream": "NEW_AND_OLD_IMAGES", "ttl": None}
    return Described(name, "eu-west-1", key, replicas=(), on_demand=True, **{**plain, **others})


def begun(items: list[dict[str, Any]], table: Described | None = None, **options: Any) -> Beginning:
    return begin(table or described(), Sample(items, False, 12.0), source="AWS", **options)


def design(*, by_prefix: bool = False) -> list[dict[str, Any]]:
    """Customers and their orders in one table."""
    kinds: list[dict[str, Any]] = (
        [{}, {}] if by_prefix else [{"kind": {"S": "customer"}}, {"kind": {"S": "Order Line"}}]
    )
    customers = [
        {"pk": {"S": f"C#{n}"}, "sk": {"S": "PROFILE"}, "name": {"S": f"Ann {n}"}, **kinds[0]} for n in range(20)
    ]
    orders = [{"pk": {"S": f"C#{n}"}, "sk": {"S": f"ORDER#{n}"}, "total": {"N": "1"}, **kinds[1]} for n in range(30)]
    return customers + orders


def test_one_kind_of_items_makes_one_index(tmp_path: Path) -> None:
    items = [{"pk": {"S": str(n)}, "sk": {"S": "a"}, "title": {"S": f"Song {n}"}} for n in range(10)]
    found = begun(items, described("Prod.SongTable", ttl="expires"))
    assert sorted(path.name for path in found.write(tmp_path, force=False)) == ["dynadex.toml", "mapping.json"]
    project = projects.load(tmp_path)
    (table,) = project.tables.values()
    assert (project.name, project.regions) == ("prod-song-table", ("eu-west-1",))
    assert (table.physical_name, table.existing, table.ttl, table.key) == ("Prod.SongTable", True, "expires", KEY)
    (index,) = project.indexes.values()
    assert index.search.fields == ("title",)
    assert index.mapping == found.indexes[0].proposal.mapping


def test_two_kinds_by_an_attribute_make_two_indexes_with_a_match(tmp_path: Path) -> None:
    begun(design()).write(tmp_path, force=False)
    project = projects.load(tmp_path)
    assert {name: index.match for name, index in project.indexes.items()} == {
        "order-line": {"kind": ("Order Line",)},
        "customer": {"kind": ("customer",)},
    }
    assert (tmp_path / "order-line.json").is_file()


def test_two_kinds_by_a_keys_beginning_make_two_indexes_with_transforms(tmp_path: Path) -> None:
    begun(design(by_prefix=True)).write(tmp_path, force=False)
    project = projects.load(tmp_path)
    assert {name: index.transform for name, index in project.indexes.items()} == {
        "order": "entities:order_items",
        "profile": "entities:profile_items",
    }
    specification = importlib.util.spec_from_file_location("written_entities", tmp_path / "entities.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    order, profile = {"sk": "ORDER#1"}, {"sk": "PROFILE"}
    assert (module.order_items(order), module.order_items(profile)) == (order, None)
    assert (module.profile_items(order), module.profile_items(profile)) == (None, profile)


def test_the_reasons_stand_in_the_file() -> None:
    toml = begun(design()).files["dynadex.toml"]
    assert "# 30 of 50 sampled items, whose 'kind' is 'Order Line'." in toml
    assert "#   long (whole numbers of up to 64 bits): total" in toml
    assert "'kind' explains 100%" in toml


@pytest.mark.parametrize(
    ("stream", "told"),
    [("", "has no stream"), ("KEYS_ONLY", "KEYS_ONLY records"), ("OLD_IMAGE", "OLD_IMAGE records")],
)
def test_a_table_without_a_fit_stream_is_told_how_to_get_one(stream: str, told: str) -> None:
    found = begun(design(), described(stream=stream), endpoint="http://127.0.0.1:8000")
    command = (
        "aws dynamodb update-table --table-name Orders --region eu-west-1 --endpoint-url http://127.0.0.1:8000 "
        "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
    )
    assert told in found.missing
    assert command in found.missing
    assert f"#   {command}\n" in found.files["dynadex.toml"]


def test_files_that_are_there_are_not_written_over_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "customer.json").write_text("mine")
    with pytest.raises(FilesThere, match=r"customer\.json is there already.*--force"):
        begun(design()).write(tmp_path, force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["customer.json"]
    assert (tmp_path / "customer.json").read_text() == "mine"
    begun(design()).write(tmp_path, force=True)
    assert (tmp_path / "customer.json").read_text() != "mine"


def test_a_seed_keeps_items_with_their_types(tmp_path: Path) -> None:
    items = [{"pk": {"S": "a"}, "sk": {"S": "é"}, "set": {"NS": ["1"]}, "raw": {"B": "aGk="}}]
    begun(items, seed=True).write(tmp_path, force=False)
    assert [json.loads(line)["Item"] for line in (tmp_path / "seed.jsonl").read_text().splitlines()] == items
    assert projects.load(tmp_path).tables["orders"].seed == "seed.jsonl"


def test_shards_are_by_the_tables_size_and_the_share_of_an_index() -> None:
    found = begun(design(), described(items=100_000_000, bytes=200_000_000_000))
    shards = {index.name: index.proposal.mapping["settings"]["index"]["number_of_shards"] for index in found.indexes}
    # 60 % and 40 % of 200 GB, with overhead and room to grow, in shards of 25 GiB
    assert shards == {"order-line": 8, "customer": 5}
    assert json.loads(found.files["customer.json"])["settings"]["index"]["number_of_shards"] == 5
    assert "# 8 shards by the table's size" in found.files["dynadex.toml"]


def test_an_empty_table_makes_a_project_too(tmp_path: Path) -> None:
    begun([]).write(tmp_path, force=False)
    assert list(projects.load(tmp_path).indexes) == ["orders"]


_names = st.text(min_size=1, max_size=20)
_values = st.one_of(
    _names.map(lambda text: {"S": text}),
    st.integers(-(2**70), 2**70).map(lambda number: {"N": str(number)}),
    st.dictionaries(_names, st.just({"S": "a b"}), max_size=3).map(lambda inner: {"M": inner}),
)


@settings(max_examples=150, deadline=None)
@given(
    table=st.from_regex(r"[A-Za-z0-9_.-]{3,40}", fullmatch=True),
    attributes=st.lists(st.dictionaries(_names, _values, max_size=6), max_size=5),
    partition=st.text(min_size=1, max_size=30),
    entities=st.lists(_names, max_size=3, unique=True),
)
def test_whatever_names_there_are_the_project_can_be_read(
    tmp_path_factory: pytest.TempPathFactory,
    table: str,
    attributes: list[dict[str, Any]],
    partition: str,
    entities: list[str],
) -> None:
    key = KeySchema(KeyAttribute(partition, "S"))
    items: list[dict[str, Any]] = [{**values, partition: {"S": str(n)}} for n, values in enumerate(attributes)]
    for number, entity in enumerate(entities):  # several kinds of items, told apart by an attribute
        items += [
            {partition: {"S": f"{number}-{n}"}, "entity": {"S": entity}, f"only{number}": {"N": "1"}} for n in range(20)
        ]
    folder = tmp_path_factory.mktemp("any")
    found = begun(items, described(table, key))
    found.write(folder, force=True)
    project = projects.load(folder)
    assert set(project.indexes) == {index.name for index in found.indexes}
    assert {tuple(index.match.items()) for index in project.indexes.values()} == {
        tuple((name, (value,)) for name, value in index.match.items()) for index in found.indexes
    }

"""The items that a drill writes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dynadex import project as projects
from dynadex.core.attributes import KeyAttribute, typed_item
from dynadex.operations.drill_items import MOST, DrillItems, NoTemplate, template
from dynadex.project import Project, Table

TOML = """\
[project]
name = "songs"
regions = ["us-east-1"]
[tables.songs]
partition_key = "id"
[indexes.songs]
table = "songs"
mapping = "mapping.json"
match = { kind = "song" }
search = { fields = ["title^2"] }
"""
MAPPING = '{"mappings": {"dynamic": false, "properties": {"title": {"type": "text"}}}}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "dynadex.toml").write_text(TOML)
    (tmp_path / "mapping.json").write_text(MAPPING)
    return projects.load(tmp_path)


@pytest.mark.parametrize("partition", ["S", "N", "B"])
@pytest.mark.parametrize("sort", [None, "S", "N", "B"])
def test_every_item_of_a_drill_has_a_key_of_its_own_whatever_the_keys_are(partition: str, sort: str | None) -> None:
    second = KeyAttribute("sort", sort) if sort else None  # type: ignore[arg-type]
    table = Table("t", "t", KeyAttribute("key", partition), second, None, False)  # type: ignore[arg-type]
    items = DrillItems(table, "0a1b2c3d")
    ids = [items.id(number) for number in range(MOST)]
    assert len(set(ids)) == MOST
    assert all(table.key.key_of(id) == items.key(number) for number, id in enumerate(ids))


def test_the_copy_is_of_an_item_that_makes_a_document_and_changes_with_each_writing(project: Project) -> None:
    items = [
        typed_item(item)
        for item in (
            {"id": "1", "kind": "album", "title": "no song"},
            {"id": "2", "kind": "song", "title": "Help!", "year": Decimal(1965)},
        )
    ]
    made = template(project, project.indexes["songs"], items)
    assert made.attribute == "title"
    drilled = DrillItems.of(project, "songs", "0a1b2c3d")
    assert drilled.id(3) == "dynadex.drill.0a1b2c3d.3"
    first, second = made.made(drilled.key(3), 1), made.made(drilled.key(3), 2)
    assert first == {
        "id": {"S": "dynadex.drill.0a1b2c3d.3"}, "kind": {"S": "song"}, "title": {"S": "dynadex drill 1"},
        "year": {"N": "1965"},
    }  # fmt: skip
    assert first != second


def test_an_item_without_a_text_to_search_gets_an_attribute(project: Project) -> None:
    made = template(project, project.indexes["songs"], [typed_item({"id": "2", "kind": "song"})])
    assert made.attribute == "dynadex_drill"


def test_where_no_item_makes_a_document_there_is_nothing_to_copy(project: Project) -> None:
    with pytest.raises(NoTemplate, match="put some items there first"):
        template(project, project.indexes["songs"], [typed_item({"id": "1", "kind": "album"})])

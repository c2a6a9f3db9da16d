"""What a table's [admin] section may say, and what its schema must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dynadex import project as projects

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "draft": {"type": "boolean"}},
}


def load(folder: Path, schema: Any = SCHEMA, admin: str = "", table: str = 'partition_key = "id"') -> projects.Project:
    (folder / "mapping.json").write_text("{}")
    (folder / "a.schema.json").write_text(schema if isinstance(schema, str) else json.dumps(schema))
    (folder / "dynadex.toml").write_text(
        f'[project]\nname = "shop"\nregions = ["us-east-1"]\n[tables.a]\n{table}\n[tables.a.admin]\n'
        f'schema = "a.schema.json"\n{admin}\n[indexes.a]\ntable = "a"\nmapping = "mapping.json"\n'
    )
    return projects.load(folder)


def problems(folder: Path, **given: Any) -> list[str]:
    with pytest.raises(projects.ProjectError) as raised:
        load(folder, **given)
    return [str(problem) for problem in raised.value.problems]


def test_a_function_reads_what_was_compiled(tmp_path: Path) -> None:
    project = load(tmp_path, admin='id_from = ["title"]\ngroup = "editors"')
    again = projects.Project.from_json(project.to_json())
    assert again.tables == project.tables
    assert again.tables["a"].admin == projects.Admin(SCHEMA, "editors", "draft", ("title",))
    assert again.history_of(again.tables["a"]).physical_name == "shop-a-history"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "is not JSON"),
        ({"type": "object"}, 'allowed: {"type": "object", "properties": {...}}'),
        ({**SCHEMA, "properties": {"id": {"type": "strin"}, "draft": {}}}, "not a JSON Schema"),
        ({**SCHEMA, "properties": {"id": {"$ref": "https://x.test/y"}, "draft": {}}}, "leads out of the file"),
        ({**SCHEMA, "properties": {"id": {}}}, 'no property "draft"'),
        ({**SCHEMA, "properties": {"draft": {}}}, 'no property "id", a key attribute'),
        ({**SCHEMA, "properties": {"id": {}, "draft": {}, "revision": {}}}, 'the property "revision" is kept'),
    ],
)
def test_what_is_wrong_with_a_schema_is_told(tmp_path: Path, schema: Any, said: str) -> None:
    [told] = problems(tmp_path, schema=schema)
    assert told.startswith("tables.a.admin.schema: ")
    assert said in told


@pytest.mark.parametrize(
    ("admin", "entry"),
    [
        ('draft = "id"', "draft"),
        ('group = "a b"', "group"),
        ('id_from = ["titel"]', "id_from"),
        ('id_from = ["id"]', "id_from"),
        ("users = 1", "users"),
    ],
)
def test_what_is_wrong_with_the_section_is_told(tmp_path: Path, admin: str, entry: str) -> None:
    assert f"tables.a.admin.{entry}" in {told.partition(":")[0] for told in problems(tmp_path, admin=admin)}


def test_ids_are_made_only_of_one_string(tmp_path: Path) -> None:
    [told] = problems(tmp_path, admin='id_from = ["title"]', table='partition_key = "id:N"')
    assert "only for a table whose key is one string" in told


def test_a_table_may_not_have_the_history_s_name(tmp_path: Path) -> None:
    [told] = problems(tmp_path, table='partition_key = "id"\nname = "shop-a-history"')
    assert told.startswith("tables.a.name: ")

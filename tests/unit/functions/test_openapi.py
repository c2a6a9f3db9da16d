"""The OpenAPI document is made from the project; the lessons' own stands in docs/."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from dynadex import project as projects
from dynadex.functions import admin, openapi

ROOT = Path(__file__).parents[3]
LESSONS = openapi.document(projects.load(ROOT / "examples" / "lessons"))


def test_the_document_in_docs_is_that_of_the_lessons() -> None:
    """`python -m tests.unit.functions.test_openapi` writes it anew."""
    assert json.loads((ROOT / "docs" / "openapi.json").read_text()) == LESSONS


def test_every_route_of_the_admin_function_is_described() -> None:
    described = {
        f"{method.upper()} {path.replace('/admin/lessons', '/admin/{table}')}"
        for path, methods in LESSONS["paths"].items()
        for method in methods
    }
    assert {*admin._OPEN, *admin._FOR_ADMINS} <= described


def test_only_what_admins_do_wants_a_token() -> None:
    for path, methods in LESSONS["paths"].items():
        for operation in methods.values():
            assert ("security" in operation) == path.startswith("/admin/")


def test_each_schema_is_one_with_all_its_references() -> None:
    for name in LESSONS["components"]["schemas"]:
        whole = {"$ref": f"#/components/schemas/{name}", "components": LESSONS["components"]}
        jsonschema_rs.Draft202012Validator(whole)


def test_a_project_that_nobody_edits_has_no_admin_paths(tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_text("{}")
    (tmp_path / "dynadex.toml").write_text(
        '[project]\nname = "x"\nregions = ["us-east-1"]\n[tables.a]\npartition_key = "id"\n'
        '[indexes.a]\ntable = "a"\nmapping = "mapping.json"\n'
    )
    paths = openapi.document(projects.load(tmp_path))["paths"]
    assert set(paths) == {"/search", "/suggest", "/health", "/openapi.json", "/a/{id}"}


if __name__ == "__main__":
    (ROOT / "docs" / "openapi.json").write_text(json.dumps(LESSONS, indent=1, ensure_ascii=False) + "\n")

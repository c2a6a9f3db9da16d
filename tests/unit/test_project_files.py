"""The files that dynadex.toml names, the mapping and the transform's module, are read but never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dynadex.project_file.mappings import read
from dynadex.project_file.modules import module_mistake, transform_mistake

MODULE = """
from titles import folded
limited = folded
def document(item): return item
def deep(item, depth=3, *, wide=False): return item
def any(*items): return items[0]
async def later(item): return item
class Document: pass
def pair(item, other): return item
def nothing(): return None
def named(item, *, name): return None
"""


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ('{\n  "mappings": {,}\n}', "mapping.json is not JSON: line 2, column 16"),
        ('{"mappings": {}, "mappings": {}}', 'the key "mappings" is there twice'),
        ('{"mappings": {"boost": NaN}}', "NaN is not JSON"),
        ("[]", "is not an object"),
        ('{"mappings": []}', "mappings is []; allowed: an object"),
        ('{"aliases": {}}', "dynadex moves the aliases itself"),
        ('{"maping": {}}', 'unknown key "maping" (did you mean "mappings"?); allowed: settings, mappings'),
        ('{"settings": {"index": {"gc_deletes": "60s"}}}', 'index.gc_deletes is "60s"'),
        ('{"settings": {"index.gc_deletes": "59m"}}', "allowed: 1h or more, or leave it out"),
        ('{"settings": {"gc_deletes": -1}}', "gc_deletes is -1"),
        ('{"mappings": {"_source": {"enabled": false}}}', "_source must keep whole documents"),
        ('{"mappings": {"_source": {"excludes": ["a"]}}}', "_source must keep whole documents"),
        ('{"mappings": {"_routing": {"required": true}}}', "_routing cannot be required"),
    ],
)
def test_a_mistake_in_a_mapping_is_found(tmp_path: Path, mapping: str, message: str) -> None:
    (tmp_path / "mapping.json").write_text(mapping)
    _, (mistake,) = read(tmp_path / "mapping.json")
    assert message in mistake


@pytest.mark.parametrize("time", ["1h", "60m", "3600s", "2d", "3600000ms"])
def test_a_mapping_may_remember_deletions_for_an_hour_or_more(tmp_path: Path, time: str) -> None:
    (tmp_path / "mapping.json").write_text(f'{{"settings": {{"index": {{"gc_deletes": "{time}"}}}}}}')
    assert read(tmp_path / "mapping.json") == ({"settings": {"index": {"gc_deletes": time}}}, [])


def test_a_mapping_that_is_not_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_bytes(b'{"\xff": 1}')
    assert read(tmp_path / "mapping.json") == ({}, ["mapping.json is not UTF-8 at byte 2"])


@pytest.mark.parametrize("name", ["document", "folded", "limited", "deep", "any"])
def test_a_transform_may_be_defined_assigned_or_imported(tmp_path: Path, name: str) -> None:
    (tmp_path / "lessons.py").write_text(MODULE)
    assert transform_mistake(tmp_path, f"lessons:{name}") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("documents", 'no function "documents" (did you mean "document"?); it has: document, deep, any, pair, nothing'),
        ("later", "later is async; allowed: a plain function of one item"),
        ("Document", "Document is a class; allowed: a plain function of one item"),
        ("pair", "pair cannot be called with one item; allowed: def pair(item)"),
        ("nothing", "nothing cannot be called with one item"),
        ("named", "named cannot be called with one item"),
    ],
)
def test_a_transform_has_to_be_a_plain_function_of_one_item(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "lessons.py").write_text(MODULE)
    assert message in (transform_mistake(tmp_path, f"lessons:{name}") or "")


def test_a_transform_is_looked_at_but_not_run(tmp_path: Path) -> None:
    (tmp_path / "lessons.py").write_text("raise SystemExit(3)\ndef document(item): return item\n")
    assert transform_mistake(tmp_path, "lessons:document") is None


def test_a_transform_may_be_in_a_package(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("def document(item): return item\n")
    (tmp_path / "shop" / "songs.py").write_text("def document(item): return item\n")
    assert transform_mistake(tmp_path, "shop:document") is None
    assert transform_mistake(tmp_path, "shop.songs:document") is None
    assert "shop/singers.py" in (transform_mistake(tmp_path, "shop.singers:document") or "")


def test_a_module_that_is_not_python_is_reported_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "lessons.py").write_text("def document(item)\n    return item\n")
    mistake = transform_mistake(tmp_path, "lessons:document") or ""
    assert mistake.startswith("lessons.py is not Python: line 1, column 19")


def test_modules_are_files_or_folders_next_to_the_project_file(tmp_path: Path) -> None:
    (tmp_path / "titles.py").touch()
    (tmp_path / "songs").mkdir()
    assert module_mistake(tmp_path, "titles.py") is None
    assert module_mistake(tmp_path, "songs") is None
    assert 'did you mean "titles.py"?' in (module_mistake(tmp_path, "titles") or "")
    assert "no such file" in (module_mistake(tmp_path, "songs.py") or "")

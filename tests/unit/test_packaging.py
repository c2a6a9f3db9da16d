from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from dynadex.platform.packaging import Package, PackagingError, build
from dynadex.project import Project, load

TOML = """
[project]
name = "songs"
regions = ["us-east-1"]
[tables.songs]
partition_key = "id"
[indexes.songs]
table = "songs"
mapping = "mapping.json"
transform = "{transform}"
[functions]
modules = ["facts.py"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return a_project(tmp_path, "making:song")


def a_project(folder: Path, transform: str) -> Project:
    (folder / "making.py").write_text("def song(item):\n    return item\n")
    (folder / "facts.py").write_text("FACTS = 1\n")
    package = folder / "shapes" / "inner"
    package.mkdir(parents=True)
    (folder / "shapes/__init__.py").write_text("def song(item):\n    return item\n")
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text("def song(item):\n    return item\n")
    (folder / "mapping.json").write_text("{}")
    (folder / "dynadex.toml").write_text(TOML.format(transform=transform))
    return load(folder)


def native(project: Project, folder: Path) -> Package:
    return build(project, "native", "3.11", folder)


def names(package: Package) -> set[str]:
    with zipfile.ZipFile(package.path) as archive:
        return set(archive.namelist())


def test_the_package_holds_what_functions_import_and_nothing_of_the_laptop(project: Project, tmp_path: Path) -> None:
    found = names(native(project, tmp_path / "out"))
    assert {"dynadex/core/writing.py", "dynadex/functions/stream.py", "making.py", "facts.py", "project.json"} <= found
    assert {name.partition("/")[0] for name in found} <= {
        *("awscrt", "_awscrt.abi3.so", "dynadex", "fastjsonschema", "orjson", "urllib3"),
        *("making.py", "facts.py", "project.json"),
    }
    assert not [name for name in found if name.startswith(("dynadex/cli", "dynadex/operations", "dynadex/platform"))]
    assert not [name for name in found if name.endswith(".pyc")]


def test_it_is_below_twelve_megabytes(project: Project, tmp_path: Path) -> None:
    assert native(project, tmp_path / "out").bytes < 12_000_000


def test_the_same_project_makes_the_same_bytes_and_another_one_others(project: Project, tmp_path: Path) -> None:
    first = native(project, tmp_path / "one")
    assert native(project, tmp_path / "two").digest == first.digest
    (tmp_path / "making.py").write_text("def song(item):\n    return None\n")
    assert native(project, tmp_path / "three").digest != first.digest


def test_the_compiled_project_is_in_it(project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(native(project, tmp_path / "out").path) as archive:
        assert json.loads(archive.read("project.json"))["name"] == "songs"


@pytest.mark.parametrize("transform", ["shapes:song", "shapes.inner.deep:song"])
def test_a_transform_in_a_package_brings_the_whole_package(tmp_path: Path, transform: str) -> None:
    found = names(native(a_project(tmp_path, transform), tmp_path / "out"))
    assert {"shapes/__init__.py", "shapes/inner/__init__.py", "shapes/inner/deep.py"} <= found


def test_dependencies_that_cannot_be_fetched_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_CACHE", str(tmp_path / "cache"))
    toml = TOML.format(transform="making:song") + 'requirements = "more.txt"\n'
    (tmp_path / "more.txt").write_text("no-such-package-by-this-name==1 --no-index\n")
    a_project(tmp_path, "making:song")
    (tmp_path / "dynadex.toml").write_text(toml)
    with pytest.raises(PackagingError, match=r"more\.txt could not be fetched for native"):
        native(load(tmp_path), tmp_path / "out")

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dynadex.platform import packaging
from dynadex.platform.packaging import THIS_PYTHON, Package, PackagingError, build
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
    return build(project, "native", THIS_PYTHON, folder)


def names(package: Package) -> set[str]:
    with zipfile.ZipFile(package.path) as archive:
        return set(archive.namelist())


def test_the_package_holds_what_functions_import_and_nothing_of_the_laptop(project: Project, tmp_path: Path) -> None:
    found = names(native(project, tmp_path / "out"))
    assert {"dynadex/core/writing.py", "dynadex/functions/stream.py", "making.py", "facts.py", "project.json"} <= found
    assert {name.partition("/")[0] for name in found} <= {
        *("awscrt", "_awscrt.abi3.so", "dynadex", "fastjsonschema", "orjson", "urllib3"),
        *("making.py", "facts.py", "__pycache__", "project.json"),
    }
    assert not [name for name in found if name.startswith(("dynadex/cli", "dynadex/operations", "dynadex/platform"))]


def test_it_is_below_twelve_megabytes(project: Project, tmp_path: Path) -> None:
    assert native(project, tmp_path / "out").bytes < 12_000_000


def test_the_same_project_makes_the_same_bytes_and_another_one_others(project: Project, tmp_path: Path) -> None:
    first = native(project, tmp_path / "one")
    assert native(project, tmp_path / "two").digest == first.digest
    (tmp_path / "making.py").write_text("def song(item):\n    return None\n")
    assert native(project, tmp_path / "three").digest != first.digest


def test_all_modules_are_compiled_and_run_as_they_are(project: Project, tmp_path: Path) -> None:
    (tmp_path / "facts.py").write_text("import json\nWHERE = json.__name__, __file__, __cached__\n")
    (tmp_path / "making.py").write_text("def song(item):\n  broken(\n")
    with zipfile.ZipFile(native(project, tmp_path / "out").path) as archive:
        archive.extractall(tmp_path / "unpacked")
    sources = set((tmp_path / "unpacked").rglob("*.py"))
    compiled = {Path(importlib.util.source_from_cache(path)) for path in (tmp_path / "unpacked").rglob("*.pyc")}
    assert sources - compiled == {tmp_path / "unpacked/making.py"}
    # What is run is the compiled module: its source is not even looked at.
    (tmp_path / "unpacked/facts.py").write_text("raise SystemExit('read again')\n")
    program = "import facts, dynadex.functions.stream; print(*facts.WHERE)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path / "unpacked")},
        capture_output=True,
        text=True,
        check=True,
    )
    name, file, cached = ran.stdout.split()
    assert (name, file) == ("json", str(tmp_path / "unpacked/facts.py"))
    assert cached == importlib.util.cache_from_source(file)


def test_nothing_is_compiled_for_another_python(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = native(project, tmp_path / "here")
    monkeypatch.setattr(packaging, "THIS_PYTHON", "3.0")
    there = build(project, "native", "3.11", tmp_path / "there")
    assert not [name for name in names(there) if name.endswith(".pyc")]
    assert there.digest != here.digest


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

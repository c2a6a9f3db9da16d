"""Packages the functions: one zip for all of them, the same digest for the same project.

In it: the parts of dynadex that functions import, their dependencies, the project's modules, and the project compiled
to `project.json`. The dependencies are those of `requirements/functions.txt`, locked with hashes; for another machine
than this one pip fetches their wheels, for this one they are copied from where they are installed.

Where the functions' Python is this one, modules are compiled too: a new instance, whose file system is read-only, would
compile them at each start, and that takes longer than all else that it does.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from ..errors import DynadexError
from ..project import Project

Target = Literal["arm64", "x86_64", "native"]

#: Lambda takes packages of up to 250 MB unzipped.
MAX_BYTES = 250 * 1024 * 1024

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_DEPENDENCIES = ("awscrt", "fastjsonschema", "orjson", "urllib3")
_PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
# What functions import; the rest (operations, platform, cli) would only make the package larger.
_ROOMS = ("core", "functions")
_SKIPPED = ("__pycache__", ".pyi", "py.typed", ".dist-info", "/contrib/emscripten/", "tests/")


class PackagingError(DynadexError):
    """The package could not be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """A function package on disk; `digest` tells what is in it, `bytes` is its size."""

    path: Path
    digest: str
    bytes: int


def build(project: Project, target: Target, python: str, directory: Path) -> Package:
    """Makes the package for an architecture and a Python version (`3.13`) in `directory`, named by its digest."""
    directory.mkdir(parents=True, exist_ok=True)
    files = dict(_own_files())
    files.update(_dependency_files(target, python))
    files.update(_project_files(project, target, python))
    files["project.json"] = project.to_json()
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(b"%s %d\n" % (name.encode(), len(files[name])) + files[name])
    if python == THIS_PYTHON:
        digest.update(importlib.util.MAGIC_NUMBER)
        files |= dict(_compiled(files))  # not part of the digest: the same module may be compiled to other bytes
    if (size := sum(map(len, files.values()))) > MAX_BYTES:
        raise PackagingError(f"the package has {size:,} bytes unzipped; Lambda takes {MAX_BYTES:,}")
    path = directory / f"functions-{digest.hexdigest()[:16]}.zip"
    handle, temporary = tempfile.mkstemp(dir=directory, suffix=".part")
    with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    Path(temporary).replace(path)
    return Package(path, digest.hexdigest(), path.stat().st_size)


def _compiled(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The modules' bytecode, in the folders where Python looks for it, and taken as it is: nothing is written later."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.py"), Path(folder, "target.pyc")
        for name, content in files.items():
            if name.endswith(".py"):
                source.write_bytes(content)
                try:
                    py_compile.compile(str(source), str(target), name, doraise=True, invalidation_mode=unchecked)
                except py_compile.PyCompileError:  # it fails where it is imported, if it is, with its line
                    continue
                yield importlib.util.cache_from_source(name), target.read_bytes()


def _own_files() -> Iterator[tuple[str, bytes]]:
    root = Path(__file__).parents[1]
    for path in (*root.glob("*.py"), *(path for room in _ROOMS for path in (root / room).rglob("*.py"))):
        if path.name not in ("terminal.py", "__main__.py"):
            yield f"dynadex/{path.relative_to(root).as_posix()}", path.read_bytes()


def _dependency_files(target: Target, python: str) -> Iterator[tuple[str, bytes]]:
    if target == "native":
        for name in _DEPENDENCIES:
            for file in importlib.metadata.files(name) or ():
                path = Path(str(file.locate()))
                if ".." not in file.parts and path.is_file() and not _skipped(file.as_posix()):
                    yield file.as_posix(), path.read_bytes()
        return
    locked = resources.files(__package__) / "requirements" / "functions.txt"
    with resources.as_file(locked) as requirements:
        yield from _tree(_fetched(requirements, target, python))


def _project_files(project: Project, target: Target, python: str) -> Iterator[tuple[str, bytes]]:
    modules = {index.transform.partition(":")[0] for index in project.indexes.values() if index.transform}
    tops = {module.partition(".")[0] for module in modules}
    names = {top if (project.directory / top).is_dir() else f"{top}.py" for top in tops}
    names |= set(project.functions.modules)
    for name in sorted(names):
        path = project.directory / name
        if path.is_dir():
            yield from ((f"{name}/{inner}", content) for inner, content in _tree(path))
        else:
            yield name, path.read_bytes()
    if project.functions.requirements:
        requirements = project.directory / project.functions.requirements
        yield from _tree(_fetched(requirements, target, python))


def _tree(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not _skipped(name):
            yield name, path.read_bytes()


def _skipped(name: str) -> bool:
    return any(part in name for part in _SKIPPED)


def _fetched(requirements: Path, target: Target, python: str) -> Path:
    """A folder with the requirements installed for the target, from the cache where they are there already."""
    key = hashlib.sha256(f"{target} {python} {requirements.read_text()}".encode()).hexdigest()[:16]
    folder = cache_directory() / "packages" / key
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        command += ["--target", f"{temporary}/site", "--requirement", str(requirements)]
        if target != "native":
            machine = _PLATFORMS[target]
            command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
            # Lambda's Python 3.12 and later run on Amazon Linux 2023, whose glibc is 2.34
            for glibc in ("2_34", "2_28", "2_17", "2014"):
                command += ["--platform", f"manylinux{glibc if glibc == '2014' else '_' + glibc}_{machine}"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        if run.returncode:
            last = run.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
            raise PackagingError(f"{requirements.name} could not be fetched for {target}, Python {python}: {last[0]}")
        try:
            Path(temporary, "site").rename(folder)
        except OSError:  # another process was quicker
            if not folder.is_dir():
                raise
            shutil.rmtree(Path(temporary, "site"))
    return folder


def cache_directory() -> Path:
    """Where fetched things are kept between runs: DYNADEX_CACHE, or the user's cache folder."""
    base = os.environ.get("DYNADEX_CACHE")
    return Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dynadex"

"""How an index makes its documents, with its transform loaded from where the project's modules are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .core.documents import Recipe
from .project import Index, Project


def recipe_of(project: Project, index: Index, directory: Path | None = None) -> Recipe:
    """The recipe of an index whose modules are in `directory`, else in the project's."""
    directory = directory or project.directory
    return Recipe(
        index=index.name,
        transform=_function(index.transform, directory) if index.transform else None,
        include=frozenset(index.include) if index.include else None,
        exclude=frozenset(index.exclude),
        match=index.match,
        schema=project.table_of(index).key,
        beating=project.beats(index.table),
    )


def _function(reference: str, directory: Path) -> Callable[..., Any]:
    module, _, function = reference.partition(":")
    if (root := str(directory.resolve())) not in sys.path:
        sys.path.append(root)
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found

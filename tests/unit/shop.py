"""A small project, to be read with changes and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dynadex.project import Problem, ProjectError, load

MAPPING: dict[str, Any] = {
    "settings": {"number_of_shards": 1},
    "mappings": {
        "dynamic": False,
        "properties": {
            "title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            "level": {"type": "keyword"},
            "plays": {"type": "long"},
            "song": {"properties": {"key": {"type": "keyword"}}},
            "notes": {"type": "search_as_you_type"},
        },
    },
}

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:engine-a1b2c3"

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"

TOML = """
[project]
name = "shop"
regions = ["us-east-1", "eu-west-1"]
[tables.lessons]
partition_key = "id"
[indexes.lessons]
table = "lessons"
mapping = "mapping.json"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with a mapping and a module."""
    write(tmp_path, mapping=MAPPING)
    (tmp_path / "lessons.py").write_text("def document(item): return item\n")
    return tmp_path


def write(folder: Path, toml: str = TOML, mapping: object = None) -> None:
    (folder / "dynadex.toml").write_text(toml)
    if mapping is not None:
        (folder / "mapping.json").write_text(json.dumps(mapping))


def problems(path: Path) -> list[Problem]:
    with pytest.raises(ProjectError) as caught:
        load(path)
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert old in TOML
    return TOML.replace(old, new)

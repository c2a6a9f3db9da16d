"""An index's mapping file: JSON with the engine's settings and mappings, minus what dynadex must decide itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dynadex.project_file.sections import listed, quoted, suggestion

_SECTIONS = ("settings", "mappings")
_LEAST_GC_DELETES_SECONDS = 3600
_SECONDS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_CONTAINERS = {"object", "nested", "flattened", "flat_object"}


class _NotStrict(ValueError):
    pass


def read(file: Path) -> tuple[dict[str, Any], list[str]]:
    """The mapping, and a message for each mistake in it."""
    try:
        mapping = json.loads(file.read_bytes(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return {}, [f"{file.name} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"]
    except _NotStrict as error:
        return {}, [f"{file.name}: {error}"]
    except UnicodeDecodeError as error:
        return {}, [f"{file.name} is not UTF-8 at byte {error.start}"]
    except OSError as error:
        return {}, [f"{file.name} cannot be read: {error.strerror}"]
    if not isinstance(mapping, dict):
        return {}, [f'{file.name} is not an object; allowed: {{"settings": {{...}}, "mappings": {{...}}}}']
    mistakes = [f"{file.name}: {mistake}" for mistake in _mistakes(mapping)]
    return {key: mapping[key] for key in _SECTIONS if isinstance(mapping.get(key), dict)}, mistakes


def field_types(mapping: dict[str, Any]) -> dict[str, str]:
    """Path → type of all fields and sub-fields, `title` and `title.keyword` alike."""
    return dict(_fields(mapping.get("mappings", {}).get("properties"), ""))


def unknown_field(mapping: dict[str, Any], field: str) -> str | None:
    """What is wrong with the field's name, if the mapping rules out that there could be such a field."""
    if "*" in field or str(mapping.get("mappings", {}).get("dynamic", True)).lower() not in ("false", "strict"):
        return None
    types = field_types(mapping)
    parents = [field[: dot.start()] for dot in re.finditer(r"\.", field)]
    if field in types or any(types.get(parent) in _CONTAINERS for parent in parents):
        return None
    return f"the mapping has no field {quoted(field)}{suggestion(field, types)}; allowed: {listed(types)}"


def _fields(properties: object, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(properties, dict):
        return
    for name, field in properties.items():
        if isinstance(field, dict):
            yield path + name, str(field.get("type", "object"))
            yield from _fields(field.get("properties"), f"{path}{name}.")
            yield from _fields(field.get("fields"), f"{path}{name}.")


def _mistakes(mapping: dict[str, Any]) -> Iterator[str]:
    for key, value in mapping.items():
        if key == "aliases":
            yield "aliases cannot be set: dynadex moves the aliases itself when an index is rebuilt; leave them out"
        elif key not in _SECTIONS:
            yield f"unknown key {quoted(key)}{suggestion(key, _SECTIONS)}; allowed: {listed(_SECTIONS)}"
        elif not isinstance(value, dict):
            yield f"{key} is {quoted(value)}; allowed: an object"
    if isinstance(mapping.get("settings"), dict):
        yield from _settings_mistakes(mapping["settings"])
    if isinstance(mapping.get("mappings"), dict):
        yield from _mappings_mistakes(mapping["mappings"])


def _settings_mistakes(settings: dict[str, Any]) -> Iterator[str]:
    for name, value in _flat(settings, ""):
        if name.removeprefix("index.") == "gc_deletes" and _seconds(value) < _LEAST_GC_DELETES_SECONDS:
            yield (
                f"settings: {name} is {quoted(value)}, but a deletion must be remembered for as long as an older write "
                "can still arrive; allowed: 1h or more, or leave it out and dynadex sets it"
            )


def _mappings_mistakes(mappings: dict[str, Any]) -> Iterator[str]:
    # The write protocol and verify compare the stored document with the item.
    source = mappings.get("_source")
    if isinstance(source, dict) and (
        source.get("enabled") in (False, "false") or source.keys() & {"includes", "excludes"}
    ):
        yield (
            "mappings: _source must keep whole documents, for they are compared with the table's items; "
            "leave _source out and drop attributes with include, exclude or a transform"
        )
    routing = mappings.get("_routing")
    if isinstance(routing, dict) and routing.get("required") in (True, "true"):
        yield "mappings: _routing cannot be required: dynadex writes each document by its id alone; leave it out"


def _flat(settings: dict[str, Any], path: str) -> Iterator[tuple[str, object]]:
    """Settings are `{"index": {"gc_deletes": ...}}`, `{"index.gc_deletes": ...}` or `{"gc_deletes": ...}`."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield path + name, value


def _seconds(value: object) -> float:
    """An engine's time value; 0 for what is none, as 0 and -1 are."""
    time = re.fullmatch(r"(\d+)\s*(nanos|micros|ms|s|m|h|d)", str(value).lower())
    return int(time[1]) * _SECONDS[time[2]] if time else 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotStrict(f"the key {quoted(twice)} is there twice in one object; allowed: once")
    return result


def _no_constant(constant: str) -> None:
    raise _NotStrict(f"{constant} is not JSON")

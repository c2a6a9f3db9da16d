"""Whether an index was made of the mapping that the project has now, and what changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import generations
from ..engine import Engine
from ..project import Index

_VALUE_LENGTH = 60
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class MappingChanges:
    """How the project's mapping differs from that of the generation searched; `under_way`: a rebuild to it has begun.

    Each of `paths` is a line for people: `+` is new, `-` is gone, `~` changed.
    """

    paths: tuple[str, ...] = ()
    under_way: bool = False

    def advice(self, index: str, region: str) -> str:
        """What to do about it, and what changed."""
        does = "takes the rebuild up that is under way" if self.under_way else "makes it anew while searches go on"
        told = "".join(f"\n    {path}" for path in self.paths)
        return f"{region}: the mapping of {index} changed: `dynadex rebuild {index} --region {region}` {does}{told}"


def mapping_changes(engine: Engine, index: Index) -> MappingChanges:
    """Compares the project's mapping with that of the generation that searches read, if there is one."""
    there = generations.survey(engine, index.name)
    wanted = generations.digest(index.mapping)
    read = next((one for one in there if one.read), None)
    if read is None or read.digest == wanted:
        return MappingChanges()
    paths = (
        tuple(differences(read.source, index.mapping)) if read.source is not None else ("~ (the index says not what)",)
    )
    newer = (one for one in there if generations.number(one.name) > generations.number(read.name))
    return MappingChanges(paths, any(one.digest == wanted for one in newer))


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths at which two mappings differ, in order, each with its values."""
    for name in sorted({*before, *after}):
        old, new, at = before.get(name, _ABSENT), after.get(name, _ABSENT), f"{path}{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, f"{at}.")
        elif old is _ABSENT:
            yield f"+ {at}: {_told(new)}"
        elif new is _ABSENT:
            yield f"- {at}: {_told(old)}"
        elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):  # to Python True is 1
            yield f"~ {at}: {_told(old)} -> {_told(new)}"


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"

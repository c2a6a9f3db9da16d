"""Tables of a TOML document, read key by key.

A reader asks a `Section` for each key it knows. What it asks for is what is allowed, so `finish` can name every key
that nobody asked for. A mistake is added to the shared list of problems and reading goes on with a stand-in, so that
one run finds all mistakes; the caller must not use what was read once there are problems.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from dynadex.project import Problem


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text must look like: a regular expression for the whole of it, and the same in words."""

    pattern: str
    allowed: str

    def fits(self, text: str) -> bool:
        return re.fullmatch(self.pattern, text) is not None


ANYTHING = Shape(r"(?s).+", "a text that is not empty")


def quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def suggestion(name: str, names: Iterable[str]) -> str:
    """` (did you mean "..."?)`, or nothing if none of the names is close."""
    close = get_close_matches(name, list(names), n=1)
    return f" (did you mean {quoted(close[0])}?)" if close else ""


class Section:
    def __init__(self, entry: str, values: dict[str, object], problems: list[Problem]) -> None:
        self.entry = entry
        self.problems = problems
        self._values = values
        self._asked: set[str] = set()
        self._children: dict[str, Section] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def entry_of(self, key: str) -> str:
        name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key)
        return f"{self.entry}.{name}" if self.entry else name

    def problem(self, key: str, message: str) -> None:
        problem = Problem(self.entry_of(key), message)
        if problem not in self.problems:
            self.problems.append(problem)

    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def value(self, key: str) -> object:
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str, shape: Shape = ANYTHING) -> str | None:
        """None if the key is missing; the value itself even if its shape is wrong."""
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(key, f"{quoted(value)} is not a text; allowed: {shape.allowed}")
            return ""
        if not shape.fits(value):
            self.problem(key, f"{quoted(value)} is not allowed; allowed: {shape.allowed}")
        return value

    def required_text(self, key: str, shape: Shape = ANYTHING) -> str:
        value = self.text(key, shape)
        if value is None:
            self.problem(key, f"missing; allowed: {shape.allowed}")
            return ""
        return value

    def texts(self, key: str, shape: Shape = ANYTHING) -> tuple[str, ...]:
        """A list of different texts; empty if the key is missing."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            self.problem(key, f"{quoted(value)} is not a list of texts; allowed in it: {shape.allowed}")
            return ()
        for text in dict.fromkeys(value):
            if not shape.fits(text):
                self.problem(key, f"{quoted(text)} is not allowed; allowed: {shape.allowed}")
            if value.count(text) > 1:
                self.problem(key, f"{quoted(text)} is there {value.count(text)} times; allowed: each once")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        """None if the key is missing; the value itself even if it is not one of the choices."""
        value = self.value(key)
        if value is not None and value not in choices:
            close = suggestion(value, choices) if isinstance(value, str) else ""
            self.problem(key, f"{quoted(value)} is not allowed{close}; allowed: {listed(choices)}")
        return None if value is None else str(value)

    def boolean(self, key: str, default: bool) -> bool:
        value = self.value(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.problem(key, f"{quoted(value)} is not allowed; allowed: true, false")
        return default

    def integer(self, key: str, default: int, low: int, high: int, unit: str = "") -> int:
        """A whole number from low to high, both included."""
        value = self.value(key)
        allowed = f"{low} to {high}{unit and ' ' + unit}"
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(key, f"{quoted(value)} is not a whole number; allowed: {allowed}")
            return default
        if not low <= value <= high:
            self.problem(key, f"{value} is out of range; allowed: {allowed}")
        return value

    def child(self, key: str) -> Section:
        """The table under the key; an empty one if it is missing."""
        if key not in self._children:
            value = self.value(key)
            if value is not None and not isinstance(value, dict):
                self.problem(key, f"{quoted(value)} is not a table; write [{self.entry_of(key)}]")
            values = value if isinstance(value, dict) else {}
            self._children[key] = Section(self.entry_of(key), values, self.problems)
        return self._children[key]

    def children(self) -> dict[str, Section]:
        """All keys as tables, for a section whose keys are names of the user's own."""
        return {key: self.child(key) for key in self.names()}

    def finish(self) -> None:
        """Report the keys that were never asked for, here and in all tables below."""
        for key in self._values:
            if key not in self._asked:
                close = suggestion(key, self._asked)
                self.problem(key, f"unknown key{close}; allowed here: {listed(sorted(self._asked))}")
        for child in self._children.values():
            child.finish()


def overrides(section: Section, regions: tuple[str, ...]) -> dict[str, Section]:
    """The tables [….regions.REGION], which say for one region what is another there."""
    children = section.child("regions").children()
    for region in children:
        if region not in regions:
            message = f"not a region of the project{suggestion(region, regions)}; allowed: {listed(regions)}"
            section.child("regions").problem(region, message)
    return children

"""A file of items for an import, JSONL or CSV, to one item or one problem a line.

CSV has the attributes' names in its first line. A cell becomes what the JSON Schema says its attribute is: a number, a
truth value, a list of texts (`a; b`), else the text itself. JSON in a cell (`["a"]`, `{"b": 1}`) is read where the
schema has a list or an object. An empty cell is no attribute at all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .editing import Plain, read, whole_numbers

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Line:
    """One line (`number` counts from 1, a CSV's heading included) with its item and what is wrong with it, by path.

    `item` is None where nothing could be read; where something is wrong it is what could be.
    """

    number: int
    item: Plain | None
    problems: Mapping[str, str]


class WrongFile(ValueError):
    """The file as a whole cannot be read."""


def json_lines(text: str) -> Iterator[Line]:
    """A JSON object a line; empty lines are passed over."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            item = read(line.encode())
        except ValueError:
            yield Line(number, None, {"": "is not JSON"})
            continue
        if isinstance(item, dict):
            yield Line(number, item, {})
        else:
            yield Line(number, None, {"": "is not a JSON object"})


def csv_lines(text: str, properties: Mapping[str, Any]) -> Iterator[Line]:
    """Items of a CSV file, whose cells are of the types that `properties` of a JSON Schema tell."""
    # Not `splitlines`, which also ends a line at U+2028, a form feed and others: these belong to a cell.
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise WrongFile(f"the first line cannot be read: {error}") from error
    if not any(names) or len(set(names)) != len(names) or not all(names):
        raise WrongFile("the first line does not name each column once")
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, None, {"": f"is not CSV: {error}"})
            return  # where the next line begins is not known
        if not any(cells):
            continue
        if len(cells) > len(names):
            yield Line(number, None, {"": f"has {len(cells)} cells for {len(names)} columns"})
            continue
        item: Plain = {}
        problems: dict[str, str] = {}
        for name, cell in zip(names, cells, strict=False):
            if cell == "":
                continue
            try:
                item[name] = _value(cell, properties.get(name))
            except ValueError as error:
                problems[name] = str(error)
        yield Line(number, item, problems)


def _value(cell: str, described: Any) -> Any:
    told = described.get("type") if isinstance(described, dict) else None
    kinds = told if isinstance(told, list) else [told]
    if "string" in kinds or told is None:
        return cell
    text = cell.strip()
    if "boolean" in kinds and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    if "integer" in kinds or "number" in kinds:
        if _NUMBER(text):
            return whole_numbers(Decimal(text))
        raise ValueError("is not a number")
    if "boolean" in kinds:
        raise ValueError("is neither true nor false")
    if text[:1] in ("[", "{"):
        try:
            return read(text.encode())
        except ValueError:
            raise ValueError("is not JSON") from None
    if "array" in kinds:
        items = described.get("items")
        return [_value(part.strip(), items) for part in text.split(";") if part.strip()]
    return cell

"""Loads items from a file, one JSON object a line, into a table. Loading twice is harmless: puts go by key.

A line is a plain item, or `{"Item": {...}}` with DynamoDB's types, as an export has them: only these keep sets and
binaries.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ..core.attributes import InvalidKey, typed_item
from ..errors import DynadexError
from ..platform.cloud import Cloud
from ..project import Table
from .boto_items import native
from .steps import Steps

_ITEMS_A_CALL = 25  # BatchWriteItem's limit
_CALLS_AT_ONCE = 4
_TRIES = 10
_SHOWN = 10


class LoadError(DynadexError):
    """Lines of the file that are no items of the table; nothing was written."""

    def __init__(self, file: str, mistakes: list[str]) -> None:
        more = f"\n… and {len(mistakes) - _SHOWN} more" if len(mistakes) > _SHOWN else ""
        super().__init__("\n".join(f"{file}: {mistake}" for mistake in mistakes[:_SHOWN]) + more)
        self.mistakes = mistakes


def load(cloud: Cloud, region: str, table: Table, file: Path, steps: Steps) -> int:
    """Puts the file's items into the table; returns how many. Checks every line before it writes the first."""
    total = _check(table, file)
    client = cloud.client("dynamodb", region)
    done = 0
    with steps.bar(f"load {file.name} into {table.physical_name}") as bar, file.open("rb") as lines:
        with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="load") as pool:
            under_way: set[Future[int]] = set()
            for chunk in _chunks(table, lines):
                under_way.add(pool.submit(_put, client, table.physical_name, chunk))
                while len(under_way) >= _CALLS_AT_ONCE * 2:  # memory stays flat at any length
                    ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    done += sum(future.result() for future in ended)
                    bar.update(done, total)
            done += sum(future.result() for future in under_way)
        bar.update(done, total)
    return done


def _check(table: Table, file: Path) -> int:
    mistakes = []
    total = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            total += 1
            try:
                _check_key(table, _item(line))
            except (ValueError, InvalidKey) as error:
                mistakes.append(f"line {number}: {error}")
    if mistakes:
        raise LoadError(file.name, mistakes)
    return total


def _check_key(table: Table, item: dict[str, dict[str, Any]]) -> None:
    table.key.id_of(item)
    for attribute in table.key.attributes:
        if item[attribute.name][attribute.type] == "":
            raise InvalidKey(f"the key attribute {attribute.name!r} is empty")


def _item(line: bytes) -> dict[str, dict[str, Any]]:
    item = json.loads(line, parse_float=Decimal)
    if not isinstance(item, dict):
        raise ValueError("a JSON object is expected")  # noqa: TRY004 - a mistake in the file, like the others
    if item.keys() == {"Item"} and isinstance(item["Item"], dict):
        if not all(isinstance(value, dict) and len(value) == 1 for value in item["Item"].values()):
            raise ValueError('in "Item" every value is expected with DynamoDB\'s type, such as {"S": "text"}')
        return dict(item["Item"])
    return typed_item(item)


def _chunks(table: Table, lines: BinaryIO) -> Iterator[list[dict[str, Any]]]:
    """Items in groups that one call takes; a call takes no key twice, so the later line of a group wins."""
    group: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.strip():
            item = _item(line)
            group[table.key.id_of(item)] = item
            if len(group) == _ITEMS_A_CALL:
                yield list(group.values())
                group = {}
    if group:
        yield list(group.values())


def _put(client: Any, table: str, items: list[dict[str, Any]]) -> int:
    waiting: dict[str, Any] = {table: [{"PutRequest": {"Item": native(item)}} for item in items]}
    for attempt in range(_TRIES):
        waiting = client.batch_write_item(RequestItems=waiting).get("UnprocessedItems") or {}
        if not waiting:
            return len(items)
        time.sleep(random.uniform(0, min(5.0, 0.05 * 2**attempt)))
    raise TimeoutError(f"{table} did not take {len(waiting[table])} items after {_TRIES} tries; load again later")

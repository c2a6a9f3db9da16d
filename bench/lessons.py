"""Lessons, as the example generates them: as typed items, as stream events and as search queries."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from dynadex.core.attributes import typed_item
from dynadex.project import Project, load

#: A table has so many items where its size is no matter.
ITEMS = 1300

EXAMPLE = Path(__file__).parents[1] / "examples/lessons"

if str(EXAMPLE) not in sys.path:
    sys.path.append(str(EXAMPLE))

import generate  # noqa: E402 - it is the example's, found by the line above

#: An index that makes the engine work as little as one of lessons can: what clients take shows the more.
_LIGHT = {
    "settings": {"number_of_shards": 1, "refresh_interval": "200ms"},
    "mappings": {
        "dynamic": False,
        "properties": {
            **{name: {"type": "text"} for name in ("title", "artist")},
            **{name: {"type": "keyword"} for name in ("id", "level", "instrument", "genre")},
            **{name: {"type": "integer"} for name in ("tempo", "duration", "popularity", "year")},
        },
    },
}


@cache
def example() -> Project:
    """The lessons example's project, as it is."""
    return load(EXAMPLE)


@cache
def project() -> Project:
    """The same without its transform and with a light mapping: what is measured is how items become documents."""
    found = example()
    index = replace(found.indexes["lessons"], mapping=_LIGHT, transform=None, include=(), exclude=(), match={})
    return replace(found, indexes={"lessons": index})


def items(count: int, first: int = 0) -> Iterator[dict[str, dict[str, Any]]]:
    """Lessons of invented songs as typed items, the same ones each time."""
    for number in range(first, first + count):
        yield typed_item(generate.invented_lesson(number, seed=0))


def table(items: int) -> str:
    """DynamoDB's name of a table with so many items."""
    return f"lessons-{items}"


def event(images: Sequence[Mapping[str, Any]], second: float, sequence: int) -> dict[str, Any]:
    """A stream event of these items having been put, as Lambda hands it over: read from JSON."""
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{table(ITEMS)}/stream/2026-01-01T00:00:00.000"
    records = [
        {
            "eventID": f"{sequence + number:032x}",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": second,
                "Keys": {"id": image["id"]},
                "NewImage": image,
                "SequenceNumber": str(10**21 + sequence + number),
                "SizeBytes": 800,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": arn,
        }
        for number, image in enumerate(images)
    ]
    read: dict[str, Any] = json.loads(json.dumps({"Records": records}))
    return read


def events(count: int, size: int, second: float, first: int = 0) -> list[dict[str, Any]]:
    """`count` events of `size` records each, of different lessons."""
    source = items(count * size, first)
    return [event(list(islice(source, size)), second, number * size) for number in range(count)]


def queries(count: int) -> list[str]:
    """What people type: a title, a title and an artist, the beginning of a title, a title with a letter missing."""
    found = []
    for number in range(count):
        lesson = generate.invented_lesson(number * 7, seed=0)
        title, artist = lesson["title"], lesson["artist"]
        match number % 4:
            case 0:
                found.append(title)
            case 1:
                found.append(f"{artist} {title}")
            case 2:
                found.append(title.split()[-1])
            case _:
                found.append(title[:3] + title[4:])
    return found

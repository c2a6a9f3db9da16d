"""The songs of the lessons example, and when two titles count as the same."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

LESSONS = Path(__file__).parents[2] / "examples/lessons/data/lessons.jsonl"

_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ł": "l", "đ": "d"})


class Song(NamedTuple):
    title: str
    artist: str


@cache
def lessons() -> tuple[dict[str, object], ...]:
    return tuple(json.loads(line) for line in LESSONS.read_text(encoding="utf-8").splitlines())


@cache
def songs() -> tuple[Song, ...]:
    """Each song once, in the order of the file."""
    return tuple(dict.fromkeys(Song(str(lesson["title"]), str(lesson["artist"])) for lesson in lessons()))


def without_marks(text: str) -> str:
    """Latin letters without their marks: `Beyoncé` is `Beyonce`, `東京` stays."""
    plain = []
    for character in text:
        decomposed = unicodedata.normalize("NFKD", character)
        plain.append(decomposed[0] if decomposed[0].isascii() else character)
    return "".join(plain).translate(_LETTERS)


@cache
def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded, without apostrophes and dots within them."""
    folded = re.sub(r"['\u2019\u2018`\u00b4.]", "", without_marks(text).lower().translate(_LETTERS))
    return tuple(re.findall(r"[^\W_]+", folded.replace("&", " and ")))


@cache
def joined(text: str) -> str:
    """A text's letters and digits alone, without `the`."""
    return "".join(word for word in words(text) if word != "the") or "".join(words(text))


def of_title(title: str) -> list[Song]:
    """All songs of that title."""
    return [song for song in songs() if joined(song.title) == joined(title)]

"""Which words of a text a query means: for highlights, and to tell whether a hit is what was asked for.

Done here for indexes whose names are searched (`relevance`), and not by the engine: there words are also found joined,
split and by runs of three characters, which no highlighter marks; and to find them misspelt once more for each hit
costs an engine more than the search itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .wording import MARKS_WITHIN, alternatives, readings, words_of

_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{MARKS_WITHIN}](?=[^\W_]))*")
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "/": "&#x2F;"}  # as the engines do
)
#: Of longer texts only so much is looked at.
_MOST_CHARACTERS = 2000


class Meant:
    """The words of a query, and what each of them may look like in a text."""

    def __init__(self, query: str) -> None:
        self.words = words_of(query)[:16]
        self._exact = {form for word in self.words for form in (word, *alternatives(word))}
        self._exact |= {one + other for one, other in zip(self.words, self.words[1:], strict=False)}
        self._exact.update(word for reading in readings(self.words) for word in reading)
        #: With these a word of the query's may begin that a text has in several.
        self.beginnings = {word[:end] for word in self.words for end in range(1, len(word))}
        self._seen: dict[str, bool] = {}

    def exactly(self, word: str) -> bool:
        """Whether a folded word is one of the query's, or begins with its last one."""
        return word in self._exact or (bool(self.words) and word.startswith(self.words[-1]))

    def nearly(self, word: str) -> bool:
        """Whether a folded word is one of the query's, perhaps misspelt."""
        if (seen := self._seen.get(word)) is None:
            seen = self._seen[word] = self.exactly(word) or any(near(word, other) for other in self.words)
        return seen


def mark(text: str, meant: Meant) -> str | None:
    """The text as HTML, with what is meant in `<em>`; None where nothing is."""
    if not (spans := list(_spans(text[:_MOST_CHARACTERS], meant))):
        return None
    parts, end = [], 0
    for start, stop in spans:
        parts += [_escaped(text[end:start]), "<em>", _escaped(text[start:stop]), "</em>"]
        end = stop
    return "".join(parts) + _escaped(text[end:])


def marks(document: Mapping[str, Any], names: Sequence[str], meant: Meant) -> dict[str, list[str]]:
    """The fields of a document in which something is meant, marked."""
    found = {}
    for name in names:
        values = value(document, name)
        texts = [one for one in (values if isinstance(values, list) else [values]) if isinstance(one, str)]
        if marked := [one for text in texts if (one := mark(text, meant))]:
            found[name] = marked
    return found


def value(document: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as `song.title`; None where there is none."""
    if path in document:  # a name with dots in it
        return document[path]
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _spans(text: str, meant: Meant) -> Iterator[tuple[int, int]]:
    found = _words(text)
    place = 0
    while place < len(found):
        start, end, word = found[place]
        if meant.nearly(word):
            yield start, end
            place += 1
        elif word in meant.beginnings and (
            length := _joined([one for _, _, one in found[place : place + 6]], meant.words)
        ):
            yield start, found[place + length - 1][1]
            place += length
        else:
            place += 1


@lru_cache(2048)
def _words(text: str) -> tuple[tuple[int, int, str], ...]:
    """Where the words of a text begin and end, and how they are folded."""
    return tuple((match.start(), match.end(), "".join(words_of(match[0]))) for match in _WORD.finditer(text))


def _joined(following: Sequence[str], words: Sequence[str]) -> int:
    """How many of the words make one of the query's together; 0 if they do not."""
    for length in range(2, len(following) + 1):
        if "".join(following[:length]) in words:
            return length
    return 0


def _escaped(text: str) -> str:
    return text.translate(_ENTITIES)


@lru_cache(4096)
def near(word: str, other: str) -> bool:
    """Whether the two differ by no more mistakes than the engines' `AUTO` allows for words of the second's length."""
    most = 0 if len(other) < 3 else 1 if len(other) < 6 else 2
    if abs(len(word) - len(other)) > most or not most:
        return word == other
    # A letter that only one of the two has is a mistake: most words differ by too many.
    if len(set(word) ^ set(other)) > 2 * most:
        return False
    return _mistakes(word, other) <= most


def _mistakes(word: str, other: str) -> int:
    """Letters to insert, leave out, replace or swap with their neighbours, to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(word, 1):
        following = [place]
        for column, wanted in enumerate(other, 1):
            cost = min(row[column] + 1, following[column - 1] + 1, row[column - 1] + (letter != wanted))
            swapped = place > 1 and column > 1 and letter == other[column - 2] and word[place - 2] == wanted
            following.append(min(cost, before[column - 2] + 1) if swapped else cost)
        before, row = row, following
    return row[-1]

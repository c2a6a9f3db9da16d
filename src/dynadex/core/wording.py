"""Words as people type them: folded, and the other ways in which the same may be written.

Everything here is about the query's side. What is in the index is folded by the analyzers of its mapping, in the same
way; `whole` must make of a text what the normalizer that docs/search.md shows makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from unicodedata import normalize

#: Words that say little, and that people add and leave out as they like.
SMALL = frozenset(("the", "and", "n", "a", "by"))
#: Left out of whole names.
LEFT_OUT = frozenset(("the", "and", "n"))

_FOLDED = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        "ħ": "h",
        "ŋ": "n",
    }
)
#: What stands within words without parting them.
MARKS_WITHIN = "'\u2019\u2018\u02bc`\u00b4."
_WITHIN_WORDS = re.compile(f"[{MARKS_WITHIN}]")
_WORDS = re.compile(r"[^\W_]+")

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNIT = {word: number for number, word in enumerate(_UNITS)} | {"oh": 0, "o": 0}
_TEN = {word: 10 * number for number, word in enumerate(_TENS, 2)}
_NUMBER_WORDS = _UNIT.keys() | _TEN.keys() | {"hundred", "thousand"}
_OPERATORS = frozenset(("plus", "minus", "equals"))

#: How a word is written short, and in full.
_SHORT = {
    "to": "2", "too": "2", "for": "4", "you": "u", "are": "r", "your": "ur", "part": "pt", "mister": "mr",
    "missus": "mrs", "doctor": "dr", "saint": "st", "number": "no", "volume": "vol", "featuring": "feat",
    "versus": "vs", "okay": "ok", "and": "n",
}  # fmt: skip
_FULL = {
    "2": "to", "4": "for", "u": "you", "r": "are", "ur": "your", "pt": "part", "mr": "mister", "mrs": "missus",
    "dr": "doctor", "st": "saint", "no": "number", "vol": "volume", "feat": "featuring", "vs": "versus",
    "ok": "okay", "n": "and",
}  # fmt: skip


def words_of(text: str) -> list[str]:
    """The words of a text, folded; what stands within a word without parting it (apostrophes, dots) is left out."""
    return _WORDS.findall(_WITHIN_WORDS.sub("", fold(text)).replace("&", " and "))


@lru_cache(1024)
def fold(text: str) -> str:
    """Small letters without marks, for Latin letters: as the analyzers' `lowercase` and `asciifolding` make them."""
    if text.isascii():
        return text.lower()
    return "".join(map(_folded, normalize("NFC", text).lower())).translate(_FOLDED)


def _folded(character: str) -> str:
    if character.isascii():
        return character
    first = normalize("NFKD", character)[0].lower()
    return first if first.isascii() and first.isalnum() else character


def whole(words: Sequence[str]) -> str:
    """The words as one, without those that people leave out; but not without all of them."""
    return "".join(word for word in words if word not in LEFT_OUT) or "".join(words)


def alternatives(word: str) -> list[str]:
    """Other single words for the same."""
    found = [other[word] for other in (_SHORT, _FULL) if word in other]
    if word in _UNIT and word != "o":
        found.append(str(_UNIT[word]))
    elif word in _TEN:
        found.append(str(_TEN[word]))
    elif len(word) <= 2 and word.isascii() and word.isdigit():
        found += [name for name in _spelled(word) if " " not in name]
    return found


def readings(words: Sequence[str]) -> list[list[str]]:
    """The words as they are; and with numbers of several words as one, or the other way round."""
    numerals, spelled = list(_with_numerals(words)), list(_with_spelled(words))
    found = [list(words)]
    for other in (numerals, spelled):
        if len(other) != len(words) and other not in found:
            found.append(other)
    return found


def forms(words: Sequence[str]) -> list[str]:
    """The words as one, in all ways in which they may be written."""
    ways: list[Sequence[str]] = [
        words,
        list(_with_numerals(words)),
        list(_with_spelled(words)),
        [_SHORT.get(word, word) for word in words],
        [_FULL.get(word, word) for word in words],
    ]
    found = [whole(way) for way in ways] + ["".join(words)]
    # Joined by hand: `thescientist`.
    found += [form[3:] for form in found[-1:] if form.startswith("the") and len(form) > 5]
    return [form for form in dict.fromkeys(found) if form]


def _with_numerals(words: Sequence[str]) -> Iterator[str]:
    """`ninety nine` as 99, `nineteen seventy nine` as 1979, `eight six seven` as 867."""
    place = 0
    while place < len(words):
        end = place
        while end < len(words) and (words[end] in _NUMBER_WORDS or _within_number(words, end)):
            end += 1
        if end == place or words[place:end] == ["o"]:
            if words[place] not in _OPERATORS:
                yield words[place]
            place += 1
        else:
            yield _numeral(words[place:end])
            place = end


def _within_number(words: Sequence[str], place: int) -> bool:
    """Whether it is the `and` of `two hundred and five`."""
    around = words[place - 1 : place + 2]
    return (
        place > 0
        and len(around) == 3
        and around[0] in ("hundred", "thousand")
        and around[1] == "and"
        and around[2] in _NUMBER_WORDS
    )


def _numeral(words: Sequence[str]) -> str:
    numeral, last = "", ""
    for word in words:
        if word == "and":
            continue
        if word in ("hundred", "thousand"):
            last = (last or "1") + ("00" if word == "hundred" else "000")
        elif word in _UNIT and 0 < _UNIT[word] < 10 and last.endswith("0") and len(last) > 1:
            digits = str(_UNIT[word])  # twenty one, two hundred five
            last = last[: -len(digits)] + digits
        elif last.endswith("00") and word in (_TEN.keys() | _UNIT.keys()):
            digits = str(_TEN.get(word, _UNIT.get(word, 0)))
            last = last[: -len(digits)] + digits
        else:
            numeral += last
            last = str(_TEN.get(word, _UNIT.get(word, 0)))
    return numeral + last


def _with_spelled(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        names = _spelled(word) if len(word) <= 4 and word.isascii() and word.isdigit() else []
        if names:
            yield from names[0].split()
        else:
            yield word


def _spelled(numeral: str) -> list[str]:
    number = int(numeral)
    if number < 20:
        return [_UNITS[number]]
    if number < 100:
        return [_TENS[number // 10 - 2] + (f" {_UNITS[number % 10]}" if number % 10 else "")]
    if number % 1000 == 0:
        return [f"{_spelled(str(number // 1000))[0]} thousand"]
    if number % 100 == 0 and number < 1000:
        return [f"{_UNITS[number // 100]} hundred"]
    if number >= 1000:
        return [f"{_spelled(numeral[:2])[0]} {_spelled(numeral[2:])[0]}"]
    return [" ".join(_UNITS[int(digit)] for digit in numeral)]

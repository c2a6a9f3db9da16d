"""Kinds of queries: for each a rule that makes a query of a song, or None where it does not apply to that song."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from .songs import Song, joined, of_title, songs, without_marks, words
from .typing_errors import mistyped


class Query(NamedTuple):
    """`wanted`: any of these is right."""

    query: str
    kind: str
    wanted: tuple[Song, ...]


Rule = Callable[[Song, Random], str | None]

_STOP = frozenset(
    (
        "a", "an", "the", "in", "on", "of", "to", "for", "and", "or", "it", "is", "be", "me", "my", "you", "your", "i",
        "we", "all", "do", "not", "dont", "no", "by", "with", "at", "as", "if", "so", "up", "this", "that", "la", "le",
        "les", "el", "de", "du", "der", "die", "das", "en", "y", "o",
    )
)  # fmt: skip
_APOSTROPHES = "'\u2019\u2018`\u00b4"
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def _plain(text: str) -> list[str]:
    return list(words(text))


def exact(song: Song, dice: Random) -> str | None:
    return dice.choice((song.title, song.title.lower(), song.title.upper()))


def typo(song: Song, dice: Random) -> str | None:
    """One mistake in one word of four letters or more."""
    found = song.title.lower().split()
    places = [place for place, word in enumerate(found) if len(word) >= 4 and word.isascii() and word.isalpha()]
    if not places:
        return None
    place = dice.choice(places)
    found[place] = mistyped(found[place], dice)
    return " ".join(found)


def two_typos(song: Song, dice: Random) -> str | None:
    """Two mistakes in a word of eight letters or more, or one in each of two words."""
    found = song.title.lower().split()
    long = [place for place, word in enumerate(found) if len(word) >= 8 and word.isascii() and word.isalpha()]
    middling = [place for place, word in enumerate(found) if len(word) >= 5 and word.isascii() and word.isalpha()]
    if long and (len(middling) < 2 or dice.random() < 0.5):
        place = dice.choice(long)
        found[place] = mistyped(mistyped(found[place], dice), dice)
    elif len(middling) >= 2:
        for place in dice.sample(middling, 2):
            found[place] = mistyped(found[place], dice)
    else:
        return None
    return " ".join(found)


def typo_with_artist(song: Song, dice: Random) -> str | None:
    title = typo(song, dice)
    artist = song.artist.lower()
    if dice.random() < 0.4:
        artist = typo(Song(song.artist, ""), dice) or artist
    return title and dice.choice((f"{title} {artist}", f"{artist} {title}"))


def accents(song: Song, dice: Random) -> str | None:
    both = f"{song.title} {song.artist}"
    if without_marks(both) == both or not without_marks(both).isascii():
        return None
    if without_marks(song.title) != song.title:
        return without_marks(song.title).lower()
    return without_marks(dice.choice((both, f"{song.artist} {song.title}"))).lower()


def apostrophes(song: Song, dice: Random) -> str | None:
    if not any(mark in song.title for mark in _APOSTROPHES):
        return None
    other = dice.choice(("", "", "\u2019", "'", "`", "\u00b4"))
    return re.sub(f"[{_APOSTROPHES}]", other, song.title).lower()


def punctuation(song: Song, dice: Random) -> str | None:
    """All punctuation left out, or blanks instead; with the artist where it is the artist's."""
    texts = [text for text in (song.title, song.artist) if re.search(r"[^\w\s'\u2019&]", text)]
    if not texts:
        return None
    text = (
        song.title
        if song.title in texts and (len(texts) == 1 or dice.random() < 0.6)
        else f"{song.artist} {song.title}"
    )
    text = re.sub(r"['\u2019]", "", text.lower())
    return " ".join(re.sub(r"[^\w\s&]", dice.choice(("", " ")), text).split())


def ampersands(song: Song, dice: Random) -> str | None:
    pattern = r"(?i)(?<![\w.])(and|&|'?n'?)(?![\w.])"
    if re.search(pattern, song.title):
        text = song.title
    elif re.search(pattern, song.artist):
        text = dice.choice((f"{song.artist} {song.title}", f"{song.title} {song.artist}"))
    else:
        return None
    return " ".join(re.sub(pattern, dice.choice((" and ", " & ", " n ")), text).lower().split())


def joined_words(song: Song, dice: Random) -> str | None:
    found = _plain(song.title)
    if len(found) < 2:
        return None
    if dice.random() < 0.4 and len(found) <= 4:
        return "".join(found)
    place = dice.randrange(len(found) - 1)
    return " ".join([*found[:place], found[place] + found[place + 1], *found[place + 2 :]])


def split_word(song: Song, dice: Random) -> str | None:
    found = _plain(song.title)
    places = [place for place, word in enumerate(found) if len(word) >= 7 and word.isascii()]
    if not places:
        return None
    place = dice.choice(places)
    cut = dice.randrange(3, len(found[place]) - 2)
    found[place] = f"{found[place][:cut]} {found[place][cut:]}"
    return " ".join(found)


def _spelled(number: int) -> str:
    if number < 20:
        return _UNITS[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    if number % 100 == 0:
        return f"{_UNITS[number // 100]} hundred" if number < 1000 else f"{_spelled(number // 1000)} thousand"
    if 1100 <= number < 2000:
        return f"{_spelled(number // 100)} {_spelled(number % 100)}"
    return " ".join("o" if digit == "0" else _UNITS[int(digit)] for digit in str(number))


def numbers(song: Song, dice: Random) -> str | None:
    """Digits as words, or words as digits."""
    title = song.title.lower()
    text = title
    if not re.search(r"\d", title) and re.search(r"\d", song.artist):
        text = f"{song.artist.lower()} {title}"
    if re.search(r"\d", text):
        spelled = re.sub(r"\d+", lambda found: f" {_spelled(int(found[0]))} ", text)
        return " ".join(re.sub(r"[^\w\s'&]", " ", spelled).split())
    units = {word: str(number) for number, word in enumerate(_UNITS) if number}
    found = [units.get(word, word) for word in _plain(title)]
    return " ".join(found) if found != _plain(title) and len(found) > 1 else None


def partial(song: Song, dice: Random) -> str | None:
    """Some of the title's words: little ones left out, or a part from the beginning, the middle or the end."""
    found = _plain(song.title)
    if len(found) < 3:
        return None
    if dice.random() < 0.5:
        kept = [word for word in found if word not in _STOP or dice.random() < 0.4]
    else:
        length = dice.randrange(2, len(found))
        start = dice.randrange(len(found) - length + 1)
        kept = found[start : start + length]
    big = [word for word in kept if word not in _STOP]
    return " ".join(kept) if 2 <= len(kept) < len(found) and big else None


def prefix(song: Song, dice: Random) -> str | None:
    """What is there while one types: the title, or the artist and then the title, cut off within a word."""
    title = " ".join(_plain(song.title))
    text, least = (title, 6) if dice.random() < 0.6 else (f"{' '.join(_plain(song.artist))} {title}", 0)
    least = least or len(text) - len(title) + 3
    return text[: dice.randrange(least, len(text))].strip() if len(text) > least else None


def artist_and_title(song: Song, dice: Random) -> str | None:
    title, artist = song.title.lower(), song.artist.lower()
    return dice.choice(
        (f"{artist} {title}", f"{title} {artist}", f"{title} by {artist}", f"{artist} - {title}", f"{title}, {artist}")
    )


def mixed(song: Song, dice: Random) -> str | None:
    """A part of the artist's name and of the title's words, in any order."""
    title, artist = _plain(song.title), _plain(song.artist)
    big = [word for word in title if word not in _STOP] or title
    names = [word for word in artist if word not in _STOP] or artist
    taken = [*dice.sample(big, min(len(big), dice.choice((1, 2, 2)))), dice.choice(names)]
    if len(title) + len(artist) < 4 or len("".join(taken)) < 8:
        return None
    dice.shuffle(taken)
    return " ".join(taken)


def short_titles(song: Song, dice: Random) -> str | None:
    found = _plain(song.title)
    if len(found) > 1 and not all(word in _STOP for word in found):
        return None
    return dice.choice((song.title, song.title.lower(), " ".join(found)))


def languages(song: Song, dice: Random) -> str | None:
    """Other languages: as written, without marks, or with umlauts written out."""
    if song.title.isascii() or (without_marks(song.title) == song.title and not re.search(r"[^\x00-\x7f]", song.title)):
        return None
    text = song.title.lower()
    spelled = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    return dice.choice((text, without_marks(text), spelled))


def artist_only(song: Song, dice: Random) -> str | None:
    return dice.choice((song.artist, song.artist.lower(), without_marks(song.artist).lower()))


def two_troubles(song: Song, dice: Random) -> str | None:
    """A mistyped title without marks and punctuation, and the artist or a part of it."""
    found = list(_plain(song.title))
    places = [place for place, word in enumerate(found) if len(word) >= 5 and word.isascii() and word.isalpha()]
    if not places or len(found) < 2:
        return None
    place = dice.choice(places)
    found[place] = mistyped(found[place], dice)
    names = _plain(song.artist)
    by = " ".join(names) if dice.random() < 0.5 else max(names, key=len)
    dice.random()
    return dice.choice((f"{' '.join(found)} {by}", f"{by} {' '.join(found)}"))


RULES: dict[str, Rule] = {
    "exact": exact,
    "typo": typo,
    "two typos": two_typos,
    "typo with artist": typo_with_artist,
    "accents": accents,
    "apostrophes": apostrophes,
    "punctuation": punctuation,
    "and": ampersands,
    "joined": joined_words,
    "split": split_word,
    "numbers": numbers,
    "partial": partial,
    "prefix": prefix,
    "artist and title": artist_and_title,
    "mixed": mixed,
    "short titles": short_titles,
    "languages": languages,
    "artist": artist_only,
    "two troubles": two_troubles,
}


def queries(seed: str, count: int) -> list[Query]:
    """So many queries of each kind, or fewer where a kind fits few songs, each of another song or another query."""
    found: list[Query] = []
    for kind, rule in RULES.items():
        dice = Random(f"{seed} {kind}")
        seen: set[str] = set()
        order = list(songs())
        for _ in range(3):
            dice.shuffle(order)
            for song in order:
                if sum(query.kind == kind for query in found) >= count:
                    break
                made = rule(song, dice)
                if made and made not in seen and (wanted := wanted_by(made, kind, song)):
                    seen.add(made)
                    found.append(Query(made, kind, wanted))
    return found


def wanted_by(query: str, kind: str, song: Song) -> tuple[Song, ...]:
    """The songs that are right for a query made of this one; none where it means another song just as well."""
    if kind == "artist":
        asked = joined(song.artist)  # it may be a title as well
        return tuple(other for other in songs() if asked in (joined(other.artist), joined(other.title)))
    asked = joined(query)
    alike = of_title(song.title)
    if any(joined(other.title) == asked and other not in alike for other in songs()):
        return ()  # it is another song's whole title
    if kind in ("partial", "prefix", "mixed"):
        parts = words(query)
        if all(part in _STOP for part in parts):
            return ()
        fit = [other for other in songs() if _has(other, parts, kind == "prefix")]
        return tuple(dict.fromkeys([song, *fit])) if len(fit) <= 5 else ()
    if kind in ("artist and title", "typo with artist", "two troubles") or joined(song.artist) in asked:
        return (song,)
    return tuple(alike)


def _has(song: Song, parts: tuple[str, ...], unfinished: bool) -> bool:
    """Whether all of the words are in the song's title and artist, the last one perhaps unfinished."""
    there = [*words(song.title), *words(song.artist)]
    for place, part in enumerate(parts):
        last = unfinished and place == len(parts) - 1
        if not any(word.startswith(part) if last else word == part for word in there):
            return False
    return True


JUDGED = Path(__file__).with_name("queries.jsonl")


def judged() -> list[Query]:
    """The queries kept with the project: written by hand, and of each kind some made by its rule."""
    found = (json.loads(line) for line in JUDGED.read_text(encoding="utf-8").splitlines())
    return [Query(one["query"], one["kind"], tuple(Song(*song) for song in one["wanted"])) for one in found]

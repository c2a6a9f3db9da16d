"""Lessons for the example: of the real songs in data/songs.tsv first, then of invented ones, as many as wanted.

Nothing here depends on the order of generation, on the clock or on Python's own hashing: a lesson of a real song
follows from its id, an invented one from its number and the seed. So the same call gives the same bytes on every
machine, and the first lessons of a long run are those of a short one.

    python examples/lessons/generate.py                                       rewrites data/lessons.jsonl
    python examples/lessons/generate.py --count 1000000 --output lessons.jsonl
"""

import argparse
import csv
import json
import re
import signal
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar

import wording

DATA = Path(__file__).parent / "data"
SONGS = DATA / "songs.tsv"
LESSONS = DATA / "lessons.jsonl"

LEVELS = ("beginner", "intermediate", "advanced")
STANDARD_TUNINGS = {
    "guitar": "E standard",
    "bass": "E standard",
    "ukulele": "GCEA",
    "banjo": "Open G",
    "mandolin": "GDAE",
}
# A bass follows the guitar down, but not into tunings that make sense on six strings only.
BASS_TUNINGS = frozenset({"Drop D", "Drop C#", "Drop C", "Eb standard", "D standard", "C standard"})
# From this popularity on, a song gets a lesson on a second instrument.
SECOND_LESSON_POPULARITY = 90
LAST_PUBLISHED = date(2025, 6, 30).toordinal()
DURATIONS = {"beginner": (480, 1200), "intermediate": (720, 1800), "advanced": (1200, 2700)}

GENRE_FAMILY = {genre: family for family, genres in wording.FAMILIES.items() for genre in genres}
GENRES = tuple(GENRE_FAMILY)
INVENTED_INSTRUMENTS = ("guitar",) * 12 + ("bass", "bass", "ukulele", "ukulele", "piano", "piano", "drums", "drums")
FOLK_INSTRUMENTS = (*INVENTED_INSTRUMENTS, "banjo", "mandolin")
INVENTED_LEVELS = ("beginner",) * 4 + ("intermediate",) * 4 + ("advanced",) * 2
INVENTED_KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in ("C", "D", "E", "F", "G", "A", "B"))
INVENTED_TUNINGS = ("",) * 9 + ("Eb standard", "Drop D", "Open G", "DADGAD")

Option = TypeVar("Option")


class Song(NamedTuple):
    """What is known of a song, at concert pitch. `tempo` is in beats per minute.

    An unknown `year` is 0, other unknown facts are empty: `chords` then follow from the key, `tuning` from the
    instrument.
    """

    title: str
    artist: str
    year: int
    genre: str
    key: str
    tempo: int
    chords: tuple[str, ...]
    tuning: str
    album: str
    popularity: int
    level: str
    instruments: tuple[str, ...]
    slug: str


class Dice:
    """Choices that follow from a text alone. One holds 256 bits: enough for some forty choices."""

    __slots__ = ("_bits",)

    def __init__(self, text: str) -> None:
        self._bits = int.from_bytes(blake2b(text.encode(), digest_size=32).digest(), "little")

    def below(self, limit: int) -> int:
        self._bits, choice = divmod(self._bits, limit)
        return choice

    def between(self, lowest: int, highest: int) -> int:
        return lowest + self.below(highest - lowest + 1)

    def pick(self, options: Sequence[Option]) -> Option:
        return options[self.below(len(options))]


_WITHOUT_MARKS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ł": "l", "&": " and ", "'": None, "\u2019": None}
)


def slugify(text: str) -> str:
    """The text in small ASCII letters and digits, words joined by hyphens."""
    text = text.lower().translate(_WITHOUT_MARKS)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")


_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_STEPS = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_LETTERS = "CDEFGAB"


def scale(key: str) -> list[str]:
    """The seven notes of a key such as "F# minor" (natural minor), each letter used once."""
    tonic, mode = key.split()
    start = _PITCHES[tonic[0]] + tonic.count("#") - tonic.count("b")
    notes = []
    for degree, step in enumerate(_STEPS[mode]):
        letter = _LETTERS[(_LETTERS.index(tonic[0]) + degree) % 7]
        accidentals = (start + step - _PITCHES[letter] + 6) % 12 - 6
        notes.append(letter + ("#" * accidentals if accidentals > 0 else "b" * -accidentals))
    return notes


def chord(numeral: str, notes: Sequence[str]) -> str:
    """The chord that a Roman numeral names in a scale: "V7" in C major is "G7"."""
    match = re.fullmatch(r"([iv]+|[IV]+)(.*)", numeral)
    if match is None:
        raise ValueError(f"{numeral!r} is not a Roman numeral with a suffix")
    degree, suffix = match.groups()
    return notes[_DEGREES.index(degree.lower())] + ("m" if degree.islower() else "") + suffix


@cache
def progressions(key: str, family: str) -> tuple[tuple[str, ...], ...]:
    """The chord sequences used for this key and family of genres, spelled in the key."""
    numerals = wording.MINOR_CHORDS if key.endswith("minor") else wording.MAJOR_CHORDS
    notes = scale(key)
    return tuple(tuple(chord(numeral, notes) for numeral in sequence.split()) for sequence in numerals[family])


def tuning_of(song: Song, instrument: str) -> str | None:
    """How the instrument is tuned for this song; None for those that the player does not tune."""
    standard = STANDARD_TUNINGS.get(instrument)
    if song.tuning and (instrument == "guitar" or (instrument == "bass" and song.tuning in BASS_TUNINGS)):
        return song.tuning
    return standard


def describe(
    song: Song, instrument: str, level: str, chords: Sequence[str], tuning: str | None, dice: Dice
) -> tuple[str, str]:
    """A description of three sentences, and the tag of the technique that it is about."""
    family = GENRE_FAMILY[song.genre]
    techniques = wording.GUITAR[family] if instrument == "guitar" else wording.OTHERS[instrument]
    tag, technique = dice.pick(techniques[level])
    closing = dice.pick(wording.CLOSINGS)
    if tuning and tuning != STANDARD_TUNINGS[instrument]:
        closing = wording.TUNING_CLOSING
    credit = song.title if song.artist == "Traditional" else f"{song.title} by {song.artist}"
    opening = dice.pick(wording.OPENINGS[level])
    opening = opening.format(title=song.title, song=credit, genre=song.genre)
    listed = f"{', '.join(chords[:-1])} and {chords[-1]}"
    closing = closing.format(tempo=song.tempo, key=song.key, chords=listed, tuning=tuning)
    return f"{opening} {technique} {closing}", tag


def lesson(song: Song, instrument: str, level: str, popularity: int, lesson_id: str, dice: Dice) -> dict[str, Any]:
    """One lesson as an item: `tempo` in beats per minute, `duration` in seconds, `popularity` from 0 to 100."""
    # Chosen by the song alone: a second lesson must not disagree with the first.
    chords = song.chords or Dice(song.slug).pick(progressions(song.key, GENRE_FAMILY[song.genre]))
    tuning = tuning_of(song, instrument)
    description, technique = describe(song, instrument, level, chords, tuning, dice)
    tags = [slugify(song.genre), technique]
    if song.year:
        tags.append(f"{song.year // 10 * 10}s" if song.year >= 1900 else f"{song.year // 100 + 1}th-century")
    if tuning and tuning != STANDARD_TUNINGS[instrument]:
        tags.append("alternate-tuning")
    if song.tempo < 75:
        tags.append("slow")
    elif song.tempo >= 150:
        tags.append("fast")
    if popularity >= 90:
        tags.append("essential")
    first_day = date(max(2014, song.year + 1), 1, 1).toordinal()
    item: dict[str, Any] = {
        "id": lesson_id,
        "title": song.title,
        "artist": song.artist,
        "instrument": instrument,
        "level": level,
        "genre": song.genre,
        "key": song.key,
        "tempo": song.tempo,
        "chords": list(chords),
        "duration": dice.between(*DURATIONS[level]),
        "instructor": dice.pick(wording.INSTRUCTORS),
        "published": date.fromordinal(dice.between(first_day, LAST_PUBLISHED)).isoformat(),
        "description": description,
        "tags": list(dict.fromkeys(tags)),
        "popularity": popularity,
    }
    if tuning:
        item["tuning"] = tuning
    if song.year:
        item["year"] = song.year
    if song.album:
        item["album"] = song.album
    return item


def read_songs() -> Iterator[Song]:
    """The songs of the table, in its order."""
    with SONGS.open(encoding="utf-8", newline="\n") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Song(
                title=row["title"],
                artist=row["artist"],
                year=int(row["year"] or 0),
                genre=row["genre"],
                key=row["key"],
                tempo=int(row["tempo"]),
                chords=tuple(row["chords"].split()),
                tuning=row["tuning"],
                album=row["album"],
                popularity=int(row["popularity"]),
                level=row["level"],
                instruments=tuple(row["instruments"].split(",")),
                slug=row["slug"] or slugify(f"{row['title']} {row['artist']}"),
            )


def real_lessons() -> Iterator[dict[str, Any]]:
    """The lessons of the songs in the table, in its order: one a song, two for the best known."""
    for song in read_songs():
        first, *others = song.instruments
        lesson_id = f"{song.slug}-{first}"
        yield lesson(song, first, song.level, song.popularity, lesson_id, Dice(lesson_id))
        if others and song.popularity >= SECOND_LESSON_POPULARITY:
            dice = Dice(f"{song.slug} again")
            second = dice.pick(others)
            level = LEVELS[max(0, LEVELS.index(song.level) - dice.below(2))]
            lesson_id = f"{song.slug}-{second}"
            yield lesson(song, second, level, song.popularity - dice.between(3, 14), lesson_id, Dice(lesson_id))


def invented_lesson(number: int, seed: int) -> dict[str, Any]:
    """The lesson of this number: an invented song, in the shape of the real ones, with the number at the id's end."""
    dice = Dice(f"{seed}/{number}")
    words = {
        "a": dice.pick(wording.ADJECTIVES),
        "n": dice.pick(wording.NOUNS),
        "n2": dice.pick(wording.NOUNS),
        "p": dice.pick(wording.PLACES),
        "v": dice.pick(wording.VERBS),
    }
    title = dice.pick(wording.TITLES).format_map(words)
    names = {
        "a": dice.pick(wording.ADJECTIVES),
        "n": dice.pick(wording.NOUNS),
        "p": dice.pick(wording.PLACES),
        "first": dice.pick(wording.FIRST_NAMES),
        "last": dice.pick(wording.LAST_NAMES),
        "number": dice.between(1, 9),
    }
    artist = dice.pick(wording.BANDS).format_map(names)
    genre = dice.pick(GENRES)
    family = GENRE_FAMILY[genre]
    instrument = dice.pick(FOLK_INSTRUMENTS if family == "folk" else INVENTED_INSTRUMENTS)
    song = Song(
        title=title,
        artist=artist,
        year=dice.between(1955, 2023),
        genre=genre,
        key=dice.pick(INVENTED_KEYS),
        tempo=dice.between(*wording.TEMPOS[family]),
        chords=(),
        tuning=dice.pick(INVENTED_TUNINGS),
        album=dice.pick(wording.ALBUMS).format_map(names),
        # Few songs are known widely: the product of two throws leans towards zero.
        popularity=dice.below(10) * dice.below(10),
        level=dice.pick(INVENTED_LEVELS),
        instruments=(instrument,),
        slug=slugify(f"{title} {artist}"),
    )
    lesson_id = f"{song.slug}-{instrument}-{number}"
    return lesson(song, instrument, song.level, song.popularity, lesson_id, dice)


def lessons(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The first `count` lessons, one at a time: those of real songs, then invented ones.

    Ids are unique within a run. `seed` changes the invented lessons only. ValueError if `count` is negative.
    """
    made = 0
    for item in islice(real_lessons(), count):
        yield item
        made += 1
    for number in range(made, count):
        yield invented_lesson(number, seed)


def write(items: Iterable[dict[str, Any]], file: TextIO) -> None:
    """One JSON object a line."""
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
    file.writelines(f"{encode(item)}\n" for item in items)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write lessons, one JSON object a line.")
    parser.add_argument("--count", type=int, help="how many lessons (default: those of the real songs)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other invented lessons (default: 0)")
    parser.add_argument("--output", help="a file, or - for stdout (without --count: data/lessons.jsonl)")
    arguments = parser.parse_args()
    if arguments.count is not None and (arguments.count < 0 or arguments.output is None):
        parser.error("--count takes a number from 0 up, and needs --output")
    items = real_lessons() if arguments.count is None else lessons(arguments.count, arguments.seed)
    to_stdout = arguments.output == "-"
    if to_stdout:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when the reader has enough, as in `| head`
    target = sys.stdout.fileno() if to_stdout else arguments.output or LESSONS
    with open(target, "w", encoding="utf-8", newline="\n", closefd=not to_stdout) as file:
        write(items, file)


if __name__ == "__main__":
    main()

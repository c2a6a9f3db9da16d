"""The lessons of the example: complete, well-formed, and the same on every machine."""

import csv
import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "lessons"
LESSONS = EXAMPLE / "data" / "lessons.jsonl"
SONGS = EXAMPLE / "data" / "songs.tsv"

REQUIRED: dict[str, type] = {
    "id": str,
    "title": str,
    "artist": str,
    "instrument": str,
    "level": str,
    "genre": str,
    "key": str,
    "tempo": int,
    "chords": list,
    "duration": int,
    "instructor": str,
    "published": str,
    "description": str,
    "tags": list,
    "popularity": int,
}
OPTIONAL: dict[str, type] = {"tuning": str, "year": int, "album": str}
INSTRUMENTS = {"guitar", "bass", "ukulele", "piano", "drums", "banjo", "mandolin"}
UNTUNED = {"piano", "drums"}


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """The generator as a module; it finds its neighbour as it does when run as a script."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        yield importlib.import_module("generate")
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="module")
def committed() -> list[dict[str, Any]]:
    with LESSONS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def songs() -> list[dict[str, str]]:
    with SONGS.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def faults(lesson: dict[str, Any]) -> list[str]:
    """What is wrong with the shape or the values of a lesson."""
    found = [f"{name} is missing" for name in REQUIRED if name not in lesson]
    for name, value in lesson.items():
        wanted = REQUIRED.get(name) or OPTIONAL.get(name)
        if wanted is None:
            found.append(f"{name} is unknown")
        elif type(value) is not wanted:
            found.append(f"{name} is {value!r}")
        elif value in ("", []):
            found.append(f"{name} is empty")
    if found:
        return found
    rules = {
        "id": re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", lesson["id"]),
        "instrument": lesson["instrument"] in INSTRUMENTS,
        "level": lesson["level"] in {"beginner", "intermediate", "advanced"},
        "key": re.fullmatch(r"[A-G][#b]? (major|minor)", lesson["key"]),
        "tempo": 40 <= lesson["tempo"] <= 220,
        "chords": all(re.fullmatch(r"[A-G][#b]?[\w+/#]*", chord) for chord in lesson["chords"]),
        "duration": 300 <= lesson["duration"] <= 3600,
        "published": date(2014, 1, 1) <= date.fromisoformat(lesson["published"]) <= date(2025, 6, 30),
        "published after the song": int(lesson["published"][:4]) > lesson.get("year", 0),
        "description": lesson["description"].count(" ") > 15 and "{" not in lesson["description"],
        "tags": len(set(lesson["tags"])) == len(lesson["tags"]) and all(type(tag) is str for tag in lesson["tags"]),
        "popularity": 0 <= lesson["popularity"] <= 100,
        "tuning": ("tuning" in lesson) == (lesson["instrument"] not in UNTUNED),
    }
    return [f"{rule}: {lesson.get(rule)!r}" for rule, holds in rules.items() if not holds]


def test_the_committed_lessons_are_what_the_script_writes() -> None:
    script = [sys.executable, str(EXAMPLE / "generate.py"), "--output", "-"]
    written = subprocess.run(script, check=True, capture_output=True).stdout
    assert written == LESSONS.read_bytes()


def test_every_song_of_the_table_has_one_or_two_lessons(
    songs: list[dict[str, str]], committed: list[dict[str, Any]]
) -> None:
    lessons = Counter((lesson["title"], lesson["artist"]) for lesson in committed)
    assert lessons.keys() == {(song["title"], song["artist"]) for song in songs}
    assert set(lessons.values()) == {1, 2}
    assert 600 <= len(committed) < 800


def test_no_song_is_in_the_table_twice(songs: list[dict[str, str]]) -> None:
    counted = Counter((song["title"], song["artist"]) for song in songs)
    assert [song for song, times in counted.items() if times > 1] == []


def test_lessons_carry_the_facts_of_the_table(songs: list[dict[str, str]], committed: list[dict[str, Any]]) -> None:
    facts = {(song["title"], song["artist"]): song for song in songs}
    for lesson in committed:
        song = facts[lesson["title"], lesson["artist"]]
        assert (lesson["genre"], lesson["key"], lesson["tempo"]) == (song["genre"], song["key"], int(song["tempo"]))
        assert (lesson.get("year"), lesson.get("album")) == (int(song["year"] or 0) or None, song["album"] or None)
        assert lesson["instrument"] in song["instruments"].split(",")
        if lesson["instrument"] == "guitar" and song["tuning"]:
            assert lesson["tuning"] == song["tuning"]
        if song["chords"]:
            assert lesson["chords"] == song["chords"].split()


def test_chords_not_in_the_table_belong_to_the_key(
    generate: ModuleType, songs: list[dict[str, str]], committed: list[dict[str, Any]]
) -> None:
    known = {(song["title"], song["artist"]) for song in songs if song["chords"]}
    derived = [lesson for lesson in committed if (lesson["title"], lesson["artist"]) not in known]
    assert derived
    for lesson in derived:
        roots = {re.sub(r"^([A-G][#b]?).*", r"\1", chord) for chord in lesson["chords"]}
        assert roots <= set(generate.scale(lesson["key"])), lesson["id"]


def test_lessons_are_well_formed(committed: list[dict[str, Any]]) -> None:
    assert {lesson["id"]: faults(lesson) for lesson in committed if faults(lesson)} == {}


def test_invented_lessons_have_the_same_shape(generate: ModuleType) -> None:
    made = list(generate.lessons(10_000))
    assert len(made) == 10_000
    assert {lesson["id"]: faults(lesson) for lesson in made if faults(lesson)} == {}


def test_ids_are_unique(generate: ModuleType) -> None:
    assert len({lesson["id"] for lesson in generate.lessons(50_000)}) == 50_000


def test_the_committed_lessons_come_first(generate: ModuleType, committed: list[dict[str, Any]]) -> None:
    assert list(generate.lessons(len(committed), seed=7)) == committed
    assert list(generate.lessons(10)) == committed[:10]


def test_a_short_run_is_the_start_of_a_long_one(generate: ModuleType) -> None:
    assert list(islice(generate.lessons(10_000), 5_000)) == list(generate.lessons(5_000))


def test_another_seed_invents_other_lessons(generate: ModuleType, committed: list[dict[str, Any]]) -> None:
    count = len(committed) + 100
    invented, others = (list(generate.lessons(count, seed))[len(committed) :] for seed in (0, 1))
    assert all(one != other for one, other in zip(invented, others, strict=True))


def test_lessons_are_made_one_at_a_time(generate: ModuleType) -> None:
    endless = generate.lessons(10**15)
    assert len(list(islice(endless, 2_000))) == 2_000


def test_lessons_share_nothing(generate: ModuleType) -> None:
    first, again = next(generate.lessons(1)), next(generate.lessons(1))
    first["chords"].append("X")
    first["tags"].append("X")
    assert again == next(generate.lessons(1))


def test_invented_lessons_take_about_as_many_bytes_as_real_ones(generate: ModuleType) -> None:
    invented = islice(generate.lessons(5_000), 800, None)
    sizes = [len(json.dumps(lesson, ensure_ascii=False).encode()) for lesson in invented]
    assert 600 <= sum(sizes) / len(sizes) <= 720


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Stairway to Heaven Led Zeppelin", "stairway-to-heaven-led-zeppelin"),
        ("Für Elise", "fur-elise"),
        ("Sweet Child o' Mine", "sweet-child-o-mine"),
        ("2 + 2 = 5", "2-2-5"),
        ("Simon & Garfunkel", "simon-and-garfunkel"),
        ("Jurić, Straße, Søren", "juric-strasse-soren"),
    ],
)
def test_slugs_are_ascii(generate: ModuleType, text: str, slug: str) -> None:
    assert generate.slugify(text) == slug


@pytest.mark.parametrize(
    ("key", "notes"),
    [
        ("C major", "C D E F G A B"),
        ("F# minor", "F# G# A B C# D E"),
        ("Bb major", "Bb C D Eb F G A"),
        ("Ab minor", "Ab Bb Cb Db Eb Fb Gb"),
    ],
)
def test_scales_use_each_letter_once(generate: ModuleType, key: str, notes: str) -> None:
    assert generate.scale(key) == notes.split()


@pytest.mark.parametrize(
    ("numeral", "name"), [("I", "C"), ("vi", "Am"), ("V7", "G7"), ("ii7", "Dm7"), ("IVmaj7", "Fmaj7"), ("I5", "C5")]
)
def test_numerals_name_chords(generate: ModuleType, numeral: str, name: str) -> None:
    assert generate.chord(numeral, generate.scale("C major")) == name

"""Words are folded as the mapping's analyzers fold them, and the other ways to write the same are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.wording import alternatives, fold, forms, readings, whole, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't Stop Believin\u2019", ["dont", "stop", "believin"]),
        ("AC/DC: T.N.T.", ["ac", "dc", "tnt"]),
        ("Simon & Garfunkel", ["simon", "and", "garfunkel"]),
        ("Mötley Crüe, Sigur Rós; Ænima", ["motley", "crue", "sigur", "ros", "aenima"]),
        ("Straße Łódź", ["strasse", "lodz"]),
        ("Beyonce\u0301", ["beyonce"]),
        ("東京 Катюша", ["東京", "катюша"]),
        ("...", []),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ninety nine luftballons", "99luftballons"),
        ("99 luftballons", "ninetynineluftballons"),
        ("nineteen seventy nine", "1979"),
        ("five o five", "505"),
        ("eight six seven five three oh nine", "8675309"),
        ("blink one eighty two", "blink182"),
        ("twenty five or six to four", "25or6to4"),
        ("two hundred and five", "205"),
        ("two plus two equals five", "225"),
        ("7 nation army", "sevennationarmy"),
        ("good for you", "good4u"),
        ("r u mine", "areyoumine"),
        ("the house of the rising sun", "houseofrisingsun"),
        ("rock and roll", "rockroll"),
        ("rock n roll", "rocknroll"),
        ("thescientist", "scientist"),
        ("the the", "thethe"),
    ],
)
def test_a_name_has_several_forms(text: str, form: str) -> None:
    assert form in forms(words_of(text))


def test_numbers_of_several_words_are_read_both_ways() -> None:
    assert readings(["21", "pilots"]) == [["21", "pilots"], ["twenty", "one", "pilots"]]
    assert readings(["twenty", "one", "pilots"]) == [["twenty", "one", "pilots"], ["21", "pilots"]]
    assert readings(["seven", "nation"]) == [["seven", "nation"]]


def test_single_words_have_alternatives() -> None:
    assert "7" in alternatives("seven")
    assert "seven" in alternatives("7")
    assert "mr" in alternatives("mister")
    assert alternatives("stairway") == []


@given(st.text(max_size=256))
def test_any_text_has_words_and_forms(text: str) -> None:
    words = words_of(text)
    assert all(word and not word.isspace() for word in words)
    assert bool(forms(words)) == bool(words)
    assert whole(words) == whole(words_of(" ".join(words)))
    for reading in readings(words):
        assert len(forms(reading)) <= 8


@given(st.text(max_size=50))
def test_what_is_folded_stays_so(text: str) -> None:
    assert fold(fold(text)) == fold(text)

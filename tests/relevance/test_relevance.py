"""The judged queries find what they want, on every engine; and what the measure itself rests on."""

from __future__ import annotations

from random import Random

import pytest

from dynadex.engine import Engine
from dynadex.platform.servers import Server
from tests.relevance import kinds
from tests.relevance.measuring import below_floor, filled, keystrokes, measure, table
from tests.relevance.songs import songs
from tests.relevance.typing_errors import mistyped


@pytest.mark.parametrize(
    "name",
    [
        "osmem",
        pytest.param("opensearch", marks=pytest.mark.java),
        pytest.param("elasticsearch", marks=pytest.mark.java),
    ],
)
def test_no_kind_of_query_is_below_its_floor(request: pytest.FixtureRequest, name: str) -> None:
    server: Server = request.getfixturevalue(name)
    subject = filled(Engine(server.url, prefix="relevance-"))
    every = 1 if name == "osmem" else 3  # the engines differ in little, and the real ones take their time
    scores = measure(subject, kinds.judged()[::every])
    typed = [keystrokes(subject, song) for song in Random("typed").sample(songs(), 30 // every)]
    assert below_floor(scores, typed) == [], table(scores)


def test_what_is_judged_is_in_the_example() -> None:
    judged = kinds.judged()
    assert len(judged) >= 400
    assert {song for query in judged for song in query.wanted} <= set(songs())
    assert {query.kind for query in judged} == {"by hand", *kinds.RULES}
    assert len({(query.kind, query.query) for query in judged}) == len(judged)


def test_what_is_made_follows_from_its_seed() -> None:
    assert kinds.queries("one", 3) == kinds.queries("one", 3)
    assert kinds.queries("one", 3) != kinds.queries("other", 3)


def test_a_mistyped_word_is_another_one_of_about_its_length() -> None:
    dice = Random("typing")
    for song in songs():
        for word in song.title.lower().split():
            if len(word) >= 4 and word.isalpha() and word.isascii():
                made = mistyped(word, dice)
                assert abs(len(made) - len(word)) <= 1
                assert made != word

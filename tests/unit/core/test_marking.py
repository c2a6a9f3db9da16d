"""What a query means is marked in a text, however it was typed, and the text stays a text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.marking import Meant, mark, marks, near


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("stop believin", "Don't Stop Believin\u2019", "Don&#x27;t <em>Stop</em> <em>Believin</em>\u2019"),
        ("dont", "Don't Stop", "<em>Don&#x27;t</em> Stop"),
        ("stairw", "Stairway to Heaven", "<em>Stairway</em> to Heaven"),
        ("stairwey heavan", "Stairway to Heaven", "<em>Stairway</em> to <em>Heaven</em>"),
        ("freebird", "Free Bird", "<em>Free Bird</em>"),
        ("wonder wall", "Wonderwall", "<em>Wonderwall</em>"),
        ("acdc", "AC/DC", "<em>AC&#x2F;DC</em>"),
        ("beyonce", "Beyoncé", "<em>Beyoncé</em>"),
        ("7 nation", "Seven Nation Army", "<em>Seven</em> <em>Nation</em> Army"),
        ("ninety nine", "99 Luftballons", "<em>99</em> Luftballons"),
        ("rag", "<em>Rag</em>", "&lt;em&gt;<em>Rag</em>&lt;&#x2F;em&gt;"),
        ("nothing", "One", None),
        ("", "One", None),
    ],
)
def test_what_is_meant_is_marked(query: str, text: str, marked: str | None) -> None:
    assert mark(text, Meant(query)) == marked


@given(st.text(max_size=60), st.text(max_size=120))
def test_without_its_marks_it_is_the_text(query: str, text: str) -> None:
    marked = mark(text, Meant(query))
    if marked is not None:
        assert html.unescape(re.sub("</?em>", "", marked)) == text


def test_only_fields_with_marks_are_there_and_lists_have_those_that_are_marked() -> None:
    document = {"title": "One", "tags": ["one", 2, "two"], "song": {"name": "One"}, "a.b": "one", "none": None}
    assert marks(document, ["title", "tags", "song.name", "a.b", "none", "missing"], Meant("one")) == {
        "title": ["<em>One</em>"],
        "tags": ["<em>one</em>"],
        "song.name": ["<em>One</em>"],
        "a.b": ["<em>one</em>"],
    }


@pytest.mark.parametrize(
    ("word", "typed", "same"),
    [
        ("help", "hepl", True),
        ("time", "tme", True),
        ("it", "is", False),
        ("heaven", "haevan", True),
        ("heaven", "haaavn", False),
        ("one", "ones", True),
        ("one", "only", False),
    ],
)
def test_words_are_near_as_the_engines_see_it(word: str, typed: str, same: bool) -> None:
    assert near(word, typed) is same

"""The searches that `core.querying` makes, on the lessons example's own mapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynadex import generations
from dynadex.core import bodies, querying, results
from dynadex.core.attributes import dumps
from dynadex.core.bulk import Operation
from dynadex.core.querying import Searchable
from dynadex.core.wording import LEFT_OUT, words_of
from dynadex.engine import EngineError
from tests.engine.subject import SETTINGS, Subject, statuses

MAPPING = json.loads((Path(__file__).parents[2] / "examples/lessons/mapping.json").read_text())
SEARCHABLE = Searchable(
    fields=("title^3", "artist"),
    filters=("level", "instrument", "artist"),
    highlight=("title", "artist"),
    ranges=("duration",),
    facets=("level", "instrument"),
    sorts={"longest": ("-duration",), "title": ("title.keyword",)},
    exact={"artist": "artist.keyword"},
    tie="id",
    popularity="popularity",
    suggest=("title", "artist"),
)

#: As the lessons example has it: what is searched is known by its title and artist.
KNOWN = replace(SEARCHABLE, title="title", by="artist", names="names")

# id: title, artist, instrument, level
LESSONS = {
    "halo": ("Halo", "Beyoncé", "piano", "beginner"),
    "believin": ("Don't Stop Believin\u2019", "Journey", "guitar", "advanced"),
    "stairway": ("Stairway to Heaven", "Led Zeppelin", "guitar", "advanced"),
    "knockin": ("Knockin' on Heaven\u2019s Door", "Bob Dylan", "guitar", "beginner"),
    "cohen": ("Hallelujah", "Leonard Cohen", "guitar", "intermediate"),
    "buckley": ("Hallelujah", "Jeff Buckley", "guitar", "advanced"),
    "let it be": ("Let It Be", "The Beatles", "piano", "beginner"),
    "let it be me": ("Let It Be Me", "The Everly Brothers", "guitar", "beginner"),
    "be it let": ("Be It, Let It Go", "Nobody", "bass", "beginner"),
    "rag": ("Tom & Jerry's <em>Rag</em>", 'The "Cats"', "ukulele", "beginner"),
    "1979": ("1979", "The Smashing Pumpkins", "guitar", "intermediate"),
    "tokyo": ("東京", "椎名林檎", "guitar", "advanced"),
    "etude": ("Étude in Ré", "Fernando Sor", "guitar", "advanced"),
}


def lesson(id: str) -> dict[str, Any]:
    title, artist, instrument, level = LESSONS[id]
    found = {"id": id, "title": title, "artist": artist, "instrument": instrument, "level": level, "unmapped": title}
    place = list(LESSONS).index(id)
    # the others have none: what is missing comes last, whatever the order
    return found | ({"duration": 300 + 100 * place, "popularity": place % 3} if place < 8 else {})


def filled(subject: Subject, index: str, mapping: Mapping[str, Any], documents: Mapping[str, Any]) -> str:
    """A new index with these documents, searchable; returns its generation."""
    generation = generations.ensure(subject.engine, index, mapping)
    assert generation is not None
    alias = generations.write_alias(generation)
    answers = subject.write(*(Operation(alias, id, 1, dumps(document)) for id, document in documents.items()))
    assert set(statuses(answers)) == {"applied"}
    subject.refresh(generation)
    return generation


@pytest.fixture(scope="module")
def lessons(new_subject: Callable[[], Subject]) -> Subject:
    subject = new_subject()
    filled(subject, "lessons", MAPPING, {id: lesson(id) for id in LESSONS})
    return subject


def search(subject: Subject, words: str = "", **parameters: str) -> dict[str, Any]:
    return searched(subject, SEARCHABLE, {"q": words, **parameters})


def known(subject: Subject, words: str) -> dict[str, Any]:
    return searched(subject, KNOWN, {"q": words})


def searched(
    subject: Subject, searchable: Searchable, parameters: Mapping[str, str], hidden: Sequence[str] = ()
) -> dict[str, Any]:
    asked = querying.request(parameters, searchable)
    index = generations.read_alias(subject.engine, "lessons")
    return results.result(subject.engine.search(index, bodies.query(asked, searchable, hidden)), asked, searchable)


def ids(result: Mapping[str, Any]) -> list[str]:
    return [hit["id"] for hit in result["hits"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("beyonce", {"halo"}),
        ("BEYONCÉ halo", {"halo"}),
        ("beyonce\u0301", {"halo"}),
        ("dont stop believin", {"believin"}),
        ("don't stop believin'", {"believin"}),
        ("don\u2019t", {"believin"}),
        ("don`t", {"believin"}),
        ("heavens door", {"knockin"}),
        ("stairwey to heavan", {"stairway"}),
        ("zepelin", {"stairway"}),
        ("ztairway", set()),
        ("cohen hallelujah", {"cohen"}),
        ("hallelujah", {"cohen", "buckley"}),
        ("hallelujah dylan", set()),
        ("1979", {"1979"}),
        ("東京", {"tokyo"}),
        ("etude in re", {"etude"}),
        ("nothing of this kind", set()),
        ('+-=&|><!(){}[]^"~*?:\\/ stairway', {"stairway"}),
        ("*", set()),
        ("the " * 60, {"rag", "let it be", "let it be me", "1979"}),
    ],
)
def test_words_find(lessons: Subject, words: str, found: set[str]) -> None:
    result = search(lessons, words)
    assert set(ids(result)) == found
    assert result["total"] == len(found)


def test_an_exact_title_comes_first(lessons: Subject) -> None:
    assert ids(search(lessons, "let it be"))[:2] == ["let it be", "let it be me"]
    assert "be it let" in ids(search(lessons, "let it be"))


def test_the_document_comes_with_its_score_and_all_its_fields(lessons: Subject) -> None:
    hit = search(lessons, "beyonce")["hits"][0]
    assert hit["document"] == lesson("halo")
    assert hit["score"] > 0


def test_an_attribute_that_is_not_mapped_is_not_searched(lessons: Subject) -> None:
    body = {"query": {"match": {"unmapped": "Halo"}}}
    answer = lessons.engine.search(generations.read_alias(lessons.engine, "lessons"), body)
    assert answer["hits"]["total"]["value"] == 0


@pytest.mark.parametrize(
    ("words", "filters", "found"),
    [
        ("hallelujah", {"level": "advanced"}, {"buckley"}),
        ("", {"instrument": "piano"}, {"halo", "let it be"}),
        ("", {"instrument": "piano,bass"}, {"halo", "let it be", "be it let"}),
        ("", {"instrument": "piano", "level": "advanced"}, set()),
        ("", {"level": "Advanced"}, set()),
    ],
)
def test_filters_are_exact(lessons: Subject, words: str, filters: dict[str, str], found: set[str]) -> None:
    result = search(lessons, words, **filters)
    assert (set(ids(result)), result["total"]) == (found, len(found))


def test_pages_hold_every_hit_once_with_the_same_total(lessons: Subject) -> None:
    pages = [search(lessons, page=str(page), size="5") for page in range(1, 5)]
    assert [len(page["hits"]) for page in pages] == [5, 5, 3, 0]
    assert {page["total"] for page in pages} == {len(LESSONS)}
    assert sorted(id for page in pages for id in ids(page)) == sorted(LESSONS)


def test_totals_are_exact_and_paging_reaches_as_deep_as_allowed(subject: Subject) -> None:
    count = querying.MAX_DEPTH + 5
    filled(subject, "lessons", {"settings": SETTINGS}, {str(n): {} for n in range(count)})
    result = search(subject, page=str(querying.MAX_DEPTH // 100), size="100")
    assert (result["total"], len(result["hits"])) == (count, 100)


@pytest.mark.parametrize("order", ["relevance", "longest", "title"])
@pytest.mark.parametrize("words", ["", "the"])
def test_cursors_lead_through_all_hits_in_the_order_of_pages(lessons: Subject, order: str, words: str) -> None:
    whole = search(lessons, words, sort=order, size="100")
    found: list[str] = []
    cursor: dict[str, str] = {}
    for number in range(1, 9):
        page = search(lessons, words, sort=order, size="2", **cursor)
        assert (page["page"], page["total"]) == (number, whole["total"])
        found += ids(page)
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert found == ids(whole)


def test_what_has_no_value_to_order_by_comes_last(lessons: Subject) -> None:
    found = ids(search(lessons, sort="longest"))
    assert found[:8] == list(reversed(list(LESSONS)[:8]))


def test_without_words_the_popular_come_first(lessons: Subject) -> None:
    assert ids(search(lessons, size="2")) == ["buckley", "stairway"]


@pytest.mark.parametrize(
    ("duration", "found"),
    [
        ("400-500", {"believin", "stairway"}),
        ("-400", {"halo", "believin"}),
        ("950-", {"let it be me"}),
        ("5-3", set()),
        ("399.5-400.25", {"believin"}),
    ],
)
def test_ranges_include_both_ends(lessons: Subject, duration: str, found: set[str]) -> None:
    assert set(ids(search(lessons, duration=duration))) == found


@pytest.mark.parametrize("duration", ["1-9999999999", "9999999999-", "-999999999999999999"])
def test_a_range_beyond_what_the_field_holds_is_refused(lessons: Subject, duration: str) -> None:
    with pytest.raises(EngineError) as refused:
        search(lessons, duration=duration)
    assert refused.value.status == 400


def test_a_text_is_filtered_by_its_exact_value_commas_or_not(lessons: Subject) -> None:
    assert ids(search(lessons, artist="Beyoncé")) == ["halo"]
    assert set(ids(search(lessons, artist="Beyoncé, Journey"))) == {"halo", "believin"}
    assert ids(search(lessons, artist="beyonce")) == []


def counts(result: Mapping[str, Any], name: str) -> dict[str, int]:
    return {facet["value"]: facet["count"] for facet in result["facets"][name]}


def test_a_facet_counts_what_choosing_a_value_would_find(lessons: Subject) -> None:
    found = search(lessons, "hallelujah", level="advanced")
    assert ids(found) == ["buckley"]
    assert found["total"] == 1
    assert counts(found, "level") == {"advanced": 1, "intermediate": 1}  # its own filter is no part of it
    assert counts(found, "instrument") == {"guitar": 1}
    both = search(lessons, level="beginner", instrument="piano,bass")
    assert counts(both, "level") == {"beginner": 3}
    assert counts(both, "instrument") == {"guitar": 2, "piano": 2, "bass": 1, "ukulele": 1}


def test_hidden_documents_are_neither_found_nor_counted(lessons: Subject) -> None:
    found = searched(lessons, SEARCHABLE, {"q": "hallelujah"}, ["buckley"])
    assert (ids(found), found["total"]) == (["cohen"], 1)
    assert counts(found, "level") == {"intermediate": 1}


def suggestions(
    subject: Subject, words: str, size: int = 10, searchable: Searchable = SEARCHABLE
) -> list[dict[str, Any]]:
    asked = querying.suggest_request({"q": words, "size": str(size)})
    index = generations.read_alias(subject.engine, "lessons")
    found = results.suggestions(subject.engine.search(index, bodies.suggest(asked, searchable)), asked, searchable)
    return list(found["suggestions"])


@pytest.mark.parametrize(("words", "first"), [("stairw", "stairway"), ("let it be m", "let it be me"), ("bey", "halo")])
def test_what_is_typed_so_far_is_completed(lessons: Subject, words: str, first: str) -> None:
    found = suggestions(lessons, words)[0]
    title, artist, *_ = LESSONS[first]
    assert (found["id"], found["title"], found["artist"]) == (first, title, artist)


def test_there_are_no_more_suggestions_than_asked_for(lessons: Subject) -> None:
    assert len(suggestions(lessons, "", 3)) == 3


def test_numbers_are_returned_digit_for_digit(subject: Subject) -> None:
    whole, fraction = 12345678901234567890123456789012345678, "0.1234567890123456789012345678"
    document = b'{"id":"1","title":"One","whole":%d,"fraction":%s}' % (whole, fraction.encode())
    generation = generations.ensure(subject.engine, "lessons", MAPPING)
    assert generation is not None
    subject.write(Operation(generations.write_alias(generation), "1", 1, document))
    subject.refresh(generation)
    found = search(subject, "one")["hits"][0]["document"]
    assert dumps(found) == document


# -- Highlights

#: Once a character filter has removed a character, osmem marks what follows one character too early.
STOP_BELIEVIN = {
    "osmem": "Don&#x27;t<em> Sto</em>p<em> Believi</em>n\u2019",
    "opensearch": "Don&#x27;t <em>Stop</em> <em>Believin\u2019</em>",
    "elasticsearch": "Don&#x27;t <em>Stop</em> <em>Believin\u2019</em>",
}
DONT = {
    "osmem": "<em>Don&#x27;</em>t Stop Believin\u2019",
    "opensearch": "<em>Don&#x27;t</em> Stop Believin\u2019",
    "elasticsearch": "<em>Don&#x27;t</em> Stop Believin\u2019",
}


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("beyonce", {"artist": ["<em>Beyoncé</em>"]}),
        ("led stairway", {"title": ["<em>Stairway</em> to Heaven"], "artist": ["<em>Led</em> Zeppelin"]}),
        ("cats", {"artist": ["The &quot;<em>Cats</em>&quot;"]}),
        ("tom", {"title": ["<em>Tom</em> &amp; Jerry&#x27;s &lt;em&gt;Rag&lt;&#x2F;em&gt;"]}),
    ],
)
def test_highlights_are_html_with_the_text_escaped(lessons: Subject, words: str, marked: dict[str, list[str]]) -> None:
    assert search(lessons, words)["hits"][0]["highlights"] == marked


def test_highlights_where_an_apostrophe_was_taken_out(lessons: Subject) -> None:
    for words, marked in (("stop believin", STOP_BELIEVIN), ("dont", DONT)):
        assert search(lessons, words)["hits"][0]["highlights"] == {"title": [marked[lessons.name]]}


def test_no_words_no_highlights(lessons: Subject) -> None:
    assert {str(hit["highlights"]) for hit in search(lessons)["hits"]} == {"{}"}


# -- What is known by its names


@pytest.mark.parametrize(
    ("words", "first", "meant"),
    [
        ("let it be", "let it be", None),
        ("LET IT BE ME", "let it be me", None),
        ("letitbe", "let it be", None),
        ("stair way to heaven", "stairway", None),
        ("stairwey to heavan", "stairway", "Stairway to Heaven"),
        ("ztairway", "stairway", "Stairway to Heaven"),
        ("led zepelin stairway", "stairway", "Stairway to Heaven Led Zeppelin"),
        ("stairway by led zeppelin", "stairway", None),
        ("heaven stairw", "stairway", None),
        ("dont stop believing", "believin", "Don't Stop Believin\u2019"),
        ("don\u2019t stop believin'", "believin", None),
        ("beyoncé halo", "halo", None),
        ("halo beyonce", "halo", None),
        ("hallelujah cohen", "cohen", None),
        ("jeff buckley hallelujah", "buckley", None),
        ("haleluja cohn", "cohen", "Hallelujah Leonard Cohen"),
        ("tom and jerrys rag", "rag", None),
        ("tom n jerry", "rag", None),
        ("nineteen seventy nine", "1979", None),
        ("nineteen seventy nine pumpkins", "1979", None),
        ("東京", "tokyo", None),
        ("椎名林檎 東京", "tokyo", None),
        ("etude in re", "etude", None),
        ("sor etude", "etude", None),
        ("everly", "let it be me", None),
    ],
)
def test_names_find_it_however_they_are_typed(lessons: Subject, words: str, first: str, meant: str | None) -> None:
    result = known(lessons, words)
    assert ids(result)[0] == first
    assert result["didYouMean"] == meant


@pytest.mark.parametrize("words", ["nothing of this kind", "*", "xqzw", "😀", "' . -"])
def test_what_is_like_no_name_finds_nothing(lessons: Subject, words: str) -> None:
    result = known(lessons, words)
    assert (ids(result), result["total"], result["facets"]["level"]) == ([], 0, [])


def test_alike_hits_come_in_the_order_of_their_popularity(lessons: Subject) -> None:
    assert ids(known(lessons, "hallelujah")) == ["buckley", "cohen"]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("s", "stairway"),
        ("stari", "stairway"),
        ("beyonce ha", "halo"),
        ("the smash", "1979"),
        ("let it be", "let it be"),
    ],
)
def test_names_are_completed_while_they_are_typed(lessons: Subject, words: str, first: str) -> None:
    assert suggestions(lessons, words, searchable=KNOWN)[0]["id"] == first


def test_marks_are_the_same_on_every_engine(lessons: Subject) -> None:
    for words, marked in (
        ("stop believin", {"title": ["Don&#x27;t <em>Stop</em> <em>Believin</em>\u2019"]}),
        ("dont", {"title": ["<em>Don&#x27;t</em> Stop Believin\u2019"]}),
        ("rag cats", {"title": RAG, "artist": ["The &quot;<em>Cats</em>&quot;"]}),
    ):
        assert known(lessons, words)["hits"][0]["highlights"] == marked


RAG = ["Tom &amp; Jerry&#x27;s &lt;em&gt;<em>Rag</em>&lt;&#x2F;em&gt;"]


@pytest.mark.parametrize(
    "text", [*(text for lesson in LESSONS.values() for text in lesson[:2]), "Rock 'n' Roll", "The And The N", "R.E.M."]
)
def test_a_whole_name_is_the_same_in_the_index_and_here(lessons: Subject, text: str) -> None:
    index = generations.read(lessons.engine, "lessons")[0]
    answer = lessons.engine.ask("POST", f"/{index}/_analyze", {"normalizer": "whole", "text": text})
    left = [word for word in words_of(text) if word not in LEFT_OUT]
    assert "".join(token["token"] for token in answer["tokens"]) == "".join(left)


def test_scores_do_not_depend_on_the_engine(lessons: Subject) -> None:
    hits = known(lessons, "hallelujah cohen")["hits"]
    assert [(hit["id"], round(float(hit["score"]), 2)) for hit in hits] == [("cohen", 16.29), ("buckley", 8.1)]


def test_a_generation_from_before_the_names_finds_nothing_but_answers(subject: Subject) -> None:
    filled(subject, "lessons", {"settings": SETTINGS}, {"1": {"title": "One"}})
    assert known(subject, "one")["total"] == 0


# -- Analysis


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't Stop Believin\u2019", ["dont", "stop", "believin"]),
        ("Beyoncé BEYONCÉ", ["beyonce", "beyonce"]),
        ("Beyonce\u0301", ["beyonce\u0301"]),  # only what is composed is folded
        ("Mötley Crüe, Sigur Rós; Ænima", ["motley", "crue", "sigur", "ros", "aenima"]),
        ("AC/DC R.E.M. a-ha P!nk", ["ac", "dc", "r.e.m", "a", "ha", "p", "nk"]),
        ("99 Problems 1,979", ["99", "problems", "1,979"]),
        ("東京 カラオケ", ["東", "京", "カラオケ"]),
        ("Straße İstanbul", ["strasse", "istanbul"]),
        ("", []),
        ("''", []),
    ],
)
def test_the_folding_analyzer_makes_the_same_tokens_everywhere(lessons: Subject, text: str, tokens: list[str]) -> None:
    index = generations.read(lessons.engine, "lessons")[0]
    answer = lessons.engine.ask("POST", f"/{index}/_analyze", {"analyzer": "folding", "text": text})
    assert [token["token"] for token in answer["tokens"]] == tokens


def test_a_character_filter_of_type_mapping(subject: Subject) -> None:
    # osmem ignores it when it indexes, so a mapping for the laptop's engine must use `pattern_replace`.
    analysis = {
        "char_filter": {"and": {"type": "mapping", "mappings": ["& => and"]}},
        "analyzer": {"default": {"type": "custom", "tokenizer": "standard", "char_filter": ["and"]}},
    }
    mapping = {
        "settings": SETTINGS | {"analysis": analysis},
        "mappings": {"properties": {"title": {"type": "text"}}},
    }
    index = filled(subject, "lessons", mapping, {"1": {"title": "Tom & Jerry"}})
    found = subject.engine.search(index, {"query": {"term": {"title": "and"}}})
    assert found["hits"]["total"]["value"] == (0 if subject.name == "osmem" else 1)

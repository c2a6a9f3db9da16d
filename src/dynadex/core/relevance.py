"""Words to a scored query.

Without `names` (see `Searchable`): all words must be met, over the fields together or, misspelt, within one of them.

With them, people look for something they know, and type its title, whose it is, or parts of both, as they remember and
mistype it. Everything that speaks for a document adds to its score, and each part has a bound, so that a better reason
always outweighs several lesser ones:

- the title as a whole: it is what was typed (`TITLE`), what was typed is title and author in either order (`BOTH`), is
  nearly the title (`NEARLY`), begins it (`BEGINNING`), or has the title and something of the author in it (`PART`);
- the author as a whole (`AUTHOR`), or as a part of what was typed (`AUTHOR_PART`);
- the words, one by one: `WORDS` are divided among them by their lengths. A misspelt word has a little less, by how much
  it differs, and so has the last one while it may be unfinished;
- threes: which part of all runs of three characters is met, of `THREES`. It is what still finds words that were joined,
  split or mangled;
- popularity, less than all of them, so that it decides between hits that match alike.

What has less than `LEAST` is not found. All parts are constants or of the `boolean` similarity, so scores are the same
on every engine, and do not depend on what else is in the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .querying import Searchable
from .wording import LEFT_OUT, SMALL, alternatives, forms, readings, words_of

Query = dict[str, Any]

TITLE, BOTH, NEARLY, BEGINNING, PART = 10.0, 11.0, 6.0, 4.0, 4.0
AUTHOR, AUTHOR_PART = 9.0, 3.0
WORDS, MISSPELT, UNFINISHED, UNFINISHED_MISSPELT = 8.0, 0.8, 0.85, 0.6
THREES = 5.0
POPULARITY = 0.2
LEAST = 3.6

#: The further words of a query are looked for by their threes only.
_MOST_WORDS = 12
_MOST_CHARACTERS = 60
#: Longer titles are found by their words; to look for them as a whole, misspelt, costs the engine most of its time.
_MOST_MISSPELT = 14
#: So long are the beginnings of words that the index has.
MOST_OF_A_BEGINNING = 12


def full_text(words: str, searchable: Searchable) -> Query:
    """What was typed, to the end or not."""
    if not words:
        return {"match_all": {}}
    if searchable.names is None:
        return _all_words(words, searchable)
    return _known_item(words, searchable, typing=False)


def suggested(words: str, searchable: Searchable) -> Query:
    """What somebody may be about to type, who has typed so much; without words, everything."""
    if not words:
        return {"match_all": {}}
    if searchable.names is not None:
        return _known_item(words, searchable, typing=True)
    return {"multi_match": _asked(words, searchable) | {"type": "bool_prefix", "operator": "and"}}


def least_score(words: str, searchable: Searchable) -> float | None:
    """What a hit must score; None where whatever matches is one."""
    return LEAST if words and searchable.names is not None else None


def _all_words(words: str, searchable: Searchable) -> Query:
    asked = _asked(words, searchable)
    across = {**asked, "type": "cross_fields", "operator": "and", "boost": 3}
    within = {**asked, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1}
    phrase = {**asked, "type": "phrase", "boost": 2}
    shoulds = [{"multi_match": across}, {"multi_match": within}, {"multi_match": phrase}]
    return {"bool": {"should": shoulds, "minimum_should_match": 1}}


def _asked(words: str, searchable: Searchable) -> Query:
    # Without fields the engine searches its default ones, all of them.
    return {"query": words} | ({"fields": list(searchable.fields)} if searchable.fields else {})


def _known_item(text: str, searchable: Searchable, *, typing: bool) -> Query:
    words = words_of(text)
    if not words:
        return {"match_none": {}}
    scored = [_scored(reading, searchable, typing) for reading in readings(words)]
    query = scored[0] if len(scored) == 1 else _best(scored)
    return _popular(query, searchable.popularity) if searchable.popularity else query


def _scored(words: Sequence[str], searchable: Searchable, typing: bool) -> Query:
    names = str(searchable.names)
    all = forms(words)
    parts = _parts(words) if searchable.by and len(words) > 1 else []
    shoulds = [_best(_wholes(words, all, parts, searchable, typing))]
    if searchable.by:
        shoulds.append(_best(_authors(all, parts, f"{searchable.by}.whole")))
    some = words[:_MOST_WORDS]
    weights = [0.5 if word in SMALL else min(len(word), 8) for word in some]
    for place, (word, weight) in enumerate(zip(some, weights, strict=True)):
        shoulds.append(_best(_word(word, WORDS * weight / sum(weights), names, place == len(words) - 1, typing)))
    characters = "".join(words)[:_MOST_CHARACTERS]
    if len(characters) >= 3:
        threes = {"query": characters, "boost": _rounded(THREES / (len(characters) - 2))}
        shoulds.append({"match": {f"{names}.threes": threes}})
    return {"bool": {"should": shoulds}}


def _wholes(
    words: Sequence[str], all: list[str], parts: list[str], searchable: Searchable, typing: bool
) -> list[Query]:
    title = f"{searchable.title}.whole"
    found = [_constant(TITLE, {"terms": {title: all}})]
    if 4 <= len(all[0]) <= _MOST_MISSPELT:
        found.append(_constant(NEARLY, {"fuzzy": {title: {"value": all[0], "fuzziness": "AUTO:4,8"}}}))
    # A beginning of nothing but words that are left out would be that of every title.
    if (typing or len(all[0]) >= 2) and not LEFT_OUT.issuperset(words):
        found.append(_constant(BEGINNING, {"prefix": {title: all[0]}}))
    if searchable.by and parts:
        part = {"terms": {title: parts}}
        found.append(_constant(BOTH, {"bool": {"filter": [part, {"terms": {f"{searchable.by}.whole": parts}}]}}))
        some = " ".join(word for word in words if word not in SMALL)
        found.append(_constant(PART, {"bool": {"filter": [part, {"match": {searchable.by: some}}]}}))
    return found


def _authors(all: list[str], parts: list[str], author: str) -> list[Query]:
    found = [_constant(AUTHOR, {"terms": {author: all}})]
    if parts:
        found.append(_constant(AUTHOR_PART, {"terms": {author: parts}}))
    return found


def _parts(words: Sequence[str]) -> list[str]:
    """What the words begin and end with, each part as one word."""
    cuts = range(1, min(len(words), _MOST_WORDS))
    return list(dict.fromkeys(form for cut in cuts for part in (words[:cut], words[cut:]) for form in forms(part)))


def _word(word: str, boost: float, names: str, last: bool, typing: bool) -> list[Query]:
    """The ways to meet one word."""
    beginnings = f"{names}.beginnings"
    found: list[Query] = []
    if not (last and typing):
        found.append(_constant(boost, {"match": {names: " ".join([word, *alternatives(word)])}}))
    if len(word) >= 3:
        fuzzy = {"value": word, "fuzziness": "AUTO", "boost": _rounded(boost * MISSPELT)}
        found.append({"fuzzy": {names: fuzzy}})
    if last:
        beginning = word[:MOST_OF_A_BEGINNING]
        found.append(_constant(boost * UNFINISHED, {"term": {beginnings: beginning}}))
        if typing and len(word) >= 4:
            fuzzy = {"value": beginning, "fuzziness": 1, "prefix_length": 1}
            found.append(_constant(boost * UNFINISHED_MISSPELT, {"fuzzy": {beginnings: fuzzy}}))
    return found


def _best(queries: list[Query]) -> Query:
    return {"dis_max": {"queries": queries}} if len(queries) > 1 else queries[0]


def _constant(score: float, condition: Query) -> Query:
    return {"constant_score": {"filter": condition, "boost": _rounded(score)}}


def _rounded(score: float) -> float:
    return round(score, 4)


def _popular(query: Query, popularity: str) -> Query:
    """The logarithm is of any number that is above 0: the engines refuse scores below that."""
    value = {"field": popularity, "modifier": "log1p", "missing": 0}
    more = {"filter": {"range": {popularity: {"gt": 0}}}, "field_value_factor": value, "weight": POPULARITY}
    return {"function_score": {"query": query, "functions": [more], "boost_mode": "sum"}}

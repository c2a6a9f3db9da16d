"""Proposes an index's mapping from what sampled items hold, with the reason for every field.

A proposal errs to the side on which documents are taken: a field of a type that a value does not fit refuses the whole
document, so a type is only chosen that all sampled values fit. The mapping is not dynamic: what it does not name is
stored and returned, but not searchable, and no value ever chooses a type by being the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.attributes import Item, KeySchema
from ..core.querying import PARAMETERS
from .observing import ISO, Observed, item_size, observe

#: More fields than this are a burden to the cluster (its own limit is 1,000): the rarest attributes are left unmapped.
MOST_FIELDS = 500
_MOST_DEPTH = 8  # the engines allow 20 levels, and what is that deep is hardly searched for
_KEYWORD_CHARACTERS = 1024  # Lucene takes no term over 32,766 bytes, and nobody filters by so much
_SUBFIELD_CHARACTERS = 256
_LONG_TEXT = 1000
_LARGE_ITEM = 100 * 1024
_LARGE_BINARY = 1024
_MOST_INNER_NAMES = 100
_MOST_CHOICES, _LONGEST_CHOICE = 50, 100
_MOST_SEARCHED, _MOST_FILTERS = 20, 20
_FEWEST_DATES = 0.95
# The engines refuse a document with one of these as an attribute.
_METADATA = frozenset(
    {
        "_id", "_index", "_source", "_type", "_routing", "_field_names", "_ignored", "_nested_path", "_doc_count",
        "_seq_no", "_version", "_primary_term", "_size", "_feature", "_tier", "_data_stream_timestamp",
    }
)  # fmt: skip
_TITLE = re.compile(r"(title|name|headline|subject|label|displayname|fullname)", re.I)
_TIME = re.compile(
    r"(date|time|stamp|created|updated|modified|expire|expiry|since|until|deadline|ttl)|(_at|[a-z]At|_on|[a-z]On)$"
)
_WORDS = {"S": "texts", "N": "numbers", "B": "binaries", "BOOL": "truth values", "M": "maps"}

Use = Literal["words", "choice", ""]


@dataclass(frozen=True, slots=True)
class Field:
    """What a place in the documents becomes. `type` is the engine's, in words; `use` is what searches do with it."""

    path: str
    type: str
    reason: str
    use: Use = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An index's mapping and what searches may do, from `items` sampled ones.

    `exclude` are attributes that may not or should not reach a document, each with its reason; `advice` is for people.
    """

    items: int
    mapping: dict[str, Any]
    fields: tuple[Field, ...]
    search: tuple[str, ...]
    filters: tuple[str, ...]
    exclude: dict[str, str] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


def propose(items: Sequence[Item], key: KeySchema) -> Proposal:
    """The mapping for documents that are the items as they are."""
    attributes = {name: seen for name, seen in observe(items).items() if not name.startswith("aws:rep:")}
    exclude = _unfit(attributes)
    taken = {name: seen for name, seen in attributes.items() if name not in exclude}
    keys = {attribute.name for attribute in key.attributes}
    # Keys first, then as often as they are met: which is also what is mapped if there are too many.
    order = sorted(taken, key=lambda name: (name not in keys, -taken[name].holders))
    properties: dict[str, Any] = {}
    fields: list[Field] = []
    unmapped: list[str] = []
    size = 0
    for name in order:
        mapped, described = _field(name, name, taken[name], is_key=name in keys, depth=1)
        cost = _fields_in(mapped)
        if size + cost > MOST_FIELDS:
            unmapped.append(name)
            continue
        size += cost
        properties[name] = mapped
        fields += described
    mappings = {"dynamic": False, "properties": properties}
    return Proposal(
        items=len(items),
        mapping={"settings": {"index": {"number_of_shards": 1}}, "mappings": mappings},
        fields=tuple(fields),
        search=_searched(fields),
        filters=tuple(one.path for one in fields if one.use == "choice" and _can_filter(one.path))[:_MOST_FILTERS],
        exclude=exclude,
        advice=tuple(_advice(items, taken, unmapped)),
    )


def _searched(fields: Sequence[Field]) -> tuple[str, ...]:
    """The fields that words are looked for in, titles first and three times as heavy."""
    found = [one.path for one in fields if one.use == "words" and _can_name(one.path)]
    if not found:  # no prose at all: then words are looked for among the exact values
        found = [one.path for one in fields if one.type == "keyword" and _can_name(one.path)]
    titles = [path for path in found if _TITLE.search(path.rpartition(".")[2])]
    ordered = titles + [path for path in found if path not in titles]
    return tuple(f"{path}^3" if path in titles and len(found) > 1 else path for path in ordered[:_MOST_SEARCHED])


def _can_name(path: str) -> bool:
    """Whether dynadex.toml can name the field."""
    return not re.search(r"[\s^,*]", path)


def _can_filter(path: str) -> bool:
    return _can_name(path) and path not in PARAMETERS  # which no filter can be named as


def _unfit(attributes: Mapping[str, Observed]) -> dict[str, str]:
    """The attributes that would refuse every document that has them, or only swell the index."""
    found = {}
    for name, seen in attributes.items():
        if name in _METADATA:
            found[name] = "the engine keeps this name for itself and refuses documents with it"
        elif _nameless(name):
            found[name] = "the engine reads dots as levels and refuses a level without a name"
        elif clash := _clash(name, attributes):
            found[name] = f"the engine reads the dots as levels, and {clash} is there as well"
        elif seen.kinds["B"] == seen.known > 0 and seen.bytes / seen.holders > _LARGE_BINARY:
            found[name] = f"binary of {_bytes(seen.bytes // seen.holders)} on average: nothing can be searched in it"
    return found


def _nameless(name: str) -> bool:
    return not all(part.strip() for part in name.split("."))


def _clash(name: str, attributes: Mapping[str, Observed]) -> str:
    parts = name.split(".")
    above = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((one for one in above if one in attributes), "")


def _field(
    path: str, name: str, seen: Observed, *, is_key: bool = False, depth: int
) -> tuple[dict[str, Any], list[Field]]:
    """The mapping of one place, and what there is to say of it and of the places in it."""
    kinds = {kind for kind, count in seen.kinds.items() if count and kind != "NULL"}

    def one(mapped: dict[str, Any], reason: str, type: str = "", use: Use = "") -> tuple[dict[str, Any], list[Field]]:
        return mapped, [Field(path, type or mapped["type"], reason, use)]

    if kinds == {"M"}:
        return _map(path, seen, depth)
    if "M" in kinds:
        told = f"mixed, {_shares(seen)}: as no field takes both maps and values it is kept unsearchable"
        return one({"type": "object", "enabled": False}, told, "not searchable")
    if kinds == {"S"}:
        mapped, reason, type, use = _keyword("part of the key") if is_key else _text(name, seen)
        return one(mapped, reason, type, use)
    if kinds == {"N"}:
        return one(*_number(name, seen, is_key=is_key))
    if kinds == {"BOOL"}:
        return one({"type": "boolean"}, "true or false", use="choice")
    if kinds == {"B"}:
        if is_key:
            return one(*_keyword("part of the key, in base64")[:2])
        return one({"type": "binary"}, "binary, in base64: returned, not searchable")
    if not kinds:
        return one(*_keyword("only NULL or nothing in it so far: any value will fit")[:2])
    return one(*_keyword(f"mixed, {_shares(seen)}: as exact text all of them fit")[:2])


def _map(path: str, seen: Observed, depth: int) -> tuple[dict[str, Any], list[Field]]:
    off = {"type": "object", "enabled": False}
    maps = seen.kinds["M"]
    if not seen.inner:
        return off, [Field(path, "not searchable", "maps without anything in them")]
    if seen.nested:
        return off, [Field(path, "not searchable", "maps in lists in lists: not every engine takes them as fields")]
    if depth >= _MOST_DEPTH:
        return off, [Field(path, "not searchable", f"maps more than {_MOST_DEPTH} levels deep")]
    if unfit := [name for name in seen.inner if _nameless(name) or _clash(name, seen.inner)]:
        told = f"maps with names that the engine does not take ({unfit[0]!r}): kept unsearchable"
        return off, [Field(path, "not searchable", told)]
    # A map by user or by date has ever new names: each would become a field.
    average = sum(inner.holders for inner in seen.inner.values()) / len(seen.inner)
    if len(seen.inner) > _MOST_INNER_NAMES or (len(seen.inner) > 20 and average < 0.05 * maps):
        told = f"maps with {len(seen.inner)} different names, each in few: the names are data, not fields"
        return off, [Field(path, "not searchable", told)]
    properties: dict[str, Any] = {}
    fields: list[Field] = []
    if seen.many:
        told = "lists of maps: searched as one pool; make it nested if values must meet within one map"
        fields.append(Field(path, "object", told))
    for name, inner in seen.inner.items():
        properties[name], described = _field(f"{path}.{name}", name, inner, depth=depth + 1)
        fields += described
    return {"properties": properties}, fields


def _keyword(reason: str, use: Use = "") -> tuple[dict[str, Any], str, str, Use]:
    return {"type": "keyword", "ignore_above": _KEYWORD_CHARACTERS}, reason, "keyword", use


def _text(name: str, seen: Observed) -> tuple[dict[str, Any], str, str, Use]:
    texts = seen.texts
    filled = texts.count - texts.empty
    if filled and (dates := _date(texts.dates, texts.count)):
        return dates
    several = len(texts.distinct)
    choices = several <= min(_MOST_CHOICES, max(1, texts.count // 3))
    titled = _TITLE.fullmatch(name) is not None
    if choices and not titled and texts.longest <= _LONGEST_CHOICE:
        if several < 2:
            return _keyword("the same in all of them")
        return _keyword("few different values: a filter", "choice")
    worded = texts.worded >= 0.1 * filled or texts.longest > _SUBFIELD_CHARACTERS
    if not worded and not titled:
        return _keyword("single words or codes, matched as a whole")
    if texts.longest > _LONG_TEXT:
        return {"type": "text"}, "prose: found by its words", "text", "words"
    sub = {"keyword": {"type": "keyword", "ignore_above": _SUBFIELD_CHARACTERS}}
    return {"type": "text", "fields": sub}, "several words: found by them, and as a whole", "text + keyword", "words"


def _date(formats: Mapping[str, int], count: int) -> tuple[dict[str, Any], str, str, Use] | None:
    """A date field where all values, or all but a few, have one format."""
    best = max(formats.values(), default=0)
    if best < _FEWEST_DATES * count:
        return None
    fits = [name for name, times in formats.items() if times == best]
    if len(fits) > 1:
        return _keyword(f"dates that can be read as {' or as '.join(fits)}: say which, as a date with that format")
    mapped: dict[str, Any] = {"type": "date"}
    if fits[0] != ISO:
        mapped["format"] = fits[0]
    named = "ISO 8601" if fits[0] == ISO else fits[0]
    if best == count:
        return mapped, f"every value is a date, {named}", "date", ""
    mapped["ignore_malformed"] = True
    told = f"dates, {named}; the few values that are none do not refuse their document (ignore_malformed)"
    return mapped, told, "date", ""


def _number(name: str, seen: Observed, *, is_key: bool) -> tuple[dict[str, Any], str]:
    numbers = seen.numbers
    if numbers.beyond_long:
        return _keyword("whole numbers beyond 64 bits: exact as text, no type of number of the engine holds them")[:2]
    if numbers.fractions:
        if numbers.beyond_double:
            return _keyword("numbers of more digits than a double keeps: exact as text, but not in ranges")[:2]
        return {"type": "double"}, "numbers with fractions, none with more digits than a double keeps"
    if _TIME.search(name) and not is_key:
        for unit, format, times in (
            ("seconds", "epoch_second", numbers.seconds),
            ("milliseconds", "epoch_millis", numbers.milliseconds),
        ):
            if times == numbers.count:
                return {"type": "date", "format": format}, f"{unit} since 1970, by their name and range"
    return {"type": "long"}, ("part of the key, " if is_key else "") + "whole numbers of up to 64 bits"


def _shares(seen: Observed) -> str:
    counts = {kind: count for kind, count in seen.kinds.most_common() if kind != "NULL"}
    total = sum(counts.values())
    return ", ".join(f"{count / total:.0%} {_WORDS[kind]}" for kind, count in counts.items())


def _fields_in(mapped: Mapping[str, Any]) -> int:
    """How many fields the engine counts for a mapping."""
    inner = [*mapped.get("properties", {}).values(), *mapped.get("fields", {}).values()]
    return 1 + sum(map(_fields_in, inner))


def _advice(items: Sequence[Item], attributes: Mapping[str, Observed], unmapped: Sequence[str]) -> Iterator[str]:
    if unmapped:
        yield (
            f"{len(unmapped)} of {len(attributes)} attributes are not mapped, the rarest ones, for more than "
            f"{MOST_FIELDS} fields burden the cluster: they are stored and returned, not searched "
            f"({', '.join(unmapped[:3])} …)"
        )
    if not items:
        yield "the table had no items to look at: only its key is mapped"
        return
    sizes = [item_size(item) for item in items]
    large = sum(size > _LARGE_ITEM for size in sizes)
    heaviest = max(attributes, key=lambda name: attributes[name].bytes, default="")
    if large:
        share = attributes[heaviest].bytes / max(1, sum(seen.bytes for seen in attributes.values()))
        yield (
            f"{large} of {len(items)} items are larger than {_bytes(_LARGE_ITEM)}, the largest {_bytes(max(sizes))}: "
            f"{share:.0%} of all bytes are in {heaviest!r}; leave it out with `exclude` unless searches need it"
        )


def _bytes(count: int) -> str:
    return f"{count / 1024:,.0f} KB" if count >= 1024 else f"{count} bytes"

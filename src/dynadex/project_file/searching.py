"""[indexes.NAME.search]: what the HTTP API may be asked of an index."""

from __future__ import annotations

from typing import Any

from dynadex.core.querying import PARAMETERS, RELEVANCE, Searchable
from dynadex.project_file import mappings
from dynadex.project_file.sections import Section, Shape, listed, quoted

_BOOSTED = Shape(r"[^\s^,]+(\^\d+(\.\d+)?)?", 'a field of the mapping, with a boost if wanted: "title^3"')
_FIELD = Shape(r"[^\s^,]+", "a field of the mapping")
_SORT = Shape(r"-?[^\s^,]+", 'a field of the mapping, with a hyphen for the highest first: "-popularity"')
_SORT_NAME = Shape(r"[a-z][a-z0-9_-]{0,30}", "up to 31 lower-case letters, digits, hyphens and underscores")
_NUMBERS = {"byte", "short", "integer", "long", "unsigned_long", "half_float", "float", "double", "scaled_float"}
_EXACT = {"keyword", "boolean", "date", "date_nanos", "ip", "constant_keyword", "version", "wildcard"} | _NUMBERS
_TEXTS = {"text", "search_as_you_type", "match_only_text"}
_NOT_SORTED = _TEXTS | {"object", "nested", "flattened", "flat_object"}


def read_search(section: Section, mapping: dict[str, Any]) -> Searchable:
    """Checks the section; what it leaves out follows from the mapping."""
    types = mappings.field_types(mapping)
    fields = section.texts("fields", _BOOSTED) or tuple(field for field, kind in _top(mapping) if kind == "text")
    names = tuple(field.partition("^")[0] for field in fields)
    given = {key: section.texts(key, _FIELD) for key in ("filters", "ranges", "facets", "highlight", "suggest")}
    roles = {key: section.text(key, _FIELD) for key in ("title", "by", "names", "popularity", "tie_break")}
    sorts = _read_sorts(section.child("sorts"), mapping, types)
    one = {key: (name,) for key, name in roles.items() if name}
    for key, named in {"fields": names, **given, **one}.items():
        for field in named:
            if key in ("filters", "ranges") and field in PARAMETERS:
                section.problem(key, f"{quoted(field)} is a parameter of every search; allowed: any other field")
            elif mistake := mappings.unknown_field(mapping, field):
                section.problem(key, mistake)
    exact = _exact(section, given["filters"], types)
    _check_kinds(section, given, roles, types)
    _check_names(section, roles, mapping, types)
    max_size = section.integer("max_size", 100, 1, 1000)
    default_size = section.integer("default_size", min(10, max_size), 1, 1000)
    if default_size > max_size:
        section.problem("default_size", f"{default_size} is more than max_size; allowed: 1 to {max_size}")
    shown = tuple(name for name in (roles["title"], roles["by"]) if name) or names[:2]
    return Searchable(
        fields=fields,
        filters=given["filters"],
        highlight=given["highlight"] if "highlight" in section else names,
        default_size=default_size,
        max_size=max_size,
        ranges=given["ranges"],
        facets=given["facets"],
        sorts=sorts,
        exact=exact,
        tie=roles["tie_break"] or "_id",
        title=roles["title"],
        by=roles["by"],
        names=roles["names"],
        popularity=roles["popularity"],
        suggest=given["suggest"] or shown,
        did_you_mean=section.boolean("did_you_mean", True),
    )


def _top(mapping: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields that are not sub-fields of others: what a sub-field finds, its field's own words find as well."""
    types = mappings.field_types(mapping)
    return [(field, kind) for field, kind in types.items() if types.get(field.rpartition(".")[0]) != "text"]


def _exact(section: Section, filters: tuple[str, ...], types: dict[str, str]) -> dict[str, str]:
    """The sub-field of a text that has its exact values, for filters that are texts."""
    found = {}
    for field in filters:
        if types.get(field) in _TEXTS:
            values = [name for name, kind in types.items() if name.rpartition(".")[0] == field and kind == "keyword"]
            if not values:
                section.problem(
                    "filters",
                    f"{quoted(field)} is a text, matched by word; allowed: fields of exact values, "
                    "or a text with a sub-field of type keyword",
                )
            else:
                found[field] = f"{field}.keyword" if f"{field}.keyword" in values else values[0]
    return found


def _check_kinds(
    section: Section, given: dict[str, tuple[str, ...]], roles: dict[str, str | None], types: dict[str, str]
) -> None:
    for field in given["ranges"]:
        if types.get(field, "long") not in _NUMBERS:
            section.problem("ranges", f"{quoted(field)} is of type {types[field]}; allowed: fields of numbers")
        if field in given["filters"]:
            section.problem("ranges", f"{quoted(field)} is one of the filters already; leave one of them out")
    for field in given["facets"]:
        if field not in given["filters"]:
            section.problem("facets", f"{quoted(field)} is not one of the filters; allowed: {listed(given['filters'])}")
    if (popularity := roles["popularity"]) and types.get(popularity, "long") not in _NUMBERS:
        section.problem("popularity", f"{quoted(popularity)} is of type {types[popularity]}; allowed: a number")
    if (tie := roles["tie_break"]) and types.get(tie, "keyword") not in _EXACT:
        section.problem("tie_break", f"{quoted(tie)} is of type {types[tie]}; allowed: a keyword or a number")


#: What the fields of the names need beside themselves: sub-fields of these types.
_NAMES_NEED = {
    "title": {"whole": "keyword"},
    "by": {"whole": "keyword"},
    "names": {"beginnings": "text", "threes": "text"},
}


def _check_names(
    section: Section, roles: dict[str, str | None], mapping: dict[str, Any], types: dict[str, str]
) -> None:
    if not roles["names"]:
        for key in ("title", "by"):
            if roles[key]:
                section.problem(key, "used with names only; name the field that title and by are copied to as well")
        return
    if not roles["title"]:
        section.problem("names", "there is no title; name the field that has what people call a document")
    for key, needed in _NAMES_NEED.items():
        if not (field := roles[key]) or mappings.unknown_field(mapping, field):
            continue
        for sub, kind in needed.items():
            if types.get(f"{field}.{sub}") != kind:
                section.problem(
                    key,
                    f"the mapping has no {quoted(f'{field}.{sub}')} of type {kind}; docs/search.md shows what it needs",
                )


def _read_sorts(section: Section, mapping: dict[str, Any], types: dict[str, str]) -> dict[str, tuple[str, ...]]:
    sorts: dict[str, tuple[str, ...]] = {}
    for name in section.names():
        if not _SORT_NAME.fits(name) or name == RELEVANCE:
            section.problem(name, f"{quoted(name)} is no name for an order; allowed: {_SORT_NAME.allowed}")
        value = section.value(name)
        fields = section.texts(name, _SORT) if isinstance(value, list) else (section.text(name, _SORT) or "",)
        for field in (text.removeprefix("-") for text in fields if text):
            if mistake := mappings.unknown_field(mapping, field):
                section.problem(name, mistake)
            elif types.get(field) in _NOT_SORTED:
                section.problem(name, f"{quoted(field)} is of type {types[field]}; allowed: exact values and numbers")
        sorts[name] = tuple(fields)
    return sorts

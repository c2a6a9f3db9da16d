"""Recognises a single-table design: several kinds of items in one table, told apart by an attribute or by a key's
first part (`ORDER#2024-17`).

What tells kinds apart has few values, most items have it, knowing it says which other attributes an item has, and its
kinds have little in common: a `status` explains a `closedAt`, but open and closed tickets are still the same thing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..core.attributes import Item, KeySchema

_MOST_ENTITIES = 20
_LEAST_ITEMS_AN_ENTITY = 5  # on average: fewer are no pattern yet
_LEAST_SHARE_WITH_IT = 0.95
_LEAST_EXPLAINED = 0.5
_MOST_IN_COMMON, _MOST_IN_COMMON_IF_NAMED = 0.5, 0.8
_NAMED = re.compile(
    r"_*(entity|type|kind|item|record|object|doc|model|class|typename|discriminator)_*(type|name|kind)?", re.I
)
_SEPARATOR = "#"


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of items: `value` is what its attribute holds, or how the key attribute begins (`ORDER#`)."""

    value: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """How a table tells its entities apart: by the string `attribute`, or if `by_prefix` by the beginning of it.

    `explained` is the share of the other attributes' coming and going that the entity explains, 0 to 1; `in_common`
    the average share of attributes that two entities have both; `without` are items that are of no entity.
    """

    attribute: str
    by_prefix: bool
    explained: float
    in_common: float
    entities: tuple[Entity, ...]
    without: int


def recognise(items: Sequence[Item], key: KeySchema) -> Design | None:
    """The design that explains the items best; None where they are of one kind, as far as they show."""
    keys = {attribute.name for attribute in key.attributes}
    designs = [
        design
        for attribute, by_prefix in _candidates(items, key)
        if (design := _design(items, keys, attribute, by_prefix)) is not None
    ]
    # Where an attribute says the same as a key's beginning it is the simpler way to tell.
    return max(designs, key=lambda design: design.explained - 0.05 * design.by_prefix, default=None)


def _candidates(items: Sequence[Item], key: KeySchema) -> Iterator[tuple[str, bool]]:
    strings = Counter(name for item in items for name, value in item.items() if "S" in value)
    for name, count in strings.items():
        if count >= _LEAST_SHARE_WITH_IT * len(items):
            yield name, False
    for attribute in key.attributes:
        if attribute.type == "S":
            yield attribute.name, True


def beginning(text: str) -> str:
    """`ORDER#` of `ORDER#2024-17`; a text without a separator is its own beginning."""
    first, separator, _ = text.partition(_SEPARATOR)
    return first + separator


def _design(items: Sequence[Item], keys: set[str], attribute: str, by_prefix: bool) -> Design | None:
    value_of: Callable[[str], str] = beginning if by_prefix else str
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        text = item.get(attribute, {}).get("S")
        if text:
            groups[value_of(text)].append(item)
        if len(groups) > _MOST_ENTITIES:
            return None
    held = sum(map(len, groups.values()))
    if len(groups) < 2 or held < max(_LEAST_SHARE_WITH_IT * len(items), _LEAST_ITEMS_AN_ENTITY * len(groups)):
        return None
    presence = {
        value: Counter(name for item in group for name in item if name not in keys and name != attribute)
        for value, group in groups.items()
    }
    explained = _explained(presence, groups)
    in_common = _in_common(presence, groups)
    most = _MOST_IN_COMMON_IF_NAMED if by_prefix or _NAMED.fullmatch(attribute) else _MOST_IN_COMMON
    if explained < _LEAST_EXPLAINED or in_common > most:
        return None
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    entities = tuple(Entity(value, tuple(group)) for value, group in ordered)
    return Design(attribute, by_prefix, round(explained, 3), round(in_common, 3), entities, len(items) - held)


def _explained(presence: dict[str, Counter[str]], groups: dict[str, list[Item]]) -> float:
    """How much less an attribute's presence varies within the groups than over all of them, over all attributes."""
    total = sum(map(len, groups.values()))
    overall: Counter[str] = sum(presence.values(), Counter())
    varied = left = 0.0
    for name, count in overall.items():
        share = count / total
        varied += total * share * (1 - share)
        for value, group in groups.items():
            within = presence[value][name] / len(group)
            left += len(group) * within * (1 - within)
    return 1 - left / varied if varied else 0.0


def _in_common(presence: dict[str, Counter[str]], groups: dict[str, list[Item]]) -> float:
    """The average share of the attributes that most items of two groups have."""
    usual = {
        value: {name for name, count in names.items() if count * 2 >= len(groups[value])}
        for value, names in presence.items()
    }
    shares = [len(one & other) / len(one | other) for one, other in combinations(usual.values(), 2) if one | other]
    return sum(shares) / len(shares) if shares else 1.0

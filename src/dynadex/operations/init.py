"""Makes a project for a table that is there: dynadex.toml, a mapping an index, and with them the reasons.

What the files say was proposed from a sample. They are plain text for people to change; nothing reads them back but
`dynadex` itself, as it reads every project.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path

from ..errors import DynadexError, WrongUse
from . import entities, estimating
from .entities import Design
from .estimating import Assumptions, Load
from .proposing import Field, Proposal, propose
from .sampling import Described, Sample

TOML = "dynadex.toml"
SEED = "seed.jsonl"
_ENTITIES = "entities"
_WIDTH = 116
_LONGEST_NAME = 31
_MOST_FACETS = 5
_TAKEN_NAME = re.compile(r".*-(v\d+|feed|write)")


class FilesThere(WrongUse):
    """Files would be overwritten that are there already."""


def refuse_files(paths: Sequence[Path]) -> None:
    """Raises `FilesThere` if there are any."""
    if paths:
        names = ", ".join(map(str, paths))
        raise FilesThere(
            f"{names} {'is' if len(paths) == 1 else 'are'} there already; choose another --directory, "
            "or write over with --force"
        )


@dataclass(frozen=True, slots=True)
class Index:
    """An index to be: the items of one entity, or all of the table's. `told` says which in words."""

    name: str
    mapping: str
    """The file's name."""
    proposal: Proposal
    told: str
    match: Mapping[str, str]
    transform: str = ""


@dataclass(frozen=True, slots=True)
class Beginning:
    """A project to be: its files by name, and what is worth telling. `design` is how its entities were told apart."""

    project: str
    table: str
    indexes: tuple[Index, ...]
    design: Design | None
    files: Mapping[str, str]
    missing: str
    """What the table lacks to be followed, and how to give it that; "" if nothing."""

    def write(self, directory: Path, *, force: bool) -> list[Path]:
        """Writes the files. Raises `FilesThere` where one is there, unless `force`."""
        paths = {directory / name: text for name, text in self.files.items()}
        if not force:
            refuse_files([path for path in paths if path.exists()])
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for path, text in paths.items():
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DynadexError(f"{directory} cannot be written: {error.strerror}") from error
        return list(paths)


def begin(table: Described, sample: Sample, *, source: str, endpoint: str = "", seed: bool = False) -> Beginning:
    """The project for a table, from a sample of it. `source` says where the table is, for people.

    `seed` keeps the sampled items in a file, which `up` loads into the local stand-in of the table.
    """
    name = _slug(table.name, "table")
    design = entities.recognise(sample.items, table.key)
    assumed = Assumptions()
    indexes = tuple(_indexes(name, table, sample, design))
    for index in indexes:
        share = index.proposal.items / max(1, len(sample.items))
        load = Load(table.items, table.bytes / max(1, table.items), share)
        shards = estimating.index(load, assumed).primary_shards
        index.proposal.mapping["settings"]["index"]["number_of_shards"] = shards
    missing = _missing_stream(table, endpoint)
    files = {TOML: "\n".join(_toml(name, table, sample, source, design, indexes, missing, seed=seed))}
    for index in indexes:
        files[index.mapping] = json.dumps(index.proposal.mapping, indent=2, ensure_ascii=False) + "\n"
    if design is not None and design.by_prefix:
        files[f"{_ENTITIES}.py"] = _entities_module(design, indexes)
    if seed:
        files[SEED] = "".join(json.dumps({"Item": item}, ensure_ascii=False) + "\n" for item in sample.items)
    return Beginning(name, table.name, indexes, design, files, missing)


def _indexes(name: str, table: Described, sample: Sample, design: Design | None) -> Iterator[Index]:
    if design is None:
        proposal = propose(sample.items, table.key)
        yield Index(name, "mapping.json", proposal, f"all items, from {_counted(sample)}", {})
        return
    names: list[str] = []
    numbers = count(2)
    for entity in design.entities:
        unique = base = _slug(entity.value, "entity")
        while unique in names:
            unique = f"{base}-{next(numbers)}"
        names.append(unique)
        proposal = propose(entity.items, table.key)
        share = f"{len(entity.items):,} of {len(sample.items):,} sampled items"
        if design.by_prefix:
            told = f"{share}, whose {design.attribute!r} {_begins(entity.value)}"
            transform = f"{_ENTITIES}:{_identifier(unique)}"
            yield Index(unique, f"{unique}.json", proposal, told, {}, transform)
        else:
            told = f"{share}, whose {design.attribute!r} is {entity.value!r}"
            yield Index(unique, f"{unique}.json", proposal, told, {design.attribute: entity.value})


def _begins(value: str) -> str:
    return f"begins with {value!r}" if value.endswith("#") else f"is {value!r}"


def _slug(text: str, otherwise: str) -> str:
    """A name for a project or an index, from one of the table's own words."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    slug = re.sub(r"^[^a-z]+", "", slug)[:_LONGEST_NAME].strip("-") or otherwise
    return f"{slug[: _LONGEST_NAME - 6]}-items" if _TAKEN_NAME.fullmatch(slug) else slug


def _identifier(name: str) -> str:
    return f"{name.replace('-', '_')}_items"


def _counted(sample: Sample) -> str:
    return f"all {len(sample.items):,}" if sample.whole else f"{len(sample.items):,} sampled ones"


def _missing_stream(table: Described, endpoint: str) -> str:
    if table.stream in ("NEW_AND_OLD_IMAGES", "NEW_IMAGE"):
        return ""
    where = f" --endpoint-url {endpoint}" if endpoint else ""
    command = (
        f"aws dynamodb update-table --table-name {table.name} --region {table.region}{where} "
        "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
    )
    if not table.stream:
        return (
            f"The table has no stream, which changes are read from. Switch it on before `dynadex deploy`:\n  {command}"
        )
    return (
        f"The table's stream has {table.stream} records, which do not hold items. A stream's view type cannot be "
        "changed: switch the stream off (see who else reads it), and on again before `dynadex deploy`:\n"
        f"  {command}"
    )


def _toml(
    name: str,
    table: Described,
    sample: Sample,
    source: str,
    design: Design | None,
    indexes: Sequence[Index],
    missing: str,
    *,
    seed: bool,
) -> Iterator[str]:
    size = f"; DynamoDB counts {table.items:,} items, {table.bytes / 1e6:,.1f} MB" if table.items else ""
    yield from _comment(
        f"Proposed by `dynadex init` from {_counted(sample)} items of the table {table.name} in {table.region} "
        f"({source}){size}. It is a beginning: change what you know better, then see what becomes of items with "
        f"`dynadex preview {indexes[0].name}`."
    )
    yield f"\n[project]\nname = {_text(name)}"
    yield f"regions = [{_text(table.region)}]                  # the first is home"
    if table.replicas:
        yield from _comment(
            f"The table has replicas in {', '.join(table.replicas)}: add those regions that shall search it too."
        )
    yield f"\n[tables.{name}]"
    yield f"name = {_text(table.name)}"
    yield f"partition_key = {_text(f'{table.key.partition.name}:{table.key.partition.type}')}"
    if table.key.sort:
        yield f"sort_key = {_text(f'{table.key.sort.name}:{table.key.sort.type}')}"
    if table.ttl:
        yield f"ttl = {_text(table.ttl)}"
    yield from _comment("Made by somebody else: never created, changed or deleted on AWS. `up` makes a stand-in of it.")
    yield "existing = true"
    if seed:
        yield f"seed = {_text(SEED)}                      # the sampled items: `up` loads them into its stand-in"
    if missing:
        told, _, command = missing.partition("\n")
        yield from _comment(told)
        yield f"# {command}"  # in one line, to be copied
    yield ""
    yield from _comment(_why_so_many(design))
    for index in indexes:
        yield from _index(name, index)
    yield '\n[engine]\nauth = "none"                           # none | basic | signed'
    yield from _comment('`up` brings its own engine; `deploy` needs to know yours: url = "https://..."')
    yield "\n# [heartbeat]                           # an item of each region's own shows how fresh its indices are"
    yield f"# tables = [{_text(name)}]"
    yield "\n# [routing]                             # Route 53: who is answered by which region"
    yield '# domain = "search.example.com"'
    yield f"# default = {_text(table.region)}"
    yield ""


def _why_so_many(design: Design | None) -> str:
    if design is None:
        return "All items look like one kind: one index."
    told = (
        f"{len(design.entities)} kinds of items share this table: {design.attribute!r} explains {design.explained:.0%} "
        "of which other attributes an item has, so there is an index for each kind."
    )
    return told + (f" {design.without} sampled items are of no kind and in no index." if design.without else "")


def _index(table: str, index: Index) -> Iterator[str]:
    proposal = index.proposal
    yield ""
    yield from _comment(f"{index.told[0].upper()}{index.told[1:]}.")
    yield f"[indexes.{index.name}]"
    yield f"table = {_text(table)}"
    yield f"mapping = {_text(index.mapping)}"
    if index.match:
        yield f"match = {{ {', '.join(f'{_key(name)} = {_text(value)}' for name, value in index.match.items())} }}"
    if index.transform:
        yield f"transform = {_text(index.transform)}"
    if proposal.exclude:
        yield "exclude = ["
        for name, reason in proposal.exclude.items():
            yield f"  {_text(name)},  # {_one_line(reason)}"
        yield "]"
    if (shards := proposal.mapping["settings"]["index"]["number_of_shards"]) > 1:
        yield f"# {shards} shards by the table's size: `dynadex estimate {index.name}` says how that is worked out."
    for advice in proposal.advice:
        yield from _comment(advice)
    yield from _reasons(proposal.fields)
    yield f"\n[indexes.{index.name}.search]"
    yield from _list("fields", proposal.search, "words are looked for in these")
    yield from _list("filters", proposal.filters, "exact values: ?name=value")
    yield from _list("facets", proposal.filters[:_MOST_FACETS], "those whose values are counted")
    yield "default_size = 10\nmax_size = 100"


def _list(name: str, values: Sequence[str], why: str) -> Iterator[str]:
    if not values:
        return
    line = f"{name} = [{', '.join(map(_text, values))}]"
    if len(line) <= _WIDTH:
        yield f"{line}  # {why}" if len(line) + len(why) + 4 <= _WIDTH else f"# {why}\n{line}"
        return
    yield f"{name} = [  # {why}"
    yield from textwrap.wrap(", ".join(map(_text, values)) + ",", _WIDTH, initial_indent="  ", subsequent_indent="  ",
                             break_long_words=False, break_on_hyphens=False)  # fmt: skip
    yield "]"


def _reasons(fields: Sequence[Field]) -> Iterator[str]:
    """What the mapping makes of each attribute and why: one entry for all that have the same."""
    if not fields:
        return
    yield "# The mapping makes of the attributes, and why:"
    alike = sorted(fields, key=lambda one: (one.type, one.reason, one.path))
    for (type, reason), group in groupby(alike, key=lambda one: (one.type, one.reason)):
        names = ", ".join(one.path for one in group)
        yield from _comment(f"  {type} ({reason}): {names}", hanging=4)


def _comment(text: str, hanging: int = 0) -> Iterator[str]:
    for line in text.split("\n"):
        told = _one_line(line)
        indent = len(told) - len(told.lstrip())
        yield from textwrap.wrap(
            told.strip(),
            _WIDTH,
            initial_indent="# " + " " * indent,
            subsequent_indent="# " + " " * max(indent, hanging),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _one_line(text: str) -> str:
    """As a comment may be: an attribute's name can hold any character."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _text(value: str) -> str:
    """A TOML string: as JSON has it, but for one character that TOML does not allow bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _entities_module(design: Design, indexes: Sequence[Index]) -> str:
    """The transforms that pick an index's items by how a key attribute begins: `match` compares whole values only."""
    attribute = json.dumps(design.attribute)
    parts = [
        '"""Which items each index holds: the table tells its kinds apart by how the key attribute '
        f'{_one_line(design.attribute)} begins."""\n\nfrom __future__ import annotations\n\nfrom typing import Any\n'
    ]
    for entity, index in zip(design.entities, indexes, strict=True):
        value = json.dumps(entity.value)
        test = (
            f"item[{attribute}].startswith({value})" if entity.value.endswith("#") else f"item[{attribute}] == {value}"
        )
        parts.append(
            f"\n\ndef {_identifier(index.name)}(item: dict[str, Any]) -> dict[str, Any] | None:\n"
            f'    """The document of an item; None for what is not of this kind."""\n'
            f"    return item if {test} else None\n"
        )
    return "".join(parts)

"""The items that a drill writes: copies of one that is there, under reserved keys of their own.

A key begins with `dynadex.drill.`, or is a number that nobody numbers items with. How often an item was written stands
in one of its attributes: one that is searched, or where there is none an attribute of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.attributes import InvalidKey, Item, KeySchema
from ..core.documents import Recipe, TransformFailed
from ..errors import DynadexError
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from . import settling
from .boto_items import native

#: The most keys that one drill writes to.
MOST = 99
_OWN_ATTRIBUTE = "dynadex_drill"
_NUMBER = -83_617_274_856_200


class NoTemplate(DynadexError):
    """There is no item that a drill could write copies of."""


@dataclass(frozen=True, slots=True)
class DrillItems:
    """The items of one drill, by number from 0 on."""

    table: Table
    run: str

    @classmethod
    def of(cls, project: Project, index: str, run: str) -> DrillItems:
        """Those of a drill on an index."""
        return cls(project.table_of(project.indexes[index]), run)

    def key(self, number: int) -> Item:
        """The key of an item."""
        return {one.name: {one.type: self._value(one.type, number)} for one in self.table.key.attributes}

    def _value(self, type: str, number: int) -> str:
        text = f"dynadex.drill.{self.run}.{number}"
        match type:
            case "N":
                return str(_NUMBER * 10**4 - int(self.run[:2], 16) * 100 - number)
            case "B":
                return base64.b64encode(text.encode()).decode()
        return text

    def id(self, number: int) -> str:
        """The document id of an item."""
        return self.table.key.id_of(self.key(number))

    def remove(self, cloud: Cloud, region: str) -> None:
        """Deletes all of them, wherever a drill has come to."""
        client = cloud.client("dynamodb", region)
        for number in range(MOST):
            client.delete_item(TableName=self.table.physical_name, Key=native(self.key(number)))


@dataclass(frozen=True, slots=True)
class Template:
    """The item that is copied. `attribute` is the one that says how often it was written."""

    item: Mapping[str, Any]
    attribute: str

    def made(self, key: Item, writing: int) -> dict[str, Any]:
        """The item of a key as its n-th writing, for boto3."""
        return {**self.item, **native(key), self.attribute: {"S": told(writing)}}


def told(writing: int) -> str:
    """What the template's attribute says."""
    return f"dynadex drill {writing}"


def template(project: Project, index: Index, items: Sequence[Item]) -> Template:
    """The first of these items that makes a document of the index. Raises `NoTemplate`."""
    recipe = settling.recipe(project, index)
    schema = project.table_of(index).key
    keys = {attribute.name for attribute in schema.attributes}
    mapped = index.mapping.get("mappings", {}).get("properties", {})
    searched = [field.partition("^")[0] for field in index.search.fields]
    for item in items:
        texts = [name for name in searched if name in item and "S" in item[name] and name not in keys]
        texts = [name for name in texts if mapped.get(name, {}).get("type") in ("text", "keyword")]
        for attribute in (*texts, _OWN_ATTRIBUTE):
            if _makes_a_document(recipe, {**item, attribute: {"S": told(0)}}, schema):
                return Template(native(item), attribute)
    raise NoTemplate(f"no item of {index.table} makes a document of {index.name}: put some items there first")


def _makes_a_document(recipe: Recipe, item: Item, schema: KeySchema) -> bool:
    try:
        schema.id_of(item)
        return recipe.document(item) is not None
    except (TransformFailed, InvalidKey):
        return False

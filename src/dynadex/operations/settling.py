"""Lets the table decide keys of its, from here: what redrive does to each failure.

The documents are made here, by the project's own transform as it lies in its folder; the write protocol is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from .. import generations
from ..aws import Service
from ..core import writing
from ..core.documents import Recipe, TransformFailed
from ..core.writing import BROKEN_FROM, BatchRefused, Failure, Feeds, Key, Outcome
from ..driving import drive
from ..errors import DynadexError
from ..failures import message, send
from ..pacing import Patience
from ..platform.cloud import Cloud
from ..project import Index, Project, Table
from ..recipes import recipe_of
from . import deployed
from .boto_items import native, wire

PATIENCE_SECONDS = 60.0


class SettlingError(DynadexError):
    """Documents cannot be made here; the message says why."""


def recipe(project: Project, index: Index) -> Recipe:
    """How the index makes its documents. Raises `SettlingError` where its transform cannot be loaded here."""
    try:
        return recipe_of(project, index)
    except Exception as error:  # foreign code is imported: whatever it raises
        raise SettlingError(
            f"indexes.{index.name}.transform: {index.transform} cannot be loaded here: {type(error).__name__}: {error}"
        ) from error


def service(cloud: Cloud, name: str, region: str) -> Service:
    """A service for the hot paths, with the credentials and the endpoint that clients have."""
    endpoint = cloud.client(name, region).meta.endpoint_url
    return Service(name, region, endpoint=endpoint, credentials=cloud.credentials)


def keep_failures(project: Project, cloud: Cloud, region: str, table: Table, failures: Sequence[Failure]) -> None:
    """Puts failures into the region's queue, as its functions do."""
    url = deployed.outputs(project, cloud, region)["FailuresQueueUrl"]
    messages = [message(failure, table.name, region) for failure in failures]
    send(url, service(cloud, "sqs", region), messages, Patience(PATIENCE_SECONDS))


class Settler:
    """Settles keys of one table in some of its indexes, in one region."""

    def __init__(self, project: Project, cloud: Cloud, region: str, table: Table, indexes: Sequence[Index]) -> None:
        self._engine = cloud.engine(project, region)
        self._table = cloud.table(table, region)
        self._recipes = {index.name: recipe(project, index) for index in indexes}
        self._feeds = Feeds(
            table.key,
            {
                generations.write_alias(generation): self._recipes[index.name]
                for index in indexes
                for generation in generations.fed(self._engine, index.name)
            },
        )
        self._dynamodb, self._physical = cloud.client("dynamodb", region), table.physical_name

    def settle(self, keys: Mapping[str, Key], failed: Mapping[str, int] | None = None) -> list[Failure]:
        """Makes the documents of these keys, by id, what the table says; returns what failed.

        `failed` has the versions at which they failed before.
        """
        try:
            return self._mend(keys, failed).failures
        except BatchRefused:  # all of many are refused: here that is no broken batch, but so many failures
            failures: list[Failure] = []
            waiting = iter(keys.items())
            while part := dict(islice(waiting, BROKEN_FROM - 1)):
                failures += self._mend(part, failed).failures
            return failures

    def _mend(self, keys: Mapping[str, Key], failed: Mapping[str, int] | None) -> Outcome:
        return drive(writing.mend(keys, self._feeds, failed), self._table, self._engine, Patience(PATIENCE_SECONDS))

    def wanted(self, index: str, key: Key) -> bool:
        """Whether the index would have a document of this key: asked where the key makes no id to settle by."""
        asked = native(key)
        item = self._dynamodb.get_item(TableName=self._physical, Key=asked, ConsistentRead=True).get("Item")
        if item is None:
            return False
        try:
            return self._recipes[index].document(wire(item)) is not None
        except TransformFailed:
            return True

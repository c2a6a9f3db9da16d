"""The end of a heartbeat: its items go whatever was done before, and no table is written to that has none."""

from __future__ import annotations

from typing import Any

import pytest

from dynadex.aws import AwsError
from dynadex.core import heartbeats
from dynadex.core.writing import Items
from dynadex.operations import beating, stacks
from dynadex.platform.cloud import Cloud
from dynadex.project import Table
from tests.unit.functions.function_fakes import SCHEMA, project

REGION = "us-east-1"
KEY = heartbeats.key(SCHEMA, REGION)
ID = heartbeats.id_of(SCHEMA, REGION)


class Held(Cloud):
    """A region with a table that holds `items`, by id; an `error` instead where there is one."""

    def __init__(self, items: dict[str, Any], error: AwsError | None = None) -> None:
        self.items, self.error = items, error
        self.deleted: list[tuple[str, dict[str, Any]]] = []

    def client(self, service: str, region: str) -> Any:
        return self

    def table(self, table: Table, region: str) -> Any:
        return self

    def read(self, keys: dict[str, Any]) -> Items:
        if self.error:
            raise self.error
        return Items({id: self.items[id] for id in keys if id in self.items}, 0)

    def delete_item(self, TableName: str, Key: dict[str, Any]) -> None:
        self.deleted.append((TableName, Key))


@pytest.mark.parametrize("there", [True, False])
def test_a_heartbeat_that_is_switched_off_takes_its_items_along(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """Even where the stack is gone already: the deployment may have been cut off before the items were."""
    monkeypatch.setattr(stacks, "delete", lambda *_: there)
    cloud = Held({ID: KEY})
    assert beating.deploy(project(), cloud, REGION, {}, {}) == {}
    assert cloud.deleted == [("shop-lessons", {"id": {"S": f"dynadex.heartbeat.{REGION}"}})]


def test_a_table_without_a_heartbeat_is_not_written_to() -> None:
    cloud = Held({ID: None})
    beating.remove(project(), cloud, REGION, REGION)
    assert cloud.deleted == []


def test_where_the_table_does_not_say_the_item_is_deleted_all_the_same() -> None:
    cloud = Held({})
    beating.remove(project(), cloud, REGION, REGION)
    assert len(cloud.deleted) == 1


def test_a_table_that_is_not_there_has_no_heartbeat() -> None:
    beating.remove(project(), Held({}, AwsError("dynamodb", "x", "ResourceNotFoundException", "")), REGION, REGION)
    with pytest.raises(AwsError):
        beating.remove(project(), Held({}, AwsError("dynamodb", "x", "AccessDeniedException", "")), REGION, REGION)

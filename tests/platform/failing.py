"""Items that fail, and what mends them: for the tests of failures."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from dynadex.operations.deploy import deploy
from dynadex.operations.steps import Quiet
from tests.platform.world import World

#: The fixture `put`.
Put = Callable[..., list[dict[str, Any]]]


def songs(name: str, number: int, **attributes: Any) -> list[dict[str, Any]]:
    """So many songs, whose ids begin with the name."""
    return [
        {"id": f"{name}-{n}", "title": f"song {n}", "artist": "someone", "year": Decimal(1970)} | attributes
        for n in range(number)
    ]


def redeploy(world: World) -> None:
    """Deploys the project as it is now."""
    deploy(world.project, world.cloud, world.regions, Quiet(), world.project.directory / ".dynadex" / "packages")


def empty(world: World, queue: str, region: str) -> None:
    """Takes all messages out of a region's queue, named by its output."""
    client, url = world.client("sqs", region), world.output(queue, region)
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

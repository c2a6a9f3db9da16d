"""What an index cannot take is kept with its reason, and keeps nothing else from being indexed."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.platform.failing import Put, redeploy, songs
from tests.platform.world import World, eventually

#: Far more than the 20 from which on a batch that is refused altogether raises.
_WHOLE_BATCH = 25


def await_failures(world: World, number: int) -> dict[str, list[dict[str, Any]]]:
    """Each region's failures, once there are so many."""
    assert eventually(lambda: all(len(world.failures(region)) >= number for region in world.regions)), {
        region: world.failures(region) for region in world.regions
    }
    return {region: world.failures(region) for region in world.regions}


def test_what_the_transform_or_the_mapping_refuses_is_kept_and_all_else_indexed(
    world: World, put: Put, name: str
) -> None:
    items = songs(name, 30)
    items[3]["raises"] = "anything"
    items[17]["year"] = "in the sixties"
    before = int(time.time())
    put("songs", items)

    for region, failures in await_failures(world, 2).items():
        assert len(failures) == 2
        by_id = {failure["id"]: failure for failure in failures}
        raised, refused = by_id[f"{name}-3"], by_id[f"{name}-17"]
        for failure in (raised, refused):
            assert failure["key"] == {"id": {"S": failure["id"]}}
            assert (failure["table"], failure["index"], failure["region"]) == ("songs", "songs", region)
            assert failure["alias"].startswith("songs-v")
            assert failure["version"] >> 30 >= before - 1
            assert before <= failure["at"] <= time.time()
        assert (raised["kind"], raised["type"]) == ("transform", "ValueError")
        assert raised["reason"]
        assert (refused["kind"], refused["type"]) == ("refused", "mapper_parsing_exception")
        assert "year" in refused["reason"]
        assert "integer" in refused["reason"]

    world.await_equal(["songs"])
    for region in world.regions:
        assert len([id for id in world.documents("songs", region) if id.startswith(name)]) == 28


def test_an_item_that_is_mended_is_indexed(world: World, put: Put, name: str) -> None:
    (item,) = put("songs", songs(name, 1, raises="until mended"))
    await_failures(world, 1)
    world.put("songs", {key: value for key, value in item.items() if key != "raises"})
    world.await_equal(["songs"])
    assert all(f"{name}-0" in world.documents("songs", region) for region in world.regions)


def test_a_failure_in_one_index_of_a_table_leaves_the_other_alone(world: World, put: Put, name: str) -> None:
    put(
        "things",
        [
            {"pk": name, "sk": "1", "kind": "label", "name": "known", "unheard of": "strict"},
            {"pk": name, "sk": "2", "kind": "album", "title": "known", "unheard of": "not asked for"},
        ],
    )
    for failures in await_failures(world, 1).values():
        (failure,) = failures
        assert (failure["index"], failure["id"]) == ("labels", f"{name}|1")
        assert failure["key"] == {"pk": {"S": name}, "sk": {"S": "1"}}
        assert failure["type"] == "strict_dynamic_mapping_exception"
        assert "unheard of" in failure["reason"]
    for region in world.regions:
        assert f"{name}|2" in world.documents("albums", region)


def test_a_key_too_long_for_an_id_is_a_failure(world: World, put: Put, name: str) -> None:
    longest, longer = name + "x" * (512 - len(name)), name + "é" * 256
    put("songs", [{"id": longest, "title": "just fits"}, {"id": longer, "title": "does not"}])
    for region, failures in await_failures(world, 1).items():
        (failure,) = failures
        assert (failure["kind"], failure["id"], failure["key"]) == ("key", "", {"id": {"S": longer}})
        assert "512" in failure["reason"]
        assert longest in world.documents("songs", region)
    world.delete("songs", {"id": longer})
    await_failures(world, 2)  # its deletion cannot be written either


def test_failures_and_logs_hold_no_content_of_items(world: World, put: Put, name: str) -> None:
    since = time.time()
    secret = f"secret-{name}"
    items = songs(name, 30)
    items[1]["year"] = secret
    items[2]["year"] = {secret: secret}
    items[3]["year"] = [Decimal(1970), secret]
    items[4]["raises"] = secret
    items[5]["artist"] = secret  # and this one goes well
    put("songs", items)
    for region, failures in await_failures(world, 4).items():
        assert secret not in json.dumps([failure for failure in failures if failure["kind"] == "refused"])
        logged = world.logs(region, since=since)
        assert any('"applied"' in line for line in logged)
        assert not [line for line in logged if secret in line]


def test_the_failure_of_a_transform_says_what_it_raised(world: World, put: Put, name: str) -> None:
    put("songs", songs(name, 1, raises=f"why-{name}"))
    for failures in await_failures(world, 1).values():
        assert f"why-{name}" in json.dumps(failures)


class Stuck:
    """The stream functions of a table, refusing a batch again and again."""

    def __init__(self, world: World, table: str) -> None:
        self.world, self.physical, self.since = world, world.physical(table), time.time()

    def await_refused(self, error: str) -> None:
        """Waits until every region's function has raised the error twice, and event sources show the failure."""
        regions = self.world.regions
        assert eventually(lambda: all(self._raised(error, region) >= 2 for region in regions)), f"no log has {error}"
        for region in regions:
            (mapping,) = (
                mapping
                for mapping in self.world.client("lambda", region).list_event_source_mappings()["EventSourceMappings"]
                if mapping["EventSourceArn"].split("/")[1] == self.physical
            )
            assert "FAILED" in mapping["LastProcessingResult"]

    def _raised(self, error: str, region: str) -> int:
        return sum(error in line for line in self.world.logs(region, since=self.since))


def test_a_mapping_that_refuses_everything_drains_nothing(world: World, put: Put, name: str) -> None:
    stuck = Stuck(world, "things")
    motto = f"motto_{name}"  # an attribute that the strict mapping does not know
    labels = [{"pk": name, "sk": str(n), "kind": "label", motto: f"secret-{name}"} for n in range(_WHOLE_BATCH)]
    put("things", labels)
    stuck.await_refused(f"BatchRefused: all {_WHOLE_BATCH} documents")
    for region in world.regions:
        assert world.failures(region) == []
        assert not [id for id in world.documents("labels", region) if id.startswith(name)]
        assert not [line for line in world.logs(region, since=stuck.since) if f"secret-{name}" in line]

    for region in world.regions:
        world.engine(region).ask("PUT", "/labels/_mapping", {"properties": {motto: {"type": "keyword"}}})
    world.await_equal(["labels"])
    for region in world.regions:
        assert len([id for id in world.documents("labels", region) if id.startswith(name)]) == _WHOLE_BATCH
        assert world.failures(region) == []


def test_a_transform_that_refuses_everything_drains_nothing(world: World, put: Put, making: Path, name: str) -> None:
    stuck = Stuck(world, "songs")
    put("songs", songs(name, _WHOLE_BATCH, raises=f"secret-{name}"))
    stuck.await_refused(f"BatchRefused: all {_WHOLE_BATCH} documents")
    for region in world.regions:
        assert world.failures(region) == []
        assert not [line for line in world.logs(region, since=stuck.since) if f"secret-{name}" in line]

    making.write_text(making.read_text().replace('if "raises" in item:', 'if item.get("raises") == "still":'))
    redeploy(world)
    assert eventually(
        lambda: all(
            len([id for id in world.documents("songs", region) if id.startswith(name)]) == _WHOLE_BATCH
            for region in world.regions
        )
    )
    assert all(world.failures(region) == [] for region in world.regions)

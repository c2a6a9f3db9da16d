"""What a deployment gives to the templates: all that dynadex.toml says, and nothing that a template does not know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cfnlint import decode

from dynadex import generations
from dynadex import project as projects
from dynadex.operations import beating, deploy, stacks
from dynadex.operations.mapping_changes import MappingChanges
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud, EngineAddress
from dynadex.platform.laptop import Laptop
from dynadex.platform.packaging import Package

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
TOML = f"""
[project]
name = "shop"
regions = ["us-east-1", "eu-west-1"]
[tables.songs]
partition_key = "id"
point_in_time_recovery = false
deletion_protection = false
[indexes.songs]
table = "songs"
mapping = "mapping.json"
[heartbeat]
limit = 90
[engine.regions.us-east-1]
url = "https://one.example.com"
[engine.regions.eu-west-1]
url = "https://two.example.com"
[functions.stream]
batching_window = 5
[functions.verify]
schedule = "none"
repair = true
timeout = 600
segments = 2
[aws.regions.eu-west-1]
subnets = ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]
security_groups = ["sg-0a1b2c3d"]
kms_key = "{KEY}"
alarm_topic = "{TOPIC}"
[api]
origins = ["https://www.example.com", "https://example.com"]
[api.regions.eu-west-1]
rate = 7
burst = 9
"""


class Nothing:
    """A client of a service in which nothing is there yet."""

    def __init__(self, region: str) -> None:
        self.region = region

    def describe_table(self, TableName: str) -> dict[str, Any]:
        arn = f"arn:aws:dynamodb:{self.region}:123456789012:table/{TableName}/stream/1"
        return {"Table": {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}, "LatestStreamArn": arn}}

    def get_parameter(self, Name: str) -> dict[str, Any]:
        """Every region serves already."""
        return {"Parameter": {"Name": Name, "Value": "yes"}}

    def put_parameter(self, **_: Any) -> None:
        """It is noted that a region serves."""

    def get_stage(self, ApiId: str, StageName: str) -> dict[str, Any]:
        """No route has limits of its own."""
        return {}

    def head_object(self, **_: Any) -> None:
        """The package is there already."""


class Account(Cloud):
    """An AWS account that nobody is asked about."""

    def client(self, service: str, region: str) -> Any:
        return Nothing(region)

    def account(self, region: str) -> str:
        return "123456789012"

    def engine(self, project: projects.Project, region: str) -> Any:
        return None


Parameters = dict[tuple[str, str], dict[str, str]]


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """The parameters of each stack of a deployment, by its region and name."""
    (tmp_path / "dynadex.toml").write_text(TOML)
    (tmp_path / "mapping.json").write_text("{}")
    given: Parameters = {}

    def note(client: Nothing, stack: str, body: str, parameters: dict[str, str], tags: object) -> bool:
        document, errors = decode.decode_str(body)
        assert not errors
        known = json.loads(json.dumps(document)).get("Parameters", {})
        assert parameters.keys() <= known.keys(), f"{stack} has no such parameters"
        needed = {name for name, parameter in known.items() if "Default" not in parameter}
        assert needed <= parameters.keys(), f"{stack} needs more"
        given[client.region, stack] = parameters
        return True

    class Outputs(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return "arn:aws:lambda:" + name

        def __or__(self, other: Any) -> Any:
            return self

        __ior__ = __or__

    monkeypatch.setattr(stacks, "deploy", note)
    monkeypatch.setattr(stacks, "delete", lambda *_: False)
    monkeypatch.setattr(stacks, "parameters", lambda *_: {})
    monkeypatch.setattr(stacks, "status_of", lambda *_: "CREATE_COMPLETE")
    monkeypatch.setattr(stacks, "outputs", lambda *_: Outputs())
    monkeypatch.setattr(deploy, "build", lambda *_: Package(tmp_path / "package.zip", "digest", 1))
    monkeypatch.setattr(deploy, "mapping_changes", lambda *_: MappingChanges())
    monkeypatch.setattr(generations, "ensure", lambda *_: False)
    project = projects.load(tmp_path)
    deploy.deploy(project, Account(), project.regions, Quiet(), tmp_path)
    return given


def test_each_region_gets_its_own_network_key_topic_and_api_limits(deployed: Parameters) -> None:
    account = {
        "SubnetIds": "subnet-0a1b2c3d,subnet-0a1b2c3e",
        "SecurityGroupIds": "sg-0a1b2c3d",
        "KmsKeyArn": KEY,
        "AlarmTopicArn": TOPIC,
    }
    for stack, names in (
        ("shop", account),
        ("shop-operations", account),
        ("shop-heartbeat", account),
        ("shop-watch", ("KmsKeyArn", "AlarmTopicArn")),
    ):
        assert {name: deployed["eu-west-1", stack][name] for name in names} == {name: account[name] for name in names}
        assert {deployed["us-east-1", stack][name] for name in names} == {""}
    origins = "https://www.example.com,https://example.com"
    api = ("AllowedOrigins", "SearchRate", "SearchBurst")
    assert [deployed["eu-west-1", "shop"][name] for name in api] == [origins, "7", "9"]
    assert [deployed["us-east-1", "shop"][name] for name in api] == [origins, "200", "400"]


def test_table_source_and_verification_get_what_the_file_says(deployed: Parameters) -> None:
    table = deployed["us-east-1", "shop-table-songs"]
    assert (table["PointInTimeRecovery"], table["DeletionProtection"]) == ("false", "false")
    assert deployed["eu-west-1", "shop-source-songs"]["MaximumBatchingWindow"] == "5"
    verify = deployed["eu-west-1", "shop-operations"]
    assert (verify["VerifySchedule"], verify["VerifyTimeout"], verify["VerifyHaltAfter"]) == ("", "600", "480")
    assert [part["repair"] for part in json.loads(verify["VerifyInput"])["segments"]] == [True, True]


def test_the_heartbeat_may_write_its_own_key_and_no_other(deployed: Parameters) -> None:
    heartbeat = deployed["eu-west-1", "shop-heartbeat"]
    assert heartbeat["HeartbeatTableArns"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-songs"
    assert (heartbeat["HeartbeatKeys"], heartbeat["HeartbeatLimit"]) == ("dynadex.heartbeat.eu-west-1", "90000")


def test_without_a_heartbeat_what_one_left_is_looked_for_in_every_region(
    deployed: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that is gone says nothing of the items."""
    ended: list[str] = []
    monkeypatch.setattr(stacks, "status_of", lambda *_: None)
    monkeypatch.setattr(beating, "remove", lambda project, cloud, region, of: ended.append(region))
    monkeypatch.setattr(deploy, "_exists", lambda *_: False)
    (tmp_path / "dynadex.toml").write_text(TOML.replace("[heartbeat]\nlimit = 90\n", ""))
    project = projects.load(tmp_path)
    deploy.deploy(project, Account(), project.regions, Quiet(), tmp_path)
    assert sorted(ended) == sorted(project.regions)


@dataclass
class Stage:
    """An API's stage. AWS adds route settings to those that are there. The laptop's platform replaces them all, and
    takes their deletion for the stage's."""

    laptop: bool
    routes: dict[str, Any]
    calls: list[str]

    def get_stage(self, ApiId: str, StageName: str) -> dict[str, Any]:
        return {"RouteSettings": dict(self.routes)}

    def update_stage(self, ApiId: str, StageName: str, RouteSettings: dict[str, Any]) -> None:
        self.routes = RouteSettings if self.laptop else self.routes | RouteSettings

    def delete_route_settings(self, ApiId: str, StageName: str, RouteKey: str) -> None:
        assert not self.laptop
        self.calls.append(f"no limit of {RouteKey}")
        del self.routes[RouteKey]


@pytest.mark.parametrize("laptop", [False, True])
def test_without_an_admin_section_the_users_go_and_the_history_stays(
    deployed: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laptop: bool
) -> None:
    limits = {route: {"ThrottlingBurstLimit": 4} for route, _, _ in deploy._LIMITS}
    there = {"shop-console", "shop-admin", "shop-table-songs-history"}
    calls: list[str] = []
    stage = Stage(laptop, limits | {"GET /mine": {"ThrottlingBurstLimit": 1}}, calls)

    class Ended(Account):
        def client(self, service: str, region: str) -> Any:
            return stage if service == "apigatewayv2" else Nothing(region)

    def delete(_: Any, stack: str) -> bool:
        if found := stack in there:
            calls.append(stack)
            there.remove(stack)
        return found

    monkeypatch.setattr(stacks, "status_of", lambda _, stack: "CREATE_COMPLETE" if stack in there else None)
    monkeypatch.setattr(stacks, "delete", delete)
    monkeypatch.setattr(deploy, "_exists", lambda *_: False)
    project = projects.load(tmp_path)
    assert [table.name for table in deploy.own_tables(project, Ended())] == ["songs", "songs-history"]
    for _ in range(2):
        deploy.deploy(project, Ended(), ["us-east-1"], Quiet(), tmp_path)
        assert stage.routes == {"GET /mine": {"ThrottlingBurstLimit": 1}}
        lifted = [] if laptop else sorted(f"no limit of {route}" for route in limits)
        assert (calls[0], sorted(calls[1:-1]), calls[-1]) == ("shop-console", lifted, "shop-admin")
    assert there == {"shop-table-songs-history"}


def test_a_table_that_was_never_edited_has_no_history(
    deployed: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "status_of", lambda *_: None)
    assert [table.name for table in deploy.own_tables(projects.load(tmp_path), Account())] == ["songs"]


def test_the_laptop_leaves_out_what_only_an_account_has(tmp_path: Path) -> None:
    (tmp_path / "dynadex.toml").write_text(TOML)
    (tmp_path / "mapping.json").write_text("{}")
    project = projects.load(tmp_path)
    laptop = Laptop("http://127.0.0.1:1", {"eu-west-1": EngineAddress("http://127.0.0.1:2", "none")})
    assert laptop.aws_settings(project, "eu-west-1") == projects.Aws()
    assert Cloud().aws_settings(project, "eu-west-1").kms_key == KEY

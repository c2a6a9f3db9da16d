"""A region's heartbeat: its stack, its first beats, and its end."""

from __future__ import annotations

from collections.abc import Mapping

from ..aws import AwsError
from ..core import heartbeats
from ..platform.cloud import Cloud
from ..project import Project
from . import stacks
from .boto_items import native

_SHARED = (
    *("ProjectName", "CodeBucket", "CodeKey", "Architecture", "Runtime", "LogRetentionDays", "TableArns"),
    *("EngineUrl", "EngineAuth", "EngineSecretArn", "EngineDomainArn", "EnginePrefix"),
    *("SubnetIds", "SecurityGroupIds", "KmsKeyArn", "AlarmTopicArn"),
)


def stack_name(project: Project) -> str:
    """The stack with a region's heartbeat."""
    return f"{project.name}-heartbeat"


def deploy(
    project: Project, cloud: Cloud, region: str, regional: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, str]:
    """Deploys the heartbeat, or takes it away where dynadex.toml has none; returns what the stack puts out.

    `regional` are the regional stack's parameters, `outputs` what it put out.
    """
    cloudformation, stack = cloud.client("cloudformation", region), stack_name(project)
    if project.heartbeat is None:
        stacks.delete(cloudformation, stack)
        remove(project, cloud, region, region)  # even without a stack: an earlier deployment may have been cut off here
        return {}
    parameters = _parameters(project, region, regional, outputs)
    stacks.deploy(cloudformation, stack, stacks.template("heartbeat"), parameters, {"dynadex:project": project.name})
    return stacks.outputs(cloudformation, stack)


def _parameters(
    project: Project, region: str, regional: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, str]:
    settings = project.heartbeat
    if settings is None:
        raise ValueError("the project has no heartbeat")
    arns = dict(zip(project.tables, regional["TableArns"].split(","), strict=True))
    keys = [heartbeats.key(project.tables[name].key, region) for name in settings.tables]
    firsts = [key[project.tables[name].partition_key.name] for name, key in zip(settings.tables, keys, strict=True)]
    return {
        **{name: regional[name] for name in _SHARED},
        **{name: outputs[name] for name in ("FunctionPolicyArn", "FailuresQueueUrl", "FailuresQueueArn")},
        **{name: outputs[name] for name in ("StreamLogGroup", "SearchLogGroup")},
        "HeartbeatTableArns": ",".join(arns[name] for name in settings.tables),
        # IAM compares keys as text, and nobody says in which spelling those of other types
        "HeartbeatKeys": ",".join(dict.fromkeys(one["S"] for one in firsts))
        if all("S" in one for one in firsts)
        else "",
        "HeartbeatLimit": str(settings.limit * 1000),
    }


def begin(cloud: Cloud, region: str, outputs: Mapping[str, str]) -> None:
    """Beats for a minute from now on, so that nobody has to wait for the schedule."""
    if function := outputs.get("HeartbeatFunctionArn"):
        cloud.client("lambda", region).invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")


def remove(project: Project, cloud: Cloud, region: str, beating: str) -> None:
    """Removes the heartbeats of a region, `beating`, from all tables, as `region` has them."""
    for table in project.tables.values():
        id, key = heartbeats.id_of(table.key, beating), heartbeats.key(table.key, beating)
        try:
            items = cloud.table(table, region).read({id: key}).items
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                continue  # no table, no heartbeat
            raise
        # A table that never had one is not written to; where the table did not say, the deletion does.
        if items.get(id, key) is not None:
            cloud.client("dynamodb", region).delete_item(TableName=table.physical_name, Key=native(key))

"""Deploys a project: the tables' stacks in the home region, then every region's own, side by side.

In a region the order is: the bucket for the function package, the package, the functions, the indices, and last the
event sources, so that nothing is written before there is an index with its mapping. Every step can be run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from .. import generations
from ..errors import DynadexError
from ..platform.cloud import Cloud, EngineAddress
from ..platform.laptop import lambda_architecture
from ..platform.packaging import Package, build
from ..project import Project, Table
from . import beating, routing, stacks, web
from .filling import fill
from .mapping_changes import MappingChanges, mapping_changes
from .steps import Steps

_MAX_REGIONS = 8  # the table template's Region1 to Region8


class DeployError(DynadexError):
    """The project cannot be deployed as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A region after a deployment. `made` are the indices that had no generation before and are empty; `changed` those
    whose mapping is another one now, so that they must be rebuilt."""

    region: str
    api: str
    outputs: Mapping[str, str]
    made: tuple[str, ...]
    changed: Mapping[str, MappingChanges]


def stack_names(project: Project) -> dict[str, str]:
    """The project's stacks in a region, by what they hold; each table's source is `source-TABLE`."""
    names = {
        "artifacts": f"{project.name}-artifacts",
        "regional": project.name,
        "operations": f"{project.name}-operations",
        "watch": f"{project.name}-watch",
        "domain": routing.domain_stack(project),
        "heartbeat": beating.stack_name(project),
        "console": f"{project.name}-console",
        "admin": f"{project.name}-admin",
    }
    return names | {f"source-{table}": f"{project.name}-source-{table}" for table in project.tables}


#: The order in which a region's stacks go, sources aside.
LAST_FIRST = ("heartbeat", "console", "admin", "watch", "operations", "domain", "regional", "artifacts")


def source_stacks(project: Project) -> list[str]:
    """The stacks in a region that feed its stream function."""
    return [name for part, name in stack_names(project).items() if part.startswith("source-")]


def table_stack(project: Project, table: Table) -> str:
    """The stack of a table, in the home region."""
    return f"{project.name}-table-{table.name}"


def deploy(project: Project, cloud: Cloud, regions: Sequence[str], steps: Steps, work: Path) -> dict[str, Deployed]:
    """Deploys the project in the given regions; `work` is a folder for what is built on the way."""
    target, python = cloud.package_for(project)
    with steps.step("package the functions"):
        package = build(project, target, python, work)
    for table in own_tables(project, cloud):
        with steps.step(f"table {table.physical_name} in {', '.join(project.regions)}"):
            _deploy_table(project, cloud, table, project.regions)
    before = routing.serving(project, cloud)

    def region_of(region: str) -> Deployed:
        deployed = _deploy_region(project, cloud, region, package, steps)
        if before and region not in before:  # added to a project that runs
            fill(project, cloud, region, steps)
            deployed = replace(deployed, made=())
        routing.serve(project, cloud, region)
        return deployed

    with ThreadPoolExecutor(len(regions), thread_name_prefix="region") as pool:
        found = {deployed.region: deployed for deployed in pool.map(region_of, regions)}
    if project.routing is not None:
        with steps.step(
            f"send people of {project.routing.domain} to {', '.join(serving := routing.serving(project, cloud))}"
        ):
            routing.deploy(project, cloud, serving)
    else:
        routing.deploy(project, cloud, ())
    for region, deployed in found.items():
        for index, changes in deployed.changed.items():
            steps.say(changes.advice(index, region))
    web.publish(project, cloud, {region: deployed.api for region, deployed in found.items()}, steps)
    return found


def own_tables(project: Project, cloud: Cloud) -> list[Table]:
    """The tables that the project's stacks make: not those of somebody else, but for stand-ins of these."""
    tables = [one for one in project.tables.values() if not one.existing or _needs_stand_in(project, cloud, one)]
    home = cloud.client("cloudformation", project.home_region)
    for table in project.tables.values():
        history = project.history_of(table)
        # Where editing has ended the history stays, in all regions that there are.
        if table.admin or stacks.status_of(home, table_stack(project, history)) is not None:
            tables.append(history)
    return tables


def _needs_stand_in(project: Project, cloud: Cloud, table: Table) -> bool:
    """Whether an existing table is to be made all the same: where the cloud has none, or one made for that before."""
    if not cloud.makes_stand_ins:
        return False
    stack = stacks.status_of(cloud.client("cloudformation", project.home_region), table_stack(project, table))
    return stack is not None or not _exists(cloud, table.physical_name, project.home_region)


def _deploy_table(project: Project, cloud: Cloud, table: Table, regions: Sequence[str]) -> None:
    home = project.home_region
    cloudformation, stack = cloud.client("cloudformation", home), table_stack(project, table)
    if stacks.status_of(cloudformation, stack) is None and _exists(cloud, table.physical_name, home):
        raise DeployError(
            f"tables.{table.name}: there is a table {table.physical_name!r} in {home} already, which no stack of "
            f"this project made: set `existing = true` to use it as it is, or choose another name"
        )
    there = replicas(project, cloud, table)
    wanted = [home, *dict.fromkeys(region for region in (*there, *regions) if region != home)]
    # A new table may begin with all of them; later DynamoDB takes one more at a time.
    for count in range(len(there), len(wanted) + 1) if there else (len(wanted),):
        _set_replicas(project, cloud, table, wanted[:count])


def drop_replica(project: Project, cloud: Cloud, table: Table, region: str) -> None:
    """Removes the table's replica in a region, if there is one; the other regions keep every item."""
    there = replicas(project, cloud, table)
    if region in there:
        if table.deletion_protection:
            cloud.client("dynamodb", region).update_table(
                TableName=table.physical_name, DeletionProtectionEnabled=False
            )
        _set_replicas(project, cloud, table, [one for one in there if one != region])


def replicas(project: Project, cloud: Cloud, table: Table) -> list[str]:
    """The regions that the table's stack has now, home first; none where there is no stack."""
    told = stacks.parameters(cloud.client("cloudformation", project.home_region), table_stack(project, table))
    return [region for number in range(1, _MAX_REGIONS + 1) if (region := told.get(f"Region{number}"))]


def _set_replicas(project: Project, cloud: Cloud, table: Table, wanted: Sequence[str]) -> None:
    home = project.home_region
    cloudformation, stack = cloud.client("cloudformation", home), table_stack(project, table)
    regions = [*wanted, *[""] * _MAX_REGIONS][:_MAX_REGIONS]
    parameters = {
        "TableName": table.physical_name,
        "PartitionKeyName": table.partition_key.name,
        "PartitionKeyType": table.partition_key.type,
        "SortKeyName": table.sort_key.name if table.sort_key else "",
        "SortKeyType": table.sort_key.type if table.sort_key else "S",
        "TimeToLiveAttribute": table.ttl or "",
        "PointInTimeRecovery": str(table.point_in_time_recovery).lower(),
        "DeletionProtection": str(table.deletion_protection).lower(),
        **{f"Region{number}": region for number, region in enumerate(regions, start=1)},
    }
    stacks.deploy(cloudformation, stack, stacks.template("table"), parameters, _tags(project))
    cloud.finish_table(table, home, wanted)


def _exists(cloud: Cloud, table: str, region: str) -> bool:
    try:
        cloud.client("dynamodb", region).describe_table(TableName=table)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True


def _deploy_region(project: Project, cloud: Cloud, region: str, package: Package, steps: Steps) -> Deployed:
    cloudformation, names = cloud.client("cloudformation", region), stack_names(project)
    with steps.step(f"{region}: function package, {package.bytes / 1e6:.1f} MB"):
        stacks.deploy(cloudformation, names["artifacts"], stacks.template("artifacts"), {}, _tags(project))
        bucket = stacks.outputs(cloudformation, names["artifacts"])["BucketName"]
        key = f"{project.name}/{package.digest}.zip"
        _upload(cloud, region, bucket, key, package.path)
    with steps.step(f"{region}: functions, refill, API and queues"):
        parameters = _regional_parameters(project, cloud, region, bucket, key)
        stacks.deploy(cloudformation, names["regional"], stacks.template("regional"), parameters, _tags(project))
        outputs = stacks.outputs(cloudformation, names["regional"])
    with steps.step(f"{region}: verification and its schedule"):
        watching = _operations_parameters(project, parameters, outputs)
        stacks.deploy(cloudformation, names["operations"], stacks.template("operations"), watching, _tags(project))
        outputs |= stacks.outputs(cloudformation, names["operations"])
        watching = _watch_parameters(parameters, outputs)
        stacks.deploy(cloudformation, names["watch"], stacks.template("watch"), watching, _tags(project))
        outputs |= stacks.outputs(cloudformation, names["watch"])
    with steps.step(f"{region}: {'heartbeat' if project.heartbeat else 'no heartbeat'}"):
        outputs |= beating.deploy(project, cloud, region, parameters, outputs)
    if project.edited_tables:
        with steps.step(f"{region}: sign-in and editing"):
            outputs |= _deploy_admin(project, cloud, region, parameters, outputs)
        with steps.step(f"{region}: operations API"):
            given = _console_parameters(parameters, outputs)
            stacks.deploy(cloudformation, names["console"], stacks.template("console"), given, _tags(project))
    else:
        _end_editing(project, cloud, region, outputs["ApiId"], steps)
    if project.routing is not None or stacks.status_of(cloudformation, names["domain"]) is not None:
        with steps.step(f"{region}: the public name"):
            routing.deploy_domain(project, cloud, region, outputs)
    with steps.step(f"{region}: indices"):
        engine = cloud.engine(project, region)
        made = [name for name, index in project.indexes.items() if generations.ensure(engine, name, index.mapping)]
        found = {name: mapping_changes(engine, index) for name, index in project.indexes.items()}
        changed = {name: changes for name, changes in found.items() if changes.paths}
    with steps.step(f"{region}: event sources"):
        for table in project.tables.values():
            source = {
                "FunctionArn": outputs["StreamFunctionArn"],
                "StreamArn": stream_arn(cloud, table, region),
                "UndeliveredQueueArn": outputs["UndeliveredQueueArn"],
                "BatchSize": str(project.functions.stream.batch_size),
                "ParallelizationFactor": str(project.functions.stream.parallelization),
                "MaximumBatchingWindow": str(project.functions.stream.batching_window),
            }
            stack = names[f"source-{table.name}"]
            stacks.deploy(cloudformation, stack, stacks.template("source"), source, _tags(project))
    beating.begin(cloud, region, outputs)
    api = cloud.api_url(region, outputs["ApiId"], outputs["ApiUrl"])
    return Deployed(region, api, outputs, tuple(made), changed)


def _deploy_admin(
    project: Project, cloud: Cloud, region: str, regional: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, str]:
    """The user pool, the authorizer and the function that edits items, with narrower limits for some routes."""
    cloudformation, stack = cloud.client("cloudformation", region), stack_names(project)["admin"]
    parameters = _admin_parameters(project, region, cloud.account(region), regional, outputs)
    stacks.deploy(cloudformation, stack, stacks.template("admin"), parameters, _tags(project))
    # A stage knows limits only for routes that are there, and these came after it: so no template can have them.
    limits = {route: {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst} for route, rate, burst in _LIMITS}
    stage = {"ApiId": outputs["ApiId"], "StageName": "$default"}
    cloud.client("apigatewayv2", region).update_stage(**stage, RouteSettings=limits)
    return stacks.outputs(cloudformation, stack)


def _end_editing(project: Project, cloud: Cloud, region: str, api: str, steps: Steps) -> None:
    """Takes away what the last [admin] section has left in a region, the users too; items and their history stay."""
    cloudformation, names = cloud.client("cloudformation", region), stack_names(project)
    if stacks.status_of(cloudformation, names["console"]) is not None:  # first: it needs the other's authorizer
        with steps.step(f"{region}: delete {names['console']}"):
            stacks.delete(cloudformation, names["console"])
    if stacks.status_of(cloudformation, names["admin"]) is not None:
        with steps.step(f"{region}: delete {names['admin']}, with its users"):
            _lift_limits(cloud, region, api)
            stacks.delete(cloudformation, names["admin"])


def _lift_limits(cloud: Cloud, region: str, api: str) -> None:
    """Removes the limits of `_LIMITS`: a stage whose limits are for routes that are gone cannot be updated any more."""
    gateway, stage = cloud.client("apigatewayv2", region), {"ApiId": api, "StageName": "$default"}
    limited = [route for route, _, _ in _LIMITS]
    kept = gateway.get_stage(**stage).get("RouteSettings", {})
    if not kept.keys() & limited:
        return
    # AWS adds these settings to those that are there, and others go by DeleteRouteSettings. The laptop's platform takes
    # these instead of those, and DeleteRouteSettings, which it does not know, for DeleteStage.
    gateway.update_stage(**stage, RouteSettings={route: kept[route] for route in kept if route not in limited})
    for route in gateway.get_stage(**stage).get("RouteSettings", {}).keys() & limited:
        gateway.delete_route_settings(**stage, RouteKey=route)


def _upload(cloud: Cloud, region: str, bucket: str, key: str, path: Path) -> None:
    s3 = cloud.client("s3", region)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


def stream_arn(cloud: Cloud, table: Table, region: str) -> str:
    """The stream of a table in a region. Raises `DeployError` where there is none."""
    try:
        described = cloud.client("dynamodb", region).describe_table(TableName=table.physical_name)["Table"]
    except ClientError as error:
        raise DeployError(f"tables.{table.name}: {table.physical_name} in {region}: {error}") from error
    view = described.get("StreamSpecification", {}).get("StreamViewType")
    if view not in ("NEW_AND_OLD_IMAGES", "NEW_IMAGE"):
        raise DeployError(
            f"tables.{table.name}: {table.physical_name} in {region} has {'a ' + view if view else 'no'} stream: "
            "switch on its stream with the view type NEW_AND_OLD_IMAGES (dynamodb update-table --stream-specification)"
        )
    return str(described["LatestStreamArn"])


def _regional_parameters(project: Project, cloud: Cloud, region: str, bucket: str, key: str) -> dict[str, str]:
    address, functions = cloud.engine_address(project, region), project.functions
    aws, api = cloud.aws_settings(project, region), project.api[region]
    target, python = cloud.package_for(project)
    partition, account = _partition(region), cloud.account(region)
    tables = [f"arn:{partition}:dynamodb:{region}:{account}:table/{t.physical_name}" for t in project.tables.values()]
    return {
        "ProjectName": project.name,
        "CodeBucket": bucket,
        "CodeKey": key,
        "Architecture": lambda_architecture(target),
        "Runtime": f"python{python}",
        "Memory": str(functions.memory),
        "LogRetentionDays": str(functions.log_retention_days),
        "EngineUrl": address.url,
        "EngineAuth": address.auth,
        "EngineSecretArn": address.secret,
        "EngineDomainArn": _domain_arn(address, partition, region, account),
        "EnginePrefix": address.prefix,
        "TableArns": ",".join(tables),
        "TableStreamArns": ",".join(f"{table}/stream/*" for table in tables),
        "StreamTimeout": str(functions.stream.timeout),
        "RefillTimeout": str(functions.refill.timeout),
        "RefillHaltAfter": f"{functions.refill.halt_after:g}",
        "SearchTimeout": str(functions.search.timeout),
        "SearchRate": str(api.rate),
        "SearchBurst": str(api.burst),
        "AllowedOrigins": ",".join(web.allowed_origins(project, cloud, api.origins)),
        "SubnetIds": ",".join(aws.subnets),
        "SecurityGroupIds": ",".join(aws.security_groups),
        "KmsKeyArn": aws.kms_key or "",
        "AlarmTopicArn": aws.alarm_topic or "",
    }


_SHARED = (
    *("ProjectName", "CodeBucket", "CodeKey", "Architecture", "Runtime", "Memory", "LogRetentionDays", "TableArns"),
    *("EngineUrl", "EngineAuth", "EngineSecretArn", "EngineDomainArn", "EnginePrefix"),
    *("SubnetIds", "SecurityGroupIds", "KmsKeyArn", "AlarmTopicArn"),
)


def _operations_parameters(project: Project, regional: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
    verify = project.functions.verify
    return {
        **{name: regional[name] for name in _SHARED},
        **{name: outputs[name] for name in ("FunctionPolicyArn", "FailuresQueueUrl", "FailuresQueueArn")},
        "VerifyTimeout": str(verify.timeout),
        "VerifyHaltAfter": str(verify.halt_after),
        "VerifySchedule": verify.schedule or "",
        "VerifyInput": project.scheduled_verification(),
    }


def _watch_parameters(regional: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
    shared = ("ProjectName", "CodeBucket", "CodeKey", "Architecture", "Runtime", "LogRetentionDays", "TableArns")
    return {
        **{name: regional[name] for name in (*shared, "KmsKeyArn", "AlarmTopicArn")},
        "StreamFunctionArn": outputs["StreamFunctionArn"],
        "StreamLogGroup": outputs["StreamLogGroup"],
        "VerifyStateMachineArn": outputs["VerifyStateMachineArn"],
    }


def _console_parameters(regional: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
    told = (
        *("FunctionPolicyArn", "ApiId", "AuthorizerId", "StreamFunctionArn", "StreamLogGroup", "RefillLogGroup"),
        *("FailuresQueueUrl", "FailuresQueueArn", "UndeliveredQueueUrl", "UndeliveredQueueArn"),
        *("RefillStateMachineArn", "VerifyStateMachineArn"),
    )
    shared = {name: regional[name] for name in _SHARED if name != "AlarmTopicArn"}
    heartbeat = outputs.get("HeartbeatLogGroup", "")
    return {**shared, **{name: outputs[name] for name in told}, "HeartbeatLogGroup": heartbeat}


#: Routes with limits of their own: requests a second in the long run, and at once.
_LIMITS = (("POST /auth/sign-in", 5.0, 10), ("POST /auth/refresh", 10.0, 20), ("POST /admin/{table}/import", 1.0, 4))


def _admin_parameters(
    project: Project, region: str, account: str, regional: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, str]:
    shared = ("ProjectName", "CodeBucket", "CodeKey", "Architecture", "Runtime", "Memory", "LogRetentionDays")
    arn = f"arn:{_partition(region)}:dynamodb:{region}:{account}:table/"
    return {
        **{name: regional[name] for name in (*shared, "KmsKeyArn", "AlarmTopicArn")},
        "ApiId": outputs["ApiId"],
        "EditedTableArns": ",".join(arn + table.physical_name for table in project.edited_tables),
        "HistoryTableArns": ",".join(arn + project.history_of(t).physical_name for t in project.edited_tables),
    }


def _domain_arn(address: EngineAddress, partition: str, region: str, account: str) -> str:
    """The domain that signed requests may go to: `search-NAME-x1y2z3.REGION.es.amazonaws.com` says its name."""
    if address.auth != "signed":
        return ""
    if address.domain:
        return address.domain
    label = (urlsplit(address.url).hostname or "").partition(".")[0]
    kind, _, rest = label.partition("-")
    name = rest.rpartition("-")[0]
    if kind not in ("search", "vpc") or not name:
        raise DeployError(
            f"engine.domain: the name of the domain cannot be read off {address.url}; "
            "say its ARN in dynadex.toml, so that the functions are allowed to call it"
        )
    return f"arn:{partition}:es:{region}:{account}:domain/{name}"


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _tags(project: Project) -> dict[str, str]:
    return {"dynadex:project": project.name}

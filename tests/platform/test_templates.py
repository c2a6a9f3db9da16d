"""What must hold in the cloud templates, checked without a cloud."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cfnlint import decode
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from dynadex.functions import admin
from dynadex.platform.edge import application

TEMPLATES = {
    name: Path(str(files("dynadex") / "platform" / "templates" / f"{name}.yaml"))
    for name in (
        "artifacts",
        "table",
        "regional",
        "operations",
        "watch",
        "heartbeat",
        "admin",
        "console",
        "domain",
        "source",
        "web",
    )
}
WITH_FUNCTIONS = ("regional", "operations", "watch", "heartbeat", "admin", "console")
REGIONS = ["us-east-1", "eu-west-1"]

# The only actions that may be allowed on "*", each with the reason.
WITHOUT_RESOURCES = {
    **dict.fromkeys(
        ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        "X-Ray has no resource for traces",
    ),
    "lambda:ListEventSourceMappings": "Lambda lists event sources without resource-level permissions",
    **dict.fromkeys(
        ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
        "EC2's Describe calls have no resource-level permissions",
    ),
    **dict.fromkeys(
        [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        "Step Functions sets up log delivery with calls that have no resource-level permissions",
    ),
}

Properties = dict[str, Any]


def template(name: str) -> dict[str, Any]:
    """The template as plain data, intrinsic functions spelled out (`{"Fn::If": [...]}`)."""
    document, errors = decode.decode(str(TEMPLATES[name]))
    assert not errors
    return dict(json.loads(json.dumps(document)))


def of_type(name: str, kind: str) -> dict[str, Properties]:
    resources = template(name)["Resources"]
    return {logical: entry["Properties"] for logical, entry in resources.items() if entry["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def branches(value: Any) -> list[Any]:
    """The outcomes of a condition, or the value itself."""
    outcomes = value["Fn::If"][1:] if isinstance(value, dict) and "Fn::If" in value else [value]
    return [outcome for outcome in outcomes if outcome != {"Ref": "AWS::NoValue"}]


def role_statements() -> Iterator[tuple[str, dict[str, Any]]]:
    documents = [
        (role, policy["PolicyDocument"])
        for name in WITH_FUNCTIONS
        for role, properties in of_type(name, "AWS::IAM::Role").items()
        for policy in properties["Policies"]
    ] + [
        (policy, properties["PolicyDocument"])
        for name in WITH_FUNCTIONS
        for policy, properties in of_type(name, "AWS::IAM::ManagedPolicy").items()
    ]
    for owner, document in documents:
        for entry in document["Statement"]:
            for statement in branches(entry):
                yield f"{owner}/{statement['Sid']}", statement


STATEMENTS = dict(role_statements())


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing_in_either_region(name: str) -> None:
    assert lint_file(TEMPLATES[name], ManualArgs(regions=REGIONS)) == []


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_role_statement_names_its_actions_and_resources(statement: dict[str, Any]) -> None:
    actions = as_list(statement["Action"])
    assert statement["Effect"] == "Allow"
    assert not [action for action in actions if "*" in action]
    if "*" in as_list(statement["Resource"]):
        assert set(actions) <= set(WITHOUT_RESOURCES)


def test_no_leave_for_all_resources_is_left_over() -> None:
    wild = [statement for statement in STATEMENTS.values() if "*" in as_list(statement["Resource"])]
    assert {action for statement in wild for action in as_list(statement["Action"])} == set(WITHOUT_RESOURCES)


def test_search_reaches_neither_tables_nor_queues() -> None:
    actions = {
        action
        for owner, statement in STATEMENTS.items()
        if owner.startswith(("SearchRole/", "EveryFunctionPolicy/"))
        for action in as_list(statement["Action"])
    }
    assert not [action for action in actions if action.startswith(("dynamodb:", "sqs:"))]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("table", "AWS::DynamoDB::GlobalTable"), ("artifacts", "AWS::S3::Bucket"), ("web", "AWS::S3::Bucket")],
)
def test_data_outlives_its_stack(name: str, kind: str) -> None:
    [resource] = [entry for entry in template(name)["Resources"].values() if entry["Type"] == kind]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_is_encrypted_private_and_drops_old_versions() -> None:
    [bucket] = of_type("artifacts", "AWS::S3::Bucket").values()
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    assert any("NoncurrentVersionExpiration" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])


def test_every_queue_is_encrypted_with_or_without_a_key_and_keeps_messages_longest() -> None:
    queues = of_type("regional", "AWS::SQS::Queue")
    assert queues
    for queue in queues.values():
        assert queue["KmsMasterKeyId"] == {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", {"Ref": "AWS::NoValue"}, True]}
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize(
    ("name", "store", "policy", "target"),
    [
        ("artifacts", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("regional", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
    ],
)
def test_every_queue_and_bucket_refuses_plain_http(name: str, store: str, policy: str, target: str) -> None:
    guarded = []
    for properties in of_type(name, policy).values():
        [statement] = properties["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        guarded += [reference["Ref"] for reference in as_list(properties[target])]
    assert sorted(guarded) == sorted(of_type(name, store))


@pytest.mark.parametrize("kind", ["AWS::Lambda::Function", "AWS::Logs::LogGroup"])
def test_functions_and_logs_take_the_customers_key(kind: str) -> None:
    property = "KmsKeyArn" if kind == "AWS::Lambda::Function" else "KmsKeyId"
    for name in WITH_FUNCTIONS:
        for properties in of_type(name, kind).values():
            assert branches(properties[property]) == [{"Ref": "KmsKeyArn"}]


@pytest.mark.parametrize("name", WITH_FUNCTIONS)
def test_every_log_group_has_a_retention_and_every_writer_a_log_group(name: str) -> None:
    groups = of_type(name, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    functions = of_type(name, "AWS::Lambda::Function")
    written = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    for machine in of_type(name, "AWS::StepFunctions::StateMachine").values():
        [destination] = machine["LoggingConfiguration"]["Destinations"]
        written.append(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0])
    stages = of_type(name, "AWS::ApiGatewayV2::Stage").values()
    written += [stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0] for stage in stages]
    assert sorted(written) == sorted(groups)


def test_the_table_is_encrypted_on_demand_and_streams_both_images() -> None:
    [table] = of_type("table", "AWS::DynamoDB::GlobalTable").values()
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_every_region_of_the_table_is_a_replica_with_recovery_and_protection() -> None:
    [table] = of_type("table", "AWS::DynamoDB::GlobalTable").values()
    replicas = [replica for entry in table["Replicas"] for replica in branches(entry)]
    assert replicas == [
        {
            "Region": {"Ref": f"Region{number}"},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": {"Ref": "PointInTimeRecovery"}},
            "DeletionProtectionEnabled": {"Ref": "DeletionProtection"},
        }
        for number in range(1, 9)
    ]


def test_the_source_never_drops_a_batch_before_its_records_expire() -> None:
    [source] = of_type("source", "AWS::Lambda::EventSourceMapping").values()
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["MaximumRetryAttempts"] == -1
    assert source["MaximumRecordAgeInSeconds"] == -1
    assert source["BisectBatchOnFunctionError"] is False
    assert "FunctionResponseTypes" not in source
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "UndeliveredQueueArn"}


def test_refill_hands_each_output_to_the_next_call_as_it_is() -> None:
    [machine] = of_type("regional", "AWS::StepFunctions::StateMachine").values()
    definition = json.loads(machine["DefinitionString"])
    whole, segmented = definition["States"], definition["States"]["Segments"]["ItemProcessor"]["States"]
    for states, task, choice in (
        (whole, "Refill", "Finished?"),
        (segmented, "Refill segment", "Segment finished?"),
    ):
        assert set(states[task]) == {"Type", "Resource", "TimeoutSeconds", "Retry", "Next"}
        assert states[task]["Resource"] == "${RefillFunctionArn}"
        assert states[task]["Next"] == choice
        assert states[choice]["Choices"] == [
            {"Variable": variable, "IsPresent": True, "Next": task} for variable in ("$.lastEvaluatedKey", "$.export")
        ]
        assert states[states[choice]["Default"]] == {"Type": "Succeed"}
    assert whole["Refill"]["Retry"] == segmented["Refill segment"]["Retry"]


def test_verify_scans_each_segment_to_its_end_and_then_sweeps_to_its_end() -> None:
    [machine] = of_type("operations", "AWS::StepFunctions::StateMachine").values()
    states = json.loads(machine["DefinitionString"])["States"]
    assert states["One segment"]["Parameters"] == {"segments.$": "States.Array($)"}
    assert states["Segments"]["ResultPath"] == states["Segments"]["ItemsPath"] == "$.segments"
    assert states["Segments"]["Next"] == "Sweep"
    segment = states["Segments"]["ItemProcessor"]["States"]
    for loop, task, choice, more in (
        (segment, "Scan", "Scanned?", "$.lastEvaluatedKey"),
        (states, "Sweep", "Swept?", "$.sweep"),
    ):
        assert set(loop[task]) == {"Type", "Resource", "TimeoutSeconds", "Retry", "Next"}
        assert loop[task]["Resource"] == "${VerifyFunctionArn}"
        assert loop[task]["Next"] == choice
        assert loop[choice]["Choices"] == [{"Variable": more, "IsPresent": True, "Next": task}]
        assert loop[loop[choice]["Default"]] == {"Type": "Succeed"}


def test_verify_neither_writes_to_tables_nor_makes_or_deletes_indices() -> None:
    actions = {
        action
        for owner, statement in STATEMENTS.items()
        if owner.startswith("VerifyRole/")
        for action in as_list(statement["Action"])
    }
    assert {action for action in actions if action.startswith(("dynamodb:", "es:", "sqs:"))} == {
        *("dynamodb:BatchGetItem", "dynamodb:Scan", "es:ESHttpGet", "es:ESHttpPost", "es:ESHttpDelete"),
        "sqs:SendMessage",
    }
    [ending] = [one for one in STATEMENTS.values() if "es:ESHttpDelete" in as_list(one["Action"])]
    assert str(ending["Resource"]).endswith("/_search/scroll'}")


def test_every_admin_route_wants_a_token_and_only_sign_in_is_open() -> None:
    routes = of_type("admin", "AWS::ApiGatewayV2::Route").values()
    opened = {route["RouteKey"] for route in routes if route.get("AuthorizationType") != "JWT"}
    assert opened == {"GET /auth", "POST /auth/sign-in", "POST /auth/refresh"}
    assert {str(route.get("AuthorizerId")) for route in routes if route["RouteKey"] not in opened} == {
        str({"Ref": "Authorizer"})
    }
    [authorizer] = of_type("admin", "AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["JwtConfiguration"]["Audience"] == [{"Ref": "UserPoolClient"}]
    assert {route["RouteKey"] for route in routes} == {*admin._OPEN, *admin._FOR_ADMINS}


def test_nobody_signs_up_by_themselves_and_passwords_are_strong() -> None:
    [pool] = of_type("admin", "AWS::Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    [client] = of_type("admin", "AWS::Cognito::UserPoolClient").values()
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert set(client["ExplicitAuthFlows"]) == {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}


def test_the_admin_function_adds_to_the_history_and_never_changes_it() -> None:
    assert set(STATEMENTS["AdminRole/KeepHistory"]["Action"]) == {"dynamodb:PutItem", "dynamodb:Query"}


@pytest.mark.parametrize(("name", "task"), [("regional", ["Refill"]), ("operations", ["Scan", "Sweep"])])
def test_a_loop_retries_the_platforms_errors_with_backoff_and_jitter(name: str, task: list[str]) -> None:
    [machine] = of_type(name, "AWS::StepFunctions::StateMachine").values()
    states = json.loads(machine["DefinitionString"])["States"]
    states |= states["Segments"]["ItemProcessor"]["States"]
    first, *others = [states[one]["Retry"] for one in task]
    assert all(retries == first for retries in others)
    check_retries(first)


def check_retries(retries: list[dict[str, Any]]) -> None:
    retried = {error: rule for rule in retries if rule["MaxAttempts"] > 0 for error in rule["ErrorEquals"]}
    assert {
        "Lambda.TooManyRequestsException",
        "Lambda.ServiceException",
        "Lambda.SdkClientException",
        "Lambda.Unknown",
        "States.Timeout",
        "States.TaskFailed",
    } <= set(retried)
    assert all(rule["BackoffRate"] > 1 and rule["JitterStrategy"] == "FULL" for rule in retried.values())


def test_the_page_may_do_no_more_than_on_a_laptop_but_ask_the_apis() -> None:
    [policy] = of_type("web", "AWS::CloudFront::ResponseHeadersPolicy").values()
    security = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    in_cloud = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    assert in_cloud.replace(" ${ApiOrigins}", "") == application.SECURITY["Content-Security-Policy"]

"""CloudFormation stacks, deployed as change sets: what would change is known before anything does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from importlib import resources
from typing import Any

from botocore.exceptions import ClientError

from ..errors import DynadexError

_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 5.0
#: A stack in one of these states was never whole, and can only be deleted.
_HALF_MADE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "CREATE_FAILED"})
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class StackError(DynadexError):
    """A stack could not be brought to what its template says; the message has the resource's own reason."""


def template(name: str) -> str:
    """The text of one of the templates, such as `regional`."""
    return (resources.files("dynadex.platform") / "templates" / f"{name}.yaml").read_text()


def deploy(cloudformation: Any, stack: str, body: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    """Creates or updates a stack; returns whether anything changed. Raises `StackError`.

    Taken up where an earlier start was interrupted: a stack under way is waited for, one half made is made again.
    """
    status = _settled(cloudformation, stack)
    if status in _HALF_MADE:
        cloudformation.delete_stack(StackName=stack)
        _settled(cloudformation, stack)
        status = None
    change = f"dynadex-{uuid.uuid4().hex[:12]}"
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=change,
        ChangeSetType="CREATE" if status is None else "UPDATE",
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    if not _change_set_ready(cloudformation, stack, change):
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=change)
        return False
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=change)
    after = _settled(cloudformation, stack)
    if after not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackError(f"{stack} ended as {after}: {_reason(cloudformation, stack)}")
    return True


def _change_set_ready(cloudformation: Any, stack: str, change: str) -> bool:
    """Whether the change set has anything to execute."""
    wait = _POLL_SECONDS
    while True:
        told = cloudformation.describe_change_set(StackName=stack, ChangeSetName=change)
        status, reason = told["Status"], told.get("StatusReason", "")
        if status == "CREATE_COMPLETE":
            return True
        if status == "FAILED":
            if any(text in reason for text in _NO_CHANGES):
                return False
            raise StackError(f"{stack}: no change set could be made: {reason}")
        time.sleep(wait)
        wait = min(_LONGEST_POLL_SECONDS, wait * 1.5)


def _settled(cloudformation: Any, stack: str) -> str | None:
    """The stack's status once nothing is under way; None where there is no stack."""
    wait = _POLL_SECONDS
    while True:
        status = status_of(cloudformation, stack)
        if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return None if status == "DELETE_COMPLETE" else status
        time.sleep(wait)
        wait = min(_LONGEST_POLL_SECONDS, wait * 1.5)


def status_of(cloudformation: Any, stack: str) -> str | None:
    """The stack's status as it is now; None where there is no stack."""
    found = _describe(cloudformation, stack)
    return None if found is None else str(found["StackStatus"])


def outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """A stack's outputs; empty where there is no stack."""
    found = _describe(cloudformation, stack)
    return {output["OutputKey"]: output["OutputValue"] for output in (found or {}).get("Outputs", ())}


def parameters(cloudformation: Any, stack: str) -> dict[str, str]:
    """A stack's parameters; empty where there is no stack."""
    found = _describe(cloudformation, stack)
    return {one["ParameterKey"]: one.get("ParameterValue", "") for one in (found or {}).get("Parameters", ())}


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def _reason(cloudformation: Any, stack: str) -> str:
    """What went wrong first, as the stack's events tell it."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return "no resource says why"
    first = failed[-1]  # newest first
    return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason')}"


def delete(cloudformation: Any, stack: str) -> bool:
    """Deletes a stack, what it retains aside; returns whether there was one. Raises `StackError`."""
    if _settled(cloudformation, stack) is None:
        return False
    cloudformation.delete_stack(StackName=stack)
    status = _settled(cloudformation, stack)
    if status is not None:
        raise StackError(f"{stack} ended as {status}: {_reason(cloudformation, stack)}")
    return True

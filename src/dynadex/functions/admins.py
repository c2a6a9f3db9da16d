"""Who is calling: what the API's authorizer has found in a token, and whether its user is in a group.

The authorizer lets nothing through but tokens of this region's own pool and client that are neither altered nor
expired. Which group a user is in it does not judge; that is done here.
"""

from __future__ import annotations

from typing import Any

from .answers import Event, Refusal


def member(event: Event, group: str) -> str:
    """The name of the signed-in user, who is in the group. Raises `Refusal`."""
    claims: dict[str, Any] = ((event.get("requestContext") or {}).get("authorizer") or {}).get("jwt", {}).get(
        "claims"
    ) or {}
    if claims.get("token_use") not in ("id", "access"):
        raise Refusal(401, "Sign in", "This needs a signed-in user: send `Authorization: Bearer TOKEN`.")
    if group not in groups(claims.get("cognito:groups")):
        raise Refusal(403, "Not allowed", f"This is for members of the group {group!r}.")
    return str(claims.get("email") or claims.get("cognito:username") or claims.get("username") or claims.get("sub"))


def groups(claim: Any) -> set[str]:
    """The groups that a claim names: a list, or as API Gateway writes one, `[admins editors]`."""
    if isinstance(claim, list):
        return set(map(str, claim))
    # Split at spaces alone: a group's name may have any other character.
    return set(str(claim or "").removeprefix("[").removesuffix("]").split(" ")) - {""}

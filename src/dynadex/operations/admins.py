"""Who may edit: users of the regions' pools, the same in every region.

A region signs its admins in without another one, so each has a pool of its own, and a password is set in each.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import DynadexError, WrongUse
from ..platform.cloud import Cloud
from ..project import Project
from . import deployed

#: Who may edit on a laptop.
LOCAL_ADMIN = "admin@example.com"
_FILE = "admin.json"
_LETTERS = string.ascii_letters + string.digits


class AdminsError(DynadexError):
    """The pools cannot be changed as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A name and a password; `temporary` where it must be changed at the first sign-in to a region."""

    username: str
    password: str
    temporary: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Member:
    """A user of a region's pool. `status` is Cognito's word for where the user stands."""

    region: str
    username: str
    groups: tuple[str, ...]
    status: str
    enabled: bool

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "groups": list(self.groups)}


def groups_of(project: Project) -> tuple[str, ...]:
    """The groups whose members may edit some table or run operations."""
    edited = (table.admin.group for table in project.edited_tables if table.admin)
    return tuple(dict.fromkeys(("admins", *edited)))


def add(
    project: Project, cloud: Cloud, regions: Sequence[str], email: str, *, group: str = "admins", invite: bool = False
) -> SignIn:
    """Makes a user with a new password in every region, or gives one that is there a new password.

    With `invite` the password is temporary, and the pool of the first region sends it to the user by e-mail.
    """
    if group not in groups_of(project):
        raise WrongUse(f"--group: no table is edited by {group!r}; allowed: {', '.join(groups_of(project))}")
    if "@" not in email or any(letter.isspace() for letter in email):
        raise WrongUse(f"{email!r} is not an e-mail address")
    sign_in = SignIn(email, new_password(), temporary=invite)
    for region in regions:
        _set(project, cloud, region, sign_in, group, by_mail=invite and region == regions[0])
    return sign_in


def _set(project: Project, cloud: Cloud, region: str, sign_in: SignIn, group: str, *, by_mail: bool = False) -> None:
    cognito, pool = cloud.client("cognito-idp", region), _pool(project, cloud, region)
    user = {"UserPoolId": pool, "Username": sign_in.username}
    attributes = [{"Name": "email", "Value": sign_in.username}, {"Name": "email_verified", "Value": "true"}]
    mail: dict[str, Any] = {"DesiredDeliveryMediums": ["EMAIL"]} if by_mail else {"MessageAction": "SUPPRESS"}
    try:
        cognito.admin_create_user(**user, UserAttributes=attributes, TemporaryPassword=sign_in.password, **mail)
    except cognito.exceptions.UsernameExistsException:
        if by_mail:
            again = {"MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]}
            cognito.admin_create_user(**user, TemporaryPassword=sign_in.password, **again)
    cognito.admin_set_user_password(**user, Password=sign_in.password, Permanent=not sign_in.temporary)
    with suppress(cognito.exceptions.GroupExistsException):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    cognito.admin_add_user_to_group(**user, GroupName=group)


def members(project: Project, cloud: Cloud, regions: Sequence[str]) -> list[Member]:
    """Everybody in the pools of the regions."""
    return [member for region in regions for member in _members(project, cloud, region)]


def _members(project: Project, cloud: Cloud, region: str) -> list[Member]:
    cognito, pool = cloud.client("cognito-idp", region), _pool(project, cloud, region)
    found = []
    for page in cognito.get_paginator("list_users").paginate(UserPoolId=pool):
        for user in page["Users"]:
            told = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=user["Username"])
            names = tuple(sorted(group["GroupName"] for group in told["Groups"]))
            attributes = {one["Name"]: one["Value"] for one in user.get("Attributes", ())}
            email = attributes.get("email", user["Username"])
            found.append(Member(region, email, names, user["UserStatus"], user["Enabled"]))
    return sorted(found, key=lambda member: member.username)


def remove(project: Project, cloud: Cloud, regions: Sequence[str], email: str) -> list[str]:
    """Takes a user away; returns the regions in which there was one. Tokens that are out go on until they expire."""
    gone = []
    for region in regions:
        cognito, pool = cloud.client("cognito-idp", region), _pool(project, cloud, region)
        try:
            cognito.admin_delete_user(UserPoolId=pool, Username=email)
        except cognito.exceptions.UserNotFoundException:
            continue
        gone.append(region)
    if not gone:
        raise AdminsError(f"there is no user {email} in {', '.join(regions)}; `dynadex admins list` shows who is")
    return gone


def _pool(project: Project, cloud: Cloud, region: str) -> str:
    found = deployed.outputs(project, cloud, region)
    if "UserPoolId" not in found:
        raise AdminsError(
            f"{region} has no user pool: give a table an [admin] section (docs/admin.md), then `dynadex deploy`"
        )
    return found["UserPoolId"]


def new_password() -> str:
    """A password of 20 letters and digits, about 118 bits, that every pool takes."""
    while True:
        password = "".join(secrets.choice(_LETTERS) for _ in range(20))
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(kind(letter) for letter in password) for kind in kinds):
            return password


def keep_local_admin(project: Project, cloud: Cloud, folder: Path) -> SignIn | None:
    """The laptop's admin, with the same password in each region as at the last start; None where nobody may edit."""
    if not project.edited_tables:
        return None
    sign_in = local_admin(folder) or SignIn(LOCAL_ADMIN, new_password())
    file = folder / _FILE
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"username": sign_in.username, "password": sign_in.password}, out)
    file.chmod(0o600)
    for region in project.regions:
        for group in groups_of(project):
            _set(project, cloud, region, sign_in, group)
    return sign_in


def local_admin(folder: Path) -> SignIn | None:
    """The laptop's admin, as the last start has left it."""
    try:
        kept = json.loads((folder / _FILE).read_text())
        return SignIn(kept["username"], kept["password"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

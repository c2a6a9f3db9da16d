"""A region's HTTP API as a page calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

import urllib3

from dynadex.operations.admins import LOCAL_ADMIN, local_admin
from tests.platform.world import World


class Answered(NamedTuple):
    """A status, headers by their names in small letters, and the JSON of the body."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """One region's API; with a token once somebody has signed in."""

    url: str
    token: str = ""
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """One request; headers as `if_match`, a body of bytes as it is and any other as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and "authorization" not in sent:
            sent["authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        answer = self._http.request(method, self.url + path, body=body, headers=sent)
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(answer.status, found, json.loads(answer.data) if answer.data else None)

    def sign_in(self, username: str, password: str) -> Answered:
        """Signs in and keeps the ID token."""
        answered = self.ask("POST", "/auth/sign-in", {"username": username, "password": password})
        if answered.status == 200:
            self.token = answered.body["idToken"]
        return answered


def of(world: World, region: str | None = None) -> Api:
    """The API of a region, not signed in."""
    return Api(world.deployed[region or world.home].api)


def password_of(world: World) -> str:
    """The password of the laptop's admin."""
    kept = local_admin(world.project.directory / ".dynadex")
    assert kept is not None
    assert kept.username == LOCAL_ADMIN
    return kept.password


def for_admin(world: World, region: str | None = None) -> Api:
    """The API of a region, signed in as the laptop's admin."""
    api = of(world, region)
    assert api.sign_in(LOCAL_ADMIN, password_of(world)).status == 200
    return api


def item_path(id: str) -> str:
    return f"/admin/pieces/{quote(id, safe='')}"

"""Who may not edit is refused: without a token, with one altered, expired or of elsewhere, or outside the group."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dynadex.functions import admin as admin_function
from dynadex.operations import admins
from tests.platform.api import Api, for_admin, item_path, of, password_of
from tests.platform.world import World

ROUTES = sorted(route for route in admin_function._FOR_ADMINS)


@pytest.fixture(scope="module")
def admin(world: World) -> Api:
    return for_admin(world)


@pytest.fixture(scope="module")
def outsider(world: World) -> Iterator[Api]:
    """Somebody with a password, in no group."""
    name, password = "outsider@example.com", admins.new_password()
    for region in world.regions:
        pool = {"UserPoolId": world.deployed[region].outputs["UserPoolId"], "Username": name}
        cognito = world.client("cognito-idp", region)
        cognito.admin_create_user(**pool, MessageAction="SUPPRESS", TemporaryPassword=password)
        cognito.admin_set_user_password(**pool, Password=password, Permanent=True)
    api = of(world)
    assert api.sign_in(name, password).body["groups"] == []
    yield api
    admins.remove(world.project, world.cloud, world.regions, name)


def everywhere(api: Api, **headers: str) -> set[int]:
    """The statuses of every admin route."""
    statuses = set()
    for route in ROUTES:
        method, _, path = route.partition(" ")
        statuses.add(api.ask(method, path.replace("{table}", "pieces").replace("{id}", "x"), **headers).status)
    return statuses


def signed(world: World, token: str, **claims: Any) -> str:
    """The token with other claims, signed with the pool's own key, which a laptop keeps in a file."""
    header = jwt.get_unverified_header(token)
    for file in (world.project.directory / ".dynadex" / "cloud").rglob("*.pem"):
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        if base64.b64encode(hashlib.sha256(public).digest()).decode() == header["kid"]:
            assert isinstance(key, rsa.RSAPrivateKey)
            told = jwt.decode(token, options={"verify_signature": False})
            return jwt.encode({**told, **claims}, key, algorithm="RS256", headers={"kid": header["kid"]})
    raise AssertionError("the pool's key is not found")


def test_no_admin_route_answers_without_a_token(world: World) -> None:
    assert everywhere(of(world)) == {401}


def test_a_token_signed_anew_is_good_so_the_refusals_below_are_for_their_claims(world: World, admin: Api) -> None:
    assert Api(admin.url, signed(world, admin.token)).ask("GET", "/admin/pieces").status == 200


def test_an_altered_token_is_refused(admin: Api) -> None:
    head, claims, signature = admin.token.split(".")
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"admin@", b"chief@"))
    unsigned = jwt.encode(jwt.decode(admin.token, options={"verify_signature": False}), "", algorithm="none")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    told = jwt.decode(admin.token, options={"verify_signature": False})
    own = jwt.encode(told, key, algorithm="RS256", headers={"kid": jwt.get_unverified_header(admin.token)["kid"]})
    for token in (f"{head}.{other.decode().rstrip('=')}.{signature}", unsigned, own, "x", "a.b.c"):
        assert everywhere(Api(admin.url, token)) == {401}


def test_an_expired_token_is_refused(world: World, admin: Api) -> None:
    token = signed(world, admin.token, exp=int(time.time()) - 1)
    assert everywhere(Api(admin.url, token)) == {401}


def test_a_token_of_another_region_s_pool_or_of_another_client_is_refused(world: World, admin: Api) -> None:
    elsewhere = for_admin(world, world.regions[1])
    assert everywhere(Api(admin.url, elsewhere.token)) == {401}
    assert everywhere(Api(admin.url, signed(world, admin.token, aud="another"))) == {401}
    assert everywhere(Api(admin.url, signed(world, admin.token, iss="https://example.com/pool"))) == {401}


def test_a_user_outside_the_group_is_refused_whatever_the_token_says_of_itself(world: World, outsider: Api) -> None:
    assert everywhere(outsider) == {403}
    for claim in ("administrators", ["xadmins"], "[ad mins]", None):
        token = signed(world, outsider.token, **{"cognito:groups": claim})
        assert everywhere(Api(outsider.url, token)) == {403}


def test_a_removed_admin_cannot_sign_in_nor_refresh(world: World) -> None:
    made = admins.add(world.project, world.cloud, world.regions, "leaver@example.com")
    api = of(world)
    tokens = api.sign_in(made.username, made.password).body
    assert tokens["groups"] == ["admins"]
    names = {(one.region, one.username) for one in admins.members(world.project, world.cloud, world.regions)}
    assert {(region, "leaver@example.com") for region in world.regions} <= names
    assert admins.remove(world.project, world.cloud, world.regions, made.username) == list(world.regions)
    assert of(world).sign_in(made.username, made.password).status == 401
    assert of(world).ask("POST", "/auth/refresh", {"refreshToken": tokens["refreshToken"]}).status == 401


def test_an_invited_admin_chooses_a_password_at_the_first_sign_in(world: World) -> None:
    made = admins.add(world.project, world.cloud, world.regions, "new@example.com", invite=True)
    api, chosen = of(world), admins.new_password()
    first = api.sign_in(made.username, made.password)
    assert (first.status, first.body["challenge"]) == (403, "NEW_PASSWORD_REQUIRED")
    given = {"username": made.username, "password": made.password, "newPassword": chosen}
    assert api.ask("POST", "/auth/sign-in", given).status == 200
    assert api.sign_in(made.username, chosen).status == 200
    admins.remove(world.project, world.cloud, world.regions, made.username)


def test_a_refresh_token_is_good_for_new_tokens_and_for_nothing_else(world: World) -> None:
    api = of(world)
    tokens = api.sign_in(admins.LOCAL_ADMIN, password_of(world)).body
    fresh = api.ask("POST", "/auth/refresh", {"refreshToken": tokens["refreshToken"]}).body
    assert Api(api.url, fresh["accessToken"]).ask("GET", "/admin/pieces").status == 200
    assert Api(api.url, tokens["refreshToken"]).ask("GET", "/admin/pieces").status == 401


def test_guessing_a_password_is_held_back_and_does_not_tell_who_there_is(world: World) -> None:
    answers = [of(world).sign_in("nobody@example.com", f"Guess{number}") for number in range(12)]
    known = of(world).sign_in(admins.LOCAL_ADMIN, "Guess")
    assert known.body == answers[0].body
    assert {answered.status for answered in answers} == {401, 429}
    assert "retry-after" in answers[-1].headers


def test_what_signs_in_is_checked(world: World) -> None:
    api = of(world)
    assert api.ask("POST", "/auth/sign-in", b"{").status == 400
    assert api.ask("POST", "/auth/sign-in", {"username": "x"}).body["problems"] == {"password": "is missing"}
    assert api.ask("POST", "/auth/sign-in", {"username": "x", "password": 1, "more": 1}).status == 400
    assert api.ask("POST", "/auth/sign-in", {"username": "x" * 30_000, "password": "x"}).status == 413


def test_nothing_of_an_item_or_a_password_is_logged(world: World, admin: Api) -> None:
    began = time.time()
    made = admin.ask("POST", "/admin/pieces", {"title": "Wort im Vertrauen"})
    admin.ask("PATCH", item_path(made.body["id"]), {"level": "Vertrauen"}, if_match='"1"')
    lines = world.logs(since=began - 1)
    assert any('"edited"' in line for line in lines)
    assert not any("Vertrauen" in line or password_of(world) in line or admin.token in line for line in lines)


def test_sign_in_and_import_have_limits_of_their_own(world: World) -> None:
    for region in world.regions:
        stage = world.client("apigatewayv2", region).get_stage(
            ApiId=world.deployed[region].outputs["ApiId"], StageName="$default"
        )
        most = world.project.api[region].rate
        for route in ("POST /auth/sign-in", "POST /auth/refresh", "POST /admin/{table}/import"):
            assert stage["RouteSettings"][route]["ThrottlingRateLimit"] < most

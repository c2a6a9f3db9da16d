"""Signing in passes on what the user pool says, tells nothing more, and slows guessing down."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from dynadex.aws import AwsError, AwsUnavailable, Reply
from dynadex.functions import service, signing_in
from dynadex.functions.admin import handler
from tests.unit.functions.function_fakes import NOW, Context, Region

TOKEN = "x." + base64.urlsafe_b64encode(b'{"cognito:groups":["admins"]}').decode() + ".x"
RESULT = {"AuthenticationResult": {"IdToken": TOKEN, "AccessToken": "a", "ExpiresIn": 3600, "RefreshToken": "r"}}


class Pool:
    """The user pool: answers in turn, the last again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def call(self, operation: str, request: Mapping[str, Any]) -> Reply:
        self.asked.append((operation, request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(json.dumps(answer).encode(), NOW)


@pytest.fixture(autouse=True)
def clean(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNADEX_USER_POOL", "us-east-1_x")
    monkeypatch.setenv("DYNADEX_USER_POOL_CLIENT", "client")
    signing_in._failures.clear()


def ask(monkeypatch: pytest.MonkeyPatch, pool: Pool, path: str, ip: str = "192.0.2.1", **body: Any) -> tuple[int, Any]:
    monkeypatch.setattr(service, "aws", lambda name: pool)
    context = {"http": {"sourceIp": ip}}
    response = handler({"routeKey": f"POST {path}", "requestContext": context, "body": json.dumps(body)}, Context())
    assert response["headers"]["Cache-Control"] == "no-store"
    return response["statusCode"], json.loads(response["body"])


def refused(code: str) -> AwsError:
    return AwsError("cognito-idp", "InitiateAuth", code, "User admin@example.com: detail")


def test_a_good_password_gives_tokens_and_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    status, told = ask(monkeypatch, Pool(RESULT), "/auth/sign-in", username="a@b.test", password="secret")
    assert (status, told["groups"], told["idToken"], told["expiresIn"]) == (200, ["admins"], TOKEN, 3600)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (refused("NotAuthorizedException"), 401),
        (refused("UserNotFoundException"), 401),
        (refused("TooManyRequestsException"), 429),
        (AwsUnavailable("cognito-idp", "InitiateAuth", "InternalErrorException", "detail"), 503),
        (refused("ResourceNotFoundException"), 503),
    ],
)
def test_what_the_pool_refuses_is_told_without_its_details(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    found, told = ask(monkeypatch, Pool(error), "/auth/sign-in", username="a@b.test", password="x")
    assert found == status
    assert "detail:" not in json.dumps(told)
    assert "admin@example.com" not in json.dumps(told)


def test_after_some_wrong_passwords_a_name_is_held_back_at_that_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(refused("NotAuthorizedException"))
    who = {"username": "A@b.test", "password": "x"}
    statuses = [ask(monkeypatch, pool, "/auth/sign-in", **who)[0] for _ in range(signing_in.MOST_FAILURES + 1)]
    assert statuses == [401] * signing_in.MOST_FAILURES + [429]
    assert ask(monkeypatch, Pool(RESULT), "/auth/sign-in", **{**who, "username": "a@B.test"})[0] == 429
    assert ask(monkeypatch, Pool(RESULT), "/auth/sign-in", ip="192.0.2.2", **who)[0] == 200
    assert ask(monkeypatch, Pool(RESULT), "/auth/sign-in", username="c@b.test", password="x")[0] == 200


def test_a_password_for_one_sign_in_is_changed_in_the_same_request(monkeypatch: pytest.MonkeyPatch) -> None:
    challenge: dict[str, Any] = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"}
    challenge["ChallengeParameters"] = {"USER_ID_FOR_SRP": "u"}
    who = {"username": "a@b.test", "password": "x"}
    status, told = ask(monkeypatch, Pool(challenge), "/auth/sign-in", **who)
    assert (status, told["challenge"]) == (403, "NEW_PASSWORD_REQUIRED")
    pool = Pool(challenge, RESULT)
    assert ask(monkeypatch, pool, "/auth/sign-in", **who, newPassword="y")[0] == 200
    operation, request = pool.asked[1]
    assert operation == "RespondToAuthChallenge"
    assert request["ChallengeResponses"] == {"USERNAME": "u", "NEW_PASSWORD": "y"}
    weak = Pool(challenge, refused("InvalidPasswordException"))
    assert ask(monkeypatch, weak, "/auth/sign-in", **who, newPassword="y")[0] == 422


def test_a_challenge_that_this_cannot_meet_is_no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool({"ChallengeName": "SMS_MFA", "Session": "s"})
    assert ask(monkeypatch, pool, "/auth/sign-in", username="a@b.test", password="x")[0] == 403


def test_a_refresh_token_gives_new_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, Pool(RESULT), "/auth/refresh", refreshToken="r")[0] == 200
    assert ask(monkeypatch, Pool(refused("NotAuthorizedException")), "/auth/refresh", refreshToken="r")[0] == 401
    assert ask(monkeypatch, Pool(RESULT), "/auth/refresh", token="r")[0] == 400


def test_where_one_signs_in_is_told_to_all() -> None:
    response = handler({"routeKey": "GET /auth"}, Context())
    assert json.loads(response["body"]).keys() == {"region", "userPoolId", "clientId", "endpoint"}

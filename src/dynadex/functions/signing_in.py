"""Signing in: a name and a password for tokens of this region's user pool, and a refresh token for new ones.

The browser could ask Cognito itself; through here it needs one address only, and the same one on a laptop. Cognito
holds back who guesses passwords; so does this function, sooner, for each name and address that asks.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections import OrderedDict
from typing import Any

from ..aws import AwsError, AwsUnavailable, endpoint_of
from ..core.editing import read
from . import report, service
from .admins import groups
from .answers import Event, Refusal, Response, answer, body

_MAX_BYTES = 20_000
_MAX_TEXT = {"username": 128, "password": 256, "newPassword": 256, "refreshToken": 8192}
#: After so many wrong passwords in so many seconds a name is refused from the same address, right or wrong.
MOST_FAILURES, WINDOW_SECONDS = 5, 60.0
_REMEMBERED = 1000
_failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()


def describe(event: Event) -> Response:
    """`GET /auth`: where one signs in; nothing of it is secret."""
    return answer(
        200,
        {
            "region": service.region(),
            "userPoolId": os.environ["DYNADEX_USER_POOL"],
            "clientId": os.environ["DYNADEX_USER_POOL_CLIENT"],
            "endpoint": endpoint_of("cognito-idp", service.region()),
        },
        cache="public, max-age=60",
    )


def sign_in(event: Event) -> Response:
    """`POST /auth/sign-in`: a name and a password for tokens; a new password too, where the first must be changed."""
    given = _given(event, ("username", "password"), ("newPassword",))
    source = str(((event.get("requestContext") or {}).get("http") or {}).get("sourceIp", ""))
    who = (given["username"].casefold(), source)
    if _held_back(who):
        seconds = int(WINDOW_SECONDS)
        raise Refusal(429, "Too many attempts", f"Try again after {seconds} seconds.", retry_after=seconds)
    parameters = {"USERNAME": given["username"], "PASSWORD": given["password"]}
    try:
        told = _cognito(
            "InitiateAuth", {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": _client(), "AuthParameters": parameters}
        )
        if told.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            told = _set_password(given, told)
    except Refusal as refusal:
        if refusal.status == 401:
            _note_failure(who)
        raise
    _failures.pop(who, None)
    return _tokens(told)


def refresh(event: Event) -> Response:
    """`POST /auth/refresh`: a refresh token for new tokens."""
    given = _given(event, ("refreshToken",), ())
    parameters = {"REFRESH_TOKEN": given["refreshToken"]}
    told = _cognito(
        "InitiateAuth", {"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": _client(), "AuthParameters": parameters}
    )
    return _tokens(told)


def _set_password(given: dict[str, str], told: dict[str, Any]) -> dict[str, Any]:
    if "newPassword" not in given:
        detail = "This password is good for one sign-in: send it again together with a `newPassword`."
        raise Refusal(403, "A new password is needed", detail, challenge="NEW_PASSWORD_REQUIRED")
    answers = {"USERNAME": told["ChallengeParameters"].get("USER_ID_FOR_SRP", given["username"])}
    answers["NEW_PASSWORD"] = given["newPassword"]
    return _cognito(
        "RespondToAuthChallenge",
        {
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "ClientId": _client(),
            "Session": told["Session"],
            "ChallengeResponses": answers,
        },
    )


def _cognito(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(service.aws("cognito-idp").call(operation, request).body)
        return told
    except AwsUnavailable as error:
        code = error.code
    except AwsError as error:
        code = error.code
        if code in ("NotAuthorizedException", "UserNotFoundException", "PasswordResetRequiredException"):
            raise Refusal(401, "Not signed in", "The name or the password is wrong, or has expired.") from None
        if code == "InvalidPasswordException":
            detail = "The new password is too weak: 12 characters at least, small and capital letters, and digits."
            raise Refusal(422, "Not valid", detail, problems={"newPassword": "is too weak"}) from None
        if code in ("InvalidParameterException", "UserNotConfirmedException"):
            raise Refusal(401, "Not signed in", "The name or the password is wrong, or has expired.") from None
    if code in ("TooManyRequestsException", "TooManyFailedAttemptsException", "LimitExceededException"):
        raise Refusal(429, "Too many attempts", "Try again in a minute.", retry_after=60)
    report.line("sign-in away", service.project().name, "admin", {"SignInAway": 1}, code=code)
    raise Refusal(503, "Sign-in is away", "The user pool does not answer; try again soon.", retry_after=5)


def _tokens(told: dict[str, Any]) -> Response:
    if "AuthenticationResult" not in told:
        raise Refusal(403, "Not signed in", f"The user pool wants {told.get('ChallengeName')}, which this cannot do.")
    result = told["AuthenticationResult"]
    document = {
        "idToken": result["IdToken"],
        "accessToken": result["AccessToken"],
        "expiresIn": result["ExpiresIn"],
        "groups": sorted(groups(_claims(result["IdToken"]).get("cognito:groups"))),
    }
    if "RefreshToken" in result:
        document["refreshToken"] = result["RefreshToken"]
    return answer(200, document)


def _claims(token: str) -> dict[str, Any]:
    """What a token says; it comes from the pool itself, so it is not checked again."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _client() -> str:
    return os.environ["DYNADEX_USER_POOL_CLIENT"]


def _given(event: Event, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, str]:
    try:
        content = read(body(event, _MAX_BYTES))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal(400, "Wrong request", "The body is not a JSON object.")
    problems = {name: "is missing" for name in required if name not in content}
    for name, value in content.items():
        if name not in (*required, *optional):
            problems[name[:50]] = f"is not known; allowed are {', '.join((*required, *optional))}"
        elif not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT[name]:
            problems[name] = f"is not a text of 1 to {_MAX_TEXT[name]} characters"
    if problems:
        told = "; ".join(f"{name} {text}" for name, text in problems.items())
        raise Refusal(400, "Wrong request", told, problems=problems)
    return dict(content)


def _held_back(who: tuple[str, str]) -> bool:
    recent = [at for at in _failures.get(who, ()) if time.monotonic() - at < WINDOW_SECONDS]
    return len(recent) >= MOST_FAILURES


def _note_failure(who: tuple[str, str]) -> None:
    recent = [at for at in _failures.pop(who, []) if time.monotonic() - at < WINDOW_SECONDS]
    _failures[who] = [*recent, time.monotonic()][-MOST_FAILURES:]
    while len(_failures) > _REMEMBERED:
        _failures.popitem(last=False)

"""AWS services over signed HTTP, for the functions: boto3 alone would take longer to import than they take to run.

Only JSON APIs, only what the functions call. Signing is AWS's own (awscrt); connections are kept open.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3

from .errors import DynadexError


class AwsError(DynadexError):
    """A service refused a call; `code` is AWS's name for the error. Asking again will not help."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service} {operation}: {code}: {message}")
        self.code = code


class AwsUnavailable(AwsError):
    """Throttled, failed or not reached: asking again later is right."""


class Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


def environment_credentials() -> Credentials:
    """The credentials that Lambda puts into a function's environment."""
    try:
        return Credentials(
            os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN")
        )
    except KeyError as missing:
        raise AwsError("credentials", "environment", "NoCredentials", f"{missing.args[0]} is not set") from None


class Reply(NamedTuple):
    """An answer: its JSON text and the server's date in seconds since 1970."""

    body: bytes
    date: int


_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "sqs": ("AmazonSQS", "1.0"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
    "states": ("AWSStepFunctions", "1.0"),
    "cognito-idp": ("AWSCognitoIdentityProviderService", "1.1"),
}
_RETRYABLE = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestThrottled",
        "RequestLimitExceeded",
        "LimitExceededException",
        "TransactionInProgressException",
        "InternalServerError",
        "InternalFailure",
        "InternalServiceError",
        "ServiceUnavailable",
    }
)


class Service:
    """One service in one region."""

    def __init__(
        self,
        name: str,
        region: str,
        *,
        endpoint: str | None = None,
        credentials: Callable[[], Credentials] = environment_credentials,
        read_timeout: float = 20.0,
    ) -> None:
        self.name, self.region = name, region
        self.url = (endpoint or endpoint_of(name, region)).rstrip("/") + "/"
        self._credentials = credentials
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=3.0, read=read_timeout)
        )

    def call(self, operation: str, request: Mapping[str, Any]) -> Reply:
        """One call. Raises `AwsUnavailable` where asking again is right, `AwsError` where it is not."""
        prefix, version = _TARGETS[self.name]
        body = json.dumps(request, separators=(",", ":")).encode()
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{prefix}.{operation}"}
        signed = sign("POST", self.url, headers, body, self.name, self.region, self._credentials())
        try:
            response = self._pool.request("POST", self.url, body=body, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            raise AwsUnavailable(self.name, operation, type(error).__name__, str(error)) from error
        if response.status != 200:
            raise _error(self.name, operation, response.status, response.data)
        try:
            date = int(parsedate_to_datetime(response.headers.get("Date", "")).timestamp())
        except ValueError:
            reason = "the answer has no readable Date header, which refill versions need"
            raise AwsError(self.name, operation, "NoDate", reason) from None
        return Reply(response.data, date)

    def get(self, path: str) -> bytes:
        """One call of a service that answers to paths, such as Lambda; raises as `call` does."""
        url = self.url.rstrip("/") + path
        signed = sign("GET", url, {}, b"", self.name, self.region, self._credentials())
        try:
            response = self._pool.request("GET", url, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            raise AwsUnavailable(self.name, path, type(error).__name__, str(error)) from error
        if response.status != 200:
            raise _error(self.name, path, response.status, response.data)
        return response.data

    def open(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Begins a GET whose answer, 200 or 206, is read as it comes and then released; raises as `call` does."""
        signed = sign("GET", url, headers, b"", self.name, self.region, self._credentials())
        try:
            response = self._pool.request("GET", url, headers=signed, preload_content=False, decode_content=False)
            if response.status in (200, 206):
                return response
            body = response.read()
        except urllib3.exceptions.HTTPError as error:
            raise AwsUnavailable(self.name, "GET", type(error).__name__, str(error)) from error
        response.release_conn()
        raise _error(self.name, "GET", response.status, body)


def _error(service: str, operation: str, status: int, body: bytes) -> AwsError:
    try:
        told = json.loads(body)
        code = str(told.get("__type", "")).rpartition("#")[2] or f"HTTP {status}"
        message = str(told.get("message") or told.get("Message") or "")
    except (ValueError, AttributeError):
        message = body[:200].decode(errors="replace")
        named = re.search(r"<Code>(\w+)</Code>", message)  # S3 answers in XML
        code = named[1] if named else f"HTTP {status}"
    kind = AwsUnavailable if status >= 500 or status == 429 or code in _RETRYABLE else AwsError
    return kind(service, operation, code, message)


def endpoint_of(service: str, region: str) -> str:
    """Where a service answers: what the environment says (as for AWS's own tools), else AWS's address."""
    own = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    variable = os.environ.get(own) or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return variable or f"https://{service}.{region}.{suffix}"


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    service: str,
    region: str,
    credentials: Credentials,
) -> dict[str, str]:
    """The headers with AWS's signature (version 4) among them."""
    from awscrt import auth, http  # not for those who sign nothing: it takes 30 ms to import

    parts = urlsplit(url)
    request = http.HttpRequest(
        method,
        parts.path + (f"?{parts.query}" if parts.query else ""),
        http.HttpHeaders([("host", parts.netloc), *headers.items()]),
    )
    storage = service == "s3"  # it signs a path as it is, and wants the body's hash among the headers
    body_hash = auth.AwsSignedBodyHeaderType
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=auth.AwsCredentialsProvider.new_static(*credentials),
        region=region,
        service=service,
        signed_body_value=hashlib.sha256(body).hexdigest(),
        signed_body_header_type=body_hash.X_AMZ_CONTENT_SHA_256 if storage else body_hash.NONE,
        use_double_uri_encode=not storage,
        should_normalize_uri_path=not storage,
    )
    signed: dict[str, str] = dict(auth.aws_sign_request(request, config).result().headers)
    return signed

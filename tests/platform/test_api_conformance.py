"""The API keeps to its own OpenAPI document: schemathesis asks what the document allows, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platform.api import for_admin, of
from tests.platform.world import World

# Left out: a method that a path does not have is answered by API Gateway (404), and what is allowed by the document may
# be refused for what is there, such as a cursor or a page too deep.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
)
EXAMPLES_EACH = 8
# Without If-Match the answer is the one that is for that (RFC 6585), which schemathesis does not expect.
SETTINGS = """
[checks]
missing_required_header.expected-statuses = ["400", "401", "404", "428"]
"""


@pytest.mark.timeout(240)
def test_schemathesis_finds_nothing(world: World, tmp_path: Path) -> None:
    admin = for_admin(world)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(of(world).ask("GET", "/openapi.json").body))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(str(Path(sys.executable).with_name("st")), "run", str(document), "--url", admin.url),
        *("--header", f"Authorization: Bearer {admin.token}"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES_EACH), "--seed", "1", "--generation-deterministic"),
        "--continue-on-failure",  # with one worker: in threads Python 3.11 may fail to parse what hypothesis gives it
        *("--suppress-health-check", "all", "--request-timeout", "30", "--no-color", "--warnings", "off"),
    ]
    # What it has been told of the token stays out of its report.
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]

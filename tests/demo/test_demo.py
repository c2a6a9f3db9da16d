"""The README's first command, as a newcomer runs it: in a fresh copy of the repository, through to a search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from dynadex.platform.embedded import PORTS
from dynadex.platform.servers import port_in_use

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "dynadex"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # not one that is deleted but not yet committed as such
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def demo(clone: Path) -> Iterator[dict[str, Any]]:
    base = next(base for base in range(26000, 30000, PORTS) if not any(map(port_in_use, range(base, base + PORTS))))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHON"))
    }
    # The same Python as this run's, found as a newcomer's would be: outside of any virtual environment.
    python = Path(sys.base_prefix) / "bin" / "python3"
    make = ["make", f"PYTHON={python}", f"ARGS=--detach --json --port {base}", "demo"]
    run = subprocess.run(make, cwd=clone, env=environment, capture_output=True, text=True, timeout=280, check=False)
    try:
        assert run.returncode == 0, run.stderr
        yield {"stderr": run.stderr, **json.loads(run.stdout.splitlines()[-1])}
    finally:
        down = [f"{clone}/.venv/bin/dynadex", "down", "--wipe", "--project", f"{clone}/examples/lessons"]
        subprocess.run(down, check=True, capture_output=True)


@pytest.mark.timeout(300)
def test_the_demo_is_up_with_two_regions_that_find_lessons_over_http(demo: dict[str, Any]) -> None:
    assert list(demo["regions"]) == ["us-east-1", "eu-west-1"]
    for region, one in demo["regions"].items():
        answer = urllib3.request("GET", f"{one['api']}/search?q={quote('stairway to heaven')}&size=1")
        found = answer.json()
        assert answer.status == 200
        assert found["hits"][0]["document"]["artist"] == "Led Zeppelin"
        assert found["hits"][0]["document"]["title"] == "Stairway to Heaven"
        through_the_door = urllib3.request("GET", f"{demo['web']}/{region}/search?q=beyonce")
        assert through_the_door.json()["total"] > 0


@pytest.mark.timeout(300)
def test_every_step_is_told_with_its_time_and_it_is_ready_within_a_minute(demo: dict[str, Any]) -> None:
    lines = demo["stderr"].splitlines()
    ready = next(line for line in lines if "ready after" in line)
    assert float(ready.split()[-2]) < 60
    assert sum(line.startswith("✓ ") and line.endswith(" s") for line in lines) >= 10

"""Rows cold-start-stream and cold-start-search: processor time from a process's start to the first answer.

Ours is the function package as it is deployed, unpacked, with requests to the engine signed. The limit imports an HTTP
client, a signer and orjson out of the same package, and does nothing with them. The plain version has its libraries as
pip installs them. So all are compiled beforehand.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from dynadex.platform import packaging

from . import lessons
from .limits import Limit
from .measuring import Collected, Contender, Plan, Row
from .ours import World
from .streaming import PLAIN, definition

_OURS = """
    import json, sys
    from dynadex.functions import {function}
    class Context:
        aws_request_id = "cold"
        def get_remaining_time_in_millis(self):
            return 60_000
    print({function}.handler(json.load(open(sys.argv[1])), Context()))
"""
_LIMIT = """
    import orjson, urllib3
    from awscrt import auth, http
"""
_PLAIN_STREAM = """
    import json, os, sys
    from bench.plain import Plain
    plain = Plain(os.environ["DYNADEX_ENGINE_URL"], "http://127.0.0.1:1", "{index}", None)
    print(plain.sync(json.load(open(sys.argv[1]))))
"""
_PLAIN_SEARCH = """
    import json, os, sys
    from bench.plain import Plain
    plain = Plain(os.environ["DYNADEX_ENGINE_URL"], "http://127.0.0.1:1", "{index}", None)
    words = json.load(open(sys.argv[1]))["queryStringParameters"]["q"]
    print(plain.search({{"query": {{"multi_match": {{"query": words, "fields": ["title^3", "artist"]}}}}}}))
"""


def measure(world: World, plan: Plan) -> list[Row]:
    """Processes one after another, the three in turn."""
    region = world.region()
    region.empty()
    Limit(world.engine_url, world.table_url).make(PLAIN, definition())
    package = packaging.build(region.project, "native", packaging.THIS_PYTHON, world.folder / "packages")
    unpacked = world.folder / "unpacked"
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(unpacked)
    environment = {**os.environ, **region.environment, "DYNADEX_ENGINE_AUTH": "signed", "PYTHONDONTWRITEBYTECODE": "1"}
    events = {
        "stream": lessons.event(list(lessons.items(1)), time.time(), 1),
        "search": {"routeKey": "GET /search", "rawPath": "/search", "queryStringParameters": {"q": "river"}},
    }
    rows = []
    for function, event in events.items():
        path = world.folder / f"{function}.json"
        path.write_text(json.dumps(event), encoding="utf-8")
        programs: dict[Contender, tuple[str, Path]] = {
            "ours": (_OURS.format(function=function), unpacked),
            "plain": ({"stream": _PLAIN_STREAM, "search": _PLAIN_SEARCH}[function].format(index=PLAIN), _root()),
            "limit": (_LIMIT, unpacked),
        }
        times = Collected()
        for number in range(plan.starts + 1):
            for contender, (program, folder) in programs.items():
                took = _started(dedent(program), path, environment, folder)
                if number:  # the first is for the disk's cache
                    times.add(contender, took * 1000)
        goal = "at most 1.3 times the limit, half of plain"
        rows.append(Row(f"cold-start-{function}", "ms", times.samples, goal).against(limit=1.3, plain=0.5))
    return rows


def _started(program: str, argument: Path, environment: Mapping[str, str], folder: Path) -> float:
    """Seconds of processor time that a process takes, its threads and the kernel included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", program, str(argument)]
    ran = subprocess.run(
        command, env={**environment, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _root() -> Path:
    return Path(__file__).parents[1]

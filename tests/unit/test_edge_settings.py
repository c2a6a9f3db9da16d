"""The edge's settings: read from their file, and read again while it runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dynadex.core import routing
from dynadex.platform import servers
from dynadex.platform.edge.settings import Settings, WrongSettings, everybody_home


def test_settings_are_read_back_from_their_file() -> None:
    settings = Settings({"us-east-1": "http://127.0.0.1:1"}, everybody_home(["us-east-1"]), ("lessons",), 30.0, 2)
    assert Settings.of_json(json.loads(json.dumps(settings.to_json()))) == settings
    assert (settings.timeout, settings.detection) == (6.0, 66.0)
    assert replace(settings, interval=1.0, threshold=3).detection == 7.0
    assert replace(settings, interval=10.0, threshold=3).detection == 36.0


@pytest.mark.parametrize(
    "wrong",
    [{"apis": {}}, {"apis": {"x": "ftp://y"}}, {"apis": []}, {"records": [{"location": "*", "region": "z"}]},
     {"records": [{"location": "Mars", "region": "us-east-1"}]}, {"interval": 0}, {"threshold": "many"}],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    settings = Settings({"us-east-1": "http://127.0.0.1:1"}, everybody_home(["us-east-1"]))
    with pytest.raises(WrongSettings):
        Settings.of_json(settings.to_json() | wrong)


def test_settings_are_read_again_when_it_is_told_to_and_wrong_ones_change_nothing(tmp_path: Path) -> None:
    file, port = tmp_path / "edge.json", servers.free_port()
    with Served() as first, Served() as second:
        settings = Settings({"us-east-1": first}, everybody_home(["us-east-1"]))
        file.write_text(json.dumps(settings.to_json()))
        command = [sys.executable, "-m", "dynadex.platform.door", f"--port={port}", f"--settings={file}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                wait_for(lambda: fetch(port, "/search?from=DE") == "us-east-1")
                both = {"us-east-1": first, "eu-west-1": second}
                records = routing.records("us-east-1", {"EU": "eu-west-1"}, {}, list(both))
                file.write_text(json.dumps(Settings(both, records).to_json()))
                process.send_signal(signal.SIGHUP)
                wait_for(lambda: fetch(port, "/search?from=DE") == "eu-west-1")
                file.write_text("{")
                process.send_signal(signal.SIGHUP)
                assert process.stdout
                said = iter(process.stdout.readline, "")
                assert any("cannot be used" in line for line in said)
                assert fetch(port, "/search?from=DE") == "eu-west-1"
            finally:
                process.terminate()
                process.communicate(timeout=20)
    assert process.returncode == 0


class Served:
    """A region's API, as a server beside the test."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def fetch(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.headers["X-Dynadex-Region"])
    except OSError:
        return ""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

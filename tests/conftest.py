"""Shared by all suites: real servers, each started once a run and only if a test asks for it, and what was not run.

A missing tool skips the tests that need it, and the end of the run says so. With `--require-all` a skip is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dynadex.platform import servers
from dynadex.platform.jars import MissingTool
from dynadex.platform.servers import Server

_HEAP_MB = 1024
_MINISTACK_SECONDS = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-all", action="store_true", help="a test that cannot run here fails instead of skipping")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "java: needs a JDK, and Maven for the first run")
    config.addinivalue_line("markers", "browser: needs Chromium")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _require(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("--require-all"):
        report.outcome = "failed"
        report.longrepr = f"not run, and --require-all was given: {_reason(report)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _require(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _require(report, collector.config)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons = Counter(map(_reason, terminalreporter.stats.get("skipped", ())))
    if reasons:
        terminalreporter.section("not run here")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} tests: {reason}")


@contextmanager
def _running(start: Callable[[], Server]) -> Iterator[Server]:
    try:
        server = start()
    except MissingTool as missing:
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        servers.stop(server)


@pytest.fixture(scope="session")
def osmem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("osmem")
    with _running(lambda: servers.start_osmem(servers.free_port(), folder)) as server:
        yield server


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("opensearch")
    with _running(lambda: servers.start_opensearch(servers.free_port(), folder, heap_mb=_HEAP_MB)) as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("elasticsearch")
    with _running(lambda: servers.start_elasticsearch(servers.free_port(), folder, heap_mb=_HEAP_MB)) as server:
        yield server


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dynamodb-local")
    with _running(lambda: servers.start_dynamodb_local(servers.free_port(), folder, heap_mb=_HEAP_MB)) as server:
        yield server


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded platform's address."""
    folder = tmp_path_factory.mktemp("ministack")
    port = servers.free_port()
    url = f"http://{servers.HOST}:{port}"
    environment = os.environ | {
        "BIND_HOST": servers.HOST,
        "MINISTACK_HOST": servers.HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("ministack")],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_health(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _MINISTACK_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with direct.open(f"{url}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    end = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
    raise RuntimeError(f"ministack did not start. The end of {log}:\n{end}")

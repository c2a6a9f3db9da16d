"""A browser, and the lessons example as `dynadex up` runs it: once for all browser tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dynadex import project as projects
from dynadex.operations.steps import Quiet
from dynadex.operations.up import Options, down, up
from dynadex.platform import servers
from tests.browser.site import Site
from tests.platform.console import free_base
from tests.platform.engine_door import EngineDoor

LESSONS = Path(__file__).parents[2] / "examples/lessons"

CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives the page in Chromium")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example, up in both regions, its engines behind doors that a test can shut."""
    if not Path(CHROMIUM).exists():
        pytest.skip("browser: chromium is not installed (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("site")
    directory = shutil.copytree(LESSONS, folder / "lessons", ignore=shutil.ignore_patterns("__pycache__", ".dynadex"))
    project = projects.load(directory)
    with ExitStack() as stack:
        doors = {}
        for region in project.regions:
            server = servers.start_osmem(servers.free_port(), folder / f"engine-{region}")
            stack.callback(servers.stop, server)
            doors[region] = EngineDoor(server.url)
            stack.callback(doors[region].shut)
        stack.callback(down, project, Quiet(), wipe=True)
        urls = {region: door.url for region, door in doors.items()}
        found = up(project, Options(port=free_base(), engine_urls=urls), Quiet())
        assert found.running.door is not None
        assert found.admin is not None
        site = Site(f"{found.running.door.url}/", found.admin.username, found.admin.password, doors)
        for region in project.regions:
            site.wake(region)
        yield site


# Not for the session: Playwright's event loop would still run when later tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("browser: chromium is not installed (apt-get install chromium)")
    expect.set_options(timeout=15_000)  # a sign-in may be the first, with a cold start
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test when its script raises or breaks its security policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert complaints == []

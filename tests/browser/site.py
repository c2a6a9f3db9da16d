"""The lessons service as its users have it: an address, an admin, and engines that a test can take away."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.platform.engine_door import EngineDoor

HOME = "us-east-1"
SECOND = "eu-west-1"
NAMES = {HOME: "N. Virginia", SECOND: "Ireland"}


@dataclass(frozen=True)
class Site:
    """`url` ends in a slash; the admin is one in every region."""

    url: str
    username: str
    password: str
    doors: Mapping[str, EngineDoor]

    @contextmanager
    def away(self, *regions: str) -> Iterator[None]:
        """The engines of these regions do not answer meanwhile; their APIs say so."""
        for region in regions:
            self.doors[region].shut()
        try:
            yield
        finally:
            for region in regions:
                self.doors[region].open()

    def wake(self, region: str) -> None:
        """Has the region sign somebody in once: the first time the function starts, which may take a while."""
        body = json.dumps({"username": self.username, "password": self.password}).encode()
        url, headers = f"{self.url}{region}/auth/sign-in", {"Content-Type": "application/json"}
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(urllib.request.Request(url, body, headers), timeout=60) as answer:
            assert answer.status == 200

    def open(self, page: Page, path: str = "") -> None:
        page.goto(f"{self.url}{path}")

    def sign_in(self, page: Page, path: str = "admin.html", *, region: str = HOME) -> None:
        """Opens a page for admins, and signs in where nobody is."""
        self.open(page, path)
        page.get_by_label("Email").fill(self.username)
        page.get_by_label("Password").fill(self.password)
        page.get_by_label("Region").select_option(region)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#who")).to_contain_text(f"Working in {NAMES[region]}")

    def fill(self, page: Page, lesson: Mapping[str, Any]) -> None:
        """Fills the form of a lesson, by attribute."""
        for name, value in lesson.items():
            field = page.locator(f"#field-{name}")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(str(value))
            else:
                field.fill(str(value))

    def create(self, page: Page, lesson: Mapping[str, Any]) -> None:
        """Writes a lesson and publishes it; then its page is open."""
        page.get_by_role("link", name="New lesson").click()
        self.fill(page, lesson)
        page.get_by_role("button", name="Save and publish").click()
        expect(page.locator(".head h1")).to_have_text(str(lesson["title"]))

    def found(self, page: Page) -> None:
        """Waits until the page says of both regions that they find what was saved."""
        for region in NAMES:
            expect(page.locator(f".findable [data-region={region}] .state")).to_contain_text("after")


def lesson(title: str, **other: Any) -> dict[str, Any]:
    """A lesson to write."""
    return {
        "title": title,
        "artist": "The Testers",
        "instrument": "guitar",
        "level": "beginner",
        "genre": "folk",
        "duration": 600,
        **other,
    }

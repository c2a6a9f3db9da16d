"""Every page can be read by everybody: axe finds nothing serious, in light and dark, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.site import HOME, SECOND, Site

pytestmark = pytest.mark.browser

LESSON = "stairway-to-heaven-led-zeppelin-guitar"
WIDTHS = (320, 820, 1920)
_AXE = Axe()


def check(page: Page, state: str, complaints: list[str]) -> None:
    """Notes what axe finds in light and, as only colours differ there, of colours in dark; and what sticks out."""
    _look(page, state, complaints, {"resultTypes": ["violations"]})
    page.emulate_media(color_scheme="dark")
    _look(page, f"{state}, dark", complaints, {"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
    page.emulate_media(color_scheme="light")
    size = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            complaints.append(f"{state}: {wide} pixels wide on a screen of {width}")
    assert size is not None
    page.set_viewport_size(size)


def _look(page: Page, state: str, complaints: list[str], options: dict[str, object]) -> None:
    for violation in _AXE.run(page, options=options).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = ", ".join(" ".join(node["target"]) for node in violation["nodes"][:3])
            complaints.append(f"{state}: {violation['id']}: {violation['help']} ({nodes})")


def test_every_page_is_accessible_in_light_and_dark(browser: Browser, site: Site) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        color_scheme="light",
        reduced_motion="reduce",
        bypass_csp=True,  # for axe, which makes HTML
    )
    page = context.new_page()
    complaints: list[str] = []
    states: list[tuple[str, Callable[[], None]]] = [
        ("search", lambda: expect(page.locator("#hits li").first).to_be_visible()),
        ("suggestions", lambda: _type(page)),
        ("nothing found", lambda: _nothing(page, site)),
        ("a lesson", lambda: _open(page, site, f"lesson.html?id={LESSON}", "Chords")),
        ("sign-in", lambda: _open(page, site, "admin.html", "Lessons, for those who write them")),
        ("list", lambda: _list(page, site)),
        ("edit", lambda: _open(page, site, f"admin.html?id={LESSON}", "Stairway to Heaven")),
        ("problems", lambda: _problems(page, site)),
        ("delete", lambda: _delete(page, site)),
        ("import", lambda: _open(page, site, "admin.html?import", "Import lessons")),
        ("operations", lambda: _operations(page, site)),
    ]
    site.open(page)
    for state, reach in states:
        reach()
        check(page, state, complaints)
    with site.away(HOME, SECOND):
        site.open(page, "?q=away")
        expect(page.locator("#notice")).to_contain_text("cannot search right now")
        check(page, "away", complaints)
    context.close()
    assert complaints == []


def _type(page: Page) -> None:
    page.get_by_label("Song title or artist").press_sequentially("stair", delay=15)
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    expect(page.locator("#summary")).to_contain_text("for “stair”")  # until then the hits are pale
    page.keyboard.press("ArrowDown")


def _nothing(page: Page, site: Site) -> None:
    site.open(page, "?q=zzqxv&level=advanced")
    expect(page.locator("#notice")).to_be_visible()


def _open(page: Page, site: Site, path: str, heading: str) -> None:
    site.open(page, path)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def _list(page: Page, site: Site) -> None:
    site.sign_in(page)
    expect(page.locator("#rows li").first).to_be_visible()


def _problems(page: Page, site: Site) -> None:
    _open(page, site, "admin.html?new", "New lesson")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.locator("#title-problem")).to_be_visible()


def _delete(page: Page, site: Site) -> None:
    _open(page, site, f"admin.html?id={LESSON}", "Stairway to Heaven")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _operations(page: Page, site: Site) -> None:
    _open(page, site, "operations.html", "Operations")
    expect(page.locator(".region-card .index").first).to_be_visible()

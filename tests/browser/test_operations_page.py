"""Operators see how the regions are."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import HOME, NAMES, SECOND, Site

pytestmark = pytest.mark.browser


def test_shows_each_region_and_who_is_sent_there(page: Page, site: Site) -> None:
    site.sign_in(page, "operations.html")
    for region, name in NAMES.items():
        card = page.locator(f".region-card[data-region={region}]")
        expect(card).to_contain_text(name)
        expect(card).to_contain_text("Healthy")
        for term in ("Items", "Documents", "Failures", "Lag"):
            expect(card.get_by_text(term, exact=True)).to_be_visible()
    routes = page.get_by_role("region", name="Who is sent where")
    expect(routes.get_by_role("row").filter(has_text="Europe")).to_contain_text("Ireland")
    expect(routes.get_by_role("row").filter(has_text="Everywhere else").first).to_contain_text("N. Virginia")


def test_starts_a_refill_and_follows_it(page: Page, site: Site) -> None:
    site.sign_in(page, "operations.html")
    card = page.locator(f".region-card[data-region={SECOND}]")
    card.get_by_role("button", name="Start a refill").click()
    expect(card.locator(".refill")).to_contain_text("Refilled", timeout=30_000)


def test_says_which_region_is_unwell(page: Page, site: Site) -> None:
    site.sign_in(page, "operations.html")
    card = page.locator(f".region-card[data-region={HOME}]")
    expect(card).to_contain_text("Healthy")
    with site.away(HOME):
        expect(card).not_to_contain_text("Healthy", timeout=20_000)
        expect(page.locator(f".region-card[data-region={SECOND}]")).to_contain_text("Healthy")

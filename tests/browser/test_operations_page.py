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


def test_a_refill_that_was_refused_stays_told_and_is_tried_again(page: Page, site: Site) -> None:
    site.sign_in(page, "operations.html")
    card = page.locator(f".region-card[data-region={SECOND}]")
    tries = f"{site.url}{SECOND}/operations/refills"
    page.route(tries, lambda route: route.fulfill(status=503, json={"title": "Not now", "status": 503}))
    card.get_by_role("button", name="Start a refill").click()
    told = page.locator("#told")
    expect(told).to_contain_text("Ireland is away")
    before = page.locator("[role=status]").filter(has_text="As of").inner_text()
    expect(page.locator("[role=status]").filter(has_text="As of")).not_to_have_text(before)
    expect(told).to_contain_text("Ireland is away")
    page.unroute(tries)
    with page.expect_response(tries) as started:
        pass
    assert started.value.ok
    expect(told).to_be_empty()
    expect(card.locator(".refill")).to_contain_text("Refilled", timeout=30_000)


def test_signing_in_to_another_region_moves_there_and_keeps_the_first(page: Page, site: Site) -> None:
    site.sign_in(page, "operations.html")
    card = page.locator(f".region-card[data-region={SECOND}]")
    expect(card.get_by_role("button", name="Start a refill")).to_be_visible()
    page.evaluate(
        """(region) => {
            const kept = JSON.parse(sessionStorage.getItem("sessions"));
            delete kept.tokens[region];
            sessionStorage.setItem("sessions", JSON.stringify(kept));
        }""",
        SECOND,
    )
    page.reload()
    page.route(f"{site.url}{HOME}/auth/**", lambda route: route.abort())  # no new token from there
    card.get_by_role("button", name="Sign in to Ireland").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password").fill(site.password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("#who")).to_contain_text("Working in Ireland")
    for region in NAMES:
        button = page.locator(f".region-card[data-region={region}]").get_by_role("button", name="Start a refill")
        expect(button).to_be_visible()

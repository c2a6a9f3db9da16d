"""Admins write lessons, and see when they can be found."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.site import HOME, NAMES, SECOND, Site, lesson

pytestmark = pytest.mark.browser


def searched(page: Page, site: Site, text: str, count: int) -> None:
    """What a search says, in both regions."""
    for place, region in (("US", "N. Virginia"), ("DE", "Ireland")):
        site.open(page, f"?q={text}&from={place}")
        expect(page.locator("#answered")).to_contain_text(region)
        expect(page.get_by_role("link", name=text)).to_have_count(count)


def test_refuses_a_wrong_password_and_who_is_not_signed_in(page: Page, site: Site) -> None:
    site.open(page, "admin.html")
    expect(page.get_by_role("heading", name="Lessons, for those who write them")).to_be_visible()
    expect(page.locator("#rows")).to_have_count(0)
    page.get_by_label("Email").fill(site.username)
    page.get_by_label("Password").fill("Not-the-password-1")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("The email or the password is wrong.")


def test_what_is_written_is_found_in_both_regions(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Quillwort Morning", chords="Am, G"))
    site.found(page)
    for region in NAMES:
        state = page.locator(f".findable [data-region={region}] .state")
        expect(state).to_have_text(re.compile(r"^found after [\d.]+ s$"))
    searched(page, site, "Quillwort Morning", 1)


def test_checks_as_one_types(page: Page, site: Site) -> None:
    site.sign_in(page, "admin.html?new")
    tempo = page.get_by_label("Tempo")
    tempo.fill("5000")
    expect(page.locator("#tempo-problem")).to_have_text("Must be 400 or less")
    expect(tempo).to_have_attribute("aria-invalid", "true")
    tempo.fill("90")
    expect(page.locator("#tempo-problem")).to_be_empty()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.locator("#title-problem")).to_have_text("Is needed")
    expect(page.locator("#field-title")).to_be_focused()


def test_two_who_edit_at_once_lose_nothing(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Juniper Waltz", tempo=90))
    site.found(page)
    other = page.context.new_page()
    site.sign_in(other, page.url.removeprefix(site.url))
    site.fill(other, {"tempo": 100, "album": "Theirs"})
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator(".save-bar .status")).to_have_text("All changes are saved")
    site.fill(page, {"tempo": 110, "key": "D major"})
    page.get_by_role("button", name="Save", exact=True).click()
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("Somebody else changed this while you did")
    save = conflict.get_by_role("button", name="Save what is chosen")
    expect(save).to_be_disabled()
    expect(conflict.locator("[data-name=album] input").nth(1)).to_be_checked()
    expect(conflict.locator("[data-name=key] input").nth(0)).to_be_checked()
    conflict.locator("[data-name=tempo] input").nth(0).check()
    save.click()
    site.found(page)
    for name, value in (("tempo", "110"), ("album", "Theirs"), ("key", "D major")):
        expect(page.locator(f"#field-{name}")).to_have_value(value)
    for name in ("Changed", "Tempo", "Key"):
        expect(page.locator(".history li").first).to_contain_text(name)


def test_what_is_unpublished_or_deleted_is_gone_from_both_regions(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Heron Lullaby"))
    site.found(page)
    page.get_by_role("button", name="Unpublish").click()
    expect(page.locator(".head .badge")).to_have_text("Draft")
    expect(page.locator(".findable .found")).to_have_text([re.compile("gone after"), re.compile("gone after")])
    address = page.url.removeprefix(site.url)
    searched(page, site, "Heron Lullaby", 0)
    site.open(page, "admin.html?state=draft")
    page.get_by_role("link", name="Heron Lullaby").click()
    assert page.url.removeprefix(site.url) == address
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".findable .found")).to_have_text([re.compile("found after"), re.compile("found after")])
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="“Heron Lullaby” is deleted")).to_be_visible()
    expect(page.locator(".findable .found")).to_have_text([re.compile("gone after"), re.compile("gone after")])


def test_imports_line_by_line_and_shows_strange_lessons_as_text(page: Page, site: Site) -> None:
    strange = [
        lesson("<script>window.hurt = 1</script> Serenade", id="strange-script"),
        lesson("<img src=x onerror='window.hurt = 1'> Sonata", id="strange-image"),
        lesson("שיר של בדיקה", id="strange-direction"),
        lesson("🎸 Emoji Étude", id="strange-emoji", description="<b>not bold</b>"),
    ]
    lines = [json.dumps(item, ensure_ascii=False) for item in strange] + ['{"title": "Half a lesson"}', "no JSON"]
    site.sign_in(page, "admin.html?import")
    page.get_by_label("Or its lines").fill("\n".join(lines))
    expect(page.locator(".import [role=status]")).to_have_text("6 lessons, as JSONL")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="2 lines could not be imported")).to_be_visible()
    expect(page.locator(".counts dd")).to_have_text(["4", "0", "0", "2"])
    expect(page.locator("#report tbody tr").first).to_contain_text("5")
    site.open(page, "lesson.html?id=strange-emoji")
    expect(page.get_by_text("<b>not bold</b>")).to_be_visible()
    searched(page, site, "Serenade", 1)
    expect(page.locator("#hits h3").first).to_have_text("<script>window.hurt = 1</script> Serenade")
    expect(page.locator("#hits h3 mark").first).to_have_text("Serenade")
    site.open(page, "?q=Sonata")
    expect(page.locator("#hits h3").filter(has_text="onerror")).to_have_count(1)
    site.open(page, "?q=בדיקה")
    expect(page.locator("#hits h3").first).to_have_text("שיר של בדיקה")
    assert page.evaluate("window.hurt") is None
    assert page.locator("main :is(script, img, b)").count() == 0


def test_a_session_stays_with_its_region_and_ends_when_one_signs_out(page: Page, site: Site) -> None:
    site.sign_in(page, region=SECOND)
    expect(page.locator("#rows > li").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.locator("#rows > li").first).to_be_visible()
    assert [url for url in asked if "/admin/" in url] == [url for url in asked if f"{site.url}{SECOND}/admin/" in url]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()


def test_keeps_what_is_written_while_the_region_is_away(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Osprey March"))
    site.found(page)
    page.route(f"{site.url}us-east-1/**", lambda route: route.abort())
    site.fill(page, {"album": "Written meanwhile"})
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#told")).to_contain_text("N. Virginia is away")
    page.get_by_role("button", name="Work in Ireland").click()
    expect(page.locator("#who")).to_contain_text("Working in Ireland")
    expect(page.locator(".save-bar .status")).to_have_text("All changes are saved")
    expect(page.locator("#field-album")).to_have_value("Written meanwhile")


def test_a_save_whose_answer_is_lost_is_carried_out_once(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Lapwing Polka"))
    site.found(page)
    keys: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method != "PATCH":
            return route.fallback()
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            return route.fallback()
        route.fetch()
        return route.abort()

    page.route("**/admin/lessons/*", lose_the_first)
    site.fill(page, {"album": "Sent twice"})
    page.locator("#field-album").press("Enter")
    expect(page.locator(".save-bar .status")).to_have_text("All changes are saved")
    expect(page.locator(".conflict")).to_have_count(0)
    expect(page.locator("#told")).to_be_empty()
    assert len(keys) == 2
    assert keys[0] is not None
    assert keys[0] == keys[1]
    expect(page.locator(".history li")).to_have_count(2)
    site.fill(page, {"album": "Sent with another key"})
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".history li")).to_have_count(3)
    assert keys[2] not in keys[:2]


def test_keeps_what_is_typed_while_a_save_is_under_way(page: Page, site: Site) -> None:
    site.sign_in(page)
    site.create(page, lesson("Curlew Reel"))
    site.found(page)
    held: list[Route] = []
    page.route("**/admin/lessons/*", lambda route: held.append(route) if _writes(route) else route.fallback())
    album = page.locator("#field-album")
    album.fill("Sent")
    with page.expect_request(lambda request: request.method == "PATCH"):
        album.press("Enter")
    album.press("Enter")  # is not sent a second time
    album.press_sequentially(", and more")
    site.fill(page, {"tempo": 77, "key": "D minor"})
    page.locator("#field-key").evaluate("field => field.setSelectionRange(1, 1)")
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator(".state-line")).to_contain_text("Revision 2")
    expect(page.locator(".save-bar .status")).to_have_text("Not saved yet")
    expect(album).to_have_value("Sent, and more")
    expect(page.locator("#field-tempo")).to_have_value("77")
    expect(page.locator("#field-key")).to_be_focused()
    page.keyboard.type("b")
    expect(page.locator("#field-key")).to_have_value("Db minor")
    page.unroute("**/admin/lessons/*")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".save-bar .status")).to_have_text("All changes are saved")
    page.reload()
    expect(album).to_have_value("Sent, and more")
    expect(page.locator("#field-tempo")).to_have_value("77")


def _writes(route: Route) -> bool:
    return route.request.method == "PATCH"


def test_found_is_what_the_search_finds(page: Page, site: Site) -> None:
    site.sign_in(page)
    blind = f"{site.url}{SECOND}/search?*"
    page.route(blind, lambda route: route.fulfill(json={"total": 0, "hits": [], "facets": {}, "cursor": None}))
    site.create(page, lesson("Siskin Gigue"))
    expect(page.locator(f".findable [data-region={HOME}] .state")).to_contain_text("found after")
    with page.expect_request(blind):
        pass
    second = page.locator(f".findable [data-region={SECOND}] .state")
    expect(second).to_contain_text("looking")
    page.unroute(blind)
    expect(second).to_contain_text("found after")


def test_a_form_that_nobody_touched_says_what_its_lesson_says(page: Page, site: Site) -> None:
    odd = lesson("Two\nlines", id="untouched", chords=[], description="", draft=False, album=" ")
    site.sign_in(page, "admin.html?import")
    page.get_by_label("Or its lines").fill(json.dumps(odd))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".counts dd").first).to_have_text("1")
    site.open(page, "admin.html?id=untouched")
    expect(page.locator(".save-bar .status")).to_have_text("All changes are saved")
    site.fill(page, {"tempo": 90})
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.get_by_role("button", name="Save", exact=True).click()
    assert sent.value.post_data_json == {"tempo": 90}
    expect(page.locator(".save-bar .status")).to_have_text("All changes are saved")


def test_what_comes_late_does_not_disturb_another_view(page: Page, site: Site) -> None:
    page.clock.install()
    site.sign_in(page)
    expect(page.locator("#rows > li").first).to_be_visible()
    page.evaluate(
        """() => {
            const field = document.querySelector("#list-q");
            field.value = "queen";
            field.dispatchEvent(new Event("input"));
            [...document.querySelectorAll("#view a")].find((link) => link.textContent === "New lesson").click();
        }"""
    )
    expect(page.get_by_role("heading", name="New lesson")).to_be_visible()
    page.clock.run_for(300)  # longer than the list waits for another letter
    expect(page).to_have_url(f"{site.url}admin.html?new")


def test_an_import_that_was_broken_off_goes_on_until_all_lines_are_in(page: Page, site: Site) -> None:
    asked: list[str] = []

    def break_off(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        line = len(asked)
        counts = {"created": 1, "updated": 0, "unchanged": 0, "failed": 0}
        lines = [{"line": line, "id": f"part-{line}", "outcome": "created"}]
        route.fulfill(json={**counts, "lines": lines, "next": line + 1 if line < 3 else None})

    site.sign_in(page, "admin.html?import")
    page.route("**/admin/lessons/import*", break_off)
    page.get_by_label("Or its lines").fill("{}\n{}\n{}")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="All lines are imported")).to_be_visible()
    expect(page.locator(".counts dd").first).to_have_text("3")
    assert asked == ["", "from=2", "from=3"]


def test_asks_before_lines_that_are_not_imported_are_left(page: Page, site: Site) -> None:
    site.sign_in(page, "admin.html?import")
    page.get_by_label("Or its lines").fill(json.dumps(lesson("Left Behind", id="left-behind")))
    page.get_by_role("link", name="All lessons").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_label("Or its lines")).not_to_be_empty()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="All lines are imported")).to_be_visible()
    page.get_by_role("link", name="All lessons").click()
    expect(page.get_by_role("heading", name="Lessons", exact=True)).to_be_visible()

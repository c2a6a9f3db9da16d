"""The lessons page in a browser: the door in front of two regions whose API is played by the test."""

from __future__ import annotations

import html
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from dynadex.platform import servers

WEB = Path(__file__).parents[2] / "examples/lessons/web"
REGIONS = ("us-east-1", "eu-west-1")

pytestmark = pytest.mark.browser

Lesson = dict[str, Any]


@dataclass
class Api:
    """A region's API: finds a lesson whose title or artist holds the words. It is away while `away` is true."""

    lessons: list[Lesson]
    away: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)

    def search(self, parameters: dict[str, str]) -> tuple[int, Lesson]:
        self.asked.append(parameters)
        if self.away:
            detail = "The search engine does not answer; try again soon."
            return 503, {"type": "about:blank", "title": "Search is away", "status": 503, "detail": detail}
        words, page, size = parameters.get("q", ""), int(parameters["page"]), int(parameters["size"])
        found = [lesson for lesson in self.lessons if self._matches(lesson, words, parameters)]
        hits = [
            {"id": lesson["id"], "score": 1.0, "document": lesson, "highlights": self._highlights(lesson, words)}
            for lesson in found[(page - 1) * size : page * size]
        ]
        return 200, {"total": len(found), "page": page, "size": size, "hits": hits}

    @staticmethod
    def _matches(lesson: Lesson, words: str, parameters: dict[str, str]) -> bool:
        chosen = all(lesson[name] == parameters.get(name, lesson[name]) for name in ("level", "instrument"))
        return chosen and words.lower() in f"{lesson['title']} {lesson['artist']}".lower()

    @staticmethod
    def _highlights(lesson: Lesson, words: str) -> dict[str, list[str]]:
        """As the engines make them: the text HTML-escaped, the words found in <em>."""
        if not words:
            return {}
        found = re.compile(f"({re.escape(words)})", re.IGNORECASE)
        marked = {
            name: "".join(
                f"<em>{html.escape(part)}</em>" if number % 2 else html.escape(part)
                for number, part in enumerate(found.split(lesson[name]))
            )
            for name in ("title", "artist")
        }
        return {name: [text] for name, text in marked.items() if "<em>" in text}


@dataclass
class Site:
    """The page's address, and the APIs behind it by region."""

    url: str
    apis: dict[str, Api]


@pytest.fixture
def site() -> Iterator[Site]:
    apis = {region: Api(lessons()) for region in REGIONS}
    started = {region: _start(api) for region, api in apis.items()}
    port = servers.free_port()
    arguments = [f"--region={region}=http://127.0.0.1:{server.server_port}" for region, server in started.items()]
    command = [sys.executable, "-m", "dynadex.platform.door", f"--port={port}", f"--static={WEB}"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL) as door:
        try:
            _wait_until_served(port, door)
            yield Site(f"http://127.0.0.1:{port}/", apis)
        finally:
            door.terminate()
            for server in started.values():
                server.shutdown()
                server.server_close()


def lessons() -> list[Lesson]:
    """Thirty lessons: five songs, and a page and more of études."""
    songs = [
        ("Stairway to Heaven", "Led Zeppelin", "guitar", "advanced"),
        ("Stairway to Heaven", "Led Zeppelin", "piano", "advanced"),
        ("Knockin' on Heaven's Door", "Bob Dylan", "guitar", "beginner"),
        ("Tom & Jerry's <em>Rag</em>", 'The "Cats"', "guitar", "beginner"),
        ("<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>", "Mallory", "bass", "beginner"),
        *((f"Étude no. {number}", "Fernando Sor", "guitar", "intermediate") for number in range(1, 26)),
    ]
    return [
        {
            "id": f"lesson-{number}",
            "title": title,
            "artist": artist,
            "instrument": instrument,
            "level": level,
            "genre": "rock",
            "chords": ["Am", "G"],
            "tempo": 82,
            "duration": 1200,
            "description": "Played <b>slowly</b> at first.",
            "published": "2021-12-13",
        }
        for number, (title, artist, instrument, level) in enumerate(songs)
    ]


def _start(api: Api) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = urlsplit(self.path).query
            status, document = api.search({name: values[0] for name, values in parse_qs(query).items()})
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", f"application/{'json' if status == 200 else 'problem+json'}")
            self.send_header("Content-Length", str(len(body)))
            if status == 503:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return server


def _wait_until_served(port: int, door: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and door.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/regions")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("the door did not open")


def test_finds_a_song_while_one_types(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator("#summary")).to_contain_text("30 lessons")
    expect(page.get_by_label("Song title or artist")).to_be_focused()
    page.keyboard.type("stairway")
    expect(page.locator("#summary")).to_have_text(re.compile(r"^2 lessons in \d+ ms from us-east-1$"))
    expect(page.locator(".card h2")).to_have_text(["Stairway to Heaven", "Stairway to Heaven"])
    expect(page.locator(".card mark")).to_have_text(["Stairway", "Stairway"])
    expect(page).to_have_url(f"{site.url}?q=stairway")


def test_shows_markup_in_data_as_text(page: Page, site: Site) -> None:
    page.goto(f"{site.url}?q=script")
    title = page.locator(".card h2")
    expect(title).to_have_text("<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>")
    expect(title.locator("mark")).to_have_text(["script", "script"])
    page.get_by_label("Song title or artist").fill("jerry's")
    expect(title).to_have_text("Tom & Jerry's <em>Rag</em>")
    expect(title.locator("mark")).to_have_text(["Jerry's"])
    expect(page.locator(".card .description")).to_have_text("Played <b>slowly</b> at first.")
    assert page.evaluate("window.hurt") is None
    assert page.locator("#hits :is(script, img, em, b)").count() == 0


def test_says_that_the_search_is_away_and_recovers_by_itself(page: Page, site: Site) -> None:
    api = site.apis["us-east-1"]
    page.goto(site.url)
    expect(page.locator(".card")).to_have_count(12)
    api.away = True
    page.keyboard.type("heaven")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("us-east-1 cannot search right now")
    expect(notice).to_contain_text("This page keeps trying by itself")
    expect(notice.get_by_role("button")).to_have_text(["Try now", "Ask eu-west-1 instead"])
    api.away = False
    expect(page.locator("#summary")).to_contain_text("3 lessons")
    expect(notice).to_be_hidden()


def test_offers_another_region_when_one_is_away(page: Page, site: Site) -> None:
    site.apis["us-east-1"].away = True
    page.goto(f"{site.url}?q=heaven")
    page.get_by_role("button", name="Ask eu-west-1 instead").click()
    expect(page.locator("#summary")).to_contain_text("from eu-west-1")
    expect(page).to_have_url(f"{site.url}?q=heaven&region=eu-west-1")


def test_filters_and_tells_how_to_undo_it(page: Page, site: Site) -> None:
    page.goto(f"{site.url}?q=stairway")
    page.get_by_label("Instrument").select_option("piano")
    expect(page.locator(".card")).to_have_count(1)
    expect(page).to_have_url(f"{site.url}?q=stairway&instrument=piano")
    page.get_by_label("Level").select_option("beginner")
    expect(page.locator("#notice")).to_contain_text("No lessons for “stairway”")
    page.get_by_role("button", name="Any level and instrument").click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#notice")).to_be_hidden()
    expect(page).to_have_url(f"{site.url}?q=stairway")


def test_opens_a_shared_address_as_it_was(page: Page, site: Site) -> None:
    page.goto(f"{site.url}?q=heaven&level=advanced&instrument=guitar&region=eu-west-1")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#summary")).to_contain_text("1 lesson in")
    expect(page.get_by_label("Song title or artist")).to_have_value("heaven")
    expect(page.get_by_label("Level")).to_have_value("advanced")
    expect(page.get_by_label("Instrument")).to_have_value("guitar")
    expect(page.get_by_label("Region")).to_have_value("eu-west-1")
    assert site.apis["us-east-1"].asked == []
    asked = site.apis["eu-west-1"].asked
    assert asked == [{"q": "heaven", "level": "advanced", "instrument": "guitar", "page": "1", "size": "12"}]


def test_shows_more_with_the_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(site.url)
    more = page.get_by_role("button", name="Show more lessons")
    for count in (24, 30):
        more.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(count)
    expect(more).to_be_hidden()
    expect(page.locator(".card h2").nth(24)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Song title or artist")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1920])
def test_fits_every_screen(page: Page, site: Site, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(site.url)
    expect(page.locator(".card")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(250, 248, 245)", "dark": "rgb(22, 20, 18)"}[scheme]

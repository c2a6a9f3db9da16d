"""Row refill: documents a second of one segment, scan and writing overlapped."""

from __future__ import annotations

from statistics import median

from dynadex.recipes import recipe_of

from . import canned, lessons
from .limits import Limit, bodies, operations
from .measuring import Collected, Plan, Row, spent
from .ours import World
from .plain import Plain
from .streaming import LIMIT, PLAIN, best_connections, definition


def measure(world: World, plan: Plan) -> list[Row]:
    """A table of a few pages, whole, in each round; the limit is the slower of the bare scan and the bare writing."""
    size = plan.pages * canned.ITEMS_A_PAGE
    table = lessons.table(size)
    recipe = recipe_of(lessons.project(), lessons.project().indexes["lessons"])
    region = world.region(items=size)
    region.enter()
    plain = Plain(region.engine_url, region.table_url, PLAIN, recipe.transform)
    limit = Limit(region.engine_url, region.table_url)
    pages: list[list[object]] = []
    limit.scan(table, pages.append)
    written = [operations(page, LIMIT, recipe, 1 << 60) for page in pages]
    connections = best_connections(limit, written)
    prepared = [bodies(page, connections) for page in written]
    rates = Collected()
    scans, bulks = [], []

    def write() -> None:
        for page in prepared:
            limit.bulk(page)

    for number in range(plan.rounds):
        region.empty()
        for index in (PLAIN, LIMIT):
            limit.make(index, definition())
        parts = [
            lambda: rates.add("ours", size / spent(region.refill).wall),
            lambda: rates.add("plain", size / spent(lambda: plain.refill(table)).wall),
            lambda: scans.append(size / spent(lambda: limit.scan(table)).wall),
            lambda: bulks.append(size / spent(write).wall),
        ]
        for place in range(len(parts)):
            parts[(number + place) % len(parts)]()
        rates.add("limit", min(scans[-1], bulks[-1]))
        assert region.documents() == sum(map(len, written))
    notes = {
        "items": size,
        "bare scan": round(median(scans)),
        "bare writing": round(median(bulks)),
        "connections": connections,
    }
    row = Row("refill", "documents/s", rates.samples, "at least 0.85 of the limit, 4 times plain", None, notes)
    return [row.against(limit=0.85, plain=4)]

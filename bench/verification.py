"""Row verify: items a second, from the table to the index; the limit is the bare scan with a bare mget of each page."""

from __future__ import annotations

from dynadex import generations, verifying
from dynadex.functions import service
from dynadex.pacing import Patience
from dynadex.recipes import recipe_of
from dynadex.scanning import Pages
from dynadex.verifying import Check, TableTruth

from . import canned, lessons
from .limits import Limit
from .measuring import Collected, Plan, Row, spent
from .ours import INDEX, World
from .plain import Plain


def measure(world: World, plan: Plan) -> list[Row]:
    """A table of a few pages against its index, in which nothing differs."""
    size = plan.pages * canned.ITEMS_A_PAGE
    table = lessons.table(size)
    recipe = recipe_of(lessons.project(), lessons.project().indexes["lessons"])
    region = world.region(items=size)
    region.enter()
    generation = region.empty()
    region.refill()
    plain = Plain(world.engine_url, world.table_url, generation, recipe.transform)
    limit = Limit(world.engine_url, world.table_url)
    rates = Collected()

    def ours() -> None:
        service.set_up_process()
        counts = verified()
        assert (counts.items, counts.documents, counts.differences) == (size, size, 0), counts

    def written_plainly() -> None:
        assert plain.verify(table) == 0

    for number in range(plan.rounds):
        parts = [
            lambda: rates.add("ours", size / spent(ours).wall),
            lambda: rates.add("plain", size / spent(written_plainly).wall),
            lambda: rates.add("limit", size / spent(lambda: limit.verify(table, generation)).wall),
        ]
        for place in range(len(parts)):
            parts[(number + place) % len(parts)]()
    row = Row("verify", "items/s", rates.samples, "at least 0.70 of the limit", None, {"items": size})
    return [row.against(limit=0.7)]


def verified(*, swept: bool = False) -> verifying.Counts:
    """Verifies the region that this process is in, from the table to the index and, if wished, back."""
    engine, table = service.engine(), service.table("lessons")
    alias = generations.write_alias(generations.read(engine, INDEX)[-1])
    truth = TableTruth(table, service.recipe(INDEX))
    check = Check(truth, engine, alias, _patience)
    pages = Pages(table, _patience)
    try:
        verifying.scan(check, truth, pages, None, lambda: False)
        if swept:
            slices = verifying.sweep_slices(check, check.documents, full=True)
            for slice in range(slices):
                verifying.sweep(check, slice, slices)
        check.finish()
    finally:
        pages.close()
    return check.counts


def _patience() -> Patience:
    return Patience(60)

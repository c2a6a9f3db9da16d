"""`estimate`: what a refill and steady traffic take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Columns

from ..operations import estimate as estimates
from ..operations import estimating
from ..operations import refill as refilling
from ..operations.estimate import Estimate
from ..operations.estimating import Load, RefillEstimate
from ..project import Index, Project
from ..terminal import Terminal, out
from .init import EndpointOption, outside_cloud
from .options import (
    AwsOption,
    JsonOption,
    OneRegionOption,
    ProjectOption,
    Refused,
    choose_cloud,
    choose_index,
    choose_region,
    load_project,
    show,
)


def estimate(
    index: Annotated[
        str | None, typer.Argument(help="An index of the project; needed where it has several.", show_default=False)
    ] = None,
    project: ProjectOption = Path(),
    region: OneRegionOption = None,
    items: Annotated[
        int | None, typer.Option(min=1, help="So many items, instead of the table's own count.", show_default=False)
    ] = None,
    item_bytes: Annotated[
        float | None, typer.Option(min=1, help="An item's bytes on average.", show_default=False)
    ] = None,
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="Share of the items that become documents.")] = 1.0,
    writes_per_second: Annotated[float, typer.Option(min=0, help="Steady writes to the table; 0: none.")] = 0.0,
    segments: Annotated[
        int | None,
        typer.Option(min=1, max=refilling.MAX_SEGMENTS, help="Segments side by side.", show_default=False),
    ] = None,
    read_capacity: Annotated[
        float | None, typer.Option(min=0, help="Read budget, units a second; 0: none.", show_default=False)
    ] = None,
    assume: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER of an assumption; again for more.", show_default=False)
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="NAME=DOLLARS of a price; again for more.", show_default=False)
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A TOML or JSON file of prices, by their names.", show_default=False)
    ] = None,
    endpoint: EndpointOption = None,
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate a refill and steady traffic: time, read units, invocations, cost, shards; with formulas and assumptions.

    With --items and --item-bytes nothing is asked of any cloud.
    """
    loaded, terminal = load_project(project), Terminal()
    chosen = _index(loaded, index)
    assumed = estimating.Assumptions()
    if prices is not None:
        assumed = assumed.given(f"--prices {prices}", estimates.prices_in(prices))
    assumed = assumed.given("--assume", estimating.of_texts(assume or ()))
    assumed = assumed.given("--price", estimating.of_texts(price or ()))
    means = estimates.means_of(loaded, segments=segments, read_capacity=read_capacity)
    if (items is None) != (item_bytes is None):
        raise Refused("--items and --item-bytes: give both, or none for the table's own")
    where = choose_region(loaded, region)
    measured = None
    if items is not None and item_bytes is not None:
        load = Load(items, item_bytes, share)
        notes: tuple[str, ...] = ("items and item bytes are as given",)
    else:
        cloud = outside_cloud(endpoint, aws) if endpoint else choose_cloud(loaded, aws, terminal)
        load, notes = estimates.load_of(loaded, cloud, where, chosen, share=share)
        if not endpoint and not any(text.startswith("documents_a_second_a_segment") for text in assume or ()):
            measured = estimates.measured_rate(loaded, cloud, where, chosen)
    if where != estimating.PRICED_REGION and not prices and not price:
        notes = (*notes, f"prices of {where} may be others: --price or --prices sets them")
    found = estimates.estimate(
        chosen, load, means, assumed, writes_a_second=writes_per_second, measured=measured, notes=notes
    )
    show(as_json, found.to_json(), lambda: _show(found))


def _index(project: Project, name: str | None) -> Index:
    if name is None and len(project.indexes) > 1:
        raise Refused(f"INDEX: which one? {', '.join(project.indexes)}")
    return choose_index(project, name or next(iter(project.indexes)))


def _show(found: Estimate) -> None:
    load, means = found.load, found.means
    budget = f"{means.read_capacity:,g} read units/s" if means.read_capacity else "no read budget"
    out.print(
        f"{found.index}: {load.items:,} items of {load.item_bytes:,.0f} bytes, {_size(load.table_bytes)}; "
        f"{means.segments} segment{'s' * (means.segments > 1)}, {budget}",
        highlight=False,
        soft_wrap=True,
    )
    columns = Columns("", box=None, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("by scan", "from an export"):
        columns.add_column(name, justify="right")
    both = (found.by_scan, found.from_export)
    columns.add_row("time", *(_time(one.seconds) for one in both))
    columns.add_row("bound by", *(one.bound_by for one in both))
    columns.add_row("read units", *(f"{one.read_units:,.0f}" for one in both))
    columns.add_row("invocations", *(f"{one.invocations:,}" for one in both))
    columns.add_row("GB-seconds", *(f"{one.gb_seconds:,.0f}" for one in both))
    columns.add_row("cost", *map(_cost, both))
    out.print("\n[bold]Refill[/]")
    out.print(columns, highlight=False)
    for title, one in (("by scan", found.by_scan), ("from an export", found.from_export)):
        parts = ", ".join(f"{name} ${usd:,.4f}" for name, usd in one.cost_usd.items())
        out.print(f"  {title}: {parts}", style="dim", highlight=False, soft_wrap=True)
    recovery = estimating.recovery_usd_a_month(load, found.assumptions)
    out.print(
        f"  an export needs point-in-time recovery: ${recovery:,.2f} a month",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    size = found.size
    out.print("\n[bold]Index[/]")
    out.print(
        f"{_size(size.index_bytes)}, {size.primary_shards} primary shard{'s' * (size.primary_shards > 1)}, "
        f"{_size(size.disk_bytes)} of disk with one replica",
        highlight=False,
    )
    if found.traffic:
        traffic = found.traffic
        out.print(f"\n[bold]Steady traffic[/], {traffic.writes_a_second:,g} writes/s", highlight=False)
        out.print(
            f"{traffic.least_invocations_a_second:,.2f} to {traffic.most_invocations_a_second:,.2f} invocations/s, "
            f"{traffic.stream_shards} stream shard{'s' * (traffic.stream_shards > 1)}, "
            f"keeps up with {traffic.most_writes_a_second:,.0f} writes/s, "
            f"at most ${sum(traffic.cost_usd_a_month.values()):,.2f} a month",
            highlight=False,
            soft_wrap=True,
        )
    _show_grounds(found)


def _show_grounds(found: Estimate) -> None:
    out.print("\n[bold]Formulas[/]")
    parts = {
        "by scan": found.by_scan.formulas,
        "from an export": found.from_export.formulas,
        "index": found.size.formulas,
    }
    if found.traffic:
        parts["traffic"] = found.traffic.formulas
    told: set[tuple[str, str]] = set()
    for part, formulas in parts.items():
        for name, formula in formulas.items():
            if (name, formula) not in told:
                told.add((name, formula))
                out.print(f"  {name} ({part}) = {formula}", style="dim", markup=False, highlight=False, soft_wrap=True)
    blocks = (
        (True, f"\n[bold]Prices[/] in US dollars ({estimating.PRICES_OF}); set them with --price or --prices"),
        (False, "\n[bold]Assumptions[/]; set them with --assume NAME=NUMBER"),
    )
    for prices, title in blocks:
        out.print(title, highlight=False, soft_wrap=True)
        for name, (value, why) in found.assumptions.why(prices=prices).items():
            out.print(f"  {name} = {value:.10g}  [dim]{why}[/]", highlight=False, soft_wrap=True)
    for note in found.notes:
        out.print(f"  {note}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _cost(one: RefillEstimate) -> str:
    return f"${sum(one.cost_usd.values()):,.2f}"


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e3:,.1f} KB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"

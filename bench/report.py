"""Results as a table, as a file, and as `docs/performance.md`, in which no figure is written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import charts

_ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
DOCS = _ROOT / "docs"
_PAGE = DOCS / "performance.md"
_IMAGES = DOCS / "images"
_MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Results = dict[str, Any]


def keep(results: Results, folder: Path) -> Path:
    """Writes the results; those of an engine and a plan replace the ones before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['machine']['engine']}-{results['plan']}.json"
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def latest() -> Results:
    """The newest results, full ones before quick ones."""
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    if not kept:
        raise SystemExit("There are no results in bench/results yet: run make bench first.")
    found: Results = max(
        kept, key=lambda one: (one["plan"] == "full", one["machine"]["engine"] == "opensearch", one["at"])
    )
    return found


def table(results: Results) -> str:
    """The rows as text, for a terminal."""
    heads = ("", "unit", "ours", "plain", "limit", "to limit", "to plain", "spread")
    lines = [heads, *(_cells(row) for row in results["rows"])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    spread = row["spread"]["ours"]
    figures = [_figure(row[name]) for name in ("ours", "plain", "limit", "ratioToLimit", "ratioToPlain")]
    return (row["name"], row["unit"], *figures, "-" if spread is None else f"±{spread:.0%}")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def write() -> None:
    """Puts the newest figures into the page, and draws its charts."""
    results = latest()
    parts = {
        "machine": _machine(results),
        "rows": _rows(results),
        "search": _search(results),
        "stages": _stages(results),
        "growth": _growth(results),
        "curves": _curves(results),
    }
    fill(_PAGE, parts)


def fill(page: Path, parts: Mapping[str, str]) -> None:
    """Puts each part between its marks."""
    text = page.read_text(encoding="utf-8")
    text = _MARKED.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", text)
    page.write_text(text, encoding="utf-8")


def _machine(results: Results) -> str:
    of = results["machine"]
    apart = ", the engine with half of the processors to itself" if of.get("apart") else ""
    return (
        f"Measured {results['at'][:10]} at commit `{of['commit']}` with {of['engine']}{apart}: {of['processor']}, "
        f"{of['processors']} processors, {of['memoryGiB']} GiB, {of['system']}, Python {of['python']}; "
        f"{results['seconds'] / 60:.0f} minutes."
    )


def _rows(results: Results) -> str:
    lines = ["| | unit | ours | plain | limit | ours / limit | ours / plain | spread | goal |", "|" + "---|" * 9]
    for row in results["rows"]:
        met = {True: ": met", False: ": not met", None: ""}[row["met"]]
        lines.append("| " + " | ".join((*_cells(row), row["goal"] + met)) + " |")
    return "\n".join(lines)


def _search(results: Results) -> str:
    for row in results["rows"]:
        if row["name"] == "search-p50":
            cpu, p99 = row["notes"]["client's processor, ms"], row["notes"]["p99, ms"]
            return (
                f"A search takes {cpu['ours']:.2f} ms of the function's own processor time (plain: {cpu['plain']:.2f}, "
                f"the bare request: {cpu['limit']:.2f}). The 99th percentile of its latency is {p99['ours']:.1f} ms "
                f"(plain: {p99['plain']:.1f}, the bare request: {p99['limit']:.1f})."
            )
    return "Searches were not measured in this run."


def _stages(results: Results) -> str:
    if not (stages := results.get("stages")):
        return "Not measured in this run."
    return "\n".join(
        ["| stage | µs a record |", "|---|---:|", *(f"| {stage} | {took} |" for stage, took in stages.items())]
    )


def _growth(results: Results) -> str:
    points = results["growth"]
    if not points:
        return "Not measured in this run."
    lines = ["| items | refill, documents/s | its peak, MiB | verify, items/s | its peak, MiB |", "|" + "---:|" * 5]
    for point in points:
        cells = (f"{point[work]['rate']:,} | {point[work]['peak']:.0f}" for work in ("refill", "verify"))
        lines.append(f"| {point['items']:,} | {' | '.join(cells)} |")
    _draw(
        "growth-rate.svg",
        "Rate by the number of items",
        {work: [(point["items"], point[work]["rate"]) for point in points] for work in ("refill", "verify")},
        across="items",
        up="items/s",
    )
    _draw(
        "growth-memory.svg",
        "Peak memory by the number of items",
        {work: [(point["items"], point[work]["peak"]) for point in points] for work in ("refill", "verify")},
        across="items",
        up="MiB",
    )
    images = "![Rate by the number of items](images/growth-rate.svg)\n\n![Peak memory](images/growth-memory.svg)"
    return "\n".join(lines) + "\n\n" + images


def _curves(results: Results) -> str:
    curves = results["curves"]
    if not curves:
        return "Not measured in this run."
    lines = []
    for of in ("segments", "connections"):
        rates = ", ".join(f"{point[of]}: {point['rate']:,}" for point in curves[of])
        lines.append(f"- Documents a second by {of}: {rates}.")
    series = {of: [(point[of], point["rate"]) for point in curves[of]] for of in ("segments", "connections")}
    _draw("curves.svg", "Rate by segments and by connections", series, across="how many", up="documents/s")
    return "\n".join(lines) + "\n\n![Rate by segments and by connections](images/curves.svg)"


def _draw(name: str, title: str, series: Mapping[str, charts.Points], *, across: str, up: str) -> None:
    draw(name, charts.lines(title, series, across=across, up=up, logarithmic=True))


def draw(name: str, drawn: str) -> None:
    """Keeps a chart among the pages' images."""
    _IMAGES.mkdir(exist_ok=True)
    (_IMAGES / name).write_text(drawn, encoding="utf-8")

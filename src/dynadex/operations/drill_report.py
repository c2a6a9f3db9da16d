"""What a drill has shown: as JSON with fixed names, and as one page with charts that needs nothing beside itself."""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

from ..core.routing import CONTINENTS
from .drill import Result
from .drill_charts import Band, Chart, Line, chart
from .drill_load import Search
from .outage import MEANING


def document(result: Result) -> dict[str, Any]:
    """The result for tools. Seconds are counted from the loss, or from the return of the region."""
    searches = result.searches
    return {
        "searches": {
            "total": len(searches),
            "failed": sum(1 for search in searches if search.failure),
            "longestFailureSeconds": round(longest_failure(searches), 1),
        },
        "writes": {"total": result.writes, "lost": len(result.lost)},
        "detectedSeconds": _between(result.taken, result.detected),
        "routedBackSeconds": _between(result.returned, result.routed_back),
        "paritySeconds": _between(result.returned, result.equal),
        "parity": result.parity,
        "timeline": [{"seconds": round(at - result.began, 1), "event": text} for at, text in events(result)],
    }


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 1)


def events(result: Result) -> list[tuple[float, str]]:
    """All that happened, in order."""
    turns = [
        (turn.at, f"the edge {'takes' if turn.healthy else 'leaves'} {turn.region} {'in' if turn.healthy else 'out'}")
        for turn in result.turns
    ]
    said = [(at, text) for at, text in result.events if not text.startswith("the edge leaves")]
    return sorted(said + turns)


def longest_failure(searches: Iterable[Search]) -> float:
    """The longest time in which every search that began at some location failed."""
    longest = 0.0
    by_location = defaultdict(list)
    for search in sorted(searches, key=lambda search: search.at):
        by_location[search.location].append(search)
    for ordered in by_location.values():
        since = None
        for search in ordered:
            if search.failure:
                since = search.at if since is None else since
                longest = max(longest, search.at - since)
            elif since is not None:
                longest = max(longest, search.at - since)
                since = None
    return longest


def sent_to_known_down(result: Result) -> list[Search]:
    """Searches that the edge sent to a region that it knew to be down, though another was healthy."""
    found = []
    for search in result.searches:
        states = dict.fromkeys(result.regions, True) | {
            turn.region: turn.healthy for turn in result.turns if turn.at < search.at
        }
        # on its way to the edge it may have met a region that had just been taken in
        taken_in = any(
            turn.region == search.region and turn.healthy and search.at <= turn.at <= search.at + search.seconds
            for turn in result.turns
        )
        if not states.get(search.region, True) and any(states.values()) and not taken_in:
            found.append(search)
    return found


def bars(result: Result) -> dict[str, tuple[bool, str]]:
    """What must hold: name → whether it does, and what was measured."""
    longest, bound = longest_failure(result.searches), result.settings.detection + result.settings.interval
    wrong = sent_to_known_down(result)
    return {
        "no search fails for longer than it takes to detect a loss, plus one interval": (
            longest <= bound,
            f"{longest:.1f} s of {bound:.0f} s",
        ),
        "no write is lost": (not result.lost, f"{len(result.lost)} of {result.writes:,}"),
        "every region's index equals the table and the others": (
            result.parity,
            "; ".join(result.differences) or "equal",
        ),
        "no search is sent to a region known to be down": (not wrong, f"{len(wrong)} of {len(result.searches):,}"),
    }


def write(result: Result, directory: Path) -> Path:
    """Writes `report.json` and `report.html`; returns the page."""
    directory.mkdir(parents=True, exist_ok=True)
    more = {
        "drill": {
            "kind": result.options.kind,
            "region": result.region,
            "began": _moment(result.began),
            "seconds": round(result.ended - result.began, 1),
            "interval": result.settings.interval,
            "threshold": result.settings.threshold,
            "locations": list(result.locations),
        },
        "bars": [{"bar": name, "holds": holds, "measured": told} for name, (holds, told) in bars(result).items()],
        "lost": result.lost,
        "differences": result.differences,
        "series": [
            {
                "at": round(search.at - result.began, 2),
                "location": search.location,
                "region": search.region,
                "millis": round(search.seconds * 1000),
                "failure": search.failure,
            }
            for search in result.searches
        ],
        "lag": [{"at": round(at - result.began, 1), "region": r, "seconds": round(s, 1)} for at, r, s in result.lags],
    }
    (directory / "report.json").write_text(json.dumps(document(result) | more, indent=1) + "\n", encoding="utf-8")
    page = directory / "report.html"
    page.write_text(as_page(result), encoding="utf-8")
    return page


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_page(result: Result) -> str:
    """The page."""
    told = document(result)
    held = bars(result)
    passed = all(holds for holds, _ in held.values())
    template = (resources.files("dynadex.operations") / "drill_report.html").read_text(encoding="utf-8")
    words = {
        "TITLE": f"Drill: {result.region} lost and got back",
        "KIND": MEANING[result.options.kind],
        "WHEN": f"{_moment(result.began)}, {result.ended - result.began:.0f} seconds",
        "VERDICT": "Every bar was met" if passed else "A bar was missed",
        "STATE": "good" if passed else "bad",
        "TILES": "".join(_tile(*one) for one in _tiles(result, told)),
        "BARS": "".join(
            f'<li class="{"good" if holds else "bad"}"><span>{html.escape(name)}</span><b>{html.escape(told)}</b></li>'
            for name, (holds, told) in held.items()
        ),
        "CHARTS": "".join(
            f"<figure><figcaption>{chart.title}</figcaption>{svg}</figure>" for chart, svg in _charts(result)
        ),
        "LEGEND": "".join(
            f'<span><i class="line{number}"></i>{html.escape(region)}</span>'
            for number, region in enumerate(result.regions)
        ),
        "TIMELINE": "".join(
            f"<tr><td>{entry['seconds']:.1f} s</td><td>{html.escape(entry['event'])}</td></tr>"
            for entry in told["timeline"]
        ),
        "CHECKS": (
            f"A health check every {result.settings.interval:g} s; {result.settings.threshold} in a row decide. "
            f"Searches from {', '.join(html.escape(_place(location)) for location in result.locations)}."
        ),
    }
    for name, text in words.items():
        template = template.replace("{{" + name + "}}", text)
    return template


def _place(location: str) -> str:
    return "elsewhere" if location == "*" else CONTINENTS.get(location, location)


def _tiles(result: Result, told: dict[str, Any]) -> list[tuple[str, str, str]]:
    searches, writes = told["searches"], told["writes"]
    failed = f"{searches['failed']:,} of {searches['total']:,} searches failed"
    lost = f"of {writes['total']:,}, in {len(result.regions)} regions"
    return [
        ("Longest failure", _seconds(searches["longestFailureSeconds"]), failed),
        ("Writes lost", f"{writes['lost']:,}", lost),
        ("Detected after", _seconds(told["detectedSeconds"]), "from the loss until it was left out"),
        ("Equal again after", _seconds(told["paritySeconds"]), "from its return until it equalled the table"),
        ("Routed back after", _seconds(told["routedBackSeconds"]), "from its return until it answered a search"),
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _tile(name: str, value: str, note: str) -> str:
    return f"<div><h2>{name}</h2><strong>{html.escape(value)}</strong><p>{html.escape(note)}</p></div>"


def _charts(result: Result) -> list[tuple[Chart, str]]:
    seconds = int(result.ended - result.began) + 1
    bands = []
    if result.taken is not None and result.returned is not None:
        bands.append(Band(result.taken - result.began, result.returned - result.began, f"{result.region} away"))
        if result.let_in is not None:
            bands.append(Band(result.returned - result.began, result.let_in - result.began, "brought back"))
    answered: dict[str, list[list[float]]] = {region: [[] for _ in range(seconds)] for region in result.regions}
    failed = [0.0] * seconds
    for search in result.searches:
        second = min(int(search.at - result.began), seconds - 1)
        if search.failure:
            failed[second] += 1
        elif search.region in answered:
            answered[search.region][second].append(search.seconds * 1000)
    counts = [Line(number, _points(map(len, answered[region]))) for number, region in enumerate(result.regions)]
    slow = [
        Line(number, [(second + 0.5, median(times)) for second, times in enumerate(answered[region]) if times])
        for number, region in enumerate(result.regions)
    ]
    lags = [
        Line(number, [(at - result.began, lag) for at, where, lag in result.lags if where == region])
        for number, region in enumerate(result.regions)
    ]
    charts = [
        Chart("Searches answered a second, by region", "", counts),
        Chart("Searches failed a second", "", [Line(-1, _points(failed))], least=3),
        Chart("Median time of a search through the edge", "ms", slow),
        Chart("Lag: how far an index is behind its table", "s", lags, least=5),
    ]
    return [(one, chart(one, seconds, bands)) for one in charts]


def _points(values: Iterable[float]) -> Sequence[tuple[float, float]]:
    return [(second + 0.5, float(value)) for second, value in enumerate(values)]

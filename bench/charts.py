"""Line charts as SVG, small and readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 48
_COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")
_TICKS = 5


def lines(
    title: str, series: Mapping[str, Points], *, across: str, up: str, logarithmic: bool = False, steps: bool = False
) -> str:
    """A chart of one line for each series. `logarithmic` is the x axis; the y axis begins at 0."""
    points = [point for drawn in series.values() for point in drawn]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top = _nice(max(y for _, y in points) or 1.0)

    def x_of(x: float) -> float:
        place, begin, end = (math.log(x), math.log(left), math.log(right)) if logarithmic else (x, left, right)
        return _LEFT + (place - begin) / ((end - begin) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_text(_LEFT, 20, title, bold=True)]
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        y = y_of(value)
        parts.append(f'<line class="g" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, _short(value), anchor="end"))
    ticks = _ticks(left, right, [x for x, _ in points], logarithmic=logarithmic)
    parts += [_text(x_of(value), _HEIGHT - _BOTTOM + 16, _short(value), anchor="middle") for value in ticks]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, across, anchor="middle"))
    parts.append(_text(_LEFT, 34, up))
    for number, (name, drawn) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        where = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in _stepped(drawn, steps=steps))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{where}"/>')
        if len(drawn) <= 12:
            parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in drawn]
        at = _WIDTH - _RIGHT - 120 * (len(series) - number)
        parts.append(f'<rect x="{at}" y="26" width="12" height="4" fill="{colour}"/>')
        parts.append(_text(at + 18, 34, name))
    style = (
        "text{font:12px system-ui,sans-serif;fill:#444}.b{font-weight:600}.g{stroke:#8884;stroke-width:1}"
        "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><style>{style}</style>{"".join(parts)}</svg>\n'
    )


def _stepped(points: Points, *, steps: bool) -> Points:
    if not steps:
        return points
    found: list[tuple[float, float]] = []
    for x, y in points:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found


def _ticks(left: float, right: float, there: Sequence[float], *, logarithmic: bool) -> list[float]:
    if logarithmic or len(set(there)) <= 6:
        return sorted(set(there))
    return [left + (right - left) * tick / _TICKS for tick in range(_TICKS + 1)]


def _nice(value: float) -> float:
    """The next round number above."""
    power: float = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _short(value: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:.3g}"


def _text(x: float, y: float, words: str, *, anchor: str = "start", bold: bool = False) -> str:
    style = ' class="b"' if bold else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'

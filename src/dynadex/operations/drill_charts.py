"""Charts over time as SVG, by hand: colours come from the page's style, so they fit a light and a dark one."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 920, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 22, 26
_BREAK_SECONDS = 5.0
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True, slots=True)
class Line:
    """Points (second, value), drawn in the style's colour of that number; -1 is the one for failures, filled."""

    colour: int
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Band:
    """A time that is marked in the background."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn; the scale reaches at least to `least`."""

    title: str
    unit: str
    lines: Sequence[Line]
    least: float = 1.0


def _pieces(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The points in pieces, with a break where for a while there are none."""
    pieces: list[list[tuple[float, float]]] = []
    for point in points:
        if not pieces or point[0] - pieces[-1][-1][0] > _BREAK_SECONDS:
            pieces.append([])
        pieces[-1].append(point)
    return pieces


def chart(told: Chart, seconds: float, bands: Sequence[Band]) -> str:
    """The chart as an SVG element."""
    highest = max([told.least, *(value for line in told.lines for _, value in line.points)])
    step = next((step for step in _STEPS if highest / step <= 4), _STEPS[-1])
    top = step * (int(highest / step) + 1)

    def x(second: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * min(second, seconds) / max(seconds, 1), 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top, 1)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(told.title)}">']
    for number, band in enumerate(bands):
        left, right = x(band.start), x(band.end)
        parts.append(
            f'<rect class="band{number}" x="{left}" y="{_TOP}" width="{max(right - left, 1):.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
            f'<text class="name" x="{left + 4}" y="{_TOP - 7}">{html.escape(band.name)}</text>'
        )
    for value in range(0, top + 1, step):
        unit = f" {told.unit}" if told.unit and value == top // step * step else ""
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="axis" x="{_LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:,}{unit}</text>')
    every = next((step for step in (5, 10, 15, 30, 60, 120, 300, 600) if seconds / step <= 12), 1200)
    parts += [
        f'<text class="axis" x="{x(second)}" y="{_HEIGHT - 8}" text-anchor="middle">{second} s</text>'
        for second in range(0, int(seconds) + 1, every)
    ]
    for line in told.lines:
        for piece in _pieces(line.points):
            path = "L".join(f"{x(second)} {y(value)}" for second, value in piece)
            if line.colour < 0:
                first, last = x(piece[0][0]), x(piece[-1][0])
                parts.append(f'<path class="failed" d="M{first} {y(0)}L{path}L{last} {y(0)}Z"/>')
            else:
                parts.append(f'<path class="line line{line.colour}" d="M{path}"/>')
    return "".join([*parts, "</svg>"])

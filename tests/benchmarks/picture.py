"""The medians as a picture: horizontal bars by class and engine, on a scale of powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tests.benchmarks.measure import QueryFigures

_WIDTH = 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 70, 62, 26
_BAR, _GAP = 10, 12
# Told apart in both themes and by colour-blind eyes (Okabe and Ito, 2008), the first engine strongest.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#8c8c8c", "#56b4e9")
_STYLE = """
text { font: 11px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
.name { font-size: 12px; }
.head { font-size: 13px; font-weight: 600; fill: #1f2328; }
.grid { stroke: #8b949e; stroke-opacity: .3; }
@media (prefers-color-scheme: dark) {
  text { fill: #b1bac4; }
  .head { fill: #f0f6fc; }
}
"""


def draw(figures: Sequence[QueryFigures], corpus: str) -> str:
    """A self-contained SVG of the medians; its background is the page's."""
    kinds = list(dict.fromkeys(figure.kind for figure in figures))
    names = list(dict.fromkeys(figure.engine for figure in figures))
    low, high = _decades([figure.median_ms for figure in figures])
    by_kind = [[figure for figure in figures if figure.kind == kind] for kind in kinds]
    height = _TOP + sum(len(group) * _BAR + _GAP for group in by_kind) + _BOTTOM
    title = f"Milliseconds a query, {corpus}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_words(by_kind))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<text class="head" x="8" y="18">{escape(title)}: median, ten results with passages, '
        "shorter is better</text>",
        *_legend(names),
        *_grid(low, high, height),
    ]
    y = _TOP
    for group in by_kind:
        middle = y + len(group) * _BAR / 2 + 4
        parts.append(
            f'<text class="name" x="{_LEFT - 8}" y="{middle:g}" text-anchor="end">'
            f"{escape(group[0].kind)}</text>"
        )
        for figure in group:
            end = _x(max(figure.median_ms, low), low, high)
            colour = _COLOURS[names.index(figure.engine) % len(_COLOURS)]
            parts.append(
                f'<rect class="bar" x="{_LEFT}" y="{y}" width="{max(end - _LEFT, 1):.1f}" '
                f'height="{_BAR - 2}" fill="{colour}"/>'
                f'<text x="{max(end, _LEFT + 1) + 4:.1f}" y="{y + 8}">{_number(figure.median_ms)}</text>'
            )
            y += _BAR
        y += _GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten that hold all values, at least one apart."""
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)
    return 10.0**low, 10.0**high


def _x(value: float, low: float, high: float) -> float:
    share = math.log10(value / low) / math.log10(high / low)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], 8.0
    for place, name in enumerate(names):
        colour = _COLOURS[place % len(_COLOURS)]
        parts.append(f'<rect x="{x:g}" y="29" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text class="name" x="{x + 15:g}" y="38">{escape(name)}</text>')
        x += 35 + 7 * len(name)
    return parts


def _grid(low: float, high: float, height: int) -> list[str]:
    parts = []
    value = low
    while value <= high * 1.001:
        x = _x(value, low, high)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - _BOTTOM + 4}"/>'
            f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{_number(value)} ms</text>'
        )
        value *= 10
    return parts


def _number(value: float) -> str:
    return f"{float(f'{value:.2g}'):,g}"


def _words(groups: Sequence[Sequence[QueryFigures]]) -> str:
    """The same in words, for those who do not see it."""
    return " ".join(
        f"{group[0].kind.capitalize()}: "
        + ", ".join(f"{figure.engine} {_number(figure.median_ms)}" for figure in group)
        + "."
        for group in groups
    )

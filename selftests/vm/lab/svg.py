# SPDX-License-Identifier: GPL-2.0-only
"""Draws a line chart as SVG: the same input gives the same bytes; light or dark as the reader's.

    chart("Title", "seconds", "MiB", [Line("target", [(0, 2048), (9, 1024)], steps=True)],
          [Phase("fills its memory", 0, 9)])
    chart("Title", "seconds", "MiB", stack([Line("one", [(0, 3), (9, 1)]), Line("two", ...)]))
"""
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 460
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 96, 56
BINARY = ("KiB", "MiB", "GiB")
# Told apart by the colour-blind too, on white and on near-black; the third is dash or not.
COLOURS = (("#6e7781", "#9aa4ae", "7 5"), ("#0969da", "#58a6ff", ""),
           ("#1a7f37", "#56d364", ""), ("#bc4c00", "#f0883e", ""),
           ("#8250df", "#bc8cff", ""), ("#bf3989", "#f778ba", "3 3"),
           ("#0a7b83", "#39c5cf", "9 3 2 3"), ("#9a6700", "#d29922", "5 2"),
           ("#57606a", "#c9d1d9", "1 3"))
STYLE = """
svg { font: 13px system-ui, sans-serif; background: #ffffff; }
text { fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.small { font-size: 12px; fill: #59636e; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.axis { stroke: #59636e; stroke-width: 1; }
.phase { fill: #f0f3f6; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.line.area { stroke-width: 1; stroke-dasharray: none; }
"""
DARK = """
svg { background: #0d1117; }
text { fill: #f0f6fc; }
.small { fill: #9198a1; }
.grid { stroke: #30363d; }
.axis { stroke: #9198a1; }
.phase { fill: #161b22; }
"""


@dataclass
class Line:
    """A named line through points (x, y); with steps, a value holds until the next point.
    What is below it is filled if wanted, over what the lines after it have filled."""
    name: str
    points: list
    steps: bool = False
    filled: bool = False


@dataclass
class Phase:
    """A named stretch of the x axis."""
    name: str
    start: float
    end: float


def _number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def nice_step(span, parts, binary=False):
    """Return a round step for at most `parts` parts of a span: 1, 2 or 5 times a power of
    ten, or a power of two."""
    step = 1
    while binary and step * parts < span:
        step *= 2
    if binary:
        return step
    while True:
        for factor in (1, 2, 5):
            if step * factor * parts >= span:
                return step * factor
        step *= 10


def _path(line, place_x, place_y):
    words, previous = [], None
    for x, y in line.points:
        if previous is None:
            words.append(f"M{_number(place_x(x))} {_number(place_y(y))}")
        else:
            if line.steps and y != previous:
                words.append(f"H{_number(place_x(x))}")
            words.append(f"L{_number(place_x(x))} {_number(place_y(y))}")
        previous = y
    return "".join(words)


def _style(count):
    light = [f".c{n} {{ stroke: {c[0]}; stroke-dasharray: {c[2] or 'none'}; }}"
             f" .area.c{n} {{ fill: {c[0]}; }}" for n, c in enumerate(COLOURS[:count])]
    dark = [f".c{n} {{ stroke: {c[1]}; }} .area.c{n} {{ fill: {c[1]}; }}"
            for n, c in enumerate(COLOURS[:count])]
    return "\n".join(["<style>" + STYLE + "\n".join(light),
                      "@media (prefers-color-scheme: dark) {" + DARK + "\n".join(dark), "}",
                      "</style>"])


def stack(lines):
    """Return lines of which each stands on those before it, filled; all at the same x."""
    stacked, below = [], None
    for line in lines:
        below = [(x, y + (below[n][1] if below else 0)) for n, (x, y) in enumerate(line.points)]
        stacked.append(Line(line.name, below, line.steps, filled=True))
    return stacked


def chart(title, x_name, y_name, lines, phases=()):
    """Return the text of an SVG file."""
    points = [point for line in lines for point in line.points]
    end = max(x for x, _ in points) or 1
    step = nice_step(max(y for _, y in points), 6, binary=y_name in BINARY)
    top = -(-max(y for _, y in points) // step) * step

    def place_x(x):
        return LEFT + x / end * (WIDTH - LEFT - RIGHT)

    def place_y(y):
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(title)}">',
           "<!-- SPDX-License-Identifier: GPL-2.0-only -->",
           _style(len(lines)),
           f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>']
    for number, phase in enumerate(phases):
        x, width = place_x(phase.start), place_x(phase.end) - place_x(phase.start)
        if number % 2 == 0:
            out.append(f'<rect class="phase" x="{_number(x)}" y="{TOP - 36}" '
                       f'width="{_number(width)}" height="{HEIGHT - TOP - BOTTOM + 36}"/>')
    # The names come after all the bands: a long name may reach into the next one,
    # so that neighbours stand on lines of their own, above what is drawn, and all of
    # them in the picture.
    for number, phase in enumerate(phases):
        half = len(phase.name) * 3.3
        x = min(place_x((phase.start + phase.end) / 2), WIDTH - RIGHT - half)
        out.append(f'<text class="small" x="{_number(x)}" y="{TOP - 22 + number % 2 * 15}" '
                   f'text-anchor="middle">{escape(phase.name)}</text>')
    out += _axes(x_name, y_name, (end, top, step), place_x, place_y)
    areas = [(number, line) for number, line in enumerate(lines) if line.filled]
    for number, line in reversed(areas):
        first, last = (_number(place_x(line.points[n][0])) for n in (0, -1))
        out.append(f'<path class="line area c{number}" d="{_path(line, place_x, place_y)}'
                   f'L{last} {_number(place_y(0))}L{first} {_number(place_y(0))}Z"/>')
    return "\n".join([*out, *_named(lines, place_x, place_y), "</svg>"]) + "\n"


def _named(lines, place_x, place_y):
    out, left = [], LEFT
    for number, line in enumerate(lines):
        out.append(f'<path class="line c{number}" d="{_path(line, place_x, place_y)}"/>')
        out.append(f'<path class="line c{number}" d="M{left} 50h28"/>'
                   f'<text x="{left + 36}" y="54">{escape(line.name)}</text>')
        left += 60 + int(len(line.name) * 7.2)
    return out


def _axes(x_name, y_name, scale, place_x, place_y):
    end, top, step = scale
    out, value = [], 0
    while value <= top:
        y = _number(place_y(value))
        out.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
                   f'<text class="small" x="{LEFT - 8}" y="{y}" dy="4" '
                   f'text-anchor="end">{_number(value)}</text>')
        value += step
    value, step = 0, nice_step(end, 10)
    while value <= end:
        x = _number(place_x(value))
        out.append(f'<path class="axis" d="M{x} {HEIGHT - BOTTOM}v5"/>'
                   f'<text class="small" x="{x}" y="{HEIGHT - BOTTOM + 19}" '
                   f'text-anchor="middle">{_number(value)}</text>')
        value += step
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) // 2, (TOP + HEIGHT - BOTTOM) // 2
    out.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    out.append(f'<text x="{middle_x}" y="{HEIGHT - 14}" text-anchor="middle">'
               f'{escape(x_name)}</text>')
    out.append(f'<text transform="rotate(-90 20 {middle_y})" x="20" y="{middle_y}" '
               f'text-anchor="middle">{escape(y_name)}</text>')
    return out

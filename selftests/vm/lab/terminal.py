# SPDX-License-Identifier: GPL-2.0-only
"""Draws what a command printed on a terminal, as SVG: the same text gives the same bytes."""
from html import escape
import re
import textwrap

COLUMNS = 80
CELL, ROW, EDGE = 8.4, 17, 16
FONT = "14px 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"
# The colours that balloonctl gives to what it fills areas with.
INKS = {"█": "used", "▓": "cache", "░": "balloon"}
STYLE = f"""
.page {{ fill: #0d1117; }}
text {{ font: {FONT}; fill: #e6edf3; white-space: pre; }}
.used {{ fill: #d29922; }}
.cache {{ fill: #3fb950; }}
.balloon {{ fill: #58a6ff; }}
.command {{ font-weight: 600; }}
"""


def wrapped(text):
    """Return the lines of a text; long ones go on, unlike on a terminal, at a word."""
    return [part for line in text.rstrip("\n").split("\n")
            for part in (textwrap.wrap(line, COLUMNS) if len(line) > COLUMNS else [line])]


def _runs(line):
    """Return a line as SVG, each run of one ink in an element of its own."""
    parts = re.findall("|".join(f"{ink}+" for ink in INKS) + f"|[^{''.join(INKS)}]+", line)
    return "".join(f'<tspan class="{INKS[part[0]]}">{part}</tspan>' if part[0] in INKS
                   else escape(part) for part in parts)


def _row(number, line, kind=""):
    """Return a line at its place: every cell is as wide as all others, whatever the font is."""
    if not line.strip():
        return []
    y = EDGE + ROW * number + 12
    return [f'<text x="{EDGE}" y="{y}" textLength="{len(line) * CELL:.1f}" '
            f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{kind}>{_runs(line)}</text>']


def screen(command, text):
    """Return the text of an SVG file: a command, and below it what it printed."""
    lines = wrapped(text)
    width, height = round(COLUMNS * CELL + 2 * EDGE), ROW * (len(lines) + 1) + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'width="{width}" height="{height}" role="img" aria-label="{escape(command)}">',
           "<!-- SPDX-License-Identifier: GPL-2.0-only -->",
           f"<style>{STYLE}</style>",
           f'<rect class="page" width="{width}" height="{height}" rx="6"/>',
           *_row(0, f"# {command}", ' class="command"')]
    for number, line in enumerate(lines, 1):
        out += _row(number, line)
    return "\n".join([*out, "</svg>"]) + "\n"

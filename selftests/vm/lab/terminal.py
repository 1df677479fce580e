# SPDX-License-Identifier: GPL-2.0-only
"""Draws what a command printed on a terminal, colours and all, as SVG: the same gives the same."""
from html import escape
import re

COLUMNS = 80
CELL, ROW, EDGE = 8.4, 17, 16
FONT = "14px 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"
# What a terminal is told, and the class of what it shows then.
INKS = {"1": "strong", "2": "dim", "31": "red", "32": "green", "33": "yellow", "34": "blue"}
SGR = re.compile(r"\033\[([\d;]*)m")
STYLE = f"""
.page {{ fill: #0d1117; }}
text {{ font: {FONT}; fill: #e6edf3; white-space: pre; }}
.dim {{ fill: #9198a1; }}
.red {{ fill: #ff7b72; }}
.green {{ fill: #3fb950; }}
.yellow {{ fill: #d29922; }}
.blue {{ fill: #58a6ff; }}
.strong, .command {{ font-weight: 600; }}
"""


def _runs(line):
    """Return a line as SVG, each run of one ink in an element of its own."""
    text, *pairs = SGR.split(line)
    out = escape(text)
    for codes, run in zip(pairs[::2], pairs[1::2]):
        ink = INKS.get(codes.split(";")[-1])
        out += f'<tspan class="{ink}">{escape(run)}</tspan>' if ink and run else escape(run)
    return out


def _row(number, line, kind=""):
    """Return a line at its place: every cell is as wide as all others, whatever the font is."""
    width = len(SGR.sub("", line)) * CELL
    if not line.strip():
        return []
    y = EDGE + ROW * number + 12
    return [f'<text x="{EDGE}" y="{y}" textLength="{width:.1f}" '
            f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{kind}>{_runs(line)}</text>']


def screen(command, text):
    """Return the text of an SVG file: a command, and below it what it printed."""
    lines = text.rstrip("\n").split("\n")
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

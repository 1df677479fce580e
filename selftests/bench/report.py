# SPDX-License-Identifier: GPL-2.0-only
"""Writes the bench's results: a table, JSON, pictures, and a page of the documentation."""
from dataclasses import asdict
import json
from statistics import median

from lab import svg
from lab.cache import ROOT, atomic_write
import figures
from figures import HEAD, INTREE, OURS
from subject import FOLDER

JSON = FOLDER / "bench.json"
NAMES = {INTREE: "in-tree driver", OURS: "autoballoon"}
IMAGES = ROOT / "Documentation/images"
PAGE = ROOT / "Documentation/performance-figures.rst"


def table(results):
    """Return the table as text."""
    return "\n".join(_columns([HEAD, *(row.cells() for row in results.rows)]))


def _columns(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows]


def rst(about, results):
    """Return the page of figures for the documentation."""
    rows = [[cell or "\\" for cell in row.cells()] for row in results.rows]
    lines = _columns([HEAD, *rows])
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    rule = "  ".join("=" * width for width in widths)
    return "\n".join([
        ".. SPDX-License-Identifier: GPL-2.0-only", "",
        f"Guest kernel {about['release']}, QEMU {about['qemu']}, accelerator {about['accel']}, "
        f"{about['cpus']} host", f"processors, {about['date']}; pairs of runs: {about['pairs']}.",
        "", rule, lines[0], rule, *lines[1:], rule, ""])


def save(about, results, timelines):
    """Write the JSON and the pictures."""
    data = {"about": about, "rows": [asdict(row) for row in results.rows], "timelines": timelines}
    atomic_write(JSON, json.dumps(data, indent=1) + "\n")
    for name, text in pictures(results, timelines).items():
        atomic_write(FOLDER / name, text)


def load():
    """Read the JSON again; return (about, results, timelines)."""
    data = json.loads(JSON.read_text(encoding="utf-8"))
    return data["about"], figures.Results(data["rows"]), data["timelines"]


def document():
    """Make the documentation's page and pictures from the JSON."""
    about, results, timelines = load()
    atomic_write(PAGE, rst(about, results))
    for name, text in pictures(results, timelines).items():
        atomic_write(IMAGES / name, text)


def pictures(results, timelines):
    """Return {file name: SVG}, as far as there is something to draw."""
    drawn = {}
    if all(timelines.get(driver) for driver in NAMES):
        lines = [svg.Line(name, [(when * 1000, mib) for when, mib in timelines[driver]])
                 for driver, name in NAMES.items()]
        drawn["release.svg"] = svg.chart("Host memory behind a guest that is to give 1 GiB",
                                         "ms since the target changed", "MiB", lines)
    lines = [svg.Line(name, _growth(results, driver)) for driver, name in NAMES.items()]
    if all(len(line.points) > 1 for line in lines):
        drawn["growth.svg"] = svg.chart("Time to give memory, by how much", "GiB", "s", lines)
    return drawn


def _growth(results, driver):
    points = [(int(row.figure.split()[1]) / 1024, median(getattr(row, driver)))
              for row in results.find("growth") if getattr(row, driver)]
    return [(0, 0), *points]


def thin(points, parts=200):
    """Return a timeline from 0 on with only those points that a picture can show."""
    before = [point for point in points if point[0] <= 0]
    kept = [(0, before[-1][1])] if before else []
    step = max(value for _, value in points) / parts
    for when, value in points:
        if when > 0 and (not kept or abs(value - kept[-1][1]) >= step):
            kept.append((round(when, 5), value))
    return [*kept, (round(points[-1][0], 5), points[-1][1])]

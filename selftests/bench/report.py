# SPDX-License-Identifier: GPL-2.0-only
"""Writes the bench's results: a table, JSON, pictures, and a page of the documentation."""
from dataclasses import asdict
import json
from statistics import median

from lab import svg
from lab.cache import LabError, ROOT, atomic_write
from lab.table import aligned, rst_table
import figures
from figures import HEAD, INTREE, OURS
from subject import FOLDER

NAMES = {INTREE: "in-tree driver", OURS: "autoballoon"}
IMAGES = ROOT / "Documentation/images"
PAGE = ROOT / "Documentation/performance-figures.rst"


def _sections(results):
    """Return {title: rows}, in the order of figures.UNITS; what has a floor comes last."""
    order = list(figures.UNITS)
    seen = list(dict.fromkeys(row.figure for row in results.rows))
    rows = sorted(results.rows, key=lambda row: (order.index(row.base), seen.index(row.figure)))
    return {"Other figures": [row for row in rows if not row.floor],
            "Figures with a floor": [row for row in rows if row.floor]}


def _cells(rows):
    cells = [HEAD, *(row.cells() for row in rows)]
    return [[cell for cell, used in zip(line, _used(rows)) if used] for line in cells]


def _used(rows):
    """Where there is no floor, the last two columns are empty."""
    return [True] * (len(HEAD) - 2) + [any(row.floor for row in rows)] * 2


def table(results):
    """Return the tables as text."""
    return "\n\n".join("\n".join([title, *aligned(_cells(rows))])
                       for title, rows in _sections(results).items() if rows)


def rst(about, results):
    """Return the figures of one QEMU for the documentation."""
    page = [f"Guest kernel {about['release']}, QEMU {about['qemu']}, accelerator "
            f"{about['accel']},", f"{about['cpus']} processors of the host, {about['date']}, "
            f"pairs of runs: {results.pairs}.", ""]
    for title, rows in reversed(_sections(results).items()):
        if rows:
            page += [f"{title}:", "", rst_table(_cells(rows)), ""]
    return "\n".join(page)


def file(other=""):
    """Return where the results are: of this machine's QEMU, or of the other one that was named."""
    return FOLDER / f"bench{'-' if other else ''}{other.strip('/').replace('/', '-')}.json"


def save(path, about, results, timelines):
    """Write the JSON and the pictures."""
    data = {"about": about, "rows": [asdict(row) for row in results.rows], "timelines": timelines}
    atomic_write(path, json.dumps(data, indent=1) + "\n")
    for name, text in pictures(results, timelines).items():
        atomic_write(path.with_name(f"{path.stem}-{name}"), text)


def load(path):
    """Read the JSON again; return (about, results, timelines)."""
    if not path.exists():
        raise LabError(f"there are no results yet: {path}")
    data = json.loads(path.read_text(encoding="utf-8"))
    return data["about"], figures.Results(data["rows"]), data["timelines"]


def document():
    """Make the documentation's page and pictures: this machine's QEMU first, then the others."""
    about, results, timelines = load(file())
    pages = [rst(about, results)]
    for path in sorted(FOLDER.glob("bench-*.json")):
        pages.append(rst(*load(path)[:2]))
    head = ".. SPDX-License-Identifier: GPL-2.0-only\n\n"
    atomic_write(PAGE, head + "\n".join(pages))
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

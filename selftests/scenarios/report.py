# SPDX-License-Identifier: GPL-2.0-only
"""Writes what the scenarios showed: a table, JSON, pictures, and a page of the documentation."""
import json

from lab import svg
from lab.cache import BUILD, ROOT, atomic_write
from subject import COLUMNS, NONE, OOM, OURS, PLAIN

FOLDER = BUILD / "scenarios"
IMAGES = ROOT / "Documentation/images"
PAGE = ROOT / "Documentation/auto-deflate-figures.rst"
HEAD = ["scenario", "figure", "must be", *COLUMNS, "verdict"]
NAMES = {OURS: "autoballoon", OOM: OOM, PLAIN: PLAIN, NONE: NONE}


def json_path(kernel):
    """The results with one kernel."""
    return FOLDER / f"scenarios-{kernel}.json"


def rows(scenarios, results):
    """Return the table: one row a figure; results: {scenario: {column: what Run.kept() says}}."""
    table = []
    for scenario in scenarios:
        runs = results.get(scenario.name)
        if not runs:
            continue
        for line in scenario.lines:
            values = {column: _value(run, line.figure) for column, run in runs.items()}
            # a line that ours has to meet is never left out
            if line.must() or any(value is not None for value in values.values()):
                table.append([scenario.name, line.figure, line.must(),
                              *(line.cell(values.get(column)) for column in COLUMNS),
                              line.verdict(values)])
    return table


def _value(run, figure):
    value = run["figures"].get(figure)
    return "failed" if value is None and run["error"] else value


def table(rows_):
    """Return the table as text."""
    return "\n".join(_columns([HEAD, *rows_]))


def _columns(rows_):
    widths = [max(len(row[column]) for row in rows_) for column in range(len(rows_[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows_]


def load(kernel):
    """Read the JSON of earlier runs; return (about, results)."""
    try:
        data = json.loads(json_path(kernel).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, {}
    return data["about"], data["results"]


def save(scenarios, about, results):
    """Write the JSON and the pictures."""
    data = {"about": about, "results": results}
    atomic_write(json_path(about["kernel"]), json.dumps(data, indent=1) + "\n")
    for name, text in pictures(scenarios, results).items():
        atomic_write(FOLDER / name, text)


def pictures(scenarios, results):
    """Return {file name: SVG} of the balloon over time."""
    drawn = {}
    for scenario in scenarios:
        runs = results.get(scenario.name, {})
        lines = [svg.Line(NAMES[column], runs[column]["timeline"])
                 for column in (OOM, OURS, PLAIN) if runs.get(column, {}).get("timeline")]
        if scenario.picture and any(y for line in lines for _, y in line.points):
            drawn[f"{scenario.name}.svg"] = svg.chart(scenario.picture, "s", "MiB", lines)
    return drawn


def rst(scenarios, about, results):
    """Return the page for the documentation."""
    found = rows(scenarios, results)
    out = [".. SPDX-License-Identifier: GPL-2.0-only", "",
           f"Guest kernel {about['release']}, QEMU {about['qemu']}, accelerator {about['accel']}, "
           f"{about['cpus']} host", f"processors, {about['date']}.", ""]
    runs = [run for columns in results.values() for run in columns.values()]
    loads = [run["host_load"] for run in runs]
    out += ["The host had other work beside it: a load of up to "
            f"{max(loads):.0f}, {min(loads):.0f} at least."]
    if any(run["fast"] for run in runs):
        out += ["Guests were smaller, and waits shorter, than without ``--fast``."]
    out += [""]
    drawn = pictures(scenarios, results)
    for scenario in scenarios:
        cells = [row[1:] for row in found if row[0] == scenario.name]
        if not cells:
            continue
        out += [f"**{scenario.name}**: {scenario.shows}.", ""]
        out += _simple_table([HEAD[1:], *cells])
        if f"{scenario.name}.svg" in drawn:
            out += [f".. image:: images/{scenario.name}.svg",
                    f"   :alt: {scenario.picture}", ""]
    return "\n".join(out)


def _simple_table(rows_):
    rows_ = [[cell or "\\" for cell in row] for row in rows_]
    rule = "  ".join("=" * max(len(row[column]) for row in rows_)
                     for column in range(len(rows_[0])))
    head, *rest = _columns(rows_)
    return [rule, head, rule, *rest, rule, ""]


def document(scenarios, kernel):
    """Make the documentation's page and pictures from the JSON; return the exit status."""
    about, results = load(kernel)
    if not results:
        print(f"there are no results with {kernel}: run the scenarios first")
        return 1
    atomic_write(PAGE, rst(scenarios, about, results))
    for name, text in pictures(scenarios, results).items():
        atomic_write(IMAGES / name, text)
    return 0

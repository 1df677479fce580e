# SPDX-License-Identifier: GPL-2.0-only
"""Writes what the scenarios showed: a table, JSON, pictures, and a page of the documentation."""
import json

from lab import svg
from lab.cache import BUILD, ROOT, atomic_write
from lab.table import aligned, rst_table
from lines import MET, MISSED, UNKNOWN
from subject import COLUMNS, NONE, OOM, OURS, PLAIN

FOLDER = BUILD / "scenarios"
IMAGES = ROOT / "Documentation/images"
PAGE = ROOT / "Documentation/auto-deflate-figures.rst"
OTHERS = ROOT / "Documentation/auto-deflate-others.rst"
HEAD = ["scenario", "figure", "must be", *COLUMNS, "verdict"]
NAMES = {OURS: "autoballoon", OOM: OOM, PLAIN: PLAIN, NONE: NONE}


def label_of(kernel, tunables):
    """The name of results with one kernel, and with tunables that are not the defaults."""
    return ",".join([kernel, *(f"{name}={value}" for name, value in sorted(tunables.items()))])


def json_path(label):
    """Where results are."""
    return FOLDER / label / "results.json"


def labels():
    """The names of all results that there are."""
    return sorted(path.parent.name for path in FOLDER.glob("*/results.json"))


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
    return "\n".join(aligned([HEAD, *rows_]))


def load(label):
    """Read the JSON of earlier runs; return (about, results)."""
    try:
        data = json.loads(json_path(label).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, {}
    return data["about"], data["results"]


def save(scenarios, about, results):
    """Write the JSON and the pictures."""
    data = {"about": about, "results": results}
    path = json_path(about["label"])
    atomic_write(path, json.dumps(data, indent=1) + "\n")
    for name, text in pictures(scenarios, results).items():
        atomic_write(path.with_name(name), text)


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


def conditions(about, results):
    """Say in what guests the results came about, and on what host."""
    runs = [run for columns in results.values() for run in columns.values()]
    loads = [run["host_load"] for run in runs]
    out = [f"Guest kernel {about['release']}, QEMU {about['qemu']}, accelerator {about['accel']}, "
           f"{about['cpus']} host", f"processors, {about['date']}; the host's load was "
           f"{min(loads):.1f} to {max(loads):.1f} after a scenario."]
    if any(run["fast"] for run in runs):
        out += ["Guests were smaller, and waits shorter, than without ``--fast``."]
    return out


def rst(scenarios, about, results):
    """Return the page for the documentation."""
    found = rows(scenarios, results)
    out = [".. SPDX-License-Identifier: GPL-2.0-only", "", *conditions(about, results), ""]
    left = [scenario.name for scenario in scenarios if scenario.name not in results]
    if left:
        out += ["Not measured: " + ", ".join(left) + ".", ""]
    drawn = pictures(scenarios, results)
    for scenario in scenarios:
        cells = [row[1:] for row in found if row[0] == scenario.name]
        if not cells:
            continue
        out += [f"**{scenario.name}**: {scenario.shows}.", ""]
        out += [rst_table([HEAD[1:], *cells]), ""]
        if f"{scenario.name}.svg" in drawn:
            out += [f".. image:: images/{scenario.name}.svg",
                    f"   :alt: {scenario.picture}", ""]
    return "\n".join(out)


def lines_met(found, name):
    """Sum a scenario's rows up; return (text, the lines that were missed)."""
    rows_ = [row for row in found if row[0] == name and row[-1]]
    count = {verdict: sum(row[-1] == verdict for row in rows_)
             for verdict in (MET, MISSED, UNKNOWN)}
    text = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
    return text or "-", [row for row in rows_ if row[-1] == MISSED]


def others(scenarios, found):
    """Return the page's part on other results; found: {label: (about, results)}."""
    if not found:
        return "Not measured yet.\n"
    out, missed = [], []
    table_ = [["scenario", *found]]
    for label, (about, results) in found.items():
        out += [label, *(f"    {line}" for line in conditions(about, results)), ""]
    for scenario in scenarios:
        cells = []
        for label, (_, results) in found.items():
            text, bad = lines_met(rows([scenario], results), scenario.name)
            cells.append(text)
            missed += [f"- {label}, {scenario.name}: {row[1]} was {row[3]}, must be {row[2]}"
                       for row in bad]
        table_.append([scenario.name, *cells])
    out += [rst_table(table_), ""]
    if missed:
        out += ["What was missed:", "", *missed, ""]
    return "\n".join(out).rstrip() + "\n"


def document(scenarios, kernel):
    """Make the documentation's pages and pictures from the JSON; return the exit status."""
    about, results = load(kernel)
    if not results:
        print(f"there are no results with {kernel}: run the scenarios first")
        return 1
    atomic_write(PAGE, rst(scenarios, about, results))
    atomic_write(OTHERS, ".. SPDX-License-Identifier: GPL-2.0-only\n\n"
                 + others(scenarios, {label: load(label) for label in labels()
                                      if label != kernel}))
    for name, text in pictures(scenarios, results).items():
        atomic_write(IMAGES / name, text)
    return 0

# SPDX-License-Identifier: GPL-2.0-only
"""What the runs come to: a table, verdicts, JSON, pictures, a page of the documentation."""
from dataclasses import dataclass
import json
from statistics import median

from lab import svg
from lab.cache import BUILD, ROOT, atomic_write
from lab.table import aligned, rst_table
import variants
from variants import FIXED, HINTS

FOLDER = BUILD / "overcommit"
IMAGES = ROOT / "Documentation/images"
PAGE = ROOT / "Documentation/overcommit-figures.rst"
MAIN = 1.7              # the ratio at which all variants run, so often
RUNS = 3
RATIOS = (1.0, 1.3, 2.0, 2.5, 3.0)      # those at which some do
MANY = 2.5              # one at which ours should still be good
MET, MISSED, UNKNOWN = "met", "missed", "not measured"


@dataclass(frozen=True)
class Column:
    """A figure as the table shows it."""
    figure: str
    head: str
    unit: str = ""
    digits: int = 0


COLUMNS = (Column("run time", "run time", "s"),
           Column("throughput", "work", "%/min", 1),
           Column("p99", "p99", "ms", 1),
           Column("swapped in", "swapped in", "MiB"),
           Column("swapped out", "swapped out", "MiB"),
           Column("OOM kills in guests", "OOM kills"),
           Column("phases cut off", "cut off"),
           Column("moved", "by balloon", "MiB"))


def load(path):
    """Return {"about", "runs"} of earlier runs."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"about": {}, "runs": []}


def of(runs, name, ratio):
    """Return the figures of all good runs of a variant."""
    return [run["figures"] for run in runs
            if run["variant"] == name and run["ratio"] == ratio and run["figures"]]


def middle(runs, name, ratio, figure):
    """Return the median of a figure, or None."""
    values = [figures[figure] for figures in of(runs, name, ratio)
              if figures.get(figure) is not None]
    return median(values) if values else None


def best(runs):
    """Return the policy for the in-tree driver that swaps least, of those that kill nobody if
    there is such a one; None if none was measured."""
    def badness(name):
        kills = sum(figures["OOM kills in guests"] for figures in of(runs, name, MAIN))
        return kills > 0, middle(runs, name, MAIN, "swapped out")
    measured = [name for name in variants.INTREE if of(runs, name, MAIN)]
    return min(measured, key=badness, default=None)


def _cell(column, values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    texts = [f"{value:.{column.digits}f}" for value in (median(values), min(values), max(values))]
    spread = "" if texts[1] == texts[2] else f" ({texts[1]}-{texts[2]})"
    return f"{texts[0]}{spread} {column.unit}".strip()


def rows(runs):
    """Return the table: a line for each ratio and variant."""
    found = [["ratio", "variant", "runs", *(column.head for column in COLUMNS)]]
    for ratio in sorted({run["ratio"] for run in runs}):
        for name in variants.ALL:
            figures = of(runs, name, ratio)
            if figures:
                found.append([f"{ratio:g}", name, str(len(figures)),
                              *(_cell(column, [one.get(column.figure) for one in figures])
                                for column in COLUMNS)])
    return found


def table(lines):
    """Return a table as text."""
    return "\n".join(aligned(lines))


def _judge(good, *values):
    if any(value is None for value in values):
        return UNKNOWN
    return MET if good(*values) else MISSED


def _kills(runs):
    """The most that a run of ours at 1.7 had of kills for want of memory; None: not measured."""
    return max((run["killed"] or run["figures"]["OOM kills in guests"]
                + run["figures"]["guests killed"] for run in runs
                if run["variant"] == HINTS and run["ratio"] == MAIN
                and (run["killed"] or run["figures"])), default=None)


def _work_of_many(runs):
    """The throughput of ours where there are many guests; None: not measured."""
    found = [middle(runs, HINTS, ratio, "throughput")
             for ratio in {run["ratio"] for run in runs} if ratio >= MANY]
    return max((work for work in found if work is not None), default=None)


def verdicts(runs):
    """Return [(what ours must reach, verdict)]."""
    def at(name, figure, ratio=MAIN):
        return middle(runs, name, ratio, figure)
    found = []
    for name in (FIXED, best(runs) or "in-tree"):
        found += [(f"at {MAIN}, at most half the swap-out of {name}",
                   _judge(lambda ours, other: ours <= other / 2,
                          at(HINTS, "swapped out"), at(name, "swapped out"))),
                  (f"at {MAIN}, at least as much work as {name}",
                   _judge(lambda ours, other: ours >= other,
                          at(HINTS, "throughput"), at(name, "throughput")))]
    return [*found,
            (f"at {MAIN}, no OOM kill", _judge(lambda kills: not kills, _kills(runs))),
            (f"at {MANY} or more, 90 % of the work with all memory",
             _judge(lambda ours, all_memory: ours >= 0.9 * all_memory,
                    _work_of_many(runs), at(FIXED, "throughput", 1.0)))]


def unmeasured(runs):
    """Return sentences of what the whole experiment has, and these runs have not."""
    none = [name for name in variants.ALL if not of(runs, name, MAIN)]
    few = [name for name in variants.ALL if 0 < len(of(runs, name, MAIN)) < RUNS]
    ratios = [f"{ratio:g}" for ratio in RATIOS
              if not all(of(runs, name, ratio) for name in (FIXED, best(runs), HINTS))]
    found = []
    if none:
        found.append(f"Not measured at {MAIN}: {', '.join(none)}.")
    if few:
        found.append(f"Fewer than {RUNS} runs at {MAIN}: {', '.join(few)}.")
    if ratios:
        found.append(f"Not measured, or not with fixed memory, ours and the best other: ratios of "
                     f"{', '.join(ratios)}.")
    return found


def pictures(runs):
    """Return {file name: SVG}."""
    drawn = {}
    for name, figure, title, unit in (
            ("work", "throughput", "Work done in a minute", "% of all"),
            ("p99", "p99", "The slowest of 100 requests", "ms"),
            ("swap", "swapped out", "Swapped out by the host", "MiB")):
        lines = [line for line in (_against_ratio(runs, variant, figure)
                                   for variant in variants.ALL) if len(line.points) > 1]
        if lines:
            drawn[f"overcommit-{name}.svg"] = svg.chart(
                title, "memory of all guests to memory of the host", unit, lines)
    for name in (FIXED, HINTS):
        timelines = [run for run in runs if run["variant"] == name and run["ratio"] == MAIN
                     and run.get("timeline")]
        if timelines:
            drawn[f"overcommit-{name}.svg"] = _timeline(timelines[0])
    return drawn


def _against_ratio(runs, name, figure):
    points = [(ratio, middle(runs, name, ratio, figure))
              for ratio in sorted({run["ratio"] for run in runs})]
    return svg.Line(name, [point for point in points if point[1] is not None])


def _timeline(run):
    samples = run["timeline"]
    lines = svg.stack([svg.Line(f"guest {number + 1}", [(sample["time"], sample["resident"][number])
                                                        for sample in samples])
                       for number in range(len(samples[0]["resident"]))])
    lines.append(svg.Line("swapped out until then", [(sample["time"], sample["swapped"])
                                                     for sample in samples]))
    limit = run["limit"] >> 20
    lines.append(svg.Line("limit", [(samples[0]["time"], limit), (samples[-1]["time"], limit)]))
    return svg.chart(f"Memory of the host at a ratio of {MAIN}: {run['variant']}", "s", "MiB",
                     lines)


def rst(about, runs):
    """Return the page of figures."""
    loads = [run["host_load"] for run in runs]
    out = [".. SPDX-License-Identifier: GPL-2.0-only", "",
           f"{about['guests']} guests of {about['memory']} MiB, kernel {about['release']}; "
           f"host kernel {about['host']},", f"QEMU {about['qemu']}, accelerator {about['accel']}, "
           f"{about['cpus']} processors, cgroups of version {about['cgroup']}; {about['date']}.",
           f"The host's load was {min(loads):.1f} to {max(loads):.1f} at the end of the runs; "
           f"the longest", f"took {max(run['took'] for run in runs)} s with the guests' boot.", "",
           rst_table(rows(runs)), "",
           rst_table([["must be reached", ""], *verdicts(runs)]), ""]
    for name in pictures(runs):
        out += [f".. image:: images/{name}", f"   :alt: {name[:-4].replace('-', ': ')}", ""]
    out += [f"A run of {run['variant']} at {run['ratio']:g} gave no figures: "
            + run["error"].split("\n", 1)[0] + "\n" for run in runs if not run["figures"]]
    out += [sentence + "\n" for sentence in unmeasured(runs)]
    return "\n".join(out)


def save(path, about, runs):
    """Keep the runs and draw what they show."""
    atomic_write(path, json.dumps({"about": about, "runs": runs}, indent=1) + "\n")
    for name, text in pictures(runs).items():
        atomic_write(FOLDER / name, text)


def document(path):
    """Write the page and the pictures of the documentation."""
    kept = load(path)
    atomic_write(PAGE, rst(kept["about"], kept["runs"]))
    for name, text in pictures(kept["runs"]).items():
        atomic_write(IMAGES / name, text)

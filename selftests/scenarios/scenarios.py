# SPDX-License-Identifier: GPL-2.0-only
"""What `make scenarios` does: see the program `run`."""
from datetime import date
import os

from lab import accel, cache, drivers, kernels
from lab.cache import LabError, say
import bursts
import filecache
import lines
import places
import report
from scenario import Run
from subject import OURS

_BY_NAME = {scenario.name: scenario for scenario in
            (*filecache.SCENARIOS, *bursts.SCENARIOS, *places.SCENARIOS)}
ORDER = ["page-cache", "drop-caches", "burst", "burst-ends", "host-writes", "impossible",
         "streaming", "burst-zram", "thrash", "thrash-surplus", "memcg", "numa",
         "burst-cgroups", "offline", "virtio-mem", "bomb"]
TRIES = 2
ALL = [_BY_NAME[name] for name in ORDER]


def _about(kernel, label):
    return {"label": label, "release": kernel.release,
            "qemu": cache.run([accel.QEMU, "--version"]).split("version ")[1].split("\n")[0],
            "accel": accel.arguments(kernel)[1].split(",")[0], "cpus": os.cpu_count(),
            "date": date.today().isoformat()}


def _try(scenario, run):
    """Let it happen; an error ends it, the figures until then are kept."""
    say(f"{scenario.name}, {run.column}")
    try:
        scenario.function(run)
    except (AssertionError, LabError) as error:
        run.error = str(error)
        say(f"that failed: {error}")
    say(", ".join(f"{name} {value if isinstance(value, str) else f'{value:.4g}'}"
                  for name, value in run.figures.items()) or "nothing was measured")
    run.host_load = os.getloadavg()[0]
    return run


def _measure(scenario, column, kernel, options):
    """Let it happen; once more if nothing came of it: guests fail to boot on a busy host."""
    for _ in range(TRIES):
        run = _try(scenario, Run(scenario.name, column, kernel, options.fast, options.set))
        if run.figures:
            break
    return run.kept()


def main(options):
    """Run the scenarios; return the exit status: 0 only if ours meets all that was measured."""
    kernel = kernels.get(options.kernel)
    if OURS in options.driver:
        drivers.build(kernel)
    # What is not measured now is kept from earlier runs, to be one table.
    label = report.label_of(kernel.name, options.set)
    _, results = report.load(label)
    chosen = [scenario for scenario in ALL if scenario.name in options.only]
    for scenario in chosen:
        for column in scenario.columns:
            if column in options.driver:
                kept = _measure(scenario, column, kernel, options)
                results.setdefault(scenario.name, {})[column] = kept
                report.save(ALL, _about(kernel, label), results)
    found = report.rows(chosen, results)
    print(report.table(found))
    for scenario in chosen:
        for column, kept in results[scenario.name].items():
            if kept["error"]:
                first = kept["error"].split("\n", maxsplit=1)[0]
                print(f"{scenario.name}, {column}: failed: {first}")
    print(f"JSON and pictures are in {report.FOLDER / label}")
    missed = any(row[-1] == lines.MISSED for row in found)
    failed = any(results[scenario.name].get(OURS, {}).get("error") for scenario in chosen)
    return int(missed or failed)

# SPDX-License-Identifier: GPL-2.0-only
"""What `make overcommit` does: which runs, in what order, and which of them were done before."""
from dataclasses import asdict
from datetime import date
import json
import os
from pathlib import Path
import platform
import time

from area import Area, Failure
from lab import accel, agent, cache, drivers, hostd, kernels
from lab.cache import LabError, say
import cgroup
import experiment
from experiment import Run, Setting
import report
import variants
from variants import FIXED, HINTS
import waves

TRIES = 2
QUICK_CASE = "hints_halve_the_hosts_swapping"
NEED_MIB = 4    # of swapping, or there is nothing to compare
QUICK = {"guests": 2, "load": waves.Load(store=192, serve=10, job=96, idle=6, waves=2),
         "limit": 60}
HERE = Path(__file__).parent
# What the work is and how it is measured.
METHOD = [HERE / name for name in ("wave.c", "waves.py", "experiment.py", "cgroup.py")]


def setting_of(options):
    """Return the setting that was asked for."""
    return Setting(kernels.get(options.kernel), guests=options.guests, reserve=options.reserve,
                   load=waves.Load(waves=options.waves))


def results_path(setting):
    """Runs can be compared if all of this was the same."""
    same = {**asdict(setting), "kernel": setting.kernel.release}
    key = cache.digest(json.dumps(same, sort_keys=True), *METHOD)
    return report.FOLDER / f"{setting.kernel.name}-{key}.json"


def made_of(kernel, variant):
    """A key of what a variant's worth comes from: our driver, agent and daemon, if it has them."""
    programs = [program for has, program in (
        (variant.driver == "ours", drivers.build(kernel)), (variant.policy, hostd.PROGRAM),
        (variant.agent, agent.PROGRAM)) if has]
    return cache.digest(variant, *programs)


def planned(options, runs):
    """Yield (ratio, variant, number), all variants in turn; the second best is known only when
    all were measured."""
    chosen = [variant for variant in options.variant or variants.ALL
              if not variants.ALL[variant].ksm or cgroup.KSM.exists()]
    for number in range(options.runs):
        for name in chosen:
            yield report.MAIN, name, number
    for ratio in options.ratios:
        for name in (FIXED, report.best(runs), HINTS):
            if name in chosen:
                yield ratio, name, 0


def done(runs, ratio, name, number):
    """Whether there is a run of this already that came to something."""
    return any((run["variant"], run["ratio"], run["seed"]) == (name, ratio, number + 1)
               and (run["figures"] or run["killed"]) for run in runs)


def about(setting):
    """What the figures depend on."""
    return {"release": setting.kernel.release, "guests": setting.guests,
            "memory": setting.memory, "host": platform.release(),
            "qemu": cache.run([accel.QEMU, "--version"]).split("version ")[1].split("\n")[0],
            "accel": accel.arguments(setting.kernel)[1].split(",")[0], "cpus": os.cpu_count(),
            "cgroup": 2 if cgroup.Cgroup(0).v2 else 1, "date": date.today().isoformat()}


def measure(setting, ratio, name, number):
    """Do one run; once more if nothing came of it: guests fail to boot on a busy host."""
    variant = variants.ALL[name]
    run = {"variant": name, "ratio": ratio, "seed": number + 1, "limit": setting.room(ratio),
           "made_of": made_of(setting.kernel, variant), "figures": {}, "killed": False}
    for _ in range(TRIES):
        say(f"{name} at {ratio:g}, run {number + 1}")
        start = time.monotonic()
        try:
            run |= Run(setting, variant, ratio, number + 1,
                       f"overcommit-{name}-{ratio:g}").measure()
        except cgroup.Unavailable:
            raise
        except (AssertionError, LabError, OSError) as error:
            run |= {"error": str(error), "killed": isinstance(error, experiment.Killed)}
            say(f"that failed: {error}")
        run |= {"host_load": os.getloadavg()[0], "took": round(time.monotonic() - start)}
        if run["figures"] or run["killed"]:
            break
    say(f"{run['took']} s: " + ", ".join(f"{figure} {value:.4g}" for figure, value in
                                         run["figures"].items() if value is not None))
    return run


def earlier(path, setting):
    """Return the runs of an experiment that was stopped, but for those of other programs."""
    kept = report.load(path)["runs"]
    keys = {name: made_of(setting.kernel, variant) for name, variant in variants.ALL.items()}
    runs = [run for run in kept if run["made_of"] == keys.get(run["variant"])]
    if len(runs) < len(kept):
        say(f"{len(kept) - len(runs)} earlier runs had other programs: they do not count")
    return runs


def main(options):
    """Do what is not done yet; return the exit status: 0 if nothing that ours must reach is
    missed."""
    setting = setting_of(options)
    path = results_path(setting)
    with prepared():
        runs = [] if options.anew else earlier(path, setting)
        with cgroup.swap_file(setting.swap()):
            for ratio, name, number in planned(options, runs):
                if not done(runs, ratio, name, number):
                    runs.append(measure(setting, ratio, name, number))
                    report.save(path, about(setting), runs)
    print(report.table(report.rows(runs)))
    found = report.verdicts(runs)
    for what, verdict in found:
        print(f"{what}: {verdict}")
    print(f"JSON and pictures: {path}, {report.FOLDER}")
    return int(any(verdict == report.MISSED for _, verdict in found))


def prepared():
    """Build what runs; return a lock, as there is one swap file."""
    cache.run(["make", "-s", "-C", cache.ROOT / "tools"])
    return cache.locked("overcommit", cache.BUILD / "locks")


def compare(fixed, hints):
    """Fail unless the guests with hints did their work and the host swapped less."""
    for name, run in ((FIXED, fixed), (HINTS, hints)):
        if not run["figures"]:
            raise Failure(f"{name}: {run['error']}")
    ours, other = hints["figures"], fixed["figures"]
    if other["swapped out"] < NEED_MIB:
        raise Failure(f"the host had no need to swap: {other}")
    if ours["swapped out"] > other["swapped out"] / 2:
        raise Failure(f"{ours['swapped out']:.0f} MiB swapped out, and "
                      f"{other['swapped out']:.0f} without a balloon")
    if ours["OOM kills in guests"] or ours["guests killed"] or ours["phases killed"]:
        raise Failure(f"killed for want of memory: {ours}")


def quick(options):
    """A small one: two guests, one ratio, without balloons and with hints."""
    setting = Setting(kernels.get(options.kernel), **QUICK)
    with Area("vm", "overcommit") as tests, prepared():
        try:
            with cgroup.swap_file(setting.swap()):
                runs = [measure(setting, report.MAIN, name, 0) for name in (FIXED, HINTS)]
        except cgroup.Unavailable as why:
            tests.skip(QUICK_CASE, str(why).split("\n", maxsplit=1)[0])
        else:
            tests.case(QUICK_CASE, compare, *runs)
            print(report.table(report.rows(runs)))
    return int(tests.failed > 0)


def document(options):
    """Write the last results with a kernel into Documentation."""
    path = max(report.FOLDER.glob(f"{options.kernel}-*.json"), default=None,
               key=lambda path: path.stat().st_mtime)
    if not path:
        raise LabError(f"there are no results with {options.kernel}: run it first")
    report.document(path)
    return 0

# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench` does: see the program `run`."""
from datetime import date
import os
import sys

from lab import accel, cache, drivers, kernels
from lab.cache import LabError, say
from figures import INTREE, OURS, Results
import parts
import qemu
import report
from subject import Subject

TRIES = 2       # an emulator crashes a guest now and then


class Run:
    """One run of a part with one driver."""

    def __init__(self, kernel, driver, pair, chosen, short):
        self.kernel = kernel
        self.driver = driver
        self.pair = pair
        self.chosen = chosen
        self.large = "3G" if short else "12G"
        self.sizes = (256, 1024) if short else (256, 1024, 4096, 8192)
        self.points = None

    def subject(self, setting, size="2G", backend=None):
        """Return the guest to measure."""
        return Subject(self.kernel, self.driver, setting, size, backend)

    def timeline(self, points):
        """Keep a timeline of host memory for the picture."""
        self.points = report.thin(points)


class Bench:
    """All runs: both drivers by turns, part by part, pair by pair."""

    def __init__(self, options):
        self.options = options
        self.kernel = kernels.get(options.kernel)
        self.jobs = [(name, function, setting)
                     for name, (function, settings) in parts.PARTS.items()
                     for setting in settings[:1 if options.short else None]
                     if name in options.only or name == "steps" and set(parts.STEPS)
                     & set(options.only)]
        self.missing = {}       # part: why
        self.failed = set()     # (part, driver, why)
        self.about = {
            "kernel": self.kernel.name, "release": self.kernel.release,
            "qemu": cache.run([accel.QEMU, "--version"]).split("version ")[1].split("\n")[0],
            "accel": accel.arguments(self.kernel)[1].split(",")[0], "cpus": os.cpu_count(),
            "date": date.today().isoformat()}
        self.path = report.file(options.qemu or "")
        self.results, self.timelines = self._before() if options.add else (Results(), {})

    def _before(self):
        about, results, timelines = report.load(self.path)
        for name in ("release", "qemu", "accel"):
            if about[name] != self.about[name]:
                raise LabError(f"the last results are of another {name}: {about[name]}")
        return results, timelines

    def run(self):
        """Measure, and show it, also after Ctrl-C; return the exit status."""
        drivers.build(self.kernel)
        try:
            self._measure_all()
        except KeyboardInterrupt:
            self.failed.add(("the rest", "both drivers", "interrupted"))
        self._show()
        return 1 if self.failed else 0

    def _measure_all(self):
        for pair in range(1, self.options.pairs + 1):
            for number, (name, function, setting) in enumerate(self.jobs, 1):
                for driver in (OURS, INTREE):
                    say(f"pair {pair} of {self.options.pairs}, guest {number} of "
                        f"{len(self.jobs)}: {name}, {setting}, {driver}")
                    self._measure(Run(self.kernel, driver, pair, self.options.only,
                                      self.options.short), name, function, setting)
                report.save(self.path, self.about, self.results, self.timelines)

    def _measure(self, run, name, function, setting):
        for _ in range(TRIES):
            try:
                values = function(run, setting)
            except parts.Missing as why:
                self.missing[name] = str(why)
                say(f"not measured: {why}")
                return
            except (LabError, AssertionError) as error:
                why = str(error).split("\n", maxsplit=1)[0]
                say(f"that failed: {error}")
                continue
            self.results.add(run.driver, setting, values)
            if run.points and run.driver not in self.timelines:
                self.timelines[run.driver] = run.points
            say(", ".join(f"{key} {value:.4g}" for key, value in values.items()))
            return
        self.failed.add((name, run.driver, why))

    def _show(self):
        print(report.table(self.results))
        for name, why in self.missing.items():
            print(f"{name}: not measured, or not in each pair: {why}")
        for name, driver, why in sorted(self.failed):
            print(f"{name}, {driver}: failed: {why}", file=sys.stderr)
        print(f"JSON and pictures are in {report.FOLDER}")


def main(options):
    """Run the bench; return the exit status."""
    try:
        if options.document:
            return report.document()
        if options.qemu:
            qemu.choose(options.qemu)
        return Bench(options).run()
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1

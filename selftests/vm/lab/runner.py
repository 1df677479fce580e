# SPDX-License-Identifier: GPL-2.0-only
"""Plans and runs tests over kernels and drivers: see the program `run`."""
from concurrent.futures import ThreadPoolExecutor
import os
import sys
import threading

from . import drivers, hosttest, kernels, kselftest, ktap
from .cache import RESULTS, LabError, atomic_write, say
from .guest import Guest

DRIVERS = ("ours", "intree")
WORDS = {"pass": "ok", "fail": "FAILED", "skip": "skipped"}


class Report:
    """The results of one kernel and driver; kept on disk after every test."""

    def __init__(self, kernel, driver, planned, part):
        """With `part`, results of tests that are not run now stay as they were."""
        self.kernel, self.driver = kernel, driver
        self.name = f"{kernel.name}-{driver}"
        self.path = RESULTS / "vm" / f"{self.name}.ktap"
        self.head = [f"kernel {kernel.release}, driver {driver}"]
        self.planned = list(planned)
        self.cases = {}
        self.first = {}         # failures that are tried again
        self.limit = None       # see kselftest.Batch
        self.variables = ()
        self.lock = threading.Lock()
        if part and self.path.exists():
            old = ktap.parse(self.path.read_text(encoding="utf-8"))
            self.cases = {case.name: case for case in old.cases}
            self.planned = list(dict.fromkeys([*self.cases, *planned]))
            for name in planned:
                self.cases.pop(name, None)
        self._save()

    def add(self, case, seconds=None):
        """Take a result, print it and save all."""
        with self.lock:
            old = self.cases.get(case.name)
            if case.name == kselftest.VERDICT and old and old.result == "fail":
                return          # no other guest makes up for that
            if case.name in self.first:
                notes = self.first[case.name].notes[:5]
                case.notes = [*case.notes, "second try; the first failed:", *notes]
            self.cases[case.name] = case
            self._save()
            count = case.count()
            cases = f", {count['pass']}/{sum(count.values())} cases" if case.cases else ""
            time = f" ({seconds:.1f} s{cases})" if seconds is not None else ""
            reason = f": {case.reason}" if case.reason else ""
            say(f"{self.name} {case.name} {WORDS[case.result]}{reason}{time}")
            if case.result == "fail":
                print("\n".join("    " + line for line in ktap.format_case(case, 1)),
                      file=sys.stderr, flush=True)

    def _save(self):
        cases = [self.cases[name] for name in self.planned if name in self.cases]
        atomic_write(self.path, ktap.format_file(cases, len(self.planned), self.head))

    def again(self):
        """Return the names of the tests that failed, to be tried a second time."""
        self.first = {name: case for name, case in self.cases.items()
                      if case.result == "fail" and name != kselftest.VERDICT}
        return list(self.first)

    def failed(self):
        """True unless every planned test has a good result."""
        return any(name not in self.cases or self.cases[name].result == "fail"
                   for name in self.planned)


def choose(names, words):
    """Return the names that contain any of the words; all when there are no words."""
    return [name for name in names if not words or any(word in name for word in words)]


def plan(options):
    """Return (kselftests, host tests) to run."""
    inside = choose(kselftest.find(), options.tests)
    host = {test.name: test for test in hosttest.find()}
    outside = [host[name] for name in choose(host, options.tests)]
    for word in options.tests:
        if not choose([*inside, *(test.name for test in outside)], [word]):
            raise LabError(f"no test has '{word}' in its name; --list shows all")
    return inside, outside


def kernel_names(text):
    """Return the kernels that the user named."""
    return kernels.NAMES if text == "all" else text.split(",")


def show_list(inside, outside):
    """Print the tests."""
    for name in inside:
        print(f"{name:40} in the guest")
    for test in outside:
        print(f"{test.name:40} {test.what}")


def run_tests(options):
    """Run all that was asked for; return the exit status."""
    inside, outside = plan(options)
    if options.list:
        show_list(inside, outside)
        return 0
    reports, futures = [], []
    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            for task, report in prepare(options, inside, outside):
                futures.append(pool.submit(*task))
                if report not in reports:
                    reports.append(report)
            for future in futures:
                future.result()
            if options.again:
                try_again(reports, {test.name: test for test in outside}, pool)
        except KeyboardInterrupt:
            # Guests and test processes end with this one.
            os._exit(130)
    return 1 if any(report.failed() for report in reports) else 0


def try_again(reports, outside, pool):
    """Give each test that failed a second try in a guest of its own; the results say so.

    An emulator crashes a kernel now and then that it is innocent of, and a
    machine that has other work makes timings fail. A fault of the driver that
    shows every time fails twice.
    """
    futures = [pool.submit(run_outside, report.kernel, report.driver, outside[name], report)
               if name in outside else
               pool.submit(run_inside, report.kernel, report.driver, [name], report, f"again-{name}")
               for report in reports for name in report.again()]
    for future in futures:
        future.result()


def prepare(options, inside, outside):
    """Yield (task, report) for all that is to run; the next kernel is fetched, and the
    modules are built for it, while the tests of the one before run."""
    for driver in options.driver.split(","):
        if driver not in DRIVERS:
            raise LabError(f"no driver {driver}; there are {' '.join(DRIVERS)}")
    planned = [*inside, *([kselftest.VERDICT] if inside else []), *(test.name for test in outside)]
    for name in kernel_names(options.kernel):
        kernel = kernels.get(name)
        for driver in options.driver.split(","):
            report = Report(kernel, driver, planned, part=bool(options.tests))
            report.limit, report.variables = options.limit, options.set
            if driver == "ours":
                drivers.build(kernel)
            if inside:
                drivers.build_simulator(kernel)
            for number, part in enumerate(kselftest.parts(inside, options.jobs), 1):
                yield (run_inside, kernel, driver, part, report, f"batch{number}"), report
            for test in outside:
                yield (run_outside, kernel, driver, test, report), report


def run_inside(kernel, driver, names, report, label):
    """Run kselftests in guests; `label` tells those from the report's other guests."""
    kselftest.Batch(kernel, driver, report.add, f"{report.name}-{label}",
                    limit=report.limit, variables=report.variables).run(names)


def run_outside(kernel, driver, test, report):
    """Run one host test."""
    report.add(*test.run(kernel, driver))


def shell(options):
    """Boot a guest with its console on the terminal."""
    kernel = kernels.get(kernel_names(options.kernel)[0])
    balloon = dict(pair.split("=", 1) for pair in options.balloon.split(",") if pair)
    guest = Guest(kernel, driver=options.driver.split(",", maxsplit=1)[0], tests=True,
                  interactive=True, memory=options.memory, balloon=balloon,
                  flavour=options.flavour, label=f"shell-{kernel.name}")
    say("booting; `exit` switches the guest off, Ctrl-A x ends it at once, "
        "Ctrl-A c is QEMU's monitor (try: balloon 512, info balloon)")
    try:
        guest.start_guest()
        guest.process.wait()
    finally:
        guest.close()
        if sys.stdin.isatty():
            os.system("stty sane")
    return 0


def main(options):
    """Do what the command line says; return the exit status."""
    if options.debug_console:
        os.environ["AUTOBALLOON_CONSOLE"] = "1"
    try:
        return shell(options) if options.shell else run_tests(options)
    except LabError as error:
        print(f"run: {error}", file=sys.stderr)
        return 2

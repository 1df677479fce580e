# SPDX-License-Identifier: GPL-2.0-only
"""Finds the host tests (tests/test_*.py) and runs each in a process of its own.

`python3 -m lab.hosttest MODULE FUNCTION KERNEL DRIVER FILE` is that process; it
leaves its result as KTAP in FILE. A process that dies leaves none and has failed.
"""
import importlib.util
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
import traceback

from . import accel, kernels, ktap, testing
from .cache import BUILD, LabError, locked

TESTS = Path(__file__).resolve().parent.parent / "tests"


class HostTest:
    """A function of a test module, and how to run it."""

    def __init__(self, path, function):
        self.path = path
        self.function = function
        self.name = f"{path.stem}.{function.__name__.removeprefix('test_')}"
        self.timeout = getattr(function, "timeout", testing.TIMEOUT)
        self.what = (function.__doc__ or "").strip().split("\n")[0]

    def why_not(self, kernel, driver):
        """Return why the test does not apply, or None."""
        return testing.why_not(self.function, kernel, driver)

    def run(self, kernel, driver):
        """Run the test in a new process; return its Case and the seconds it took."""
        why = self.why_not(kernel.name, driver)
        if why:
            return ktap.Case(self.name, "skip", why), 0
        label = f"{kernel.name}-{driver}-{self.name}"
        with locked(f"test-{label}", BUILD / "locks"):
            start = time.monotonic()
            case = self._run(kernel, driver, label)
            return case, time.monotonic() - start

    def _run(self, kernel, driver, label):
        result = BUILD / "vm" / f"{label}.ktap"
        result.parent.mkdir(parents=True, exist_ok=True)
        result.unlink(missing_ok=True)
        limit = self.timeout * accel.slowness(kernel)
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "lab.hosttest",
                   str(self.path), self.function.__name__, kernel.name, driver, str(result)]
        with open(result.with_suffix(".out"), "wb") as out:
            seen = None if os.environ.get("AUTOBALLOON_CONSOLE") else out
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=seen, stderr=seen,
                               timeout=limit, cwd=TESTS.parent, check=False)
                why = "the test's process died"
            except subprocess.TimeoutExpired:
                why = f"no end after {limit} s"
        if result.exists():
            return ktap.parse(result.read_text(encoding="utf-8")).cases[0]
        tail = Path(out.name).read_text(errors="replace").splitlines()[-30:]
        consoles = sorted(result.parent.glob(f"{label}-*.log"))
        for console in consoles:
            tail += [f"end of {console}:", *console.read_text(errors="replace").splitlines()[-20:]]
        return ktap.Case(self.name, "fail", notes=[why, *tail])


def load(path):
    """Import a test module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def find():
    """Return all host tests."""
    tests = []
    for path in sorted(TESTS.glob("test_*.py")):
        module = load(path)
        tests += [HostTest(path, function) for name, function in vars(module).items()
                  if name.startswith("test_") and callable(function)
                  and function.__module__ == path.stem]
    return tests


def run_here(test, kernel, driver):
    """Run a test in this process; return its Case."""
    lab = testing.Lab(kernel, driver, f"{kernel.name}-{driver}-{test.name}")
    case = ktap.Case(test.name, "pass")
    try:
        test.function(lab)
        missing = lab.verdict_missing()
        if missing:
            raise AssertionError(f"no verdict from {' '.join(missing)}")
    except testing.Skip as skip:
        case.result, case.reason = "skip", str(skip)
    except Exception as error:      # whatever it is, it is this test's failure
        case.result = "fail"
        if not isinstance(error, (AssertionError, LabError)) or not str(error):
            lab.note(traceback.format_exc())
        else:
            frame = traceback.extract_tb(error.__traceback__)
            where = [entry for entry in frame if entry.filename == str(test.path)]
            lab.note("".join(f"line {entry.lineno}: " for entry in where[-1:]) + str(error))
    finally:
        for guest in lab.guests:
            guest.close()
    case.notes, case.cases = lab.notes, lab.cases
    return case.settle()


def main(path, function, kernel, driver, result):
    """Run one test and write its result."""
    # The runner's time-out and ^C end this process; its guests end with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    test = HostTest(Path(path), getattr(load(Path(path)), function))
    case = run_here(test, kernels.get(kernel), driver)
    Path(result).write_text(ktap.format_file([case], 1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

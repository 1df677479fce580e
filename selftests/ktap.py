# SPDX-License-Identifier: GPL-2.0-only
"""Writes the results of an area's tests as a KTAP file, and prints them while they come.

    with Ktap("lint", "static") as tests:
        tests.case("spdx", check_spdx)          # ok unless it raises Failure
        tests.skip("sparse", "not for this kernel")
    sys.exit(tests.failed > 0)

The file is build/results/AREA/NAME.ktap in the checkout.
"""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "results"


class Failure(Exception):
    """A test case failed; the text says what is wrong."""


class Ktap:
    """The test cases of one file of results."""

    def __init__(self, area, name):
        self.path = RESULTS / area / f"{name}.ktap"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.lines = []
        self.count = 0
        self.failed = 0
        self._prefix = f"{area}/{name}"

    def __enter__(self):
        print(f"# {self._prefix}", flush=True)
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self._result(False, "ended_early", diagnostics=f"{kind.__name__}: {value}")
        text = "\n".join(["KTAP version 1", f"1..{self.count}", *self.lines]) + "\n"
        tmp = self.path.with_suffix(".tmp")
        tmp.write_text(text, encoding="utf-8")
        os.rename(tmp, self.path)
        print(f"# {self._prefix}: {self.count - self.failed} of {self.count} did not fail",
              flush=True)

    def _result(self, good, name, directive="", diagnostics=""):
        self.count += 1
        self.failed += not good
        lines = [f"# {line}" for line in diagnostics.splitlines()]
        lines.append(f"{'ok' if good else 'not ok'} {self.count} {name}"
                     + (f" # {directive}" if directive else ""))
        self.lines += lines
        print("\n".join(lines), flush=True)

    def case(self, name, function, *arguments):
        """Run function(*arguments) as test case `name`; True if it raised nothing."""
        try:
            function(*arguments)
        except Failure as failure:
            self._result(False, name, diagnostics=str(failure))
            return False
        except Exception as error:      # a case must not take the others with it
            self._result(False, name, diagnostics=f"{type(error).__name__}: {error}")
            return False
        self._result(True, name)
        return True

    def skip(self, name, why):
        """Note that a case does not apply here."""
        self._result(True, name, directive=f"SKIP {why}")


def fail_if(found, what=""):
    """Raise Failure with the lines in `found`, if there are any."""
    if found:
        raise Failure("\n".join([what] * bool(what) + [str(line) for line in found]))


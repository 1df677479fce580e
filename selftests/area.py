# SPDX-License-Identifier: GPL-2.0-only
"""An area's test cases: run one after the other, printed while they come, kept as a KTAP file.

    with Area("lint", "text") as tests:
        tests.case("spdx", check_spdx, files)       # ok unless it raises
        tests.skip("sparse", "not for this kernel")
    sys.exit(tests.failed > 0)

The file is build/results/AREA/NAME.ktap in the checkout.
"""
from lab import cache
from lab.ktap import Case, format_case, format_file


class Failure(Exception):
    """A test case failed; the text says what is wrong."""


class Area:
    """The test cases of one file of results."""

    def __init__(self, area, name):
        self.path = cache.RESULTS / area / f"{name}.ktap"
        self.path.unlink(missing_ok=True)
        self.title = f"{area}/{name}"
        self.cases = []

    @property
    def failed(self):
        """How many cases failed until now."""
        return sum(case.result == "fail" for case in self.cases)

    def __enter__(self):
        print(f"# {self.title}", flush=True)
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self._add(Case("ended_early", "fail", notes=[f"{kind.__name__}: {value}"]))
        cache.atomic_write(self.path, format_file(self.cases, len(self.cases)))
        print(f"# {self.title}: {self.failed} of {len(self.cases)} failed", flush=True)

    def _add(self, case):
        self.cases.append(case)
        print("\n".join(format_case(case, len(self.cases))), flush=True)

    def case(self, name, function, *arguments):
        """Run function(*arguments) as test case `name`; True if it raised nothing."""
        try:
            function(*arguments)
        except Failure as failure:
            notes = str(failure)
        except Exception as error:      # a case must not take the others with it
            notes = f"{type(error).__name__}: {error}"
        else:
            self._add(Case(name, "pass"))
            return True
        self._add(Case(name, "fail", notes=notes.splitlines()))
        return False

    def skip(self, name, why):
        """Note that a case does not apply here."""
        self._add(Case(name, "skip", why))


def fail_if(found, what=""):
    """Raise Failure with the lines in `found`, if there are any."""
    if found:
        raise Failure("\n".join([what] * bool(what) + [str(line) for line in found]))

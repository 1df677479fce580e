# SPDX-License-Identifier: GPL-2.0-only
"""What a host test (tests/test_*.py) is made of.

    from lab.testing import only, timeout

    @timeout(120)                           # seconds; default 300
    @only(driver="ours")                    # or only(kernel=("7.2", "7.3")), only(not_kernel="debug")
    def test_something(lab):
        \"\"\"One sentence: what is proved.\"\"\"
        with lab.guest(balloon={"deflate-on-oom": "on"}) as guest:     # see lab/guest.py
            ...
            lab.check_equal("actual", guest.actual(), 512 << 20)
        lab.case("second part", part, arguments)    # a case with a result line of its own
        lab.skip("no swap here")                    # ends the test as skipped
        lab.note("took 3 s")

A test passes if it raises nothing and every guest that it opened ended with its
own good verdict; the end of a `with` block asks for it. A guest that cannot give
one (its memory lives on in another) is released with guest.no_verdict("why").
Every test runs in a process of its own.
"""
from .cache import LabError
from .guest import Guest
from .ktap import Case

TIMEOUT = 300


class Skip(Exception):
    """The test does not apply here."""


def only(driver=None, kernel=None, not_kernel=None):
    """Run a test only with these drivers or kernels (a name, or several)."""
    def decorate(function):
        function.only = {"driver": _tuple(driver), "kernel": _tuple(kernel),
                         "not_kernel": _tuple(not_kernel)}
        return function
    return decorate


def timeout(seconds):
    """Set how long a test may take."""
    def decorate(function):
        function.timeout = seconds
        return function
    return decorate


def _tuple(names):
    if names is None or isinstance(names, tuple):
        return names
    return (names,) if isinstance(names, str) else tuple(names)


def why_not(function, kernel, driver):
    """Return why a test does not apply, or None."""
    rule = getattr(function, "only", {})
    if rule.get("driver") and driver not in rule["driver"]:
        return f"for the driver {' or '.join(rule['driver'])}"
    if rule.get("kernel") and kernel not in rule["kernel"]:
        return f"for the kernel {' or '.join(rule['kernel'])}"
    if rule.get("not_kernel") and kernel in rule["not_kernel"]:
        return f"not for the kernel {kernel}"
    return None


class Lab:
    """What a test is given: the kernel and the driver under test, and ways to say what it saw."""

    def __init__(self, kernel, driver, label):
        self.kernel = kernel
        self.driver = driver
        self.label = label
        self.guests = []
        self.notes = []
        self.cases = []

    def guest(self, **options):
        """Return a Guest with the kernel and the driver under test; options as for Guest."""
        options.setdefault("driver", self.driver)
        options.setdefault("label", f"{self.label}-{len(self.guests) + 1}")
        guest = Guest(options.pop("kernel", self.kernel), **options)
        self.guests.append(guest)
        return guest

    def case(self, name, function, *arguments):
        """Run function(*arguments) as a case of this test; its failure does not end the test."""
        before = len(self.notes)
        try:
            function(*arguments)
            case = Case(name, "pass")
        except Skip as skip:
            case = Case(name, "skip", str(skip))
        except (AssertionError, LabError) as error:
            case = Case(name, "fail")
            self.note(str(error))
            self._note_consoles()
        case.notes, self.notes = self.notes[before:], self.notes[:before]
        self.cases.append(case)

    def _note_consoles(self):
        """What the guests' kernels said belongs to a failure; the end of a guest adds it itself."""
        for guest in self.guests:
            if guest.channel:
                self.note(guest.tail())

    def skip(self, reason):
        """End the test (or the case) as skipped."""
        raise Skip(reason)

    def note(self, text):
        """Keep a text for the results."""
        self.notes += text.splitlines()

    def check(self, what, good):
        """Fail with the text `what` unless `good`."""
        if not good:
            raise AssertionError(what)

    def check_equal(self, what, got, want):
        """Fail unless got == want."""
        self.check(f"{what} is {got}, should be {want}", got == want)

    def check_between(self, what, low, got, high):
        """Fail unless low <= got <= high."""
        self.check(f"{what} is {got}, should be from {low} to {high}", low <= got <= high)

    def check_near(self, what, got, want, slack):
        """Fail unless got differs from want by at most slack."""
        self.check_between(what, want - slack, got, want + slack)

    def verdict_missing(self):
        """Return the labels of guests that were started and never gave a verdict."""
        return [guest.label for guest in self.guests if guest.process and not guest.finished]

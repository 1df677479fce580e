# SPDX-License-Identifier: GPL-2.0-only
"""Runs the kselftests of selftests/balloon in guests: all in one boot while the guest lives."""
import re
import shlex
import time

from . import ktap
from .cache import BUILD, ROOT, LabError, locked
from .guest import Guest, GuestError

FOLDER = ROOT / "selftests/balloon"
TIMEOUT = 300               # where `settings` names none
VERDICT = "guest_verdict"   # the case for the end of the last guest: leaks, taints


def find():
    """Return the names of the test programs, as the kselftest Makefile lists them."""
    path = FOLDER / "Makefile"
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    names = []
    for variable in ("TEST_PROGS", "TEST_GEN_PROGS"):
        for words in re.findall(rf"^{variable}\s*[:+]?=(.*)$", text, re.M):
            names += words.split()
    return names


def parts(names, jobs):
    """Divide the tests among so many guests; neighbours go to different ones."""
    return [names[part::jobs] for part in range(jobs) if names[part::jobs]]


def timeout():
    """Return the seconds that one test may take, from the kselftest `settings` file."""
    path = FOLDER / "settings"
    found = path.exists() and re.search(r"^timeout=(\d+)", path.read_text(), re.M)
    return int(found.group(1)) if found else TIMEOUT


class Batch:
    """Runs tests one after the other, in a new guest whenever the last one died."""

    def __init__(self, kernel, driver, report, label, files=None, limit=None, variables=()):
        """`report(case, seconds)` is called with each result; `label` is for files and no other
        batch at the time; `files` are further tests; `variables` are NAME=VALUE for all."""
        self.kernel = kernel
        self.driver = driver
        self.report = report
        self.files = files
        self.label = label
        # `settings` is for the slowest guests; the lab knows by how much its own are slow
        self.limit = limit or timeout() // 3
        self.variables = " ".join(map(shlex.quote, variables))
        self.guest = None
        self.boots = 0

    def run(self, names):
        """Run the tests and report each; at the end the guest's verdict."""
        with locked(f"test-{self.label}", BUILD / "locks"):
            self._run_all(names)

    def _run_all(self, names):
        for name in names:
            start = time.monotonic()
            try:
                case = self._run_one(name)
            except LabError as error:
                case = ktap.Case(name, "fail", notes=str(error).splitlines())
                self._drop()
            self.report(case, time.monotonic() - start)
        start = time.monotonic()
        self.report(self._last_verdict(), time.monotonic() - start)

    def _boot(self):
        self.boots += 1
        # for streams through the page cache; the debug kernel is built without
        modules = () if self.kernel.name == "debug" else ("null_blk",)
        guest = Guest(self.kernel, driver=self.driver, load=False, balloon=None, tests=True,
                      files=self.files, modules=modules,
                      label=f"{self.label}-{self.boots}")
        try:
            guest.start_guest()
        except BaseException:
            guest.close()
            raise
        self.guest = guest

    def _drop(self):
        if self.guest:
            self.guest.close()
            self.guest = None

    def _run_one(self, name):
        if not self.guest:
            self._boot()
        guest = self.guest
        job = guest.start(f"cd /tests/balloon && AUTOBALLOON_DRIVER={self.driver} "
                          f"AUTOBALLOON_SLOW={guest.slow} {self.variables} exec ./{name}")
        limit = self.limit * guest.slow
        hung = not job.ended(limit)
        if hung:
            self._show_hang(job)
        died = hung or job.status not in (0, 1, 4)
        case = _judge(name, job, f"no end after {limit} s" if hung else "",
                      guest.tail() if died else "")
        if hung and not job.ended(10):
            _add_failure(case, "kill", ["the test could not be killed: a new guest for the next"])
            self._drop()
            return case
        self._clean_up(case)
        good, bad = guest.ask_verdict(name)
        if not good:
            _add_failure(case, "kernel_log", [*bad[:5], *guest.tail().splitlines()])
        return case

    def _show_hang(self, job):
        # Which tasks are stuck, and where, belongs on the console before the end.
        self.guest.run("echo w >/proc/sysrq-trigger; sleep 1", timeout=10)
        job.kill()

    def _clean_up(self, case):
        """Unload what the test left behind; that it cannot be unloaded is a failure."""
        status, output = self.guest.run(
            "for m in balloonsim virtio_balloon; do [ ! -d /sys/module/$m ] || rmmod $m; done")
        if status:
            _add_failure(case, "unload", output.splitlines())

    def _last_verdict(self):
        if not self.guest:
            return ktap.Case(VERDICT, "fail", notes=["the last guest did not live to the end"])
        try:
            self.guest.finish()
            return ktap.Case(VERDICT, "pass")
        except GuestError as error:
            return ktap.Case(VERDICT, "fail", notes=str(error).splitlines())
        finally:
            self._drop()


def _add_failure(case, name, notes):
    """Add what the lab saw to a test's own cases, which it has planned without it."""
    notes, case.notes = [*case.notes, *notes], []
    case.cases.append(ktap.Case(name, "fail", notes=notes))
    case.planned = None
    case.settle()


def _judge(name, job, trouble, log):
    """Make a Case of what a test printed and how it ended; `log` if it was not by itself."""
    case = ktap.parse(job.output)
    case.name = name
    if log:
        _add_failure(case, "end", [trouble or f"exit status {job.status}",
                                   *job.output.splitlines()[-5:], *log.splitlines()])
        return case
    if job.status == 4 and not any(inner.result == "fail" for inner in case.cases):
        reason = case.reason or next((inner.reason for inner in case.cases), "")
        return ktap.Case(name, "skip", reason, notes=case.notes)
    failed = any(inner.result == "fail" for inner in case.cases)
    if job.status and not failed:       # otherwise the cases say it already
        case.result = "fail"
        case.notes.append(f"exit status {job.status}")
    if not case.cases:
        case.notes += job.output.splitlines()[-20:]
    return case.settle()

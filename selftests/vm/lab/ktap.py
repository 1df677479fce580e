# SPDX-License-Identifier: GPL-2.0-only
"""Reads and writes KTAP, flat or nested.

A test is a Case; a test with cases of its own has them in `cases`. Its own
result line then only sums them up, and leaves() counts the innermost.
"""
from dataclasses import dataclass, field
import re

RESULT = re.compile(r"^(ok|not ok)\b\s*(\d+)?\s*(?:- )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")
SKIP = re.compile(r"\s*# SKIP\b:?\s*(.*)$", re.I)
VERSION = re.compile(r"^(KTAP|TAP) version \d+")


@dataclass
class Case:
    """One result line with what belongs to it."""
    name: str
    result: str                     # "pass", "fail" or "skip"
    reason: str = ""
    notes: list = field(default_factory=list)
    cases: list = field(default_factory=list)
    planned: int = None             # how many cases it announced

    def leaves(self):
        """Yield the innermost cases, each once."""
        if not self.cases:
            yield self
        for case in self.cases:
            yield from case.leaves()

    def count(self):
        """Return {result: number of innermost cases}."""
        total = {"pass": 0, "fail": 0, "skip": 0}
        for case in self.leaves():
            total[case.result] += 1
        return total

    def settle(self):
        """Make the result that of the cases, and no plan unmet; returns self."""
        if self.planned is not None and self.planned != len(self.cases):
            text = f"{self.planned} cases were planned, {len(self.cases)} have a result"
            self.cases.append(Case("plan", "fail", notes=[text]))
        results = {case.result for case in self.cases}
        if "fail" in results:
            self.result = "fail"
        elif self.result == "fail" and self.cases:
            self.cases.append(Case("whole", "fail", notes=self.notes))
            self.notes = []
        elif results == {"skip"}:
            self.result = "skip"
        return self


def parse(text):
    """Return a Case without a name that holds all the cases of a KTAP text."""
    return _parse(text.splitlines(), "")


def _parse(lines, name):
    whole = Case(name, "pass")
    notes, inner = [], []
    for line in lines:
        if line.startswith(("    ", "\t")):
            inner.append(line[4:] if line[0] == " " else line[1:])
            continue
        line = line.rstrip()
        plan, result = PLAN.match(line), RESULT.match(line)
        if result:
            case = _case(result, inner)
            case.notes = notes
            whole.cases.append(case)
            notes, inner = [], []
        elif plan:
            whole.planned = int(plan.group(1))
            skip = SKIP.search(line)
            if skip and not whole.planned:
                whole.result, whole.reason, whole.planned = "skip", skip.group(1), None
        elif line and not VERSION.match(line):
            notes.append(line[2:] if line.startswith("# ") else line)
    whole.notes = notes + inner
    return whole


def _case(found, inner):
    word, _, name = found.groups()
    reason = ""
    result = "pass" if word == "ok" else "fail"
    skip = SKIP.search(name)
    if skip:
        name, reason = name[:skip.start()], skip.group(1)
        result = "skip" if word == "ok" else "fail"
    case = Case(name.strip(), result, reason)
    if any(RESULT.match(line.strip()) for line in inner):
        inside = _parse(inner, name)
        case.cases, case.planned = inside.cases, inside.planned
    return case


def format_case(case, number):
    """Return the lines of a case, its own cases indented above its result line."""
    lines = [f"# {line}" for line in case.notes]
    if case.cases:
        lines += ["    KTAP version 1", f"    1..{len(case.cases)}"]
        for position, inner in enumerate(case.cases, 1):
            lines += ["    " + line for line in format_case(inner, position)]
    word = "not ok" if case.result == "fail" else "ok"
    skip = f" # SKIP {case.reason}".rstrip() if case.result == "skip" else ""
    return [*lines, f"{word} {number} {case.name}{skip}"]


def format_file(cases, planned, head=()):
    """Return the text of a KTAP file; `planned` may be more than there are cases."""
    lines = ["KTAP version 1", *(f"# {line}" for line in head), f"1..{planned}"]
    for number, case in enumerate(cases, 1):
        lines += format_case(case, number)
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: GPL-2.0-only
"""The sum of all results: see the program `results`."""
import sys

from . import ktap
from .cache import RESULTS, ROOT, atomic_write
from .table import rst_table, text_table

DOCUMENT = ROOT / "Documentation/results.rst"
GUESTS = "vm"       # the area whose files are one column each of the table
WIDTH = 160         # of a line of the list of failures


def read_all(folder=RESULTS):
    """Return {(area, name): Case} for every KTAP file."""
    found = {}
    for path in sorted(folder.glob("*/*.ktap")):
        case = ktap.parse(path.read_text(encoding="utf-8", errors="replace"))
        case.name = f"{path.parent.name}/{path.stem}"
        found[path.parent.name, path.stem] = case.settle()
    return found


def cell(case):
    """Return how a test went, in a word or two."""
    if case is None:
        return ""
    count = case.count()
    if case.result == "skip":
        return "skip"
    ran = count["pass"] + count["fail"]
    if case.result == "fail":
        return f"FAIL {count['fail'] or 1}/{ran or 1}"
    return f"ok {ran}" if ran > 1 else "ok"


def column_key(name):
    """Sort kernels by version, ours before in-tree, the debug kernel last."""
    kernel, _, driver = name.rpartition("-")
    version = [int(part) if part.isdigit() else 1000 for part in kernel.split(".")]
    return version, driver != "ours", name


def guest_table(files):
    """Return the rows of the table of the tests in guests, the head first."""
    columns = sorted((name for area, name in files if area == GUESTS), key=column_key)
    tests = {column: {case.name: case for case in files[GUESTS, column].cases}
             for column in columns}
    names = list(dict.fromkeys(name for column in columns for name in tests[column]))
    # Tests inside the guest in their own order, then those of the host by name.
    names.sort(key=lambda name: (1, name) if name.startswith("test_") else (name == "plan" and 2, ""))
    rows = [["test", *(column.replace("-", " ") for column in columns)]]
    return rows + [[name, *(cell(tests[column].get(name)) for column in columns)]
                   for name in names]


def other_table(files):
    """Return the rows of the table of all other results."""
    rows = [["results", "passed", "failed", "skipped"]]
    for (area, _), case in files.items():
        if area != GUESTS:
            count = case.count()
            rows.append([case.name, *(str(count[word]) for word in ("pass", "fail", "skip"))])
    return rows


def failures(case, path=""):
    """Yield (path, notes) of every innermost case that failed."""
    path = f"{path}: {case.name}" if path else case.name
    if not case.cases and case.result == "fail":
        yield path, case.notes
    for inner in case.cases:
        yield from failures(inner, path)


def shortened(notes):
    """Return the first of a failure's notes, and the last, which the kernel said."""
    if len(notes) > 20:
        notes = [*notes[:10], "[...]", *notes[-9:]]
    return [line[:WIDTH] for line in notes]


def main(options):
    """Print the sum; return the exit status."""
    files = read_all()
    tables = [rows for rows in (guest_table(files), other_table(files)) if len(rows) > 1]
    if options.document:
        atomic_write(DOCUMENT, ".. SPDX-License-Identifier: GPL-2.0-only\n\n"
                     + "\n\n".join(map(rst_table, tables)) + "\n")
        return 0
    total = {"pass": 0, "fail": 0, "skip": 0}
    for case in files.values():
        for word, number in case.count().items():
            total[word] += number
    if not options.quiet:
        for rows in tables:
            print(text_table(rows) + "\n")
        for case in files.values():
            for path, notes in failures(case):
                print(f"FAILED {path}", *(f"    {line}" for line in shortened(notes)), sep="\n")
    if not files:
        print("there are no results: run the tests first", file=sys.stderr)
    print(f"{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped")
    return 1 if total["fail"] or not total["pass"] else 0

# SPDX-License-Identifier: GPL-2.0-only
"""The guides: they name all that the driver shows, all tests, and only files that exist."""
import re

from area import Area, fail_if
from lab import hosttest, kselftest
from lab.cache import ROOT
import source

ADMIN = ROOT / "Documentation/admin-guide/virtio_balloon.rst"
TESTING = ROOT / "Documentation/testing.rst"
# printf's conversions stand for one word each in the guide.
CONVERSION = re.compile(r"%[-+#0 .*\d]*(?:l|ll|h|z)?[a-zA-Z]")


def one_line(text):
    """Return a text with every white space made one blank."""
    return " ".join(text.split())


def missing(names, path):
    """Fail with the names that a guide does not show as ``name``."""
    text = path.read_text(encoding="utf-8")
    fail_if([f"{name}: not in {path.relative_to(ROOT)}" for name in sorted(names)
             if f"``{name}``" not in text])


def tunables():
    """The table of the admin guide has every parameter, with its range and its default."""
    rows = [one_line(line) for line in ADMIN.read_text(encoding="utf-8").splitlines()]
    wrong = []
    for name, allowed in source.ranges().items():
        start = re.compile(rf"``{name}`` \S+ {allowed.least} to {allowed.most} {allowed.default} \S")
        if not any(start.match(row) for row in rows):
            wrong.append(f"{name}: no row with {allowed}")
    fail_if(wrong)
    missing(source.parameters(), ADMIN)


def when_to_change():
    """The admin guide says of each parameter when to change it."""
    text = ADMIN.read_text(encoding="utf-8")
    advice = text[text.index("\nWhen to change them:\n"):text.index("\nTo set defaults for good")]
    heads = " ".join(re.findall(r"^``.*$", advice, re.M))
    fail_if([f"{name}: not said" for name in sorted(source.parameters()) if f"``{name}``" not in heads])


def names():
    """The admin guide names every attribute, counter, state and tracepoint."""
    attributes = [name for group in source.GROUPS for name in source.attributes(group)]
    missing([*attributes, *source.counters(), *source.states(), *source.tracepoints()],
            ADMIN)


def messages():
    """Every line that the driver may write to the kernel log is in the admin guide."""
    text = one_line(ADMIN.read_text(encoding="utf-8"))
    wrong = []
    for message in source.messages():
        plain = message.replace("\\n", "").replace('\\"', '"')
        parts = map(re.escape, CONVERSION.split(plain))
        if not re.search(r"``" + r"[^\s`]+".join(parts) + r"``", text):
            wrong.append(plain)
    fail_if(sorted(wrong), f"not in {ADMIN.relative_to(ROOT)}:")


def test_files():
    """The table of tests names every file of guest tests, and none that is not there."""
    there = {*kselftest.find(), *(path.name for path in hosttest.TESTS.glob("test_*.py"))}
    listed = set(re.findall(r"\b(?:sim|test)_[a-z0-9_]+\.(?:sh|py)\b",
                            TESTING.read_text(encoding="utf-8")))
    fail_if([f"{name}: not in the table" for name in sorted(there - listed)]
            + [f"{name}: in the table, not there" for name in sorted(listed - there)])


def documents(pattern):
    """Return the documents of the repository, those of others' making excluded."""
    return [path for folder in (ROOT.glob(pattern), (ROOT / "Documentation").rglob(pattern))
            for path in sorted(folder)]


def links():
    """Files that the documents link to exist."""
    wrong = []
    for path in documents("*.md") + documents("*.rst"):
        text = path.read_text(encoding="utf-8")
        form = r"\]\(([^)#\s]+)" if path.suffix == ".md" else r"`[^`]*<([^>`]+)>`_|:: (\S+\.rst)$"
        for found in re.finditer(form, text, re.M):
            name = found.group(found.lastindex)
            if "://" not in name and not (path.parent / name).exists():
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    fail_if(wrong)


CASES = [tunables, when_to_change, names, messages, test_files, links]


def run_area():
    """Run all cases; return how many failed."""
    with Area("abi", "guides") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

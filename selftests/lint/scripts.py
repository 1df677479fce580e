# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own scripts on our C: checkpatch and kernel-doc, from the newest kernel's source."""
import re

from area import Area, fail_if
from lab import cache, kernels
from lab.cache import ROOT
import files

IGNORED = ROOT / "selftests/lint/checkpatch.ignored"


def ignored(name):
    """Return the types of messages that checkpatch.ignored lists for a file."""
    types = []
    for line in IGNORED.read_text().splitlines():
        entry = re.match(r"([A-Z_]+)\s+(\S+)\s+\S", line)
        if entry and name.startswith(entry.group(2).rstrip("*")):
            types.append(entry.group(1))
    return types


def checkpatch(source, types, chosen):
    """Return what checkpatch says of files beside some types of messages.

    It runs in the kernel's tree: it takes the names of the kernel from there,
    and leaves a list of them.
    """
    command = ["perl", "scripts/checkpatch.pl", f"--root={source}", "--strict", "--show-types",
               "--no-summary", "--terse", "--quiet"]
    if types:
        command += ["--ignore", ",".join(types)]
    try:
        output = cache.run([*command, "-f", *(ROOT / name for name in chosen)], cwd=source)
    except cache.LabError as error:
        output = str(error)
    lines = [line.replace(f"{ROOT}/", "") for line in output.splitlines()]
    return [line for line in lines if re.match(r"\S+:\d+:", line)] or list(filter(None, lines))


def checkpatch_all(source):
    groups = {}
    for name in files.of("c"):
        groups.setdefault(tuple(ignored(name)), []).append(name)
    fail_if([line for types, chosen in groups.items() for line in checkpatch(source, types, chosen)])


def kernel_doc(source):
    """Fail with every warning; also for a comment that names what is not there."""
    try:
        output = cache.run(["python3", source / "scripts/kernel-doc", "-none", "-Werror",
                            *files.kernel_code()], cwd=ROOT)
    except cache.LabError as error:
        output = str(error)
    fail_if([line for line in output.splitlines() if re.search("warning|error|exit", line, re.I)])


def run_area():
    """Run all cases; return how many failed."""
    with Area("lint", "scripts") as tests:
        source = kernels.ksource()
        tests.case("checkpatch_strict", checkpatch_all, source)
        tests.case("kernel_doc", kernel_doc, source)
    return tests.failed

# SPDX-License-Identifier: GPL-2.0-only
"""Checks that need no kernel: of all files, of scripts, and of rules that the text shows."""
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from area import Area, Failure, fail_if
from lab.cache import ROOT
import files

LONGEST = 520
# Texts of others, and formats of Debian that have no comments.
NO_LICENCE_LINE = ("LICENSES/", "debian/changelog", "debian/source/format")
# The files that may be longer: texts of others, and what a tool has drawn.
MAY_BE_LONG = re.compile(r"LICENSES/|\.svg$")
# Only queue.c talks to the host, so only it may wait for anything, but for the
# page store's pause of a tick while compaction has pages isolated.
WAITS = (r"\b(wait_event\w*|wait_for_completion\w*|wait_on_\w+|[mufs]sleep(_\w+)?|usleep_range\w*"
         r"|schedule(_timeout\w*)?|io_schedule\w*)\s*\(")
WAITER = "drivers/virtio/virtio_balloon/queue.c"
PAUSE = r"\bschedule_timeout_uninterruptible\(1\)"
PAUSER = "drivers/virtio/virtio_balloon/pages.c"


def tool(*command, chosen=()):
    """Run a checker on files; fail with what it says."""
    done = subprocess.run([*command, *chosen], cwd=ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or done.stdout.strip():
        raise Failure(done.stdout.strip() or f"{command[0]}: exit {done.returncode}")


def spdx():
    fail_if([name for name in files.names()
             if not name.startswith(NO_LICENCE_LINE) and files.read(name)
             and not any("SPDX-License-Identifier: " in line
                         for line in files.read(name).splitlines()[:2])],
            "no SPDX-License-Identifier in the first two lines:")


def reuse():
    """The licence and the holder of the rights of every file can be told by a machine."""
    # A copy, so that what was built does not count where there is no git to tell.
    with tempfile.TemporaryDirectory() as folder:
        for name in files.names():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        done = subprocess.run(["reuse", "--root", folder, "lint"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failure(done.stdout.strip())


def length():
    fail_if([f"{name}: {count} lines" for name in files.names() if not MAY_BE_LONG.search(name)
             for count in [files.read(name).count("\n")] if count > LONGEST],
            f"more than {LONGEST} lines:")


def whitespace():
    ours = [name for name in files.names() if not name.startswith("LICENSES/")]
    fail_if([f"{name}: no newline at its end, or an empty line there" for name in ours
             if files.read(name) and not re.search(r"\S\n\Z", files.read(name))])
    fail_if(files.matches(r"[ \t]$", ours), "white space at the end of a line:")


def unfinished():
    words = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"])
    fail_if(files.matches(rf"\b({words})\b", files.names()), "unfinished work:")


def python_compiles():
    found = []
    for name in files.of("python"):
        try:
            compile(files.read(name), name, "exec")
        except SyntaxError as error:
            found.append(f"{name}:{error.lineno}: {error.msg}")
    fail_if(found)


def pyflakes():
    tool("pyflakes3", chosen=files.of("python"))


def shellcheck():
    # Files without #! are read by others with `.`; those are POSIX sh too.
    for shell in ("sh", "bash"):
        chosen = files.of(shell)
        if chosen:
            tool("shellcheck", "-x", f"--shell={shell}", "--source-path=SCRIPTDIR", chosen=chosen)


def codespell():
    tool("codespell", "--builtin", "clear,rare", chosen=[
        name for name in files.names() if not name.startswith("LICENSES/")])


def man_pages():
    tool("mandoc", "-T", "lint", "-W", "warning", chosen=[
        name for name in files.names() if name.startswith("Documentation/man/")])


def version_tests():
    driver = [name for name in files.names() if name.startswith("drivers/")]
    fail_if(files.matches(r"LINUX_VERSION_CODE|KERNEL_VERSION|linux/version\.h|COMPAT_HAVE_", driver),
            "the driver's text asks for the kernel's age (that belongs in include/compat):")


def waits():
    driver = [name for name in files.of("c")
              if name.startswith("drivers/") and name != WAITER]
    waiting = [line for line in files.matches(WAITS, driver, files.without_comments)
               if not (line.startswith(PAUSER) and re.search(PAUSE, line))]
    fail_if(waiting, f"waits outside of {WAITER}:")


def make_help():
    makefile = files.read("Makefile")
    targets = set(re.findall(r"^\.PHONY: (\S+)", makefile, re.M))
    described = set(re.findall(r"^([\w-]+):.*## \S", makefile, re.M))
    fail_if(sorted(targets - described), "make help would not list:")
    fail_if(sorted(described - targets), "targets that are not .PHONY:")


CASES = [spdx, reuse, length, whitespace, unfinished, python_compiles, pyflakes, shellcheck, codespell,
         man_pages, version_tests, waits, make_help]


def run_area():
    """Run all cases; return how many failed."""
    with Area("lint", "text") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

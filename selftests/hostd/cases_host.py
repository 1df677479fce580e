# SPDX-License-Identifier: GPL-2.0-only
"""What the daemon learns of a host that is under pressure, from the kernel itself."""
import contextlib
import os
from pathlib import Path
import re
import subprocess
import tempfile
import time

from cases_good import must
from daemon import Daemon, Skip, wait_for
from fakes import Fleet, GIB, MIB

LIMIT = 24 * MIB
# Reads a file that is larger than the limit, again and again: every page has to be
# reclaimed for the next. It is the reader that writes it, so that its cgroup pays.
READER = """
import mmap, os, sys
sys.stdin.readline()
with open(sys.argv[1], "w+b") as file:
    for _ in range(64):
        file.write(os.urandom(1 << 20))
    file.flush()
    os.fsync(file.fileno())
    memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
while True:
    for at in range(0, len(memory), 4096):
        memory[at]
"""


def mounts(kind):
    """Return where file systems of a kind are mounted, with their options."""
    fields = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [(Path(field[1]), field[3].split(",")) for field in fields if field[2] == kind]


def memory_v1():
    """Return the root of version 1's memory controller, or nothing."""
    return next((path for path, options in mounts("cgroup") if "memory" in options), None)


@contextlib.contextmanager
def cgroup(root):
    """A new cgroup, removed at the end with what runs in it."""
    path = root / f"hostd-test-{os.getpid()}-{time.monotonic_ns()}"
    try:
        path.mkdir()
    except OSError as error:
        raise Skip(f"no cgroup can be made: {error}") from error
    try:
        yield path
    finally:
        for pid in (path / "cgroup.procs").read_text().split():
            os.kill(int(pid), 9)
        wait_for("an empty cgroup", lambda: not (path / "cgroup.procs").read_text())
        path.rmdir()


@contextlib.contextmanager
def squeezed(folder, groups):
    """A process in all these cgroups that reads more than their limit."""
    process = subprocess.Popen(["nice", "python3", "-c", READER, f"{folder}/large"],
                               stdin=subprocess.PIPE)
    try:
        for group in groups:
            (group / "cgroup.procs").write_text(str(process.pid))
        process.stdin.write(b"\n")
        process.stdin.flush()
        yield
    finally:
        process.kill()
        process.wait()


def pressed(source, group, groups):
    """The daemon sees nothing, then pressure, then nothing again."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        guest = fleet.add(folder, "guest", memory=GIB // 4, used=GIB // 16, agent=True)
        sections = f"[host]\nsource = {source}\ncgroup = {group}\n"
        with Daemon(sections, fleet) as hostd:
            hostd.wait_heard()
            must(hostd.status()["source"] == source, f"{hostd.status()}")
            must(hostd.status()["host"]["level"] == "none", f"{hostd.status()}")
            with squeezed(folder, groups):
                wait_for("pressure", lambda: hostd.status()["host"]["level"] != "none")
                wait_for("a hint", lambda: guest.hints)
            wait_for("its end", lambda: hostd.status()["host"]["level"] == "none")
            total = hostd.status()["host"]["total"]
            must(total == LIMIT or source == "psi", f"the limit is {total}")


def pressure_of_a_v1_cgroup():
    """memory.pressure_level of the kernel's own."""
    root = memory_v1()
    if not root:
        raise Skip("no memory controller of version 1")
    with cgroup(root) as group:
        (group / "memory.limit_in_bytes").write_text(str(LIMIT))
        pressed("vmpressure", group, [group])


def pressure_of_stalls():
    """PSI triggers on the memory.pressure of a cgroup."""
    root = next((path for path, _ in mounts("cgroup2")), None)
    if not root:
        raise Skip("no cgroups of version 2")
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(cgroup(root))
        limited = group
        if not (group / "memory.pressure").exists():
            raise Skip("no pressure stall information")
        if (group / "memory.max").exists():
            (group / "memory.max").write_text(str(LIMIT))
        elif memory_v1():
            limited = stack.enter_context(cgroup(memory_v1()))
            (limited / "memory.limit_in_bytes").write_text(str(LIMIT))
        else:
            raise Skip("no memory controller")
        pressed("psi", group, {group, limited})


def host_as_it_is():
    """Without a config for it: the best source that is there, and the host's own numbers."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "guest")
        with Daemon(fleet=fleet) as hostd:
            hostd.wait_heard()
            status = hostd.status()
            known = Path("/proc/pressure/memory").exists()
            must(status["source"] == ("psi" if known else "meminfo"), f"{status}")
            total = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1])
            must(status["host"]["total"] == total << 10, f"{status}")
            must("host pressure by" in hostd.log(), "it does not say where from")


CASES = [pressure_of_a_v1_cgroup, pressure_of_stalls, host_as_it_is]

# SPDX-License-Identifier: GPL-2.0-only
"""The memory that all guests share: a cgroup with a limit, swap for what is above it, KSM.

The limit is that of a cgroup of our own, whose only processes are the guests' QEMUs; no
file of another cgroup is written. All of it goes when its `with` block ends, and what a
run that was killed has left behind goes before the next begins.
"""
import contextlib
import os
from pathlib import Path
import re
import shutil
import signal
import time

from lab.cache import BUILD, LabError, run

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
KSM = Path("/sys/kernel/mm/ksm/run")
SWAPS = Path("/proc/swaps")
SWAP = BUILD / "overcommit" / "swap"
PAGE = os.sysconf("SC_PAGE_SIZE")
PREFIX = "autoballoon-overcommit-"
PATIENCE_S, KILL_AFTER_S = 20, 5
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Unavailable(LabError):
    """This host cannot have it; the text says why."""


def _numbers(path):
    """{name: number} of a file with a name and a number on each line."""
    return {name: int(number) for name, number in
            re.findall(r"^(\S+) (\d+)$", path.read_text(encoding="ascii"), re.M)}


@contextlib.contextmanager
def undisturbed():
    """Hear of no signal in the `with` block, where things are put away."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Cgroup:
    """A memory cgroup of either version; it goes with the `with` block."""

    def __init__(self, limit):
        self.v2 = (V2 / "cgroup.controllers").exists()
        self.root = V2 if self.v2 else V1
        self.path = self.root / f"{PREFIX}{os.getpid()}"
        self._limit = limit

    def __enter__(self):
        if not self._is_there():
            raise Unavailable(f"no memory cgroup: {self.root} has none")
        self._remove_leftovers()
        try:
            self.path.mkdir()
        except OSError as error:
            raise Unavailable(f"no memory cgroup: {error}") from error
        try:
            self._write("memory.max" if self.v2 else "memory.limit_in_bytes", self._limit)
        except BaseException as error:
            self.path.rmdir()
            if isinstance(error, OSError):
                raise Unavailable(f"no limit for a memory cgroup: {error}") from error
            raise
        return self

    def __exit__(self, *_):
        with undisturbed():
            self._remove()

    def _remove(self):
        # The guests have ended; the kernel may still be putting them away.
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < PATIENCE_S:
            with contextlib.suppress(OSError):
                self.path.rmdir()
                return
            if elapsed > KILL_AFTER_S:
                self._kill()
            time.sleep(0.1)
        raise LabError(f"{self.path} cannot be removed")

    def _is_there(self):
        if self.v2:     # who has none for the children is not to have it because of us
            controllers = (self.root / "cgroup.subtree_control").read_text(encoding="ascii")
            return "memory" in controllers.split()
        return (self.root / "memory.limit_in_bytes").exists()

    def _remove_leftovers(self):
        for path in self.root.glob(f"{PREFIX}*"):
            if not Path(f"/proc/{path.name[len(PREFIX):]}").exists():
                with contextlib.suppress(OSError):      # somebody lives in it
                    path.rmdir()

    def _kill(self):
        for pid in (self.path / "cgroup.procs").read_text(encoding="ascii").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def _write(self, name, value):
        (self.path / name).write_text(f"{value}", encoding="ascii")

    def wrapper(self, folder, program):
        """Return a script that runs a program inside of it."""
        script = Path(folder) / "in-cgroup"
        script.write_text(f"#!/bin/sh\necho $$ >{self.path}/cgroup.procs || exit\n"
                          f"exec {program} \"$@\"\n", encoding="utf-8")
        script.chmod(0o755)
        return str(script)

    def swapped(self):
        """Bytes swapped (in, out) since ever. Where cgroups do not count that the host does:
        nobody else on it has to swap."""
        numbers = _numbers(self.path / "memory.stat")
        if "pswpout" not in numbers:
            numbers = _numbers(Path("/proc/vmstat"))
        return numbers["pswpin"] * PAGE, numbers["pswpout"] * PAGE

    def killed(self):
        """How many of its processes were killed for want of memory."""
        name = "memory.events" if self.v2 else "memory.oom_control"
        return _numbers(self.path / name).get("oom_kill", 0)


def _swaps():
    """The files that the host swaps to."""
    return [line.split()[0].replace("\\040", " ")
            for line in SWAPS.read_text(encoding="utf-8").splitlines()[1:]]


def _no_swap():
    """Take our file from the host; it stays if the host does not give it back."""
    if str(SWAP) in _swaps():
        run(["swapoff", SWAP])
    SWAP.unlink(missing_ok=True)


@contextlib.contextmanager
def swap_file(size):
    """Swap to a file of so many bytes in the `with` block."""
    SWAP.parent.mkdir(parents=True, exist_ok=True)
    _no_swap()
    if shutil.disk_usage(SWAP.parent).free < 2 * size:
        raise Unavailable(f"no room for {size >> 20} MiB of swap in {SWAP.parent}")
    try:
        try:
            with open(os.open(SWAP, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            run(["mkswap", SWAP])
            run(["swapon", "-p", "100", SWAP])
        except (LabError, OSError) as error:
            raise Unavailable(f"no swap: {str(error).splitlines()[-1]}") from error
        yield
    finally:
        with undisturbed():
            _no_swap()


@contextlib.contextmanager
def ksm(wanted):
    """Have the kernel merge the guests' same pages in the `with` block, or not."""
    before = KSM.read_text(encoding="ascii") if KSM.exists() else None
    if before is None and wanted:
        raise Unavailable("this host has no KSM")
    if before is None or before.strip() == "01"[wanted]:
        yield
        return
    KSM.write_text("01"[wanted], encoding="ascii")
    try:
        yield
    finally:
        # What was merged goes with the guests.
        KSM.write_text(before, encoding="ascii")

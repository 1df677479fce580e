# SPDX-License-Identifier: GPL-2.0-only
"""Host memory behind a guest over time, and guest memory that comes back: series, and what
they say."""
import os
import re
import threading
import time

NEAR = 0.02         # that far from its final value a series has arrived
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10


class Rss:
    """Samples the resident memory of a process every millisecond, while in its `with` block.

    That is QEMU with all that it has; KiB of the guest's memory alone come from
    an exact look at the end, for what QEMU itself has stays the same.
    """

    def __init__(self, guest):
        self._guest = guest
        self._raw = []
        self._file = os.open(f"/proc/{guest.process.pid}/statm", os.O_RDONLY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples = []       # (time, KiB of the guest's memory)
        self.final = None

    def _look(self):
        return int(os.pread(self._file, 128, 0).split()[1]) * PAGE_KIB

    def _run(self):
        while not self._stop.wait(0.001):
            kib = self._look()
            self._raw.append((time.time(), kib))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.final = self._guest.rss_kib()
        own = self._look() - self.final
        os.close(self._file)
        self.samples = [(when, kib - own) for when, kib in self._raw]


def fallen(samples, final, start):
    """Return the seconds from `start` until a falling series is near its final value to stay."""
    arrived = None
    for when, value in reversed(samples):
        if value > final * (1 + NEAR):
            break
        arrived = when
    return None if arrived is None else max(0, arrived - start)


def risen(notes, start, rise):
    """Return (seconds from `start` until a series has nearly all of a rise, how long before
    that it was last looked at); None if it has it never."""
    before = [value for when, value, _ in notes if when <= start]
    wanted = before[-1] + rise * (1 - NEAR)
    for when, value, gap in notes:
        if when > start and value >= wanted:
            return when - start, gap
    return None


def blocks(buddyinfo, order):
    """Return how many free blocks of this order /proc/buddyinfo has room for."""
    total = 0
    for line in buddyinfo.splitlines():
        counts = [int(word) for word in re.search(r"zone\s+\S+((?:\s+\d+)+)", line).group(1).split()]
        total += sum(count << (high - order) for high, count in enumerate(counts) if high >= order)
    return total


def free_kib(zoneinfo):
    """Return the free KiB of /proc/zoneinfo, with those in the lists of the processors."""
    pages = sum(map(int, re.findall(r"^\s+(?:nr_free_pages|count:) +(\d+)", zoneinfo, re.M)))
    return pages * 4

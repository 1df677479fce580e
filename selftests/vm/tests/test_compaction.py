# SPDX-License-Identifier: GPL-2.0-only
"""Compaction moves ballooned pages; the host learns of every exchange."""
from common import boot, check_held, check_host_has, free_kib, hold, pattern, resize, touch

# Bytes in the balloon.
SCATTERED = 383_000_001
HELD = 573_000_001
# What a process must leave to the others.
SPARE_MIB = 24


def scatter(guest):
    """Inflate into half of the pages there are, then free the pages between.

    With usual watermarks there would be large blocks out of reach of a process, and
    megabytes in the lists of the processors, where compaction does not look.
    """
    guest.check("echo never >/sys/kernel/mm/transparent_hugepage/enabled; "
                "cd /proc/sys/vm && echo 2048 >min_free_kbytes && "
                "echo 2000 >percpu_pagelist_high_fraction")
    job = guest.start(f"pattern holes {(guest.meminfo()['MemAvailable'] >> 10) - SPARE_MIB}")
    job.wait_for("ready", 60 * guest.slow)
    resize(guest, guest.memory - SCATTERED)
    guest.check("killall -TERM pattern")
    return job.wait(60 * guest.slow)


def blocks(guest):
    """Return how many free pages lie in blocks of 2 MiB or more."""
    total = 0
    for line in guest.read("/proc/buddyinfo").splitlines():
        counts = [int(word) for word in line.split()[4:]]
        total += sum(count << order for order, count in enumerate(counts) if order >= 9)
    return total


def compact(lab, guest):
    """balloon_migrate rises, big blocks appear, and the host's books follow."""
    before, large = guest.vmstat(), blocks(guest)
    for _ in range(3):
        guest.check("echo 1 >/proc/sys/vm/compact_memory")
    after = guest.vmstat()
    moved = after["balloon_migrate"] - before["balloon_migrate"]
    lab.check(f"balloon_migrate rises by {moved}", moved > 1000)
    # Now use all that is free: an exchange that the host did not learn of leaves it
    # the new page, and then backs the old one as well.
    take = (free_kib(guest) >> 10) - SPARE_MIB
    guest.check(f"pattern take {take}")
    check_host_has(lab, guest)
    slack = (guest.actual() >> 10) - guest.rss_kib()
    lab.check(f"{slack} KiB of slack hide {moved} pages", slack < 4 * moved)
    lab.note(f"{moved} pages migrated; free pages in large blocks: {large} -> {blocks(guest)}")


def test_compaction(lab):
    """A scattered balloon migrates, no page is lost, and content beside it is untouched."""
    with boot(lab, files=pattern()) as guest:
        total = guest.meminfo()["MemTotal"]
        touch(guest, 750)
        lab.check_equal("status of pattern, 1 is changed memory", scatter(guest)[0], 0)
        hold(guest, 100)
        compact(lab, guest)
        check_held(lab, guest)
        # Migrated pages must be ones that the host knows as ballooned: use everything.
        resize(guest, guest.memory)
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)
        guest.check("pattern take 700")
        resize(guest, guest.memory - HELD)
        check_host_has(lab, guest)
        lab.check_equal("fall of MemTotal in KiB", total - guest.meminfo()["MemTotal"],
                        (guest.memory - guest.actual()) >> 10)

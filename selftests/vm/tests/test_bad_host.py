# SPDX-License-Identifier: GPL-2.0-only
"""A host that asks for the absurd, or cannot make up its mind."""
import random
import time

from lab.testing import only

from common import MIB, actual_for, boot, check_host_has, listed_kib, pattern, resize, sysfs, wait_at_rest

STORM_SECONDS = 8


def kept(guest):
    """Return the KiB that the guest could still use."""
    return guest.meminfo()["MemAvailable"] + listed_kib(guest)


def absurd(lab, guest, size):
    """The target leaves the guest less than it can live with: the reserve is kept."""
    reserve = sysfs(guest, "reserve_kib")
    guest.balloon(size)
    lows = []

    def grown():
        lows.append(kept(guest))
        return sysfs(guest, "state") in ("idle", "holding-off") or (
            len(lows) > 20 and lows[-1] < 2 * reserve)
    guest.wait_until(grown, 20)
    wait_at_rest(guest)
    available = kept(guest)
    # What runs between a look and the next allocation comes on top.
    lab.check_between(f"KiB kept (looks: {lows[-5:]}, state {sysfs(guest, 'state')})",
                      reserve - (4 << 10), available, 4 * reserve)
    lab.check_equal("processes killed", guest.vmstat()["oom_kill"], 0)
    guest.check("pattern take 4")
    lab.note(f"{available} KiB are left, lowest seen {min(lows)}, reserve {reserve} KiB")


@only(driver="ours")
def test_absurd_targets(lab):
    """Targets of 1 byte and 1 MiB leave the reserve; the guest lives and comes back.

    Only ours: the in-tree driver takes the last page and has the guest's
    processes killed.
    """
    with boot(lab, files=pattern()) as guest:
        for size in (1, MIB):
            lab.case(f"target {size}", absurd, lab, guest, size)
        resize(guest, guest.memory)
        guest.check("pattern take 600")
        resize(guest, 600_000_001)
        check_host_has(lab, guest)


def test_storm(lab):
    """The target changes as fast as QMP can; the guest lives, and ends at the last one."""
    with boot(lab, files=pattern()) as guest:
        numbers = random.Random(1)
        job = guest.start(f"pattern verify 100 {STORM_SECONDS}")
        changes, lowest = 0, guest.memory
        end = time.monotonic() + STORM_SECONDS
        while time.monotonic() < end:
            guest.balloon(guest.memory - numbers.randrange(624 * MIB))
            changes += 1
            if not changes % 1000:
                lowest = min(lowest, guest.actual())
        last = 543_210_987
        seconds = resize(guest, last)
        status, output = job.wait(60 * guest.slow)
        lab.check_equal(f"status of pattern ({output})", status, 0)
        lab.check("the balloon moved meanwhile", lowest < guest.memory)
        check_host_has(lab, guest)
        lab.check_equal("actual", guest.actual(), actual_for(guest, last))
        lab.note(f"{changes} targets in {STORM_SECONDS} s, settled {seconds:.1f} s "
                 "after the last")

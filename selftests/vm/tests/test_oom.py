# SPDX-License-Identifier: GPL-2.0-only
"""Out of memory in the guest: what the balloon gives back, and what it must not."""
import time

from lab.testing import only

from common import MIB, balloon_kib, boot, pattern, resize, sysfs, tune

HELD = 600 * MIB        # in the balloon
HOLDOFF_MS = 6000
LEAST = 0.4             # of the balloon must come; MemAvailable is an estimate


def victim(guest, what, mib):
    """Start a process that fills `mib` MiB and verifies them; it would be killed first."""
    return guest.start("echo 1 >/proc/sys/vm/overcommit_memory; "
                       "echo 1000 >/proc/self/oom_score_adj; "
                       f"pattern {what} {mib} && echo verified")


def reached(lab, guest, job, word):
    """Wait for a word of the victim; if it dies before, note what the balloon did."""
    try:
        job.wait_for(word, 60 * guest.slow)
    except AssertionError:
        lab.note(guest.run("grep -E 'balloon|oom_kill|compact_' /proc/vmstat; "
                           "cd /sys/bus/virtio/drivers/virtio_balloon/virtio*/ && "
                           "grep . balloon/* balloon_counters/*")[1])
        raise


def killed(guest):
    """Return how many processes the OOM killer has killed."""
    return guest.vmstat()["oom_kill"]


def needs_half_of_the_balloon(guest):
    """Return the MiB that take all that is available, and half of the balloon."""
    return (guest.meminfo()["MemAvailable"] + balloon_kib(guest) // 2) >> 10


def survives(lab, guest, job, wanted):
    """The process ends well, and nobody is killed."""
    status, output = job.wait(60 * guest.slow)
    lab.check_equal(f"status of a process that needs {wanted} MiB ({output})", status, 0)
    lab.check_equal("processes killed", killed(guest), 0)
    lab.check("the log tells of the killer", "Killed process" not in guest.dmesg())


def test_oom(lab):
    """With deflate-on-oom=on half of the balloon is given back, and nobody is killed."""
    with boot(lab, balloon={"deflate-on-oom": "on"}, files=pattern()) as guest:
        resize(guest, guest.memory - HELD)
        held = balloon_kib(guest)
        wanted = needs_half_of_the_balloon(guest)
        job = victim(guest, "take", wanted)
        reached(lab, guest, job, "verified")
        lab.check_between("KiB that the balloon keeps", 1, balloon_kib(guest), held - LEAST * held)
        status, output = job.wait(60 * guest.slow)
        lab.check_equal(f"status of a process that needs {wanted} MiB ({output})", status, 0)
        lab.check_equal("processes killed", killed(guest), 0)
        lab.check("the log tells of the killer", "Killed process" not in guest.dmesg())


@only(driver="ours")
def test_holdoff(lab):
    """What the balloon gave back it leaves alone for a while; then it returns in steps.

    Only ours: the in-tree worker has neither offset nor hold-off.
    """
    with boot(lab, balloon={"deflate-on-oom": "on"}, files=pattern()) as guest:
        tune(guest, holdoff_ms=HOLDOFF_MS, return_ms=500, return_step=4)
        resize(guest, guest.memory - HELD)
        held = balloon_kib(guest)
        job = victim(guest, "hold", needs_half_of_the_balloon(guest))
        reached(lab, guest, job, "ready")
        guest.check("killall -KILL pattern")
        # what reclaim still had under way may come to its end
        guest.wait_until(lambda: -4 * sysfs(guest, "offset_pages") == held - balloon_kib(guest), 3,
                         lambda: f"deficit in KiB is {-4 * sysfs(guest, 'offset_pages')}, "
                                 f"should be {held - balloon_kib(guest)}")
        low = balloon_kib(guest)
        lab.check_equal("state", sysfs(guest, "state"), "holding-off")
        lab.check_between("KiB that the balloon keeps", 1, low, held - LEAST * held)
        lab.check("memory is there to be taken",
                  guest.meminfo()["MemAvailable"] > held - low)
        comes_back_in_steps(lab, guest, low, held)


def comes_back_in_steps(lab, guest, low, held):
    """The worker leaves the freed memory alone for a while; then the deficit returns in steps."""
    sizes, times = [low], []
    start = time.monotonic()

    def returned():
        size = balloon_kib(guest)
        if size != sizes[-1]:
            sizes.append(size)
            times.append(time.monotonic() - start)
        return size == held
    guest.wait_until(returned, 30, lambda: f"the deficit does not return: {sizes}", interval=0.02)
    lab.check(f"it began to come back after {times[0]:.1f} s", times[0] > 1)
    lab.check(f"it came back in {len(times)} moves, not in steps", len(times) >= 4)
    lab.check_equal("offset", sysfs(guest, "offset_pages"), 0)
    lab.check_equal("state", sysfs(guest, "state"), "idle")
    lab.note(f"back after {times[0]:.1f} s, all of it after {times[-1]:.1f} s")


def test_no_deflate_on_oom(lab):
    """Without the feature the balloon is not touched: the process is killed."""
    with boot(lab, files=pattern()) as guest:
        resize(guest, guest.memory - HELD)
        size = guest.actual()
        wanted = needs_half_of_the_balloon(guest)
        job = victim(guest, "take", wanted)
        sizes = set()
        while not job.ended(0.05):
            sizes.add(guest.actual())
        sizes.add(guest.actual())
        lab.check_equal("status of the process", job.status, 128 + 9)
        lab.check_equal("processes killed", killed(guest), 1)
        lab.check_equal("sizes of the balloon meanwhile", sizes, {size})

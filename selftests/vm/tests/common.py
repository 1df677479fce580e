# SPDX-License-Identifier: GPL-2.0-only
"""What several host tests share: sizes, the host's invariant, memory that is checked."""
import re

from lab.cache import ROOT
from lab.initramfs import static_program

MIB = 1 << 20
PAGE = 4096
# What may sit in the free lists of the processors, where MemFree does not count it.
PCP_KIB = 64 << 10
SYSFS = "/sys/bus/virtio/drivers/virtio_balloon/virtio*/balloon"


def boot(lab, **options):
    """Return a guest whose kernel leaves about 950 MiB; sanitizers take a fifth of all memory."""
    options.setdefault("memory", "1280M" if lab.kernel.name == "debug" else "1G")
    return lab.guest(**options)


def pattern():
    """Return {path: program} of the guest's program that fills memory and verifies it."""
    return {"/bin/pattern": static_program(ROOT / "selftests/balloon/pattern.c")}


def actual_for(guest, size):
    """Return the `actual` that a target of `size` bytes has to end in.

    The device counts whole balloon pages, so the guest keeps the broken one.
    """
    return guest.memory - (guest.memory - size) // PAGE * PAGE


def resize(guest, size, timeout=30):
    """Set the target, wait until `actual` is exactly that; return the seconds it took."""
    guest.balloon(size)
    return guest.wait_actual(actual_for(guest, size), timeout)


def wait_at_rest(guest, timeout=30):
    """Wait until `actual` stays the same for a second; return it."""
    seen = [guest.actual()]

    def still():
        seen.append(guest.actual())
        return len(seen) > 11 and len(set(seen[-11:])) == 1
    guest.wait_until(still, timeout, lambda: f"the balloon never rests: {seen[-5:]}")
    return seen[-1]


def listed_kib(guest):
    """Return the KiB of free pages in the lists of the processors: no other count has them."""
    return PAGE * sum(map(int, re.findall(r"^ +count: +(\d+)", guest.read("/proc/zoneinfo"),
                                          re.M))) >> 10


def free_kib(guest):
    """Return the KiB that nobody uses."""
    return guest.meminfo()["MemFree"] + listed_kib(guest)


def touch(guest, mib):
    """Have the guest use `mib` MiB for a moment, so that the host has to back them."""
    guest.check("mkdir -p /tmp/touch && mount -t tmpfs -o size=100% tmpfs /tmp/touch")
    try:
        guest.check(f"dd if=/dev/zero of=/tmp/touch/file bs=1M count={mib}")
    finally:
        guest.check("umount /tmp/touch")


def check_host_has(lab, guest, what="host memory of the guest"):
    """What is in the balloon, no page more and no page less, the host need not back.

    Holds only while the guest uses none of it: this is the world's word on `actual`.
    """
    lab.check_between(f"{what} in KiB", 1, guest.rss_kib(), guest.actual() >> 10)


def balloon_kib(guest):
    """Return the KiB that the balloon holds, by the device."""
    return (guest.memory - guest.actual()) >> 10


def reload(guest):
    """Take the driver out and put it in again."""
    guest.check("rmmod virtio_balloon && modprobe virtio_balloon")


def tune(guest, **values):
    """Write tunables of our driver."""
    guest.check(" && ".join(f"echo {value} > $(echo {SYSFS})/{name}"
                            for name, value in values.items()))


def sysfs(guest, name):
    """Read a number, or a word, from our driver's folder."""
    text = guest.check(f"cat {SYSFS}/{name}").strip()
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def slack(guest):
    """Return the bytes that the guest could give to a pressed host."""
    return sysfs(guest, "../pressure/slack")


def rested_slack(guest):
    """Return the bytes that the guest could give, once all that was freed has arrived."""
    seen = []

    def rests():
        seen.append(slack(guest))
        return len(seen) > 1 and abs(seen[-1] - seen[-2]) < MIB
    guest.wait_until(rests, 20, lambda: f"slack does not rest: {seen[-5:]}", 1)
    return seen[-1]


def hold(guest, mib):
    """Start a process that holds `mib` MiB of known content; see check_held().

    It outlives the connection, so that the guest can move to another QEMU.
    """
    guest.check(f"rm -f /tmp/held*; (setsid pattern hold {mib}; echo $? >/tmp/held.status)"
                " >/tmp/held 2>&1 </dev/null &"
                " i=0; until grep -q ready /tmp/held; do"
                " sleep 0.2; i=$((i + 1)); [ $i -lt 300 ] || exit 1; done")


def check_held(lab, guest):
    """End the process of hold(): every word of its memory must be what it wrote."""
    guest.check("killall -TERM pattern; i=0; until [ -s /tmp/held.status ]; do"
                " sleep 0.2; i=$((i + 1)); [ $i -lt 300 ] || exit 1; done")
    lab.check_equal("status of pattern, 1 is changed memory", guest.read("/tmp/held.status"), "0")

# SPDX-License-Identifier: GPL-2.0-only
"""The size follows the host's target exactly, and host and guest agree about it."""
from common import PCP_KIB, actual_for, balloon_kib, boot, check_host_has, free_kib, resize, touch

# Twenty targets up and down for a guest of 1 GiB; no multiples of anything.
TARGETS = (700_000_001, 1_073_741_823, 612_345_679, 987_654_321, 500_000_003, 512_345_678,
           499_999_999, 1_000_000_007, 733_331_111, 733_327_014, 733_327_015, 850_123_457,
           444_444_443, 1_050_001_999, 650_650_651, 640_000_997, 1_073_737_727, 555_555_557,
           901_234_567, 600_000_011)
COUNTERS = ("balloon_inflate", "balloon_deflate")


def resize_twenty_times(lab, guest):
    """Both directions, exact to the page; each party's books move by the same."""
    old = guest.vmstat()
    total = guest.meminfo()["MemTotal"]
    given = taken = 0
    for target in TARGETS:
        before = guest.actual()
        resize(guest, target)
        change = (before - guest.actual()) // 4096
        given += max(change, 0)
        taken += max(-change, 0)
    new = guest.vmstat()
    held = balloon_kib(guest)
    for name, count in zip(COUNTERS, (given, taken)):
        lab.check_equal(f"{name} of vmstat", new[name] - old[name], count)
    if "nr_balloon_pages" in new:
        lab.check_equal("nr_balloon_pages of vmstat", new["nr_balloon_pages"] * 4, held)
    lab.check_equal("fall of MemTotal in KiB", total - guest.meminfo()["MemTotal"], held)
    guest.wait_until(lambda: guest.actual() == actual_for(guest, TARGETS[-1]), 1)


def host_gets_it(lab, guest):
    """Memory that the guest has used before leaves the host when it is ballooned."""
    resize(guest, guest.memory)
    touch(guest, 700)
    used = guest.rss_kib()
    lab.check("the guest's memory is backed: this test can see", used > 760 << 10)
    resize(guest, 400_000_001)
    check_host_has(lab, guest)
    left = used - guest.rss_kib()
    # What was never backed cannot be freed.
    unused = (guest.memory >> 10) - used
    lab.check_between("fall of host memory in KiB", balloon_kib(guest) - unused, left, used)
    lab.note(f"host memory fell by {left >> 10} MiB for {balloon_kib(guest) >> 10} MiB")


def unload(lab, guest, total, free):
    """Nothing is left of the driver, and the guest has all that it had."""
    guest.check("rmmod virtio_balloon")
    lab.check_equal("actual after unload", guest.actual(), guest.memory)
    memory, vmstat = guest.meminfo(), guest.vmstat()
    lab.check_equal("MemTotal after unload", memory["MemTotal"], total)
    lab.check_between("free KiB after unload", free - PCP_KIB, free_kib(guest), total)
    lab.check_equal("nr_balloon_pages after unload", vmstat.get("nr_balloon_pages", 0), 0)
    lab.check_equal("inflated less deflated", vmstat["balloon_inflate"] - vmstat["balloon_deflate"],
                    0)
    left = guest.run("grep -i -E 'virtio_balloon|vb_|fill_balloon' /proc/slabinfo /proc/interrupts;"
                     " ls /sys/module | grep -w virtio_balloon")[1]
    lab.check_equal("left of the driver", left, "")


def test_resize(lab):
    """Twenty odd targets are met exactly; host memory and the guest's counters agree."""
    with boot(lab) as guest:
        total, free = guest.meminfo()["MemTotal"], free_kib(guest)
        lab.case("twenty targets", resize_twenty_times, lab, guest)
        lab.case("host memory", host_gets_it, lab, guest)
        lab.case("unload", unload, lab, guest, total, free)
        guest.check("modprobe virtio_balloon")
        # The device kept its target.
        guest.wait_actual(actual_for(guest, 400_000_001))
        check_host_has(lab, guest)


def test_deflate_on_oom_total(lab):
    """With DEFLATE_ON_OOM the memory stays the guest's: MemTotal does not move."""
    with boot(lab, balloon={"deflate-on-oom": "on"}) as guest:
        total = guest.meminfo()["MemTotal"]
        resize(guest, 612_345_679)
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)
        check_host_has(lab, guest)
        resize(guest, guest.memory)
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)

# SPDX-License-Identifier: GPL-2.0-only
"""Every flavour of the device: modern, transitional and legacy, on PCI and MMIO."""
from common import actual_for, balloon_kib, boot, check_host_has, pattern, resize, touch

FLAVOURS = ("modern", "transitional", "legacy", "mmio", "mmio-legacy")
HELD = 623_000_001      # bytes in the balloon


def works(lab, flavour):
    """Resize, statistics and reload on one flavour."""
    with boot(lab, flavour=flavour, files=pattern()) as guest:
        total = guest.meminfo()["MemTotal"]
        touch(guest, 600)
        lab.check("host memory is used: this test can see", guest.rss_kib() > 600 << 10)
        resize(guest, guest.memory - HELD)
        check_host_has(lab, guest)
        memory = guest.meminfo()
        lab.check_equal("fall of MemTotal in KiB", total - memory["MemTotal"], balloon_kib(guest))
        stats = guest.guest_stats()
        lab.check_equal("stat-total-memory", stats["stat-total-memory"], memory["MemTotal"] << 10)
        lab.check_near("stat-free-memory", stats["stat-free-memory"], memory["MemFree"] << 10,
                       8 << 20)
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon")
        guest.wait_actual(actual_for(guest, guest.memory - HELD))
        resize(guest, guest.memory)
        guest.check("pattern take 300")
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)


def test_flavours(lab):
    """Resize to the page, statistics and reload on each flavour."""
    for flavour in FLAVOURS:
        lab.case(flavour, works, lab, flavour)

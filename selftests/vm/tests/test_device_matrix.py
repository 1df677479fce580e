# SPDX-License-Identifier: GPL-2.0-only
"""The driver on the reference device with many sets of features, plugged one after the other.

All 128 sets: DEVICE_SETS=all selftests/vm/run --kernel 7.3 test_device_matrix
"""
import itertools
import os
import tempfile

from common import MIB, pattern
from lab.device import Device, hotplug_options
from lab.testing import only, timeout

FEATURES = ("must-tell-host", "stats", "deflate-on-oom", "reporting", "page-poison", "pressure",
            "event-idx")
# Bits that no driver of ours may refuse: page poison is for kernels that poison pages.
TAKEN = 1 << 56 | 0b101111
TARGETS = (90_001, 513, 100_000, 0)


def pairs():
    """Eight sets, in which any two features are on, off, and one of them on."""
    for a, b, c in itertools.product((False, True), repeat=3):
        yield a, b, c, a ^ b, a ^ c, b ^ c, a ^ b ^ c


def sets():
    """The sets to test; each is a list for --features, relative to the reference profile."""
    every = itertools.product((False, True), repeat=len(FEATURES))
    for chosen in every if os.environ.get("DEVICE_SETS") == "all" else pairs():
        yield ",".join(("" if on else "-") + name for name, on in zip(FEATURES, chosen))


def work(lab, guest, features):
    """Resize beside a process; the books say that all went by the rules."""
    verify = ["--verify"] if features.startswith("must-tell-host") else []
    with tempfile.TemporaryDirectory() as folder, \
            Device(folder, "--features", features, *verify) as device, device.plugged(guest):
        asked = device("status")
        lab.check_equal("features of the balloon that were refused",
                        asked["offered"] & ~asked["negotiated"] & TAKEN, 0)
        job = guest.start("pattern verify 100 1")
        for pages in TARGETS:
            device.resize(guest, pages)
        lab.check_equal("status of the process", job.wait(60 * guest.slow)[0], 0)
        device.resize(guest, 50 * MIB >> 12)
        books, audit = device.settled(guest, 50 * MIB >> 12), device("audit")
        lab.check_equal("breaches of the rules", books["messages"], [])
        lab.check_equal("used pages of the balloon", audit["used"], 0)
        if "stats" in asked["queues"]:
            lab.check("there are statistics", device("stats", fresh=True)["stats"])


@timeout(900)
@only(driver="ours", kernel="7.3")
def test_matrix(lab):
    """Every two features on and off: targets are met, and no rule is broken."""
    with lab.guest(**hotplug_options(), files=pattern()) as guest:
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon pressure_queue=1")
        total = guest.meminfo()["MemTotal"]
        for number, features in enumerate(sets()):
            lab.case(f"set {number}: {features}", work, lab, guest, features)
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)

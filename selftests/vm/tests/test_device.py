# SPDX-License-Identifier: GPL-2.0-only
"""The reference device under a stock QEMU: any driver, books without a breach."""
import tempfile
import time

from common import MIB, PAGE, SYSFS, touch
from lab.device import Device, hotplug_options
from lab.testing import only, timeout

TARGETS = (128_000, 1, 100_001, 99_999, 0)
# Longer than a yield takes: the reply is made when that is complete.
INTERVAL_MS = 3000


def check_books(lab, guest, device, held):
    """The device's books, and the memory itself, agree that the driver keeps the rules."""
    books, audit = device.settled(guest, held), device("audit")
    lab.check_equal("breaches of the rules", books["messages"], [])
    lab.check_equal("used pages of the balloon", audit["used"], 0)


def work(lab, guest, device):
    """Targets are met exactly, host memory falls, statistics come."""
    touch(guest, 600)
    before = guest.rss_kib()
    for pages in TARGETS:
        seconds = device.resize(guest, pages)
        lab.note(f"{pages} pages: {seconds:.2f} s")
        check_books(lab, guest, device, pages)
        if pages == TARGETS[0]:
            backed = (guest.memory >> 10) - pages * 4
            lab.check_between("host memory in KiB", 1, guest.rss_kib(), min(before, backed))
    if "stats" in device("status")["queues"]:
        stats = device("stats", fresh=True)["stats"]
        lab.check("the statistics have the total memory", stats["total-memory"] > 0)
    guest.check("rmmod virtio_balloon && modprobe virtio_balloon")
    device.resize(guest, 1000)
    check_books(lab, guest, device, 1000)
    # A guest that is stopped and goes on has kept its balloon.
    guest.qmp("stop")
    guest.qmp("cont")
    device.resize(guest, 3000)
    check_books(lab, guest, device, 3000)


def resize(lab, guest, *options):
    """One device, plugged in, used, and taken out with its balloon."""
    with tempfile.TemporaryDirectory() as folder, Device(folder, *options) as device:
        with device.plugged(guest):
            work(lab, guest, device)
        lab.check("the device outlives its VMM", not device("status")["connected"])


@timeout(600)
@only(kernel="7.3")
def test_device(lab):
    """On balloon-device, as it is and where it must be told, with the profiles of other VMMs."""
    with lab.guest(**hotplug_options()) as guest:
        lab.case("reference", resize, lab, guest)
        lab.case("must tell", resize, lab, guest, "--features", "must-tell-host,indirect",
                 "--verify")
        for profile in ("firecracker", "cloud-hypervisor", "crosvm", "kvmtool", "qemu"):
            lab.case(profile, resize, lab, guest, "--profile", profile)


def yielded_to(device, guest, level, **more):
    """Send a hint; return the reply and the seconds that it took."""
    seq = device("hint", level=level, **more)["seq"]
    seconds = guest.wait_until(lambda: device("status")["reply"]["seq"] == seq, 30,
                               lambda: f"no reply to hint {seq}: {device('status')}", 0.02)
    return device("status")["reply"], seconds


def hints(lab, guest, *options):
    """Half of the slack leaves the guest, and comes back when the pressure is over."""
    with tempfile.TemporaryDirectory() as folder, Device(folder, *options) as device, \
            device.plugged(guest):
        lab.check("the driver takes the queue", device("status")["negotiated"] >> 56 & 1)
        touch(guest, 600)
        before = guest.rss_kib()
        slack = int(guest.check(f"cat {SYSFS}/../pressure/slack"))
        reply, seconds = yielded_to(device, guest, "critical")
        lab.note(f"{reply['yielded'] >> 20} of {slack >> 20} MiB in {seconds:.2f} s; "
                 f"host memory {before} KiB, then {guest.rss_kib()} KiB")
        lab.check_between("yielded", slack // 2 - 16 * MIB, reply["yielded"], slack // 2 + 4 * MIB)
        check_books(lab, guest, device, reply["yielded"] // PAGE)
        lab.check_between("host memory in KiB", 1, guest.rss_kib(),
                          min(before, guest.memory - reply["yielded"] >> 10))
        again, _ = yielded_to(device, guest, "critical", need=5 * MIB)
        lab.check_equal("yielded to a need of 5 MiB", again["yielded"], 5 * MIB)
        # In the interval it would not live long enough to be acted on.
        time.sleep(INTERVAL_MS / 1000)
        yielded_to(device, guest, "none", ttl_ms=300)
        device.settled(guest, 0, 60)
        check_books(lab, guest, device, 0)


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_device_hints(lab):
    """Hints over balloon-device's pressure queue, as it is and where it must be told."""
    with lab.guest(**hotplug_options()) as guest:
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon pressure_queue=1 "
                    f"pressure_interval_ms={INTERVAL_MS}")
        lab.case("reference", hints, lab, guest)
        lab.case("must tell", hints, lab, guest, "--features", "must-tell-host")
        lab.case("alone", hints, lab, guest, "--features", "-stats,-reporting,-event-idx")

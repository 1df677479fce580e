# SPDX-License-Identifier: GPL-2.0-only
"""The reference device under a stock QEMU: any driver, books without a breach."""
from pathlib import Path
import re
from statistics import median
import subprocess
import sys
import tempfile
import time

from common import MIB, PAGE, SYSFS, rested_slack, touch
from lab import newqemu
from lab.cache import ROOT, run
from lab.device import PROGRAM, Device, hotplug_options
from lab.testing import only, timeout

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import blocks       # noqa: E402

PAUSED = "-accel tcg -machine q35 -m 2G -display none -nodefaults -S -qmp stdio"
QUIT = """{"execute": "qmp_capabilities"}
{"execute": "query-pci"}
{"execute": "quit"}
"""
# PCI's name for a modern virtio device is 0x1040 and virtio's own.
BALLOON = f'"device": {0x1040 + 5}'
TARGETS = (128_000, 1, 100_001, 99_999, 0)
# Longer than a yield takes: the reply is made when that is complete.
INTERVAL_MS = 3000
STORM_SECONDS = 10
STORM_AT_ONCE = 500
TRACING = "/sys/kernel/tracing"
WORK = (r"(\d+\.\d+): workqueue_execute_(start|end): work struct (\S+): "
        r"function \w*(?:pressure|resize)_work")


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


def manual(lab, folder):
    """What the manual's shell lines start: the device, and a QEMU that takes it and then ends."""
    qemu = folder / "qemu-system-x86_64"
    qemu.write_text(f'#!/bin/sh\nexec {newqemu.path()} {PAUSED} "$@"\n')
    qemu.chmod(0o755)
    (_, lines), = blocks.run_by(blocks.DEVICE)
    script = [line.replace("/run/", f"{folder}/").replace(" ... ", " ") for line in lines]
    # A user is slower than this.
    script.insert(1, f"while [ ! -S {folder}/balloon ]; do sleep 0.1; done")
    path = f"{folder}:{PROGRAM.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    done = subprocess.run(["sh", "-euc", "\n".join([*script, "kill $!"])], text=True, check=False,
                          env={"PATH": path}, input=QUIT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    lab.check_equal(f"exit code of QEMU\n{done.stdout}", done.returncode, 0)
    lab.check(f"the balloon is there:\n{done.stdout}", BALLOON in done.stdout)


@only(driver="ours", kernel="7.3")
def test_device_manual(lab):
    """QEMU starts with the device as the manual says."""
    run(["make", "-s", "-C", ROOT / "tools"])
    with tempfile.TemporaryDirectory() as folder:
        manual(lab, Path(folder))


@timeout(600)
@only(kernel=("6.1", "7.3"))
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
        slack = rested_slack(guest)
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


def works_us(guest, during):
    """Return what the runs of the driver's works took meanwhile, and what during() returned.

    It is their number times the median: a busy host stops some in their midst.
    """
    guest.check(f"cd {TRACING} && echo 0 >options/record-cmd && echo >trace && "
                "echo 1 >events/workqueue/enable")
    result = during()
    guest.check(f"echo 0 >{TRACING}/events/workqueue/enable")
    begun, took = {}, []
    for when, what, work in re.findall(WORK, guest.check(f"grep _work {TRACING}/trace")):
        if what == "start":
            begun[work] = float(when)
        elif work in begun:
            took.append(1e6 * (float(when) - begun.pop(work)))
    if not took:
        raise AssertionError("no work was seen")
    return len(took) * median(took), result


def counted(guest):
    """Return how many hints the driver took, acted on, and refused."""
    return [int(guest.read(f"{SYSFS}/../balloon_counters/pressure_hints{kind}"))
            for kind in ("", "_acted", "_invalid")]


def flood(device, seconds):
    """Have the device send as many hints as it can; return how many it had."""
    hints, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        device.lines.write('{"command":"hint","level":"critical"}\n' * STORM_AT_ONCE)
        device.lines.flush()
        for _ in range(STORM_AT_ONCE):
            device.lines.readline()
        hints += STORM_AT_ONCE
    return hints


def storm(lab, guest, sends, least, *options):
    """One hint a second is acted on, and the workers, which have nothing to give, rest."""
    with tempfile.TemporaryDirectory() as folder, Device(folder, *options) as device, \
            device.plugged(guest):
        guest.check(f"cd $(echo {SYSFS})/../pressure && echo 1000 >interval_ms && "
                    "for level in low medium critical; do echo 0 >${level}_percent; done")
        slab, before, start = guest.meminfo()["SUnreclaim"], counted(guest), time.monotonic()
        used, hints = works_us(guest, lambda: sends(device, STORM_SECONDS))
        taken, acted, invalid = (after - then for then, after in zip(before, counted(guest)))
        seconds = time.monotonic() - start
        lab.note(f"{hints} hints in {seconds:.1f} s: {taken} taken, {acted} acted on, {invalid} "
                 f"refused; the works took {used / 1000:.1f} ms")
        lab.check_between("acted on", least, acted, seconds + 1)
        lab.check_between("us of the works", 0, used, seconds * 10_000)
        lab.check_between("growth of kernel memory in KiB", -1 << 20,
                          guest.meminfo()["SUnreclaim"] - slab, 4096)


def hostile_hints(_, seconds):
    """The device is left alone: it has a hint for each buffer, good and bad ones."""
    time.sleep(seconds)
    return "any number of"


@timeout(600)
@only(driver="ours", kernel=("6.1", "7.3"))
def test_device_hints(lab):
    """Hints over balloon-device's pressure queue, as it is and where it must be told."""
    with lab.guest(**hotplug_options()) as guest:
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon pressure_queue=1 "
                    f"pressure_interval_ms={INTERVAL_MS}")
        lab.case("reference", hints, lab, guest)
        lab.case("must tell", hints, lab, guest, "--features", "must-tell-host")
        lab.case("alone", hints, lab, guest, "--features", "-stats,-reporting,-event-idx")
        lab.case("storm", storm, lab, guest, flood, STORM_SECONDS // 2)
        lab.case("hostile storm", storm, lab, guest, hostile_hints, 0, "--hostile", "1:hints")

# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of memory that has a place: NUMA nodes, memory blocks, virtio-mem."""
import time

from lines import Line
from scenario import Scenario
from subject import MIB, OOM, OURS, PAGE, PLAIN

GIB = 1 << 30
HOTPLUG_MIB = 512
SLOTS = ("-m", "slots=2,maxmem=8G")
BALLOON = 512 * MIB


def numa(run):
    """A process that may only use node 0 takes all of its free memory, and half its balloon."""
    with run.subject("2G", GIB, numa=2) as subject:
        free, balloon = subject.node_free(1), subject.node_balloon(1)
        held = subject.actual()
        # of the balloon, node 0 has what its free memory lacks of the node's
        mib = (subject.nodes("MemFree:")[0] + held // 1024 // 4) >> 10
        burst = subject.burst(mib, node=0)
        taken = burst.taken()
        gave = held - subject.actual()
        from_other = subject.node_free(1) - free
        if balloon is not None:
            from_other = balloon - subject.node_balloon(1)
        burst.end()
        run["the burst takes"] = taken[0] if taken else "killed"
        run["processes killed"] = subject.guest.vmstat()["oom_kill"]
        run["the balloon gave"] = gave / MIB
        run["of that from the other node"] = from_other * PAGE / MIB


def add_memory(subject):
    """Plug a DIMM, online as movable; return its memory blocks."""
    guest = subject.guest
    find = "ls -d /sys/devices/system/memory/memory[0-9]*"
    before = set(guest.check(find).split())
    guest.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "dimm",
                               "size": HOTPLUG_MIB * MIB})
    guest.check("echo online_movable >/sys/devices/system/memory/auto_online_blocks")
    guest.qmp("device_add", driver="pc-dimm", id="dimm0", memdev="dimm")
    guest.wait_until(lambda: guest.meminfo()["MemTotal"] > total(subject) + (HOTPLUG_MIB << 9),
                     30, lambda: "the DIMM does not come online")
    subject.memory += HOTPLUG_MIB * MIB
    return sorted(set(guest.check(find).split()) - before)


def total(subject):
    """MemTotal before memory was added."""
    return subject.memory_total


def offline(run):
    """Set the blocks of a DIMM offline while the balloon has pages there."""
    with run.subject("1G", extra=SLOTS) as subject:
        subject.memory_total = subject.guest.meminfo()["MemTotal"]
        blocks = add_memory(subject)
        with_dimm = subject.guest.meminfo()["MemTotal"]
        subject.balloon(BALLOON)
        free = sum(subject.guest.read(f"{block}/state") == "online" for block in blocks)
        done = sum(subject.guest.run(f"echo offline >{block}/state", timeout=120)[0] == 0
                   for block in blocks)
        run["blocks set offline, of all"] = done / free * 100
        run["the balloon changed"] = abs(subject.actual() - BALLOON) / MIB
        books_right(run, subject, with_dimm - (HOTPLUG_MIB << 10) * done // free)


def books_right(run, subject, kib):
    """Empty the balloon: the kernel must have all memory, and know of none in the balloon."""
    subject.balloon(0)
    time.sleep(0.5)
    counts = subject.guest.vmstat()
    run["MemTotal is off by"] = abs(subject.guest.meminfo()["MemTotal"] - kib)
    run["ballooned pages in the kernel's books"] = (counts["balloon_inflate"]
                                                    - counts["balloon_deflate"])


def virtio_mem(run):
    """Plug and unplug memory by virtio-mem while the balloon moves."""
    backend = ("-object", f"memory-backend-ram,id=vmem,size={HOTPLUG_MIB}M",
               "-device", "virtio-mem-pci,id=vm0,memdev=vmem,requested-size=0")
    with run.subject("1G", extra=(*SLOTS, *backend), modules=("virtio_mem",)) as subject:
        guest = subject.guest
        before = guest.meminfo()["MemTotal"]
        guest.check("modprobe virtio_mem; "
                    "echo online_movable >/sys/devices/system/memory/auto_online_blocks")
        plain = guest.actual()
        request(guest, HOTPLUG_MIB)
        subject.memory = guest.actual()     # not every QEMU counts it
        subject.balloon(BALLOON)
        left = request(guest, 0)
        run["memory that stays plugged"] = left / MIB
        if not left:
            subject.memory = plain
            run["the balloon changed"] = abs(subject.actual() - BALLOON) / MIB
            books_right(run, subject, before)


def request(guest, mib):
    """Have virtio-mem plug so much, or unplug to it; return the bytes that are plugged."""
    path = "/machine/peripheral/vm0"
    guest.qmp("qom-set", path=path, property="requested-size", value=mib * MIB)
    end = time.monotonic() + 60 * guest.slow
    while time.monotonic() < end:
        size = guest.qmp("qom-get", path=path, property="size")
        if size == mib * MIB:
            break
        time.sleep(0.2)
    return size


BOOKS = (Line("the balloon changed", "MiB", 1, most=0), Line("MemTotal is off by", "KiB", most=0),
         Line("ballooned pages in the kernel's books", most=0))
SCENARIOS = [
    Scenario("numa", "pages of that node come back, the other's stay", numa,
             (Line("the burst takes", "s", 1), Line("processes killed", most=0),
              Line("the balloon gave", "MiB", least=1),
              Line("of that from the other node", "MiB", most=8)), (OURS, OOM)),
    Scenario("offline", "memory blocks go offline, the balloon's books are right", offline,
             (Line("blocks set offline, of all", "%", least=100), *BOOKS), (OURS, PLAIN)),
    Scenario("virtio-mem", "memory is plugged and unplugged beside the balloon", virtio_mem,
             (Line("memory that stays plugged", "MiB", most=0), *BOOKS), (OURS, PLAIN)),
]

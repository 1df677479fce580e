# SPDX-License-Identifier: GPL-2.0-only
"""Memory that is taken away from the guest, by DIMM and by virtio-mem, while the balloon has it."""
from array import array
import base64

from common import MIB, boot, check_held, hold, pattern
from lab.testing import timeout

BLOCK = 128 * MIB               # a memory block of a guest of this size
PLUGGED = 1024 * MIB
BALLOON = 600 * MIB + 4096      # and a page that is no chunk
MEMORY = "/sys/devices/system/memory"

# Bits of /proc/kpageflags.
LRU, BUDDY, OFFLINE = 1 << 5, 1 << 10, 1 << 23


def balloon_size(guest):
    """Return the bytes in the balloon: what the device has, less what the guest has."""
    return guest.memory + plugged(guest) - guest.actual()


def plugged(guest):
    """Return the bytes of plugged DIMMs, which the device counts as the guest's."""
    return sum(device["data"]["size"] for device in guest.qmp("query-memory-devices")
               if device["type"] == "dimm")


def inflate(guest, size, limit=60):
    """Set the balloon's size and wait until it is exactly that."""
    guest.balloon(guest.memory + plugged(guest) - size)
    guest.wait_until(lambda: balloon_size(guest) == size, limit,
                     lambda: f"the balloon has {balloon_size(guest)} bytes, not {size}")


def blocks(guest):
    """Return the numbers of the memory blocks that there are."""
    return sorted(int(name) for name in
                  guest.check(f"ls {MEMORY} | sed -n 's/^memory//p'").split())


def plug_dimm(lab, guest):
    """Plug a DIMM, online its blocks for the kernel's own use; return their numbers."""
    old = blocks(guest)
    guest.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "more", "size": PLUGGED})
    guest.qmp("device_add", driver="pc-dimm", id="dimm", memdev="more")
    guest.wait_until(lambda: len(blocks(guest)) == len(old) + PLUGGED // BLOCK, 60,
                     lambda: f"blocks {blocks(guest)}, before {old}")
    lab.check_equal("bytes in a memory block", int(guest.read(f"{MEMORY}/block_size_bytes"), 16),
                    BLOCK)
    return [number for number in blocks(guest) if number not in old]


def page_flags(guest, block):
    """Return the flags of the pages of a memory block."""
    pages = BLOCK // 4096
    text = guest.check(f"dd if=/proc/kpageflags bs={pages * 8} skip={block} count=1 2>/dev/null |"
                       " base64")
    flags = array("Q")
    flags.frombytes(base64.b64decode(text))
    return flags


def ballooned(flags):
    """Return how many pages are marked as having no content."""
    return sum(1 for flag in flags if flag & OFFLINE)


def is_movable(flags):
    """True if the guest's kernel itself has nothing there, which nobody could move away."""
    return all(flag & (LRU | BUDDY | OFFLINE) for flag in flags)


def candidates(lab, guest, numbers):
    """Return blocks that the balloon has a good part of, and the kernel nothing."""
    guest.check("echo 1 >/proc/sys/vm/compact_memory")      # empties the processors' lists
    found = []
    for number in numbers:
        flags = page_flags(guest, number)
        if ballooned(flags) >= len(flags) // 4 and is_movable(flags):
            found.append(number)
    lab.note(f"of blocks {numbers}, the balloon has a good part of {found}, the kernel nothing")
    lab.check("a block that can be set offline", found)
    return found


def check_books(lab, guest, total):
    """MemTotal and the kernel's count of ballooned pages say what the device says."""
    held = balloon_size(guest) >> 10
    # what a block gave back on its way off line the worker takes elsewhere, a moment later,
    # and the device may hear of neither
    guest.wait_until(lambda: guest.meminfo()["MemTotal"] == total - held, 20,
                     lambda: f"MemTotal in KiB is {guest.meminfo()['MemTotal']}, "
                             f"should be {total - held}")
    counted = guest.vmstat()
    lab.check_equal("balloon_inflate less balloon_deflate, in KiB",
                    (counted["balloon_inflate"] - counted["balloon_deflate"]) * 4, held)
    if "nr_balloon_pages" in counted:
        lab.check_equal("nr_balloon_pages in KiB", counted["nr_balloon_pages"] * 4, held)


def set_offline(lab, guest, number):
    """Set a block offline; nothing of the balloon is left in it."""
    status, output = guest.run(f"echo offline >{MEMORY}/memory{number}/state", timeout=60)
    lab.check(f"block {number} does not go offline: {output}", status == 0)
    lab.check_equal(f"state of block {number}", guest.read(f"{MEMORY}/memory{number}/state"),
                    "offline")


@timeout(400)
def test_dimm(lab):
    """Blocks of a DIMM that the balloon has go offline; the balloon finds other pages."""
    extra = ["-m", "slots=2,maxmem=4G"]
    with boot(lab, memory="1G", extra=extra, files=pattern()) as guest:
        guest.check(f"echo offline >{MEMORY}/auto_online_blocks")
        numbers = plug_dimm(lab, guest)
        guest.check(" && ".join(f"echo online_kernel >{MEMORY}/memory{number}/state"
                                for number in numbers))
        total = guest.meminfo()["MemTotal"]
        inflate(guest, BALLOON)
        hold(guest, 200)
        check_books(lab, guest, total)
        for number in candidates(lab, guest, numbers)[:3]:
            set_offline(lab, guest, number)
            total -= BLOCK >> 10
        inflate(guest, BALLOON)
        check_books(lab, guest, total)
        check_held(lab, guest)
        inflate(guest, 0)
        check_books(lab, guest, total)
        guest.check("pattern take 700")


def vmem_size(guest):
    """Return the bytes that virtio-mem has plugged."""
    return guest.qmp("qom-get", path="/machine/peripheral/vmem", property="size")


def plug_vmem(guest, size):
    """Ask virtio-mem for a size."""
    guest.qmp("qom-set", path="/machine/peripheral/vmem", property="requested-size", value=size)


@timeout(400)
def test_virtio_mem(lab):
    """Memory of virtio-mem can be unplugged: the balloon has nothing in it that stays there."""
    extra = ["-m", "maxmem=4G", "-object", f"memory-backend-ram,id=more,size={PLUGGED}",
             "-device", "virtio-mem-pci,id=vmem,memdev=more,requested-size=0"]
    with boot(lab, memory="1G", extra=extra, files=pattern(), modules=["virtio_mem"]) as guest:
        guest.check(f"echo online_kernel >{MEMORY}/auto_online_blocks && modprobe virtio_mem")
        plug_vmem(guest, PLUGGED)
        guest.wait_until(lambda: vmem_size(guest) == PLUGGED, 60,
                         lambda: f"virtio-mem has plugged {vmem_size(guest)} bytes")
        inflate(guest, BALLOON)
        hold(guest, 100)
        plug_vmem(guest, 0)
        # The kernel's own pages may keep a few blocks of 2 MiB for a while.
        guest.wait_until(lambda: vmem_size(guest) <= PLUGGED // 16, 120,
                         lambda: f"{vmem_size(guest) >> 20} MiB are not unplugged")
        lab.note(f"{vmem_size(guest) >> 20} MiB of {PLUGGED >> 20} are left")
        inflate(guest, BALLOON)
        check_held(lab, guest)
        inflate(guest, 0)

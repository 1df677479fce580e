# SPDX-License-Identifier: GPL-2.0-only
"""What the bench does with a guest: each step returns {figure: value}."""
import contextlib
from pathlib import Path
import random
import re
import tempfile

from lab import cache, machine
from lab.cache import LabError
from lab.device import Device
from lab.guest import Guest
from figures import OURS
import memory
import probe
import qtrace
from subject import GIB, MIB, PAGE, TIMEOUT, Setting

SETTINGS = [Setting(zeroing, reporting) for zeroing in (False, True)
            for reporting in (True, False)]
RESIZES = 20
HELD_MIB = 384              # what a process has taken in the end
RELEASED_KIB = 900 << 10    # less, and the host had not backed what it was given
POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


class Missing(Exception):
    """This machine cannot measure it; the text says why."""


# --- steps of one boot of 2 GiB, in each setting ---------------------------------------


def release(subject, run):
    """Take 1 GiB that the host has to back: half of the guest."""
    guest, probe = subject.guest, subject.probe
    subject.touch()
    huge_before = guest.ram_kib("AnonHugePages")
    idle = -probe.cpu() + probe.cpu()
    with memory.Rss(guest) as rss:
        subject.drop()
        cpu = -probe.cpu() - idle
        move = subject.resize(GIB)
        cpu += probe.cpu()
    first = next(kib for when, kib in rss.samples if when >= move.start)
    if first - rss.final < RELEASED_KIB:
        raise LabError(f"of 1 GiB the host backed only {(first - rss.final) >> 10} MiB")
    released = memory.fallen(rss.samples, rss.final, move.start)
    if released is None:
        raise LabError("the host's memory does not come to rest")
    run.timeline([(when - move.start, kib >> 10) for when, kib in rss.samples
                  if when >= move.start - 0.05])
    return {"release": released,
            "settle": move.seconds,
            "settle, waited": move.waited,
            "host CPU": move.cpu,
            "kicks": subject.kicks(move),
            "config writes": len(qtrace.only(move.events, "virtio_balloon_set_config")),
            "guest CPU": max(0, cpu),
            "host huge pages": guest.ram_kib("AnonHugePages") / 1024,
            "host huge pages, before": huge_before / 1024}


def deflate(subject, _):
    """Give 128 MiB back, and all of 1 GiB."""
    result = {}
    probe = subject.probe
    subject.to_first_cpu()
    for name, size in (("deflate 128 MiB", 128 * MIB), ("deflate 1 GiB", GIB)):
        subject.have(GIB)
        subject.rest(3)     # what was freed before is reported after 2 s
        offset = probe.offset()
        # Memory in the lists of the processors is the guest's again, too.
        lists = -int(probe.ask("lists"))
        probe.ask(f"watch {size >> 18}")        # notes of a 256th each
        subject.rest(0.1)
        move = subject.resize(GIB - size)
        lists += int(probe.ask("lists"))
        found = memory.risen(probe.watched(offset), move.start, (size >> 10) - max(0, lists))
        if not found:
            raise LabError(f"{size >> 20} MiB left the balloon, but the guest has them not")
        result[name], result[f"{name}, resolution"] = found
        result[f"{name}, settle"] = move.seconds
        result[f"{name}, waited"] = move.waited
        result[f"host CPU, {name}"] = move.cpu
        result[f"kicks, {name}"] = subject.kicks(move)
    return result


def stall(subject, _):
    """Resize beside a process that allocates."""
    result = {}
    subject.touch()
    subject.drop()
    for name, balloon in (("inflate", GIB), ("deflate", 0)):
        offset = subject.probe.offset()
        subject.probe.ask("stall")
        subject.rest(0.1)
        move = subject.resize(balloon)
        _, half, most, worst = subject.probe.stalled(offset, move.start, move.end)
        result |= {f"stall p50, {name}": half, f"stall p99, {name}": most,
                   f"stall max, {name}": worst}
    return result


# The last one leaves the guest with one processor for the drivers.
STEPS = {"release": release, "stall": stall, "deflate": deflate}


# --- parts with guests of their own ----------------------------------------------------


def steps(run, setting):
    """All steps that were chosen, in one guest."""
    result = {}
    with run.subject(setting) as subject:
        for name, step in STEPS.items():
            if name in run.chosen:
                result |= step(subject, run)
                subject.have(0)
                subject.rest()
    return result


def untouched(run, setting):
    """Take 1 GiB that the guest has never used; then 1 GiB that the host backs by small pages,
    which the first left behind."""
    with run.subject(setting) as subject:
        first = subject.resize(GIB)
        subject.have(0)
        subject.rest()
        subject.touch()
        subject.drop()
        return {"settle, untouched": first.seconds,
                "settle, small pages": subject.resize(GIB).seconds}


def fragmentation(run, setting):
    """Resize at random beside a process that grows; then see what the empty balloon left whole."""
    sizes = random.Random(run.pair)
    with run.subject(setting) as subject:
        guest, probe = subject.guest, subject.probe
        guest.check("echo never >/sys/kernel/mm/transparent_hugepage/defrag")
        subject.touch()
        subject.drop()
        probe.ask(f"grow {HELD_MIB}")
        for _ in range(RESIZES):
            subject.resize(sizes.randrange(0, 1280) * MIB)
        probe.ask("grown", TIMEOUT)
        subject.have(0)
        subject.rest()
        return {"order-9 blocks": memory.blocks(guest.read("/proc/buddyinfo"), 9),
                "2 MiB pages": int(probe.ask("huge"))}


def growth(run, setting):
    """Take ever more of a guest of 12 GiB; the time is that of all steps so far."""
    check_available(run.large)
    result, seconds = {}, 0
    with run.subject(setting, run.large) as subject:
        subject.touch()
        subject.drop()
        subject.rest()
        before = memory.free_kib(subject.guest.read("/proc/zoneinfo"))
        for size in run.sizes:
            seconds += subject.resize(size * MIB).seconds
            subject.rest(0.2)
            after = memory.free_kib(subject.guest.read("/proc/zoneinfo"))
            result[f"growth, {size} MiB"] = seconds
            result[f"overhead, {size} MiB"] = before - after - (size << 10)
    return result


def check_available(size):
    """The host needs memory for a guest of this size that uses all of it."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    available = int(re.search(r"MemAvailable: +(\d+)", text).group(1)) << 10
    if available < machine.parse_size(size) * 5 // 4:
        raise Missing(f"a guest of {size} does not fit in this host's memory")


@contextlib.contextmanager
def huge_pool(pages):
    """Have so many free huge pages on the host; give them back at the end."""
    number = POOL / "nr_hugepages"
    try:
        before = int(number.read_text())
        free = int((POOL / "free_hugepages").read_text())
        number.write_text(str(before + max(0, pages - free)))
    except OSError as error:
        raise Missing(f"no huge pages of 2 MiB to be had from this host: {error}") from error
    try:
        if int((POOL / "free_hugepages").read_text()) < pages:
            raise Missing(f"this host cannot reserve {pages} huge pages")
        yield
    finally:
        number.write_text(str(before))


def hugetlb(run, setting):
    """Take 1 GiB of a guest whose host memory is of huge pages: how many are free then?"""
    with huge_pool(1024), run.subject(
            setting, backend="memory-backend-memfd,hugetlb=on,hugetlbsize=2M") as subject:
        subject.touch()
        free = POOL / "free_hugepages"
        before = int(free.read_text())
        subject.drop()
        subject.resize(GIB)
        return {"host huge pages free": int(free.read_text()) - before}


@contextlib.contextmanager
def huge_shared():
    """Yield the QEMU object of guest memory that is shared, in huge pages as others have them.

    A memfd has them only where the host's shmem_enabled says so.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            cache.run(["mount", "-t", "tmpfs", "-o", "huge=always", "tmpfs", folder])
        except LabError as error:
            raise Missing(f"no shared memory in huge pages on this host: {error}") from error
        try:
            # Where QEMU's mapping is not aligned, the host's pages would be small.
            yield f"memory-backend-file,mem-path={folder}/ram,share=on,align=2M"
        finally:
            cache.run(["umount", folder])


def on_device(run, setting, backend, huge_kib):
    """Take 1 GiB on the reference device; return the seconds until `actual` was right."""
    with tempfile.TemporaryDirectory() as folder, Device(folder) as device, \
            Guest(run.kernel, driver=run.driver, memory=2 * GIB, files=probe.files(),
                  backend=backend, cmdline=setting.cmdline, label="bench-device",
                  **device.guest_options()) as guest:
        program = probe.Probe(guest, None)
        program.ask("touch 0", timeout=TIMEOUT)
        huge = guest.ram_kib("ShmemPmdMapped")
        if huge < huge_kib:
            raise LabError(f"the host has {huge} KiB of the guest in huge pages")
        program.ask("drop")
        device.resize(guest, GIB // PAGE, TIMEOUT)
        left = guest.rss_kib()
        if left > 2 * (GIB >> 10) - RELEASED_KIB:
            raise LabError(f"{left} KiB of the guest's memory stay with it")
        # As the device itself saw it, from the target to the last `actual`.
        return device("latencies")["settle"]["mean_us"] / 1e6


def reference(run, setting):
    """Take 1 GiB: our driver on the reference device, the kernel's own on QEMU's."""
    figure = "settle, balloon-device"
    if run.driver != OURS:
        with run.subject(setting) as subject:
            subject.touch()
            subject.drop()
            return {figure: subject.resize(GIB).seconds}
    with huge_shared() as backend:
        huge = on_device(run, setting, backend, RELEASED_KIB)
    return {figure: huge, f"{figure}, small pages": on_device(run, setting, None, 0)}


# part: (its function, its settings)
PARTS = {"steps": (steps, SETTINGS),
         "untouched": (untouched, SETTINGS),
         "fragmentation": (fragmentation, SETTINGS[:1]),
         # Without reporting: it would begin amid the in-tree driver's longer moves.
         "growth": (growth, SETTINGS[1:2]),
         "hugetlb": (hugetlb, SETTINGS[:1]),
         "reference": (reference, SETTINGS[:1])}
NAMES = [*STEPS, *(name for name in PARTS if name != "steps")]

# SPDX-License-Identifier: GPL-2.0-only
"""A guest in which a scenario happens: one of the drivers, a balloon, loads, and a watch."""
import contextlib
import os
from pathlib import Path
import re
import subprocess
import tempfile
import time

from lab import accel, machine
from lab.cache import LabError
from lab.guest import Guest
from lab.initramfs import ModuleTree, static_program
import series

MIB = 1 << 20
PAGE = 4096
LOAD = "/bin/load"
DEVICE = "/sys/bus/virtio/drivers/virtio_balloon/virtio*"
FILE = "/data/file"
TRACING = "/sys/kernel/tracing"
# name of a column: (driver, properties of the balloon device)
OURS, OOM, PLAIN, NONE = "ours", "in-tree, deflate-on-oom", "in-tree", "no balloon"
COLUMNS = {OURS: ("ours", {"deflate-on-oom": "on"}), OOM: ("intree", {"deflate-on-oom": "on"}),
           PLAIN: ("intree", {}), NONE: (None, None)}
SAMPLE_MS = 200


def trace(guest, event):
    """Have a guest note an event."""
    guest.run(f"cd {TRACING}; echo 0 >options/record-cmd; "     # it patches the scheduler
              f"echo 8192 >buffer_size_kb; echo 1 >events/{event}/enable")


def traced(guest, words):
    """Return the lines with these words of what the guest noted."""
    return guest.run(f"grep -E '{words}' {TRACING}/trace", timeout=120)[1]


class Burst:
    """A process that takes memory; it keeps it until end()."""

    def __init__(self, guest, mib, prefix="", node=""):
        self.guest = guest
        self.mib = mib
        self.job = guest.start(f"{prefix}exec {LOAD} burst {mib} {node}", stdin=None)

    def taken(self, timeout=240):
        """Wait until it has all; return (s, p50, p99, max in us), or None if it was killed."""
        timeout *= self.guest.slow
        self.guest.wait_until(lambda: "\n" in self.job.output or self.job.status is not None,
                              timeout, lambda: f"a burst of {self.mib} MiB does not end", 0.02)
        words = self.job.output.split()
        return [float(word) for word in words] if len(words) == 4 else None

    def end(self):
        """End it; return its status: 0 if every page was what it wrote."""
        if self.job.status is None:
            self.job.send(b"", end=True)
        return self.job.wait(60 * self.guest.slow)[0]


class Subject:
    """See the top of this file; use it in a `with` block."""

    def __init__(self, run, memory, balloon=0, *, disk=None, modules=(), **options):
        self._disk = None
        driver, properties = COLUMNS[run.column]
        self.memory = machine.parse_size(memory)
        self.first = balloon
        self.run = run
        disks = []
        if disk:
            self._disk = tempfile.TemporaryDirectory(prefix="scenario-")
            disks = [_ext4(Path(self._disk.name) / "disk", disk)]
        tree = ModuleTree(run.kernel)
        modules = [name for name in modules if name in tree.path or name in tree.builtin]
        self.guest = Guest(run.kernel, driver=driver, balloon=properties, memory=memory,
                           files={LOAD: static_program(Path(__file__).with_name("load.c"))},
                           modules=modules, disks=disks,
                           label=f"scenario-{run.name}-{run.column.replace(', ', '-')}"
                           .replace(" ", "-"), **options)

    def __enter__(self):
        self.guest.__enter__()
        try:
            if self._disk:
                self.guest.check("modprobe virtio_blk; mkdir -p /data && "
                                 "mount -t ext4 /dev/vda /data")
            if self.run.column == OURS:
                self.tune(**self.run.tunables)
            if self.first and self.has_balloon:
                self.balloon(self.first)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, *error):
        try:
            if self.run.column == OURS and not self.guest.finished:
                self._keep_decisions()
            return self.guest.__exit__(*error)
        finally:
            if self._disk:
                self._disk.cleanup()

    def _keep_decisions(self):
        with contextlib.suppress(LabError, AssertionError):
            self.run.decisions = self.guest.run(
                f"cat /sys/kernel/debug/virtio_balloon-*/decisions; cd {DEVICE} && "
                "grep . balloon/* balloon_counters/*", timeout=20)[1]

    # --- the balloon ------------------------------------------------------------

    @property
    def has_balloon(self):
        """False for the guest without one."""
        return self.run.column != NONE

    def target(self, balloon):
        """Ask for a balloon of so many bytes."""
        self.guest.balloon(max(1, self.memory - balloon))

    def actual(self):
        """Bytes in the balloon, by the device."""
        return self.memory - self.guest.actual()

    def balloon(self, size, timeout=120):
        """Have a balloon of so many bytes."""
        self.target(size)
        self.guest.wait_until(lambda: self.actual() == size // PAGE * PAGE, timeout,
                              lambda: f"the balloon is at {self.actual() >> 20} MiB, "
                              f"not at {size >> 20}", 0.05)

    def settle(self, size, timeout, still=10):
        """Ask for a size; return the s until it was reached, or until the balloon moved for the
        last time before it had not moved for `still` seconds."""
        self.target(size)
        start = changed = time.monotonic()
        last = self.actual()
        while time.monotonic() - start < timeout * self.guest.slow:
            now = self.actual()
            if now != last:
                last, changed = now, time.monotonic()
            if now == size // PAGE * PAGE or time.monotonic() - changed > still:
                return changed - start
            time.sleep(0.05)
        return time.monotonic() - start

    def hint_until(self, mib, timeout=60):
        """Have root hint for the host until only so many MiB are available in the guest."""
        def left():
            return self.guest.meminfo()["MemAvailable"] // 1024 - mib

        def hinted():
            if left() > 8:
                self.guest.check(f"echo critical need={left()}M ttl=10m "
                                 f">$(echo {DEVICE}/pressure/hint)")
            return left() <= 8
        # one hint a second is acted on
        self.guest.wait_until(hinted, timeout, lambda: f"{left()} MiB too much are left", 1.1)

    def tune(self, **values):
        """Write tunables of our driver; one that it has not is an error."""
        for name, value in values.items():
            self.guest.check(f"cd {DEVICE}/balloon && test -e {name} && echo {value} >{name}")

    def has_tunable(self, name):
        """Whether the driver is ours and has this tunable."""
        return self.run.column == OURS and not self.guest.run(f"test -e {DEVICE}/balloon/{name}")[0]

    def deflated(self):
        """Pages that left the balloon since boot."""
        return self.guest.vmstat()["balloon_deflate"]

    # --- loads ------------------------------------------------------------------

    def burst_mib(self, share):
        """All free memory and a share of the balloon, as if it had its first size; MiB."""
        held = self.first if self.has_balloon else 0
        free = self.guest.meminfo()["MemFree"] >> 10
        return free + (held - int(self.first * (1 - share))) // MIB

    def burst(self, mib, **options):
        """Start a process that takes so much."""
        return Burst(self.guest, mib, **options)

    def file(self, mib):
        """Write a file of so many MiB; nothing of it stays in the page cache."""
        self.guest.check(f"dd if=/dev/zero of={FILE} bs=1M count={mib} 2>/dev/null && sync && "
                         "echo 1 >/proc/sys/vm/drop_caches", timeout=300)

    def zram(self, mib):
        """Swap to zram."""
        self.guest.check("modprobe zram && "
                         f"echo {mib}M >/sys/block/zram0/disksize && "
                         "mkswap /dev/zram0 >/dev/null && swapon /dev/zram0")

    def reads(self, mib, seconds):
        """Read the file at random; return the reads of each second."""
        text = self.guest.check(f"{LOAD} read {FILE} {mib} {seconds}", timeout=seconds + 60)
        return [int(word) for word in text.split()]

    # --- watching ---------------------------------------------------------------

    def watch(self):
        """Sample the guest in a `with` block; its .samples afterwards."""
        return Watch(self.guest, f"{LOAD} watch {SAMPLE_MS}",
                     lambda text: series.parse(text))

    def workers(self):
        """In a `with` block: what the guest's workers took of a processor."""
        return Workers(self.guest)

    def answers(self):
        """Return the s that the guest takes to run a command."""
        start = time.monotonic()
        self.guest.check("true", timeout=60)
        return time.monotonic() - start

    def processor_time(self):
        """Seconds of the host's processors that QEMU has used."""
        stat = Path(f"/proc/{self.guest.process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def nodes(self, field):
        """Return {NUMA node: KiB} of a field of their meminfo."""
        text = self.guest.check("cat /sys/devices/system/node/node*/meminfo")
        return {int(node): int(kib) for node, kib in
                re.findall(rf"Node (\d+) {field}\s+(\d+)", text)}

    def node_free(self, node):
        """Return a node's free pages, with those that its processors hold ready."""
        zones = re.split(r"^Node (\d+), zone .*$", self.guest.read("/proc/zoneinfo"), flags=re.M)
        return sum(int(pages) for number, zone in zip(zones[1::2], zones[2::2])
                   if int(number) == node
                   for pages in re.findall(r"^ +(?:pages free|count:) +(\d+)", zone, re.M))

    def node_balloon(self, node):
        """Return a node's pages in the balloon; None where the kernel does not count them."""
        path = f"/sys/devices/system/node/node{node}/vmstat"
        found = re.search(r"nr_balloon_pages (\d+)", self.guest.read(path))
        return int(found.group(1)) if found else None


class Watch:
    """A program in the guest that runs until the end of the `with` block."""

    def __init__(self, guest, command, read):
        self._guest = guest
        self._command = command
        self._read = read
        self._job = None
        self.samples = None

    def __enter__(self):
        self._job = self._guest.start(f"exec {self._command}", stdin=None)
        self._job.wait_for("ready", 30 * self._guest.slow)
        return self

    def __exit__(self, kind, *_):
        if kind is None or issubclass(kind, AssertionError):
            self.stop()

    def stop(self):
        """End it and read what it printed."""
        self._job.send(b"", end=True)
        self.samples = self._read(self._job.wait(60 * self._guest.slow)[1])


class Workers(Watch):
    """.samples: of a processor, what all workers took, as the guest counts it; %.
    .kicks: of that, the time in which they told a device to look at a queue.
    .stolen: of the time that the guest's processors wanted to run, what others on the host had.

    Under emulation both are not theirs. QEMU does all of a device's work before the kick
    returns, and a guest does not know of others on the host: it counts the one and the other
    for who would have run. Under KVM a kick returns at once, and the guest is told.
    """

    def __init__(self, guest):
        super().__init__(guest, f"{LOAD} workers",
                         lambda text: [float(word) for word in text.split()[-2:]])
        self._before = None
        self.kicks = self.stolen = None

    def __enter__(self):
        # more than one probe of a name would count twice
        self._guest.run(f"cd {TRACING}; echo >trace; test -e events/kprobes/kick || "
                        "printf 'p:kick vp_notify comm=$comm\nr:kicked vp_notify\n' "
                        ">>kprobe_events")
        trace(self._guest, "kprobes")
        super().__enter__()
        self._before = self._processors()
        return self

    def stop(self):
        after = self._processors()
        super().stop()
        ran, elapsed = self.samples
        self.samples = ran / elapsed * 100
        self.kicks = series.kicks(traced(self._guest, "kick(ed)?: ")) / elapsed * 100
        self.stolen = series.stolen(self._before, after)

    def _processors(self):
        """Return [(ns that it ran, ns that it waited for a processor)] of the guest's processors."""
        folder = Path(f"/proc/{self._guest.process.pid}/task")
        return [tuple(map(int, (folder / f"{cpu['thread-id']}/schedstat")
                          .read_text(encoding="ascii").split()[:2]))
                for cpu in self._guest.qmp("query-cpus-fast")]

    def percent(self, kernel):
        """What they had of a processor for themselves."""
        if accel.arguments(kernel) != accel.TCG:
            return self.samples
        return (self.samples - self.kicks) * (1 - self.stolen)

    def note(self, run, when=""):
        """Tell of it; `when` is added to the figures' names."""
        run["processor of all workers" + when] = self.percent(run.kernel)
        run["as the guest counts it" + when] = self.samples
        run["of that in kicks" + when] = self.kicks
        run["taken from the guest's processors" + when] = self.stolen * 100


def _ext4(path, size):
    with open(path, "wb") as file:
        file.truncate(machine.parse_size(size))
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1", path],
                   check=True)
    return path

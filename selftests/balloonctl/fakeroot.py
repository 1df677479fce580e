# SPDX-License-Identifier: GPL-2.0-only
"""A folder that looks like the root of a guest with a balloon, to be changed by the tests."""
import os
from pathlib import Path
import shutil

RELEASE = "6.12.0-1-amd64"
MODULES = f"lib/modules/{RELEASE}"
OURS = "updates/dkms/virtio_balloon.ko"
INTREE = "kernel/drivers/virtio/virtio_balloon.ko"
DEVICE = "sys/bus/virtio/devices/virtio3"
DECISIONS = "sys/kernel/debug/virtio_balloon-virtio3/decisions"
SIGNATURE = "~Module signature appended~\n"
# Feature bits: statistics, deflate on OOM, reporting, event index, version 1.
ACCEPTED = (1, 2, 5, 29, 32)
TUNABLES = {"auto_deflate": "need", "reserve_kib": 16384, "low_percent": 50,
            "deflate_batch": 1024, "deflate_limit_per_s": 0, "holdoff_ms": 5000,
            "holdoff_max_ms": 300000, "return_ms": 5000, "return_step": 8}
PRESSURE = {"interval_ms": 1000, "ttl_ms": 10000, "low_percent": 12, "medium_percent": 25,
            "critical_percent": 50, "limit_per_s": 0, "self": "off", "self_interval_ms": 5000,
            "self_hysteresis": 8, "self_headroom": 100}
COUNTERS = {"inflated_pages": 131584, "deflated_pages": 512, "stats_requests": 7, "stalls": 0}
TOLD = """\
10.000 s: new target 131072 pages
12.041 s: released 512 pages in 3 calls: available 6.0 MiB, low mark 8.0 MiB; hold-off 5.000 s
17.310 s: hold-off is over, the balloon has 130560 pages
17.310 s: returned 64 pages: available 97.5 MiB, more than 32.0 MiB
20.000 s: new target 65536 pages
21.500 s: released 256 pages: available 50.0 MiB, thrashing; hold-off 10.000 s
22.000 s: released 4096 pages in 2 calls: available 1.5 MiB, out of memory; hold-off 20.000 s
23.250 s: released 1 pages: available 9.0 MiB, low mark 8.0 MiB; hold-off 0.000 s
23.750 s: released 2048 pages in 4 calls: available 78.5 MiB, swapping beside it, low mark 8.0 MiB; hold-off 5.000 s
24.000 s: looked at the moon
24.500 s: 3 new targets in 220 ms, the last of 65536 pages
25.000 s: new target 131072 pages
26.000 s: pressure of the host is low: yielded 0 pages, available at first 12.0 MiB, reserve 16.0 MiB
26.500 s: pressure of the host is critical, it lacks 512.0 MiB: yielded 2048 pages to 2 hints, available at first 97.5 MiB, reserve 16.0 MiB
27.000 s: pressure is over: 2048 pages of the surplus came back in 8 steps
28.000 s: self-ballooning: +512 pages in 2 steps, available at first 300.0 MiB
29.000 s: self-ballooning: -256 pages in 1 steps, available at first 20.5 MiB
"""


def bits(numbers):
    """Return features as sysfs shows them."""
    return "".join("1" if bit in numbers else "0" for bit in range(64))


class FakeRoot:
    """The folder; paths have no leading slash."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def write(self, path, text):
        """Write a file, and the newline that sysfs has."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        text = str(text)
        path.write_text(text if text.endswith("\n") or not text else text + "\n",
                        encoding="utf-8")

    def read(self, path):
        """Return a file's text without its last newline."""
        return (self.folder / path).read_text(encoding="utf-8").rstrip("\n")

    def remove(self, path):
        """Remove a file, a link or a folder."""
        path = self.folder / path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def link(self, path, target):
        """Make a symbolic link."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, path)

    def meminfo(self, free=262144, cached=122880, available=307200, total=1048576):
        """Write /proc/meminfo; KiB."""
        self.write("proc/meminfo", f"MemTotal: {total} kB\nMemFree: {free} kB\n"
                   f"MemAvailable: {available} kB\nBuffers: 4096 kB\nCached: {cached} kB\n"
                   "Shmem: 2048 kB\nSReclaimable: 6144 kB\n")

    def sizes(self, **pages):
        """Write sizes of the balloon: target, actual, goal, offset; 4 KiB pages."""
        for name, value in pages.items():
            self.write(f"{DEVICE}/balloon/{name}_pages", value)

    def pressure(self, us):
        """Write how long tasks have waited for memory."""
        self.write("proc/pressure/memory",
                   f"some avg10=0.00 avg60=0.00 avg300=0.00 total={us}\n"
                   f"full avg10=0.00 avg60=0.00 avg300=0.00 total={us // 2}\n")

    def system(self):
        """What every guest has."""
        self.write("proc/sys/kernel/osrelease", RELEASE)
        self.write("proc/uptime", "30.00 55.00")
        self.write("proc/mounts", "sysfs /sys sysfs rw,nosuid 0 0\n"
                   "debugfs /sys/kernel/debug debugfs rw 0 0\n")
        self.write("proc/cpuinfo", "processor : 0\nflags : fpu sse2 hypervisor\n")
        self.write("proc/vmstat", "nr_free_pages 65536\nballoon_inflate 1000\n"
                   "balloon_deflate 200\n")
        self.meminfo()
        self.pressure(250000)
        self.write(f"{MODULES}/modules.builtin", "kernel/drivers/virtio/virtio.ko\n")
        self.write(f"{MODULES}/modules.dep", f"kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko\n"
                   f"{OURS}:\n")
        self.write(f"{MODULES}/{INTREE}", "")
        self.write(f"{MODULES}/{OURS}", "code" + SIGNATURE)
        self.write(f"{MODULES}/build/Makefile", "all:\n")
        self.pci("0000:00:00.0", "0x8086", "0x0000", "0x060000")
        self.pci("0000:00:03.0", "0x1af4", "0x1af4", "0x00ff00")
        self.pci("0000:00:02.0", "0x8086", "0x1af4", "0x020000")

    def pci(self, name, vendor, subsystem, kind):
        """Add a PCI device."""
        for file, value in (("vendor", vendor), ("subsystem_vendor", subsystem), ("class", kind)):
            self.write(f"sys/bus/pci/devices/{name}/{file}", value)

    def load(self, version="0.1.0"):
        """The module is loaded."""
        self.write("sys/module/virtio_balloon/initstate", "live")
        if version:
            self.write("sys/module/virtio_balloon/version", version)
            self.write("sys/module/virtio_balloon/parameters/host_timeout_ms", 10000)

    def device(self, name="virtio3", ours=True, features=ACCEPTED):
        """Add a balloon device, bound to a driver."""
        base = f"sys/bus/virtio/devices/{name}"
        self.write(f"{base}/device", "0x0005")
        self.write(f"{base}/features", bits(features))
        self.link(f"{base}/driver", "../../../../bus/virtio/drivers/virtio_balloon")
        if not ours:
            return
        for key, value in {"target_pages": 131072, "actual_pages": 131072, "goal_pages": 131072,
                           "offset_pages": 0, "state": "idle", **TUNABLES}.items():
            self.write(f"{base}/balloon/{key}", value)
        for key, value in PRESSURE.items():
            self.write(f"{base}/pressure/{key}", value)
        for key, value in COUNTERS.items():
            self.write(f"{base}/balloon_counters/{key}", value)


def guest(folder):
    """Return a guest in which all is well."""
    root = FakeRoot(folder)
    root.system()
    root.load()
    root.device()
    root.write("sys/bus/virtio/devices/virtio0/device", "0x0001")
    root.write(DECISIONS, TOLD)
    return root


def intree(folder):
    """Return a guest that has ours installed, and the kernel's own loaded and bound."""
    root = FakeRoot(folder)
    root.system()
    root.load(version=None)
    root.device(ours=False)
    return root

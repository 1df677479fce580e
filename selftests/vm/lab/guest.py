# SPDX-License-Identifier: GPL-2.0-only
"""A guest under QEMU, for tests and for the hand.

    from lab import kernels
    from lab.guest import Guest

    with Guest(kernels.get("6.1"), driver="ours", balloon={"deflate-on-oom": "on"}) as guest:
        guest.balloon(512 << 20)                       # QMP: ask for a guest of 512 MiB
        guest.wait_actual(512 << 20, timeout=30)       # until the device says so
        rc, out = guest.run("grep MemTotal /proc/meminfo")
        assert guest.rss_kib() < 600 << 10             # host memory behind the guest's RAM
        job = guest.start("cat /dev/zero | head -c 300m | tail")    # beside other commands
        job.wait(timeout=60)

At the end of the block the guest gives its own verdict (log, taints, leaks; a bad
one raises GuestError) and powers off; finish() does the same earlier. A guest
that cannot give one is let go with no_verdict("why"). When the block raises, the
guest is killed and the end of its console is added to the error. Every wait has
a timeout. A process holds its guests: they die with it.

Guest(kernel, ...) takes, all by name:

driver      "ours" (built from this checkout, in updates/), "intree", or None
load        modprobe it at boot (default: yes, if there is a balloon device)
memory, smp size of the guest ("1G", 2)
balloon     dict of QEMU properties of the balloon device ({} is a plain one); None: no device
flavour     "modern", "transitional", "legacy" (PCI), "mmio", "mmio-legacy" (microvm)
machine     "pc" or "q35". The default is "pc", where the balloon can be unplugged; the debug
            kernel gets "q35", because it needs half a minute for the firmware's tables of "pc"
modules     further kernel modules for the guest to load itself with modprobe ("zram", "ext4")
extra       more arguments for QEMU
emulator    another QEMU than the machine's (lab/newqemu.py)
translated  MiB that QEMU may keep of translated code, if it emulates (default: what it likes)
cmdline     more words for the kernel
share       guest memory is a shared memfd (vhost-user)
backend     another QEMU object for guest memory ("memory-backend-memfd,hugetlb=on")
numa        number of NUMA nodes, with an equal share of memory each (rss_kib() cannot tell then)
swap        size of a swap disk ("512M"); it is swapped on as /dev/vda when the guest is ready
disks       paths of raw images; they come after the swap disk
tests       selftests/balloon in /tests/balloon, and balloonsim for modprobe
files       {path in the guest: text, bytes or Path} for the initramfs
allowed     regular expressions (grep -E) for log lines that are not to fail the verdict
root        an ext4 image (lab/rootfs.py) to boot as a real Debian instead
initrd      the image's own initramfs: it boots as it would anywhere, with nothing of the lab but
            what is in the image, which has to start the agent and to have /usr/lib/lab
resume      another Guest object that hibernated: take over its disks and resume from them
incoming    wait for a migration (see migrate_to)
channel     "virtio", or "serial": plain serial ports, which survive what the virtio console
            of some kernels does not (S3)
slow        factor for the timeouts of boot and run() (default: see accel.py)
label       name of its console log, build/vm/<label>.log
"""
import itertools
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile
import time

from . import accel, drivers, initramfs, machine as qemu, scan
from .cache import BUILD, LabError, say
from .channel import Channel
from .qmp import Qmp

_NUMBER = itertools.count(1)


class GuestError(LabError):
    """The guest died, hangs or has a bad verdict; carries the end of its console."""


class Guest:
    """See the top of this file."""

    def __init__(self, kernel, *, driver="intree", load=None, memory="1G", smp=2, balloon=(),
                 flavour="modern", machine=None, modules=(), extra=(), cmdline="", share=False,
                 backend=None, numa=1, swap=None, disks=(), tests=False, files=None, allowed=(),
                 root=None, initrd=None, resume=None, incoming=False, channel="virtio",
                 slow=None, label=None, interactive=False, emulator=None,
                 translated=None):
        self.kernel = kernel
        self.driver = driver
        self.memory = qemu.parse_size(memory)
        self.smp = smp
        self.balloon_properties = None if balloon is None else dict(balloon)
        self.flavour = flavour
        self.machine = machine or ("q35" if kernel.name == "debug" else "pc")
        self.extra = list(extra)
        self.emulator = emulator
        self.translated = translated
        self.cmdline = cmdline
        self.share = share
        self.backend = backend
        self.numa = numa
        self.root = root
        self.initrd = initrd
        self.incoming = incoming
        self.channel_kind = channel
        self.interactive = interactive
        self.slow = slow or accel.slowness(kernel)
        self.allowed = tuple(allowed)
        self.files = files
        self.tests = tests
        self.swap = swap
        self.resume = resume
        if load is None:
            load = driver is not None and balloon is not None
        self.load = ["virtio_balloon"] if load else []
        self.modules = list(modules)
        self.label = label or f"{kernel.name}-{driver or 'none'}-{os.getpid()}-{next(_NUMBER)}"
        self.dir = Path(tempfile.mkdtemp(prefix="lab-"))
        self.disks = list(resume.disks if resume else disks)
        if swap and not resume:
            self.disks.insert(0, self._new_disk("swap", swap))
        self.log = BUILD / "vm" / f"{self.label}.log"
        self.process = self.qmp = self.channel = None
        self.finished = False

    # --- life -------------------------------------------------------------

    def __enter__(self):
        try:
            return self.start_guest()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, error, _):
        try:
            if isinstance(error, (AssertionError, LabError)) and not isinstance(error, GuestError):
                error.args = (f"{error}\n{self.tail()}",)
            elif not error and not self.finished:
                self.finish()
        finally:
            self.close()

    def start_guest(self):
        """Boot; return when the guest's agent answers (at once, if a migration is to come).

        On a busy machine an emulator breaks a kernel now and then before a balloon driver
        has run: that guest says nothing about the driver, and is booted again.
        """
        for tries_left in (2, 1, 0):
            try:
                return self._boot()
            except GuestError:
                if not tries_left or self.resume or "virtio_balloon" in self.console():
                    raise
                say(f"{self.label} died before any driver of a balloon ran: once more")
                self._end()
        raise AssertionError

    def _boot(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not self.initrd:
            self._build_initramfs(self.dir / "initrd")
        setup = qemu.start(self, self.initrd or self.dir / "initrd")
        self.process = setup.process
        self.channel = Channel(setup.commands, setup.verdicts, self._fail)
        try:
            self.qmp = Qmp(setup.qmp)
        except LabError as error:
            self._fail(f"QEMU did not start: {error}")
        if not self.incoming:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=60):
        """Wait until the guest's agent answers."""
        self.channel.hello(timeout * self.slow)
        if self.swap and not self.resume and not self.root:
            self.check("mkswap /dev/vda && swapon /dev/vda")

    def finish(self, timeout=120):
        """Ask for the final verdict, fail if it is bad, and power the guest off."""
        self.verdict("final", final=True, timeout=timeout)
        self.power_off()
        self.finished = True

    def no_verdict(self, why):
        """Let the guest go without a verdict; `why` is for the reader of the test."""
        if not why:
            raise ValueError("a reason is needed")
        self.finished = True

    def power_off(self, timeout=60):
        """Power the guest off from inside and wait for QEMU to end."""
        self.channel.start("sync; poweroff -f" if not self.root else "systemctl poweroff -ff")
        self.wait_exit(timeout)

    def wait_exit(self, timeout=60):
        """Wait for QEMU to end by itself."""
        try:
            self.process.wait(timeout * self.slow)
        except subprocess.TimeoutExpired:
            self._fail(f"the guest still runs after {timeout * self.slow} s")

    def kill(self):
        """End QEMU at once."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        """End QEMU and remove its files (disks too), but not the console log."""
        self._end()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _end(self):
        self.kill()
        if self.channel:
            self.channel.close()
        if self.qmp:
            self.qmp.close()
        self.channel = self.qmp = None

    # --- commands -----------------------------------------------------------

    def run(self, command, timeout=60, stdin=b""):
        """Run a shell command line; return (status, output)."""
        return self.start(command, stdin).wait(timeout * self.slow)

    def check(self, command, timeout=60, stdin=b""):
        """Run a shell command line that must succeed; return its output."""
        status, output = self.run(command, timeout, stdin)
        if status:
            raise AssertionError(f"'{command}' in the guest: exit {status}\n{output}")
        return output

    def start(self, command, stdin=b""):
        """Start a shell command line beside others; returns a Job (see channel.py)."""
        return self.channel.start(command, stdin)

    def put(self, path, data, mode=0o644, timeout=60):
        """Write a file in the guest; `data` is text, bytes or a Path."""
        if isinstance(data, Path):
            mode = 0o755 if os.access(data, os.X_OK) else mode
            data = data.read_bytes()
        self.check(f"mkdir -p $(dirname {path}); cat >{path} && chmod {mode:o} {path}",
                   timeout, stdin=data)

    def read(self, path):
        """Return the text of a small file of the guest, without the last newline."""
        return self.check(f"cat {path}").rstrip("\n")

    def meminfo(self):
        """Return /proc/meminfo as {name: KiB}."""
        return {name: int(value) for name, value in
                re.findall(r"^([^:]+):\s+(\d+)", self.read("/proc/meminfo"), re.M)}

    def vmstat(self):
        """Return /proc/vmstat as {name: number}, with what the processors hold back."""
        self.check("echo 1 >/proc/sys/vm/stat_refresh")
        return {line.split()[0]: int(line.split()[1])
                for line in self.read("/proc/vmstat").splitlines()}

    def dmesg(self):
        """Return the guest's kernel log."""
        return self.check("dmesg")

    # --- verdicts -----------------------------------------------------------

    def verdict(self, name="check", final=False, timeout=60):
        """Have the guest judge its kernel now; raise GuestError unless all is well."""
        good, bad = self.ask_verdict(name, final, timeout)
        if not good:
            self._fail("the guest's verdict is bad:\n  " + "\n  ".join(bad[:20]))

    def ask_verdict(self, name, final=False, timeout=60):
        """Have the guest judge its kernel now; return (good, [bad lines])."""
        self.channel.verdicts.pop(name, None)
        lab = "/usr/lib/lab" if self.initrd else "/run/lab" if self.root else "/lab"
        self.channel.start(f"{lab}/verdict {name} {'final' if final else ''}")
        return self.channel.verdict(name, timeout * self.slow)

    # --- balloon ------------------------------------------------------------

    def balloon(self, size):
        """Set the target: the guest is to have `size` bytes of its memory."""
        self.qmp("balloon", value=int(size))

    def actual(self):
        """Return what the device says that the guest has, in bytes."""
        return self.qmp("query-balloon")["actual"]

    def wait_actual(self, size, timeout=60):
        """Wait until the device's actual is `size` bytes; return the seconds it took."""
        return self.wait_until(lambda: self.actual() == size, timeout,
                               lambda: f"actual is {self.actual()}, not {size}", interval=0.02)

    def wait_until(self, done, timeout=60, why=lambda: "a condition did not come true",
                   interval=0.1):
        """Wait until done() is true; return the seconds it took."""
        start = time.monotonic()
        while not done():
            if self.process.poll() is not None:
                self._fail("the guest is gone: " + why())
            if time.monotonic() - start > timeout * self.slow:
                self._fail(f"timeout after {timeout * self.slow} s: {why()}")
            time.sleep(interval)
        return time.monotonic() - start

    def guest_stats(self, timeout=10):
        """Return a fresh set of the balloon's statistics."""
        path = self.balloon_path
        self.qmp("qom-set", path=path, property="guest-stats-polling-interval", value=1)
        old = self.qmp("qom-get", path=path, property="guest-stats")["last-update"]

        def fresh():
            self.last_stats = self.qmp("qom-get", path=path, property="guest-stats")
            return self.last_stats["last-update"] > old
        self.wait_until(fresh, timeout, lambda: "the guest sends no statistics")
        return self.last_stats["stats"]

    def unplug(self, device):
        """Take a device out, and wait until the guest has let go of it."""
        self.qmp.forget("DEVICE_DELETED")
        self.qmp("device_del", id=device)
        while self.qmp.event("DEVICE_DELETED", 30 * self.slow).get("device") != device:
            pass

    def unplug_balloon(self):
        """Take the balloon device out of the running guest."""
        self.unplug("balloon")

    def plug_balloon(self):
        """Plug another one like it into the running guest."""
        driver, *words = qemu.balloon_device(self)[1].split(",")
        self.qmp("device_add", driver=driver, **dict(word.split("=", 1) for word in words))

    @property
    def balloon_path(self):
        """The QOM path of the balloon device."""
        return "/machine/peripheral/balloon"

    # --- the host's view ------------------------------------------------------

    def rss_kib(self):
        """Return the KiB of host memory behind the guest's RAM."""
        return self.ram_kib("Rss")

    def ram_kib(self, field):
        """Return a sum from the host's smaps ("Rss", "AnonHugePages") for the guest's RAM.

        Only the mappings of the RAM count: QEMU itself, and the code that
        emulation generates, are not the guest's memory.
        """
        start = self._ram_address()
        total, inside = 0, False
        with open(f"/proc/{self.process.pid}/smaps", encoding="ascii", errors="replace") as file:
            for line in file:
                word = line.split(None, 1)[0]
                if not word.endswith(":"):
                    low, high = (int(part, 16) for part in word.split("-"))
                    inside = start <= low and high <= start + self.memory
                elif inside and word == f"{field}:":
                    total += int(line.split()[1])
        return total

    def process_kib(self, field):
        """Return a sum ("Rss", "Anonymous") of the whole QEMU process, from smaps_rollup."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))

    def _ram_address(self):
        text = self.qmp.hmp("gpa2hva 0x0")
        return int(re.search(r"is 0x([0-9a-f]+)|is ([0-9a-f]+)", text).group(1), 16)

    def console(self):
        """Return all that the guest printed on its console."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=60):
        """Return what of the console belongs in a message: the first report of something
        bad with what follows it, and the end."""
        console = self.console().splitlines()
        bad = scan.bad_lines("\n".join(console), self.allowed)
        start = max(0, len(console) - lines)
        if bad and console.index(bad[0]) < start:
            first = console.index(bad[0])
            part = [*console[first:first + lines], "[...]", *console[-5:]]
        else:
            part = console[start:]
        return "\n".join([f"--- console of {self.label} (all of it: {self.log})",
                          *("  " + line for line in part), "---"])

    # --- moving ---------------------------------------------------------------

    def twin(self, **changes):
        """Return a Guest (not started) made with the same arguments, for migration or resume."""
        options = {"driver": self.driver, "load": bool(self.load), "memory": self.memory,
                   "smp": self.smp, "balloon": self.balloon_properties, "flavour": self.flavour,
                   "machine": self.machine, "emulator": self.emulator,
                   "translated": self.translated,
                   "modules": self.modules, "extra": self.extra, "cmdline": self.cmdline,
                   "share": self.share, "backend": self.backend, "numa": self.numa,
                   "swap": self.swap,
                   "tests": self.tests, "files": self.files, "allowed": self.allowed,
                   "root": self.root, "initrd": self.initrd, "channel": self.channel_kind,
                   "slow": self.slow, "disks": self.disks,
                   "label": self.label + "-twin"}
        options.update(changes)
        return Guest(self.kernel, **options)

    def migrate_to(self, other, timeout=120):
        """Migrate live to `other`: a twin(incoming=True) that is started. This guest ends."""
        path = f"{other.dir}/migrate"
        other.qmp("migrate-incoming", uri=f"unix:{path}")
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 33})
        self.qmp("migrate", uri=f"unix:{path}")

        def done():
            state = self.qmp("query-migrate").get("status")
            if state in ("failed", "cancelled"):
                self._fail(f"the migration {state}")
            return state == "completed"
        self.wait_until(done, timeout, lambda: f"migration: {self.qmp('query-migrate')}")
        self.no_verdict("it lives on in the other")
        self.kill()
        other.channel.hello(timeout * self.slow)

    # --- inside -----------------------------------------------------------------

    def _fail(self, text):
        for line in scan.bad_lines(self.console(), self.allowed)[:5]:
            text += f"\n  the console says: {line}"
        raise GuestError(f"{text}\n{self.tail()}")

    def _new_disk(self, name, size):
        path = self.dir / f"{name}.raw"
        with open(path, "wb") as file:
            file.truncate(qemu.parse_size(size))
        return path

    def _build_initramfs(self, path):
        boot = qemu.boot_modules(self.flavour)
        if self.disks or self.root:
            boot.append("virtio_blk")
        if self.root:
            boot.append("ext4")
        load, modules, ours = list(self.load), list(self.modules), []
        if self.driver == "ours":
            ours = [drivers.build(self.kernel)]
        elif self.driver == "intree":
            modules.append("virtio_balloon")
        if self.tests:
            ours.append(drivers.build_simulator(self.kernel))
        initramfs.build(path, self.kernel, boot=boot, load=load, modules=modules, ours=ours,
                        allowed=self.allowed, tests=self.tests, files=self.files)

# SPDX-License-Identifier: GPL-2.0-only
"""A guest with one of the drivers, and what can be measured of it."""
from dataclasses import dataclass
from pathlib import Path
import time

from lab import machine
from lab.cache import BUILD, LabError
from lab.guest import Guest
import probe
import qtrace

FOLDER = BUILD / "bench"
PAGE = 4096
MIB = 1 << 20
GIB = 1 << 30
TIMEOUT = 120
# The watch of free memory has the last processor; the rest of the guest works on the first one:
# the in-tree driver where its interrupt comes, ours where unbound workers may run.
TO_FIRST_CPU = """
echo 1 >/sys/devices/virtual/workqueue/cpumask
name=$(basename /sys/bus/virtio/drivers/virtio_balloon/virtio*)
for irq in $(sed -n "s/^ *\\([0-9]*\\):.* $name\\(-.*\\)*$/\\1/p" /proc/interrupts); do
	echo 1 >/proc/irq/$irq/smp_affinity || exit 1
done
"""


@dataclass(frozen=True)
class Setting:
    """How a guest is booted."""
    zeroing: bool = False       # the distribution's init_on_alloc=1
    reporting: bool = True

    @property
    def cmdline(self):
        """The words for the guest's kernel."""
        return "" if self.zeroing else "init_on_alloc=0"

    def __str__(self):
        words = "distribution default" if self.zeroing else "init_on_alloc=0"
        return f"{words}, {'reporting' if self.reporting else 'no reporting'}"


@dataclass
class Move:
    """A change of the target that was reached: its times, and what QEMU saw of it."""
    start: float
    end: float
    events: list
    cpu: float          # what QEMU worked on the host, in s
    waited: float       # and waited, because the host was busy

    @property
    def seconds(self):
        """The settle time."""
        return self.end - self.start


class Subject:
    """Boots a guest; the driver is loaded, and the probe runs, when its `with` block begins."""

    def __init__(self, kernel, driver, setting, memory="2G", backend=None):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"trace-{driver}.log"
        path.unlink(missing_ok=True)
        self.trace = qtrace.Trace(path)
        self.device = None
        self.probe = None
        self.guest = Guest(
            kernel, driver=driver, load=False, memory=machine.parse_size(memory), backend=backend,
            balloon={"free-page-reporting": "on"} if setting.reporting else {},
            cmdline=setting.cmdline,
            extra=self.trace.arguments(), files=probe.files(), label=f"bench-{driver}")

    def __enter__(self):
        self.guest.__enter__()
        try:
            self._prepare()
        except BaseException as error:
            self.guest.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, *error):
        return self.guest.__exit__(*error)

    def _prepare(self):
        # Whose status changes while the driver loads is the balloon.
        position = self.trace.read()
        self.guest.check("modprobe virtio_balloon")
        devices = {event.value for event in
                   qtrace.only(self.trace.since(position), "virtio_set_status")}
        if len(devices) != 1:
            raise LabError(f"QEMU's trace shows {len(devices)} devices set up, not one")
        self.device = devices.pop()
        self.probe = probe.Probe(self.guest, self.trace)

    def resize(self, balloon):
        """Move the balloon to so many bytes; return the Move."""
        pages = balloon // PAGE
        position = self.trace.read()
        cpu, waited = self._host_time()
        self.guest.balloon(self.guest.memory - balloon)
        self.guest.wait_until(
            lambda: qtrace.last_actual(self.trace.since(position)) == pages, TIMEOUT,
            lambda: f"the balloon is not at {balloon >> 20} MiB but at "
                    f"{(self.guest.memory - self.guest.actual()) >> 20} MiB", interval=0.01)
        now = self._host_time()
        # A driver may tell the host later of what the guest has back already.
        self.rest(0.05)
        events = self.trace.since(position)
        start, end = qtrace.target(events), qtrace.settled(events, pages)
        return Move(start, end, qtrace.after(events, start), now[0] - cpu, now[1] - waited)

    def _host_time(self):
        """Return the seconds that QEMU's threads have worked, and those they have waited to."""
        files = Path(f"/proc/{self.guest.process.pid}/task").glob("*/schedstat")
        times = [file.read_text(encoding="ascii").split() for file in files]
        return tuple(sum(int(time[column]) for time in times) / 1e9 for column in (0, 1))

    def have(self, balloon):
        """Have the balloon at so many bytes, where it may be already."""
        if self.guest.memory - self.guest.actual() != balloon:
            self.resize(balloon)

    def kicks(self, move):
        """Return how often the driver notified the device."""
        return sum(event.value == self.device
                   for event in qtrace.only(move.events, "virtio_queue_notify"))

    def to_first_cpu(self):
        """Have the drivers work on the first processor from now on."""
        self.guest.check(TO_FIRST_CPU)

    def touch(self):
        """Write nearly all free memory; drop() gives it back to the guest, not to the host."""
        self.probe.ask("touch 0", timeout=TIMEOUT)

    def drop(self):
        """End what touch() began. Reporting begins 2 s later, so be quick."""
        self.probe.ask("drop")

    def rest(self, seconds=1.0):
        """Let the guest come to rest."""
        time.sleep(seconds)

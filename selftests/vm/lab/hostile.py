# SPDX-License-Identifier: GPL-2.0-only
"""Short runs of our driver on a balloon-device that misbehaves, many in one guest.

    with hostile(lab.guest, folder) as runs:
        for seed in range(100):
            runs.run(seed)

A seed says what the device does; the driver comes and goes with each. What the guest's
kernel complains of, and a driver that does not let go, is a failure of that seed. At the
end memory is counted, the module unloaded, and the guest asked for its verdict.
"""
import contextlib
import time

from . import scan
from .cache import LabError
from .device import Device

OPTIONS = "pressure_queue=1 host_timeout_ms=100 pressure_interval_ms=100"
DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"
RUN_SECONDS = 0.25
UNBIND_SECONDS = 30
# What the kernel keeps for itself once it has seen all this.
LEFT_KIB = 48 << 10


class Runs:
    """A guest and its hostile device, which the driver has let go of."""

    def __init__(self, device, guest):
        self.device, self.guest = device, guest
        self.read = 0
        guest.check(f"modprobe virtio_balloon {OPTIONS}")
        self.name = guest.check(f"basename {DRIVER}/virtio*").strip()
        self._unbind()
        self.total, self.available = self._memory()

    def _memory(self):
        memory = self.guest.meminfo()
        return memory["MemTotal"], memory["MemAvailable"]

    def _unbind(self):
        self.guest.check(f"echo {self.name} >{DRIVER}/unbind", UNBIND_SECONDS)

    def run(self, seed, seconds=RUN_SECONDS):
        """One run: the driver comes, works for a moment, and goes."""
        self.device("hostile", seed=seed)
        self.guest.check(f"echo {self.name} >{DRIVER}/bind", UNBIND_SECONDS)
        time.sleep(seconds)
        self._unbind()
        self._look_at_console()

    def _look_at_console(self):
        text = self.guest.console()
        bad = scan.bad_lines(text[self.read:], self.guest.allowed)
        self.read = text.rfind("\n") + 1
        if bad:
            raise LabError("the console says: " + bad[0])

    def end(self):
        """Count memory, and unload the module."""
        total, available = self._memory()
        if total != self.total or available < self.available - LEFT_KIB:
            raise LabError(f"MemTotal was {self.total} KiB and is {total}, "
                           f"MemAvailable was {self.available} KiB and is {available}")
        self.guest.check("rmmod virtio_balloon", UNBIND_SECONDS)


@contextlib.contextmanager
def hostile(new_guest, folder):
    """Yield Runs in a guest that new_guest(**options) makes."""
    with Device(folder, "--hostile", "0") as device:
        with new_guest(**device.guest_options() | {"load": False}) as guest:
            runs = Runs(device, guest)
            yield runs
            runs.end()

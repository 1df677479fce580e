# SPDX-License-Identifier: GPL-2.0-only
"""Short runs of our driver on a balloon-device that misbehaves, many in one guest.

    with hostile(lab.guest, folder, 0) as runs:
        for seed in range(100):
            runs.run(seed)
        lab.note(runs.story())

A seed says what the device does; the driver comes and goes with each. What the guest's
kernel complains of, and a driver that does not let go, is a failure of that seed. At the
end memory is counted, the module unloaded, and the guest asked for its verdict. QEMU asks
for the features once in its life: those are from a seed for all runs of a guest, and may
be such that no driver takes them.

QEMU 11.1 itself dies now and then: it reads the device's word that the configuration has
changed when the driver has gone already, and follows a pointer to the device that is none.
So the device says nothing of that in the moment before the driver goes, but in one seed of
some. A seed in which QEMU dies is counted, and the next one has a new guest; if it happens often, or if QEMU ends
in any other way, the run fails. The device's own end is no part of this: QEMU 11.1 does not
outlive it ("vhost_dev_get_config: Assertion `hdev->vhost_ops' failed"); selftests/device has
it go on after a restart, under a VMM of its own.
"""
import contextlib
import signal
import subprocess
import time

from . import scan
from .cache import LabError
from .device import Device
from .guest import GuestError

OPTIONS = "pressure_queue=1 host_timeout_ms=100 pressure_interval_ms=100"
DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"
NAME = "cd /sys/bus/virtio/devices && dirname $(grep -l 0x0005 */device)"
RUN_SECONDS = 0.25
UNBIND_SECONDS = 30
# In one seed of so many the configuration changes until the driver has gone, and beyond.
RACES = 16
# What the kernel keeps for itself once it has seen all this.
LEFT_KIB = 48 << 10
# So many deaths of QEMU may be bad luck, and beyond them one in so many seeds.
DEATHS = 2
SEEDS_A_DEATH = 25


def too_many(deaths, seeds):
    """Is it more than bad luck that QEMU died so often?"""
    return len(deaths) > DEATHS + len(seeds) // SEEDS_A_DEATH


class Runs:
    """A hostile device, and a guest whose driver has let go of it; or its successor."""

    def __init__(self, device, new_guest, first):
        """`first` is the seed of the features."""
        self.device, self.new_guest, self.first = device, new_guest, first
        self.guest = self.name = self.taken = self.memory = None
        self.seeds, self.deaths = [], []
        self.read = 0

    def __enter__(self):
        try:
            self._new_guest()
        except BaseException:
            if self.guest:
                self.guest.close()
            raise
        return self

    def __exit__(self, *error):
        return self.guest.__exit__(*error)

    def _new_guest(self):
        self.device("hostile", seed=self.first)
        guest = self.new_guest(**self.device.guest_options() | {"load": False})
        self.guest = guest.__enter__()
        self.read = 0
        with self._may_die(self.first):
            self.name = guest.check(NAME).strip()
            guest.check(f"modprobe virtio_balloon {OPTIONS}")
            self.taken = guest.run(f"cd {DRIVER}/{self.name}")[0] == 0
            self._hush()
            self._unbind()
            self.memory = self._memory()

    def _memory(self):
        memory = self.guest.meminfo()
        return memory["MemTotal"], memory["MemAvailable"]

    def _bind(self):
        """What the driver has taken it takes again, and what it has refused, not."""
        status, _ = self.guest.run(f"echo {self.name} >{DRIVER}/bind", UNBIND_SECONDS)
        if self.taken != (status == 0):
            raise LabError(f"the driver {'no longer' if self.taken else 'now'} takes the device")

    def _hush(self):
        """Have QEMU read what it has heard of the configuration, and hear no more."""
        self.guest.wait_until(lambda: not self.device("hush")["unread"], 10,
                              lambda: "QEMU does not read", 0.005)

    def _unbind(self):
        if self.taken:
            self.guest.check(f"echo {self.name} >{DRIVER}/unbind", UNBIND_SECONDS)

    def run(self, seed, seconds=RUN_SECONDS):
        """One run: the driver comes, works for a moment, and goes."""
        self.seeds.append(seed)
        with self._may_die(seed):
            self.device("hostile", seed=seed)
            self._bind()
            if self.taken:
                time.sleep(seconds)
            if seed % RACES:
                self._hush()
            self._unbind()
            self._look_at_console()

    def _look_at_console(self):
        text = self.guest.console()
        bad = scan.bad_lines(text[self.read:], self.guest.allowed)
        self.read = text.rfind("\n") + 1
        if bad:
            raise LabError("the console says: " + bad[0])

    @contextlib.contextmanager
    def _may_die(self, seed):
        """Go on in a new guest when QEMU dies in this block, as only QEMU's own fault can do."""
        try:
            yield
        except GuestError as error:
            if not self._qemu_died():
                raise
            self._look_at_console()
            self.deaths.append(seed)
            if too_many(self.deaths, self.seeds):
                raise LabError(f"QEMU dies too often: {self.story()}") from error
            self.guest.no_verdict("its QEMU died")
            self.guest.close()
            self._new_guest()

    def _qemu_died(self):
        """Was it a segmentation fault? A kernel that panics has QEMU end with 0."""
        if self.device.process.poll() is not None:
            return False
        try:
            return self.guest.process.wait(10) == -signal.SIGSEGV
        except subprocess.TimeoutExpired:
            return False

    def end(self):
        """Count memory, and unload the module."""
        with self._may_die(self.seeds[-1]):
            total, available = self._memory()
            if total != self.memory[0] or available < self.memory[1] - LEFT_KIB:
                raise LabError(f"MemTotal and MemAvailable were {self.memory} KiB, "
                               f"and are {total} and {available}")
            self.guest.check("rmmod virtio_balloon", UNBIND_SECONDS)

    def story(self):
        """Return what happened, in a line."""
        died = f"; QEMU itself died in {len(self.deaths)}: {self.deaths}" if self.deaths else ""
        refused = "" if self.taken else ", with features that the driver refuses"
        return f"{len(self.seeds)} seeds{refused}{died}"


@contextlib.contextmanager
def hostile(new_guest, folder, first):
    """Yield Runs in guests that new_guest(**options) makes; `first` is the features' seed."""
    with Device(folder, "--hostile", "0") as device, Runs(device, new_guest, first) as runs:
        yield runs
        runs.end()

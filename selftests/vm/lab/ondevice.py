# SPDX-License-Identifier: GPL-2.0-only
"""Has the host tests of QEMU's own balloon run on balloon-device, without their knowing.

    run_on(lab, test_resize, "firecracker")
    run_on(lab, test_resize, "reference", "must-tell-host")

The guest's targets, its actual size and its statistics are then those of the reference
device; when a guest ends, the device's books have to be without a breach.
"""
import tempfile

from . import testing
from .device import Device
from .guest import Guest

PAGE = 4096
# A property of QEMU's device, and the name of its feature.
FEATURES = {"deflate-on-oom": "deflate-on-oom", "free-page-reporting": "reporting"}


class DeviceGuest(Guest):
    """A guest that has a balloon-device where others have QEMU's."""

    def __init__(self, kernel, *, profile, features=(), balloon=(), extra=(), load=True, **options):
        wanted = dict(balloon)
        changes = [*features, *(("" if wanted.pop(name, "off") == "on" else "-") + feature
                                for name, feature in FEATURES.items())]
        if wanted:
            raise ValueError(f"balloon-device has no {wanted}")
        verify = ["--verify"] if "must-tell-host" in changes else []
        self.folder = tempfile.TemporaryDirectory(prefix="lab-device-")
        self.device = Device(self.folder.name, "--profile", profile, "--features",
                             ",".join(changes), *verify)
        mine = self.device.guest_options()
        super().__init__(kernel, **options | mine | {"extra": [*extra, *mine["extra"]],
                                                     "load": load})

    def close(self):
        super().close()
        self.device.__exit__()
        self.folder.cleanup()

    def finish(self, timeout=120):
        self._check_books()
        super().finish(timeout)

    def no_verdict(self, why):
        self._check_books()
        super().no_verdict(why)

    def _check_books(self):
        messages = self.device("books")["messages"]
        if messages:
            raise AssertionError(f"the driver broke the rules: {messages[:5]}")

    def balloon(self, size):
        self.device("target", pages=max(0, self.memory - int(size)) // PAGE)

    def actual(self):
        return self.memory - self.device("status")["actual"] * PAGE

    def guest_stats(self, timeout=10):
        self.wait_until(lambda: self.device("status")["queues"]["stats"]["requests"], timeout,
                        lambda: "the guest sends no statistics")
        stats = self.device("stats", fresh=True)["stats"]
        return {f"stat-{name}": value for name, value in stats.items()}

    def unplug_balloon(self):
        self.device.unplug(self)

    def plug_balloon(self):
        self.device.plug(self)


class _Lab(testing.Lab):
    """What a test is given that is to run on balloon-device."""

    def __init__(self, lab, name, profile, features):
        super().__init__(lab.kernel, lab.driver, f"{lab.label}-{name}")
        self.profile, self.features = profile, features

    def guest(self, **options):
        options = {"driver": self.driver, "label": f"{self.label}-{len(self.guests) + 1}",
                   **options}
        guest = DeviceGuest(self.kernel, profile=self.profile, features=self.features, **options)
        self.guests.append(guest)
        return guest


def run_on(lab, test, profile, *features):
    """Run a host test on a balloon-device with a profile and further features."""
    name = test.__name__.removeprefix("test_")
    there = _Lab(lab, name, profile, features)
    try:
        test(there)
    finally:
        lab.guests += there.guests
        lab.notes += there.notes
        for case in there.cases:
            case.name = f"{name}, {case.name}"
        lab.cases += there.cases

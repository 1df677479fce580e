# SPDX-License-Identifier: GPL-2.0-only
"""balloon-device, the reference device, beside a guest.

    with Device(folder, "--features", "must-tell-host") as device:
        with lab.guest(**device.guest_options()) as guest:
            device("target", pages=1000)
            device("books")["violations"]
"""
import contextlib
import json
import os
from pathlib import Path
import socket
import subprocess
import time

from . import newqemu
from .cache import BUILD, ROOT, LabError, locked, run

PROGRAM = BUILD / "tools" / "balloon-device"
GUEST = {"share": True, "balloon": None, "load": True}


def hotplug_options():
    """The arguments for a Guest that Device.plugged() can plug devices into."""
    return GUEST | {"emulator": str(newqemu.path()), "machine": "pc"}


class Device:
    """A balloon-device that was started; call it with a command of its control socket."""

    def __init__(self, folder, *options):
        with locked("balloon-device", BUILD / "locks"):
            run(["make", "-s", "-C", ROOT / "tools"])
        self.folder = Path(folder)
        command = [PROGRAM, "--socket", self.folder / "vhost", "--control",
                   self.folder / "control", *options]
        self.queues = int(run([*command, "--queues"]))
        # Not self.log: the guest's console has that name.
        self.errors = open(self.folder / "device.log", "wb")
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command],
                                        stderr=self.errors)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self._connect()
        self.lines = self.socket.makefile("rw", encoding="utf-8")

    def _connect(self):
        end = time.monotonic() + 10
        while True:
            try:
                self.socket.connect(os.fspath(self.folder / "control"))
                return
            except OSError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise LabError(f"balloon-device does not start: {error}") from error
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.errors.close()

    def __call__(self, command, **arguments):
        """Run a command; return its answer, which must be a good one."""
        self.lines.write(json.dumps({"command": command, **arguments}) + "\n")
        self.lines.flush()
        line = self.lines.readline()
        if not line:
            raise LabError(f"balloon-device is gone: {self.process.poll()}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise LabError(f"balloon-device: {command}: {answer['error']}")
        return answer

    def guest_options(self):
        """The arguments for a Guest that has this device for its balloon."""
        words = ",".join(f"{name}={value}" for name, value in self._properties().items())
        return GUEST | {"emulator": str(newqemu.path()), "extra": [
            "-chardev", f"socket,id=balloon,path={self.folder / 'vhost'}", "-device", words]}

    def _properties(self):
        return {"driver": "vhost-user-test-device-pci", "id": "balloon",
                "chardev": "balloon", "virtio-id": 5, "num_vqs": self.queues, "vq_size": 128,
                "config_size": 16}

    def plug(self, guest):
        """Plug the device into a guest."""
        address = {"type": "unix", "data": {"path": str(self.folder / "vhost")}}
        guest.qmp("chardev-add", id="balloon", backend={
            "type": "socket", "data": {"addr": address, "server": False}})
        guest.qmp("device_add", **self._properties())

    @staticmethod
    def unplug(guest):
        """Take the device out of a guest."""
        guest.unplug("balloon")
        guest.qmp("chardev-remove", id="balloon")

    @contextlib.contextmanager
    def plugged(self, guest):
        """Have the device in a guest of hotplug_options() in this block, one at a time."""
        self.plug(guest)
        guest.wait_until(lambda: self("status")["driver"], 30, lambda: "no driver takes it")
        try:
            yield
        finally:
            self.unplug(guest)

    def resize(self, guest, pages, timeout=30):
        """Set the target, wait until `actual` is that; return the seconds it took."""
        self("target", pages=pages)
        return guest.wait_until(lambda: self("status")["actual"] == pages, timeout,
                                lambda: f"actual is not {pages}: {self('status')}", 0.02)

    def settled(self, guest, pages, timeout=20):
        """Wait until the device holds so many pages; return its books.

        Where it need not be told first, the guest takes pages back, and says so in `actual`,
        before the device has read of them.
        """
        guest.wait_until(lambda: self("books")["held"] == pages, timeout,
                         lambda: f"the balloon has not {pages} pages: {self('books')}", 0.02)
        return self("books")

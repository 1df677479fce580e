# SPDX-License-Identifier: GPL-2.0-only
"""balloon-hostd beside guests.

    hostd = Hostd(folder)
    with lab.guest(extra=hostd.add("web"), ...) as guest:
        with hostd.run("[daemon]\\npolicy = equal\\n"):
            hostd.guests()["web"]["target"]
"""
import contextlib
import json
from pathlib import Path
import signal
import socket
import subprocess
import time

from .cache import BUILD, ROOT, LabError, locked, run

PROGRAM = BUILD / "tools" / "balloon-hostd"
PATIENCE_S = 30


class Hostd:
    """The daemon, with its config, its socket and its log in a folder."""

    def __init__(self, folder):
        with locked("balloon-hostd", BUILD / "locks"):
            run(["make", "-s", "-C", ROOT / "tools"])
        self.folder = Path(folder)
        self.process = None
        self._sections = []

    def add(self, name, hint=None, settings=""):
        """Return QEMU's arguments for a guest that the daemon is to look after; `hint` is
        the host's end of its agent's port (see agent.py)."""
        qmp = self.folder / f"{name}.qmp"
        hint = f"hint = {hint}\n" if hint else ""
        self._sections.append(f"[guest {name}]\nqmp = {qmp}\n{hint}{settings}")
        return ["-qmp", f"unix:{qmp},server=on,wait=off"]

    @contextlib.contextmanager
    def run(self, config):
        """Have it run in a `with` block; it must end well when it is told to."""
        try:
            self.start(config)
            yield self
        except BaseException:
            self.kill()
            raise
        self.stop()

    def start(self, config):
        """Start it with a config, in which [daemon] comes first if it is there at all."""
        path = self.folder / "hostd.conf"
        config = config if config.startswith("[daemon]\n") else f"[daemon]\n{config}"
        status = f"[daemon]\nstatus = {self.folder}/status\n"
        path.write_text(config.replace("[daemon]\n", status, 1) + "".join(self._sections))
        with open(self.folder / "hostd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "--config", path, "--verbose"],
                stdout=log, stderr=log)
        self.wait_until("it answers", self._answers)

    def stop(self):
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.returncode:
            raise LabError(f"balloon-hostd: exit {self.process.returncode}\n{self.log()[-3000:]}")

    def kill(self):
        """End it in the midst of what it does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _answers(self):
        try:
            return bool(self.ask("status"))
        except OSError:
            return False

    def wait_until(self, what, done, timeout=PATIENCE_S):
        """Wait until done(); what it returned is returned."""
        end = time.monotonic() + timeout
        while not (result := done()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise LabError(f"balloon-hostd: not within {timeout} s: {what}\n"
                               f"{self.log()[-3000:]}")
            time.sleep(0.1)
        return result

    def ask(self, command, **arguments):
        """Ask its status socket; the answer must be a good one."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.folder / "status"))
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with client.makefile() as lines:
                answer = json.loads(lines.readline())
        if not answer["ok"]:
            raise LabError(f"balloon-hostd: {command}: {answer['error']}")
        return answer

    def guests(self):
        """Return {name: what it knows of the guest}."""
        return {guest["name"]: guest for guest in self.ask("guests", **{"from": 0})["guests"]}

    def log(self):
        """Return what it said."""
        return (self.folder / "hostd.log").read_text(errors="replace")

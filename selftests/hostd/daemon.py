# SPDX-License-Identifier: GPL-2.0-only
"""The daemon, as a test runs it: in a folder of its own, on a host that is a folder, too."""
import json
from pathlib import Path
import signal
import socket
import subprocess
import tempfile
import time

from fakes import GIB

PROGRAM = None      # set by the runner
PATIENCE_S = 20     # for what is to happen within a second or two


class Timeout(Exception):
    """Something did not happen."""


class Skip(Exception):
    """A case does not apply here; the text says why."""


def wait_for(what, condition, seconds=PATIENCE_S):
    """Wait until condition() is true, and return what it returned."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise Timeout(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return result


class Host:
    """A cgroup of version 2, as files: how much memory there is, and who uses it."""

    def __init__(self, folder, total, fleet=None, others=0):
        self.folder, self.total, self.fleet, self.others = Path(folder), total, fleet, others
        self.folder.mkdir()
        self.update()

    def update(self):
        """Write what the guests use now."""
        guests = self.fleet.guests if self.fleet else ()
        used = self.others + sum(guest.size for guest in guests)
        self._write("memory.max", self.total)
        self._write("memory.current", min(used, self.total))
        self._write("memory.stat", "inactive_file 0")

    def _write(self, name, value):
        new = self.folder / f"{name}.new"
        new.write_text(f"{value}\n")
        new.rename(self.folder / name)


class Daemon:
    """balloon-hostd with a config, in a temporary folder."""

    def __init__(self, sections="", fleet=None, host=None, daemon="",
                 options=("--verbose",)):
        self.scratch = tempfile.TemporaryDirectory(prefix="hostd-")
        self.folder = Path(self.scratch.name)
        self.config = self.folder / "hostd.conf"
        self.status_path = self.folder / "status"
        self.log_path = self.folder / "log"
        self.sections, self.fleet, self.host = sections, fleet, host
        self.daemon, self.options = daemon, list(options)
        self.process = None
        self.write_config()

    def write_config(self, extra=""):
        """The settings of the test, and its guests."""
        text = f"[daemon]\nstatus = {self.status_path}\n{self.daemon}\n"
        if self.host:
            text += f"[host]\nsource = meminfo\nreserve = 1G\ncgroup = {self.host.folder}\n"
        text += self.sections
        for guest in self.fleet.guests if self.fleet else ():
            text += f"[guest {guest.name}]\nqmp = {guest.qmp}\n"
            text += f"hint = {guest.hint}\n" if guest.hint else ""
        self.config.write_text(text + extra)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        try:
            if self.process and self.process.poll() is None:
                self.stop()
        finally:
            self.scratch.cleanup()

    def command(self, *options):
        return [PROGRAM, "--config", str(self.config), *self.options, *options]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        wait_for("its status", self.answers)

    def stop(self, number=signal.SIGTERM):
        """End it; fail if it does not, or not well."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        if number == signal.SIGTERM and code:
            raise RuntimeError(f"exit code {code}: {self.log()[-3000:]}")

    def answers(self):
        """Does it run? A socket that was left behind does not answer."""
        try:
            return self.status()["ok"]
        except OSError:
            return False

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def run(self, *options):
        """Run it to its end with these options; return its exit code and what it said."""
        done = subprocess.run(self.command(*options), stdout=subprocess.PIPE, timeout=60,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def ask(self, command, **arguments):
        """Ask the status socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.status_path))
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with client.makefile() as lines:
                return json.loads(lines.readline())

    def status(self):
        return self.ask("status")

    def guests(self):
        """Return {name: what the daemon knows of it}."""
        found, start = {}, 0
        while start is not None:
            answer = self.ask("guests", **{"from": start})
            found |= {guest["name"]: guest for guest in answer["guests"]}
            start = answer.get("next")
        return found

    def rounds(self, count):
        """Let so many rounds go by; a host that is a folder follows its guests."""
        end = self.status()["round"] + count

        def passed():
            if self.host:
                self.host.update()
            return self.status()["round"] >= end
        wait_for(f"round {end}", passed, PATIENCE_S + 2 * count)

    def wait_heard(self):
        """Wait until all guests have said how they are."""
        wait_for("all guests", lambda: len(self.guests()) == len(self.fleet.guests) and all(
            guest["size_age"] < 3 and guest["stats_age"] < 3 for guest in self.guests().values()))


def small_host(fleet, folder, lacking=0):
    """Return a host on which all guests fit, but for so many bytes beside the reserve."""
    total = sum(guest.size for guest in fleet.guests) + GIB - lacking
    return Host(Path(folder) / "cgroup", total, fleet)

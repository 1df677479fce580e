# SPDX-License-Identifier: GPL-2.0-only
"""balloon-agent in a guest, and the host's end of its port.

    agent = Agent(folder)
    with lab.guest(**agent.guest_options()) as guest:
        agent.start(guest)
        with agent.connect() as host:
            host("hint", level="critical", need=1 << 30)["reply"]
"""
import io
import json
from pathlib import Path
import socket
import tarfile
import tempfile
import time

from . import initramfs
from .cache import BUILD, ROOT, LabError, locked, run

PROGRAM = BUILD / "tools" / "balloon-agent"
PORT = "org.autoballoon.hint.0"


class Host:
    """A connection to the host's end of the port; call it with a command of the agent."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.serial = 0
        # What another host may have left of a line ends here.
        self.send(b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def send(self, data):
        """Send bytes as they are."""
        self.socket.sendall(data)

    def hear(self):
        """Return the next line, parsed."""
        line = self.lines.readline()
        if not line:
            raise LabError("the port is closed")
        return json.loads(line)

    def ask(self, command, **arguments):
        """Send a request; return its answer. Answers to others before are left out."""
        self.serial += 1
        request = {"command": command, "id": self.serial, **arguments}
        self.send(json.dumps(request).encode() + b"\n")
        while True:
            answer = self.hear()
            if answer.get("id") == self.serial:
                return answer

    def __call__(self, command, **arguments):
        """The same, and the answer must be a good one."""
        answer = self.ask(command, **arguments)
        if not answer["ok"]:
            raise LabError(f"balloon-agent: {command}: {answer['error']}")
        return answer


class Agent:
    """The agent of one guest."""

    def __init__(self, folder):
        with locked("balloon-agent", BUILD / "locks"):
            run(["make", "-s", "-C", ROOT / "tools"])
        self.path = Path(folder) / "hint"
        self.job = None

    def guest_options(self):
        """The arguments for a Guest that has the agent, and the port for it."""
        return {"files": initramfs.shared_program(PROGRAM), "extra": [
            "-chardev", f"socket,id=hint,path={self.path},server=on,wait=off",
            "-device", f"virtserialport,bus=lab.0,nr=3,chardev=hint,name={PORT}"]}

    @staticmethod
    def installed():
        """Return a tar archive of all that `make install` installs."""
        with tempfile.TemporaryDirectory() as folder:
            run(["make", "-s", "-C", ROOT / "tools/balloon-agent", "install",
                 f"DESTDIR={folder}", "prefix=/usr"])
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w") as tar:
                # Not as folders: the guest's are links.
                for path in sorted(Path(folder).rglob("*")):
                    if path.is_file():
                        tar.add(path, path.relative_to(folder))
            return archive.getvalue()

    def start(self, guest, *options):
        """Start the agent in the guest."""
        self.job = guest.start(" ".join(["exec balloon-agent", *options]))
        guest.wait_until(lambda: guest.run("pidof balloon-agent")[0] == 0, 10,
                         lambda: f"the agent does not start: {self.job.output}")

    def stop(self):
        """End the agent in the guest."""
        self.job.kill()
        self.job.ended(30)

    def used_ms(self, guest):
        """Return how much of a processor's time the agent has used."""
        fields = guest.read("/proc/$(pidof balloon-agent)/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 10

    def used_in(self, guest, seconds):
        """Return the processor's time that it uses in so many seconds, in ms."""
        before = self.used_ms(guest)
        time.sleep(seconds)
        return self.used_ms(guest) - before

    def connect(self):
        """Return a Host: somebody now holds the host's end of the port."""
        return Host(self.path)

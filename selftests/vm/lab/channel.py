# SPDX-License-Identifier: GPL-2.0-only
"""The host's end of the guest's ports: commands (see guest/agent.c) and verdicts."""
import base64
import itertools
import os
import selectors
import threading
import time

CHUNK = 3000
HELLO_SECONDS = 3


class Job:
    """A command in the guest. Made by Guest.start(); runs beside others.

    job.output       what it printed so far (text)
    job.data         the same, bytes
    job.status       its exit status, None while it runs
    job.wait(30)     wait for the end, return (status, output)
    job.ended(30)              wait for the end; False if it does not come in time
    job.wait_for("text", 30)   wait until its output contains a text
    job.send(data, end=True)   bytes to its standard input
    job.kill()       kill it and everything that it started
    """

    def __init__(self, channel, ident, command):
        self._channel = channel
        self.id = ident
        self.command = command
        self.data = b""
        self.status = None

    @property
    def output(self):
        """What the command printed so far."""
        return self.data.decode(errors="replace")

    def wait(self, timeout=60):
        """Wait for the end; return (status, output)."""
        self._channel.wait(lambda: self.status is not None, timeout,
                           lambda: f"'{self.command}' did not end; it printed:\n{self.output}")
        return self.status, self.output

    def ended(self, timeout):
        """Wait for the end; return whether it came in time."""
        return self._channel.reached(lambda: self.status is not None, timeout,
                                     lambda: f"'{self.command}' had printed:\n{self.output}")

    def wait_for(self, text, timeout=60):
        """Wait until the output contains `text`; an end without it is an error as well."""
        self._channel.wait(lambda: text in self.output or self.status is not None, timeout,
                           lambda: f"'{self.command}' never printed '{text}' but:\n{self.output}")
        if text not in self.output:
            raise AssertionError(f"'{self.command}' ended ({self.status}) without '{text}':\n"
                                 f"{self.output}")

    def send(self, data, end=False):
        """Send bytes (or text) to the standard input; `end` closes it."""
        if isinstance(data, str):
            data = data.encode()
        for start in range(0, len(data), CHUNK):
            self._channel.send("I", self.id, data[start:start + CHUNK])
        if end:
            self._channel.send("C", self.id)

    def kill(self):
        """Kill the command with everything that it started."""
        self._channel.send("K", self.id)


class Channel:
    """Both ports of a guest; a thread of its own reads them."""

    def __init__(self, commands, verdicts, failed):
        """`failed(text)` raises the error for a wait that cannot succeed."""
        self._commands = commands
        self._verdicts = verdicts
        self._failed = failed
        self._changed = threading.Condition()
        self._jobs = {}
        self._hellos = set()
        self._bad = []
        self.verdicts = {}
        self.closed = False
        self._serial = itertools.count()
        self._prefix = os.urandom(4).hex()
        commands.settimeout(60)
        self._thread = threading.Thread(target=self._read_all, daemon=True)
        self._thread.start()

    def reached(self, done, timeout, why):
        """Wait until done(); return False on a timeout, fail when the guest is gone."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not done():
                left = deadline - time.monotonic()
                if self.closed:
                    self._failed("the guest is gone: " + why())
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def wait(self, done, timeout, why):
        """Wait until done(); otherwise fail with the text that why() gives."""
        if not self.reached(done, timeout, why):
            self._failed(f"timeout after {timeout:g} s: " + why())

    def start(self, command, stdin=b""):
        """Start a command line in the guest. None for `stdin` keeps it open for Job.send()."""
        job = Job(self, f"{self._prefix}{next(self._serial)}", command)
        self._jobs[job.id] = job
        self.send("R", job.id, command.encode())
        if stdin is not None:
            job.send(stdin, end=True)
        return job

    def hello(self, timeout):
        """Wait until the agent answers."""
        word = f"{self._prefix}{next(self._serial)}"
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            # A serial port that nobody has opened yet loses the beginning.
            self.send("H", word)
            if self.reached(lambda: word in self._hellos, HELLO_SECONDS, lambda: "no hello"):
                return
        self._failed(f"timeout after {timeout:g} s: the guest's agent does not answer")

    def verdict(self, name, timeout):
        """Wait for the verdict `name`; return (good, [bad lines])."""
        self.wait(lambda: name in self.verdicts, timeout, lambda: f"no verdict '{name}'")
        return self.verdicts[name]

    def send(self, kind, ident, data=None):
        """Send one line to the agent."""
        line = f"{kind} {ident}".encode()
        if data is not None:
            line += b" " + base64.b64encode(data)
        try:
            self._commands.sendall(line + b"\n")
        except OSError as error:
            self._failed(f"cannot send to the guest: {error}")

    def close(self):
        """Stop reading."""
        for sock in (self._commands, self._verdicts):
            try:
                sock.shutdown(2)
            except OSError:
                pass
        self._thread.join(5)
        self._commands.close()
        self._verdicts.close()

    def _read_all(self):
        selector = selectors.DefaultSelector()
        buffers = {}
        for sock, take in ((self._commands, self._take_line), (self._verdicts, self._take_verdict)):
            selector.register(sock, selectors.EVENT_READ, take)
            buffers[sock] = b""
        while selector.get_map():
            for key, _ in selector.select():
                sock = key.fileobj
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    selector.unregister(sock)
                *lines, buffers[sock] = (buffers[sock] + data).split(b"\n")
                with self._changed:
                    for line in lines:
                        key.data(line)
                    self._changed.notify_all()
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _take_line(self, line):
        words = line.split()
        if len(words) < 2:
            return
        ident = words[1].decode(errors="replace")
        if words[0] == b"H":
            self._hellos.add(ident)
        job = self._jobs.get(ident)
        if job is None or len(words) < 3:
            return
        if words[0] == b"O":
            job.data += base64.b64decode(words[2])
        elif words[0] == b"E":
            job.status = int(words[2])
            del self._jobs[ident]

    def _take_verdict(self, line):
        text = line.decode(errors="replace")
        if text.startswith("bad "):
            self._bad.append(text[4:])
        elif text.startswith("verdict "):
            _, name, word = text.split()
            self.verdicts[name] = (word == "ok", self._bad)
            self._bad = []

# SPDX-License-Identifier: GPL-2.0-only
"""A client for QEMU's machine protocol (QMP) on a connected socket."""
import json
import socket
import threading
import time

from .cache import LabError


class QmpError(LabError):
    """QEMU refused a command, or does not answer any more."""


class Qmp:
    """One QMP session.

        qmp("query-balloon")["actual"]
        qmp("device_add", driver="virtio-balloon-pci", id="balloon")
        qmp.event("DEVICE_DELETED", timeout=30)
        qmp.hmp("info mtree")

    Names with a dash in arguments: qmp("x", **{"a-b": 1}).
    """

    def __init__(self, sock, timeout=30):
        self._sock = sock
        self._lock = threading.RLock()
        self._buffer = b""
        self._events = []
        self._serial = 0
        self._read(time.monotonic() + timeout)          # the greeting
        self("qmp_capabilities", timeout=timeout)

    def __call__(self, command, timeout=30, **arguments):
        """Run `command` and return its result."""
        with self._lock:
            self._serial += 1
            message = {"execute": command, "arguments": arguments, "id": self._serial}
            try:
                self._sock.sendall(json.dumps(message).encode() + b"\n")
            except OSError as error:
                raise QmpError(f"QMP {command}: {error}") from error
            deadline = time.monotonic() + timeout
            while True:
                answer = self._read(deadline)
                if "event" in answer:
                    self._events.append(answer)
                elif answer.get("id") == self._serial:
                    break
        if "error" in answer:
            raise QmpError(f"QMP {command}: {answer['error']['desc']}")
        return answer["return"]

    def hmp(self, line):
        """Run a line of the human monitor and return its text."""
        return self("human-monitor-command", **{"command-line": line})

    def event(self, name, timeout=30):
        """Wait for the event `name` (also one that has come already) and return its data."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while True:
                for number, event in enumerate(self._events):
                    if event["event"] == name:
                        del self._events[number]
                        return event.get("data", {})
                answer = self._read(deadline)
                if "event" in answer:
                    self._events.append(answer)

    def forget(self, name):
        """Drop the events `name` that have come already."""
        with self._lock:
            self("query-status")
            self._events = [event for event in self._events if event["event"] != name]

    def close(self):
        """End the session."""
        self._sock.close()

    def _read(self, deadline):
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError("QMP: no answer in time")
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(65536)
            except socket.timeout:
                continue
            except OSError as error:
                raise QmpError(f"QMP: {error}") from error
            if not data:
                raise QmpError("QMP: QEMU closed the connection")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

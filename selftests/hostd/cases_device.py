# SPDX-License-Identifier: GPL-2.0-only
"""Guests behind balloon-device: the real program without a guest, and one that is not there."""
import contextlib
import json
from pathlib import Path
import socket
import socketserver
import subprocess
import tempfile
import threading

from cases_good import must
import daemon
from daemon import Daemon, Host, wait_for
from fakes import GIB, MIB, PAGE


def program():
    """Return the real balloon-device, which is built beside the daemon."""
    return Path(daemon.PROGRAM).with_name("balloon-device")


def ask(path, command):
    """Ask a control socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(json.dumps({"command": command}).encode() + b"\n")
        with client.makefile() as lines:
            return json.loads(lines.readline())


def section(path, **keys):
    """A guest of 1 GiB there."""
    text = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[guest one]\ndevice = {path}\nmemory = 1G\n{text}"


def a_real_device():
    """It gets its target, and again after it was started anew; no driver, no statistics."""
    with tempfile.TemporaryDirectory() as folder:
        control = f"{folder}/control"
        command = [program(), "--socket", f"{folder}/vhost", "--control", control]
        with Daemon(section(control, size="75%"), daemon="policy = static") as hostd:
            for _ in range(2):
                process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
                try:
                    wait_for("its target", lambda: Path(control).exists() and
                             ask(control, "status")["target"] == GIB // 4 // PAGE)
                    guest = hostd.guests()["one"]
                    must(guest["size"] == GIB and not guest["has_hints"], f"{guest}")
                    must(guest["stats_age"] > 3, f"{guest}")
                finally:
                    process.kill()
                    process.wait()
                wait_for("its end", lambda: not hostd.guests()["one"]["connected"])
                Path(control).unlink()


class Control(socketserver.StreamRequestHandler):
    """The control socket of a device whose driver takes hints, and gives all that is wanted."""

    def handle(self):
        # The daemon may end with an answer unread.
        with contextlib.suppress(ConnectionError):
            for line in self.rfile:
                self.answer(json.loads(line))

    def send(self, **line):
        self.wfile.write(json.dumps(line).encode() + b"\n")

    def answer(self, request):
        guest = self.server.guest
        if request["command"] == "status":
            self.send(ok=True, target=0, actual=guest["held"],
                      queues={"pressure": {"running": True}})
        elif request["command"] == "stats":
            free = GIB - guest["held"] * PAGE - 256 * MIB
            self.send(ok=True, age_us=0, stats={
                "total-memory": GIB - guest["held"] * PAGE, "free-memory": free,
                "available-memory": free})
        elif request["command"] == "hint":
            guest["hints"].append(request)
            pages = request["need"] // PAGE
            guest["held"] += pages
            self.send(ok=True, seq=1, sent=True)
            self.send(event="reply", reply={"seq": 1, "invalid": False, "yielded": pages * PAGE,
                                            "slack": 700 * MIB - guest["held"] * PAGE})
        else:
            self.send(ok=True)


def hints_by_the_device():
    """A driver with the pressure queue is hinted through the device; its replies are counted."""
    with tempfile.TemporaryDirectory() as folder, \
            socketserver.ThreadingUnixStreamServer(f"{folder}/control", Control) as server:
        server.daemon_threads = True
        server.guest = {"held": 0, "hints": []}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = Host(f"{folder}/cgroup", 2 * GIB)
        with Daemon(section(f"{folder}/control", floor="10%"), host=host) as hostd:
            wait_for("the guest", lambda: hostd.guests()["one"]["has_hints"])
            host.others = GIB + 100 * MIB
            host.update()
            wait_for("a hint", lambda: server.guest["hints"])
            wait_for("its reply", lambda: hostd.guests()["one"]["yielded"])
            guest = hostd.guests()["one"]
            must(guest["yielded"] >= 99 * MIB and guest["targets"] == 0, f"{guest}")
            must(guest["has_slack"] and guest["slack"] <= 600 * MIB + 2 * MIB, f"{guest}")
            hint = server.guest["hints"][0]
            must(hint["level"] == "medium" and hint["ttl_ms"] == 10000, f"{hint}")
        server.shutdown()


CASES = [a_real_device, hints_by_the_device]

# SPDX-License-Identifier: GPL-2.0-only
"""Guests that are not there: their QEMU's QMP sockets, and their agents' ports.

    with Fleet() as fleet:
        guest = fleet.add(folder, "web", memory=4 * GIB, used=GIB)

Each guest is as good or bad as its `mode`, which a test may change at any time.
"""
import asyncio
import json
import threading
import time

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096
BALLOON = "/machine/peripheral/balloon0"
FRACTIONS = {"none": 0, "low": 8, "medium": 4, "critical": 2}
# What a guest may be:
#   good      answers at once
#   silent    takes requests and answers none
#   garbage   answers, but not in JSON
#   flood     sends megabytes without an end of line
#   wrong     answers what was not asked
#   zeros     statistics are all 0
#   liar      has more available than there is
#   backwards its clock runs backwards
#   refuses   answers with errors


class Guest:
    """One guest, with the state that its host can see."""

    def __init__(self, name, folder, memory, used, agent):
        self.name, self.memory, self.used = name, memory, used
        self.mode = "good"
        self.migrating = False
        self.target = memory        # what the host asked for
        self.surplus = 0            # given beyond that, because of hints
        self.qmp = f"{folder}/{name}.qmp"
        self.hint = f"{folder}/{name}.hint" if agent else None
        self.agent_mode = "good"
        self.clock = int(time.time())
        self.hints, self.targets = [], []
        self.commands = 0
        self.connections = 0

    @property
    def size(self):
        return max(self.target - self.surplus, 0)

    @property
    def available(self):
        return max(self.size - self.used, 0)

    @property
    def slack(self):
        return max(self.available - 64 * MIB, 0)

    def stats(self):
        self.clock += -1 if self.mode == "backwards" else 1
        total, available = self.size, self.available
        if self.mode == "zeros":
            total = available = 0
        if self.mode == "liar":
            available = total + GIB
        return {"last-update": self.clock,
                "stats": {"stat-total-memory": total, "stat-available-memory": available,
                          "stat-free-memory": available, "stat-swap-in": -1}}

    def execute(self, command, arguments):
        """Return what QMP returns for a command."""
        if command == "balloon":
            self.target = min(arguments["value"], self.memory)
            self.targets.append((time.monotonic(), self.target))
        return {
            "query-balloon": lambda: {"actual": self.size},
            "query-memory-size-summary": lambda: {"base-memory": self.memory, "plugged-memory": 0},
            "query-migrate": lambda: {"status": "active"} if self.migrating else {},
            "qom-list": lambda: [{"name": "balloon0", "type": "child<virtio-balloon-pci>"}]
            if arguments["path"] == "/machine/peripheral" else [],
            "qom-get": self.stats,
        }.get(command, dict)()

    def take_hint(self, request):
        """Do what the driver does with a hint; return what it gives."""
        self.hints.append((time.monotonic(), request))
        fraction = FRACTIONS[request["level"]]
        given = self.slack // fraction if fraction else 0
        if request.get("need"):
            given = min(given, request["need"])
        given -= given % PAGE
        self.surplus += given
        return given

    def answer_agent(self, request):
        """Return what the agent answers."""
        answer = {"ok": True, "id": request["id"]}
        if request["command"] == "hello":
            return {**answer, "agent": "balloon-agent", "hints": True}
        if request["command"] == "hint":
            answer["reply"] = {"yielded": self.take_hint(request)}
        return {**answer, "snapshot": {"available": self.available, "slack": self.slack}}


async def misbehave(mode, writer):
    """Send what nobody wants to read. True if that was all there is to say."""
    if mode == "silent":
        return True
    if mode == "garbage":
        writer.write(b"\x00\xff this is no JSON {]\n")
    elif mode == "flood":
        writer.write(b"x" * (4 * MIB))
    elif mode == "wrong":
        writer.write(b'{"return": {"actual": 1}, "id": 4711}\n')
    else:
        return False
    await writer.drain()
    return True


async def serve_qmp(guest, reader, writer):
    guest.connections += 1
    writer.write(b'{"QMP": {"version": {}, "capabilities": []}}\n')
    while line := await reader.readline():
        guest.commands += 1
        if await misbehave(guest.mode, writer):
            continue
        request = json.loads(line)
        answer = {"id": request["id"]}
        if guest.mode == "refuses":
            answer["error"] = {"class": "GenericError", "desc": "not today"}
        else:
            answer["return"] = guest.execute(request["execute"], request.get("arguments"))
        writer.write(json.dumps(answer).encode() + b"\n")


async def serve_agent(guest, reader, writer):
    while line := await reader.readline():
        if await misbehave(guest.agent_mode, writer):
            continue
        writer.write(json.dumps(guest.answer_agent(json.loads(line))).encode() + b"\n")


class Fleet:
    """Guests, served by a thread."""

    def __init__(self):
        self.guests = []
        self.servers = {}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        for guest in self.guests:
            self.stop(guest)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def add(self, folder, name, memory=4 * GIB, used=GIB, agent=False):
        guest = Guest(name, folder, memory, used, agent)
        self.guests.append(guest)
        self.start(guest)
        return guest

    def start(self, guest):
        """Let its sockets listen."""
        self._call(self._start(guest))

    def stop(self, guest):
        """Its QEMU ends."""
        self._call(self._stop(guest))

    async def _start(self, guest):
        listeners = self.servers[guest.name] = []
        for path, serve in ((guest.qmp, serve_qmp), (guest.hint, serve_agent)):
            if path:
                listeners.append(await asyncio.start_unix_server(
                    self._tracked(guest, serve), path, backlog=8))

    def _tracked(self, guest, serve):
        async def handler(reader, writer):
            self.servers[guest.name].append(writer)
            try:
                await serve(guest, reader, writer)
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()
        return handler

    async def _stop(self, guest):
        for one in self.servers.pop(guest.name, []):
            one.close()

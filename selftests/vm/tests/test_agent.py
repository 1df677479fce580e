# SPDX-License-Identifier: GPL-2.0-only
"""balloon-agent in a guest, over a port of virtio-serial of a stock QEMU."""
import json
from pathlib import Path
import random
import re
import subprocess
import sys
import tempfile

from common import MIB, PAGE, SYSFS, touch
from lab import rootfs
from lab.agent import Agent
from lab.cache import ROOT
from lab.initramfs import static_program
from lab.testing import only, timeout

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import blocks       # noqa: E402

VSOCK_PORT = 5151
HINT = {"level": "critical", "need": 100 * MIB, "ttl_ms": 20000}


def snapshots(lab, guest, agent):
    """What the agent says of the guest is what the guest's kernel says."""
    with agent.connect() as host:
        hello = host("hello")
        ours = lab.driver == "ours"
        lab.check_equal("the driver's version", "driver" in hello, ours)
        lab.check_equal("PSI", hello["psi"],
                        guest.run("cat /proc/pressure/memory")[0] == 0)
        snapshot = host("snapshot")["snapshot"]
        available = guest.meminfo()["MemAvailable"] << 10
        lab.check_near("available", snapshot["available"], available, 32 * MIB)
        lab.check_equal("PSI in the snapshot", snapshot["psi"] is not None, hello["psi"])
        if ours:
            lab.check_equal("offset", snapshot["offset"],
                            int(guest.check(f"cat {SYSFS}/offset_pages")) * PAGE)


def rates(lab, guest, agent):
    """Faults that happen between two snapshots are in the rates, and about so many."""
    def faults():
        return int(guest.check("sed -n 's/^pgfault //p' /proc/vmstat"))
    with agent.connect() as host:
        outside = faults()
        host("snapshot")
        inside = faults()
        touch(guest, 100)
        guest.check("for i in $(seq 50); do cat /proc/version; done >/dev/null")
        inside = faults() - inside
        rate = host("snapshot")["snapshot"]["rates"]
        outside = faults() - outside
        seen = (rate["minor_faults"] + rate["major_faults"]) * rate["interval_ms"] / 1000
        lab.check("so many faults that they can be told from none", inside > 1000)
        # Counts per processor are gathered once a second, and the interval is in whole ms.
        lab.check_between("faults", inside * 0.9 - 500, seen, outside * 1.1 + 500)


def host_goes_and_comes(lab, guest, agent):
    """Without a host the agent sleeps; the next one is heard, and hears nothing old."""
    lab.check_between("ms of a processor in 3 s without a host", 0,
                      agent.used_in(guest, 3), 50 * guest.slow)
    for _ in range(3):
        with agent.connect() as host:
            host("hello")
            host.send(b'{"command":"hello"}\n' * 50 + b'{"command":"snap')
        # What it was asked, it answers, though nobody is there.
        guest.wait_until(lambda: not agent.used_in(guest, 0.3), 20)
        lab.check_between("ms of a processor in 2 s without a host", 0,
                          agent.used_in(guest, 2), 50 * guest.slow)
    with agent.connect() as host:
        host("hello")


def garbage(lab, agent):
    """A host that sends garbage gets errors, and is still heard."""
    chance = random.Random(17)
    with agent.connect() as host:
        refused = host("hello")["refused"]
        for _ in range(20):
            host.send(chance.randbytes(3000) + b"\n")
        host.send(b"x" * 200_000 + b"\n")
        lab.check("more was refused", host("hello")["refused"] > refused)
        for bad in ({"level": "urgent"}, {**HINT, "need": -1}, {**HINT, "ttl_ms": 0},
                    {**HINT, "ttl_ms": 3_600_001}, {**HINT, "level": "low need=1G"},
                    {**HINT, "now": True}):
            answer = host.ask("hint", **bad)
            lab.check(f"{bad} is refused", not answer["ok"] and answer["error"])


def module_goes_and_comes(lab, guest, agent):
    """While the driver is away a hint is refused, a snapshot is not; afterwards all is well."""
    with agent.connect() as host:
        for _ in range(3):
            guest.check("rmmod virtio_balloon")
            answer = host.ask("hint", **HINT)
            lab.check_equal("error", answer.get("error"),
                            "hint: no balloon driver has a device")
            lab.check("no offset", "offset" not in host("snapshot")["snapshot"])
            guest.check("modprobe virtio_balloon")
            lab.check_equal("hints", host("hello")["hints"], takes_hints(guest))


def takes_hints(guest):
    """Does the driver that is loaded take hints?"""
    return guest.run(f"ls $(echo {SYSFS})/../pressure/hint")[0] == 0


def documented(lab, agent):
    """The manual's line for a shell on the host gets a snapshot."""
    for _, lines in blocks.run_by(blocks.AGENT):
        for line in lines:
            line = re.sub(r"(?<=UNIX-CONNECT:)[^\s,]+", str(agent.path), line)
            said = subprocess.run(["sh", "-c", line], text=True, check=True,
                                  stdout=subprocess.PIPE).stdout
            lab.check(f"{line}: {said}", json.loads(said)["snapshot"]["available"] > 0)


def hints(lab, guest, agent):
    """A hint is answered with what the guest gave: its balloon has grown by that."""
    with agent.connect() as host:
        if not takes_hints(guest):
            answer = host.ask("hint", **HINT)
            lab.check_equal("error", answer.get("error"), "hint: the balloon driver takes no hints")
            lab.skip("this driver has no pressure/hint")
        before = guest.actual()
        answer = host("hint", **HINT)
        lab.check("the driver replied", answer["reply"])
        lab.check_between("yielded", 50 * MIB, answer["reply"]["yielded"], HINT["need"])
        guest.wait_until(lambda: before - guest.actual() >= answer["reply"]["yielded"], 10)
        lab.check("the offset is a surplus", answer["snapshot"]["offset"] > 0)
        lab.check("slack", answer["snapshot"]["slack"] > 0 and answer["reply"]["slack"] > 0)
        lab.check_equal("none", host("hint", level="none")["ok"], True)
        # A hint that waits while the driver goes does not hang.
        host.send(b'{"command":"hint","level":"low"}\n')
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon")
        host("hello")


def only_the_host(lab, guest, agent):
    """On vsock, a program of the guest is let go without a word."""
    agent.stop()
    guest.check("modprobe vsock_loopback")
    agent.start(guest, "--vsock", str(VSOCK_PORT))
    output = None

    def connects():
        nonlocal output
        status, output = guest.run(f"/bin/vsock {VSOCK_PORT}")
        return status == 0
    # It runs before it listens.
    guest.wait_until(connects, 10, lambda: f"no connection: {output}")
    lab.check(f"no answer: {output}", '"ok"' not in output)
    guest.wait_until(lambda: "not the host" in agent.job.output, 5,
                     lambda: f"the agent says: {agent.job.output}")
    agent.stop()


def check_service(lab, guest):
    """The agent runs, without rights but to the port and to the driver's one file."""
    guest.wait_until(lambda: guest.run("systemctl is-active balloon-agent")[0] == 0, 30,
                     lambda: guest.run("systemctl status balloon-agent")[1])
    lab.check_equal("its user", guest.check("stat -c %U /proc/$(pidof balloon-agent)").strip(),
                    "balloon-agent")
    lab.check_equal("its capabilities",
                    guest.check("sed -n 's/^CapEff:\\s*//p' /proc/$(pidof balloon-agent)/status"
                                ).strip(), "0" * 16)
    if takes_hints(guest):
        guest.check("udevadm settle")
        lab.check_equal("who may write hints",
                        guest.check(f"stat -c '%a %U %G' $(echo {SYSFS})/../pressure/hint").strip(),
                        "220 root balloon-agent")
        status, output = guest.run("setpriv --reuid 65534 --regid 65534 --clear-groups "
                                   f"sh -c 'echo low >$(echo {SYSFS})/../pressure/hint' 2>&1")
        lab.check(f"somebody else writes one: {status} {output}",
                  status and "Permission denied" in output)


@only(kernel="6.12")
@timeout(400)
def test_agent_service(lab):
    """systemd starts the agent with the port; its sandbox leaves it what it needs."""
    image = rootfs.image("bookworm", ("libjson-c5", "udev"))
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(folder)
        options = {**agent.guest_options(), "files": None}
        with lab.guest(root=image, balloon={}, load=False, **options) as guest:
            guest.check("tar -x -C /", stdin=agent.installed())
            guest.check("systemd-sysusers && systemctl daemon-reload && udevadm control --reload")
            guest.check("udevadm trigger --settle --subsystem-match=virtio-ports")
            guest.check("modprobe virtio_balloon")
            for _ in range(2):
                check_service(lab, guest)
                with agent.connect() as host:
                    lab.check_equal("hints", host("hello")["hints"], takes_hints(guest))
                    if takes_hints(guest):
                        lab.check("a reply", host("hint", **HINT)["reply"])
                guest.check("rmmod virtio_balloon && modprobe virtio_balloon")
            # One that hangs is ended by the watchdog, and another one is started.
            before = guest.check("pidof balloon-agent")
            guest.check("kill -STOP $(pidof balloon-agent)")
            guest.wait_until(lambda: guest.run("pidof balloon-agent")[1] not in (before, ""), 60)
            check_service(lab, guest)
            with agent.connect() as host:
                host("hello")


@timeout(300)
@only(driver="ours", kernel="7.3")
def test_agent_migration(lab):
    """A guest moves while it yields; the new host hears the agent, and has the surplus."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as beyond:
        here, there = Agent(folder), Agent(beyond)
        with lab.guest(balloon={}, **here.guest_options()) as guest:
            here.start(guest)
            with here.connect() as host:
                host("hint", **HINT | {"ttl_ms": 600_000})
                host.send(b'{"command":"hint","level":"low","ttl_ms":600000}\n')
                with guest.twin(incoming=True, extra=there.guest_options()["extra"]) as other:
                    guest.migrate_to(other)
                    check_moved(lab, other, there)


def check_moved(lab, guest, agent):
    """The agent answers the new host; what was yielded before is still in the balloon."""
    with agent.connect() as host:
        snapshot = host("snapshot")["snapshot"]
        lab.check("there is a surplus", snapshot["offset"] >= 50 * MIB)
        # Nobody asked for it, so it is all that the device has of the guest.
        guest.wait_until(lambda: guest.memory - guest.actual()
                         == host("snapshot")["snapshot"]["offset"], 20)
        before = guest.memory - guest.actual()
        reply = host("hint", **HINT | {"need": 10 * MIB})["reply"]
        lab.check_equal("yielded here", reply["yielded"] >= 10 * MIB, True)
        lab.check("it grew", guest.memory - guest.actual() >= before + 10 * MIB)


@timeout(300)
@only(kernel=("6.1", "7.3"))
def test_agent(lab):
    """The host's hints, garbage and absence; the module's; and others than the host."""
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(folder)
        options = agent.guest_options()
        options["files"]["/bin/vsock"] = static_program(Path(__file__).with_name("vsock.c"))
        with lab.guest(balloon={}, modules=("vsock_loopback",), cmdline="psi=1",
                       **options) as guest:
            agent.start(guest)
            lab.case("snapshot", snapshots, lab, guest, agent)
            lab.case("rates", rates, lab, guest, agent)
            lab.case("host goes and comes", host_goes_and_comes, lab, guest, agent)
            lab.case("documented", documented, lab, agent)
            lab.case("garbage", garbage, lab, agent)
            lab.case("module goes and comes", module_goes_and_comes, lab, guest, agent)
            lab.case("hint", hints, lab, guest, agent)
            lab.case("only the host", only_the_host, lab, guest, agent)

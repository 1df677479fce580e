# SPDX-License-Identifier: GPL-2.0-only
"""What a guest gives to a pressed host leaves the host at once, and costs its service nothing.

Over the agent's port of a stock QEMU, and over the pressure queue of balloon-device.
"""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median
import tempfile
import time

from common import MIB, PAGE, SYSFS, pattern, rested_slack, slack, touch, tune
from lab.agent import Agent
from lab.device import Device
from lab.initramfs import static_program
from lab.testing import only, timeout

MEMORY = "2G"
SLACK = 1 << 30             # at least so much
BACKED_MIB = 1700           # the guest has used so much
# Longer than a yield takes: the reply is made when that is complete.
PATIENT_MS = 20_000
# Before a hint that is to be acted on at once.
SOON_MS = 100
OPTIONS = f"pressure_queue=1 pressure_interval_ms={PATIENT_MS}"
PAIRS = 5
SERVICE = "service 6 100"   # seconds and MiB
LOSS = 0.05                 # or the spread of the pairs, if that is more
BURSTS = 3
BURST_TIMES = 1.3           # what a burst may take, against one in a guest without a balloon


class ByAgent:
    """Hints to balloon-agent."""

    def __init__(self, guest, host):
        self.guest, self.host = guest, host

    def hint(self, level, **more):
        """Send a hint; return what was yielded."""
        return self.host("hint", level=level, **more)["reply"]["yielded"]

    def held(self):
        """Return the bytes in the balloon."""
        return self.guest.memory - self.guest.actual()


class ByQueue:
    """Hints over the pressure queue."""

    def __init__(self, guest, device):
        self.guest, self.device = guest, device

    def hint(self, level, **more):
        """Send a hint; return what was yielded."""
        seq = self.device("hint", level=level, **more)["seq"]
        self.guest.wait_until(lambda: self.device("status")["reply"]["seq"] == seq, 30,
                              lambda: f"no reply to hint {seq}: {self.device('status')}", 0.02)
        return self.device("status")["reply"]["yielded"]

    def held(self):
        """Return the bytes in the balloon."""
        return self.device("status")["actual"] * PAGE


def interval(guest, ms):
    """Set how long the next hint has to wait for the last one."""
    guest.check(f"echo {ms} >$(echo {SYSFS})/../pressure/interval_ms")


def relax(guest, host):
    """End the pressure, and wait until the guest has all of its memory."""
    interval(guest, SOON_MS)
    host.hint("none", ttl_ms=300)
    guest.wait_until(lambda: not host.held(), 60, lambda: f"{host.held()} bytes stay")
    interval(guest, PATIENT_MS)


def released(lab, guest, host):
    """Critical to a guest with 1 GiB of slack: half of it has left the host within a second."""
    touch(guest, BACKED_MIB)
    spare, before = rested_slack(guest), guest.rss_kib()
    lab.check(f"slack is {spare}", spare >= SLACK)
    least = spare // 2 - 16 * MIB
    # What the host never backed cannot leave it: a part of what is yielded may be that.
    limit = guest.memory - least >> 10
    lab.check(f"the host backs {before} KiB: this test can see", before > limit + (256 << 10))
    with ThreadPoolExecutor(1) as pool:
        start = time.monotonic()
        hint = pool.submit(host.hint, "critical", ttl_ms=60_000)
        guest.wait_until(lambda: guest.rss_kib() <= limit, 10,
                         lambda: f"{guest.rss_kib()} KiB of {before} stay, wanted {limit}", 0.01)
        seconds = time.monotonic() - start
        yielded = hint.result()
        replied = time.monotonic() - start
    lab.note(f"yielded {yielded >> 20} of {spare >> 20} MiB; the host had it after "
             f"{seconds:.2f} s, and the reply after {replied:.2f} s")
    lab.check_between("yielded", least, yielded, spare // 2 + 4 * MIB)
    lab.check_between("seconds until the host had it", 0, seconds, guest.slow)
    lab.check_equal("held", host.held(), yielded)


def served(guest, during=None):
    """Return how much the service did, and what was yielded meanwhile."""
    job = guest.start(SERVICE)
    time.sleep(1)
    yielded = during() if during else 0
    status, output = job.wait(60 * guest.slow)
    if status:
        raise AssertionError(f"{SERVICE}: status {status}")
    return int(output), yielded


def pairs(lab, guest, host, gives):
    """The service does as much beside a yield as without, as far as the pairs can tell."""
    alone, beside = [], []
    for _ in range(PAIRS):
        alone.append(served(guest)[0])
        done, yielded = served(guest, lambda: host.hint("critical", ttl_ms=60_000))
        beside.append(done)
        lab.check(f"yielded {yielded}", yielded > SLACK // 4 if gives else yielded == 0)
        relax(guest, host)
    loss = 1 - mean(beside) / mean(alone)
    spread = (max(alone) - min(alone)) / mean(alone)
    lab.note(f"alone {alone}, beside {beside}: a loss of {loss:.1%}, the spread is {spread:.1%}")
    lab.check_between("loss", -1, loss, max(LOSS, spread))


def without_slack(lab, guest, host):
    """A guest that has nothing to spare gives nothing, and is not slowed."""
    tune(guest, reserve_kib=guest.meminfo()["MemAvailable"] + 8192)
    lab.check_equal("slack", slack(guest), 0)
    pairs(lab, guest, host, False)


def burst(guest, mib):
    """Return the seconds that a process needs to take and verify so much."""
    job = guest.start(f"pattern hold {mib}; echo ended $?")
    start = time.monotonic()
    job.wait_for("ready", 120 * guest.slow)
    return time.monotonic() - start, job


def ended(lab, guest, job):
    """The burst's memory was what it wrote."""
    guest.check("killall -TERM pattern")
    lab.check("status of the burst", "ended 0" in job.wait(60 * guest.slow)[1])


def bursts(lab, guest, host):
    """A burst takes no longer for a yield before it, and a hint meanwhile gets nothing."""
    mib = (rested_slack(guest) >> 20) - 100
    alone, after = [], []
    for _ in range(BURSTS):
        # What it had given once the host has to back anew, here as there.
        host.hint("critical", ttl_ms=60_000)
        relax(guest, host)
        seconds, job = burst(guest, mib)
        alone.append(seconds)
        ended(lab, guest, job)
        yielded = host.hint("critical", ttl_ms=60_000)
        lab.check(f"the burst needs what was yielded ({yielded})", yielded > 200 * MIB)
        seconds, job = burst(guest, mib)
        after.append(seconds)
        lab.check(f"held {host.held()} of {yielded}", host.held() < yielded - 100 * MIB)
        interval(guest, SOON_MS)
        lab.check_equal("yielded in the burst", host.hint("critical", ttl_ms=60_000), 0)
        ended(lab, guest, job)
        # The hold-off keeps the guest from giving again.
        guest.wait_until(lambda: slack(guest) > SLACK, 60, lambda: f"slack {slack(guest)}")
        relax(guest, host)
    lab.note(f"{mib} MiB taken in {alone} s, after a yield in {after} s")
    lab.check_between("seconds of a burst after a yield", 0, median(after),
                      BURST_TIMES * median(alone))
    lab.check_equal("processes killed", guest.vmstat()["oom_kill"], 0)


CASES = {"released": (released,), "service": (pairs, True),
         "without slack": (without_slack,), "bursts": (bursts,)}


def run(lab, guest, host, *names):
    """Run some cases; each finds the guest at rest, whatever became of the last."""
    for name in names:
        case, *more = CASES[name]
        lab.case(name, case, lab, guest, host, *more)
        tune(guest, reserve_kib=0)
        relax(guest, host)


def files():
    """Return the programs for the guest."""
    return pattern() | {"/bin/service": static_program(Path(__file__).with_name("service.c"))}


def by_agent(lab, balloon, *names):
    """Run cases over the agent's port of a stock QEMU with such a balloon."""
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(folder)
        options = agent.guest_options()
        options["files"] |= files()
        with lab.guest(memory=MEMORY, balloon=balloon, load=False, **options) as guest:
            guest.check(f"modprobe virtio_balloon {OPTIONS}")
            agent.start(guest)
            with agent.connect() as host:
                run(lab, guest, ByAgent(guest, host), *names)
            agent.stop()


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_agent(lab):
    """Hints over the agent's port of a stock QEMU."""
    # Reporting would take from the host's hands what is to be seen to leave them.
    by_agent(lab, {}, "released", "bursts")


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_agent_service(lab):
    """The same beside a service, with the properties that the documents advise."""
    # Without reporting QEMU drops 4 KiB at a time, and for each stops who works beside.
    by_agent(lab, {"deflate-on-oom": "on", "free-page-reporting": "on"},
             "service", "without slack")


@timeout(900)
@only(driver="ours", kernel="7.3")
def test_queue(lab):
    """Hints over the pressure queue of balloon-device."""
    # Without reporting, as above.
    with tempfile.TemporaryDirectory() as folder, \
            Device(folder, "--features", "-reporting") as device, \
            lab.guest(memory=MEMORY, files=files(),
                      **device.guest_options() | {"load": False}) as guest:
        guest.check(f"modprobe virtio_balloon {OPTIONS}")
        guest.wait_until(lambda: device("status")["driver"], 10)
        run(lab, guest, ByQueue(guest, device), *CASES)
        lab.check_equal("breaches of the rules", device("books")["messages"], [])

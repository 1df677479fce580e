# SPDX-License-Identifier: GPL-2.0-only
"""One run: guests in a cgroup that is too small for all of them, and what comes of it."""
from concurrent.futures import ThreadPoolExecutor
import contextlib
from dataclasses import dataclass
from pathlib import Path
import random
import shutil
import tempfile
import time

from lab import accel
from lab.agent import Agent
from lab.cache import BUILD, LabError, locked
from lab.guest import Guest
from lab.hostd import Hostd
from lab.initramfs import static_program
import cgroup
from cgroup import Cgroup
import waves

MIB = 1 << 20
TRANSLATED = 32         # MiB of translated code
PROCESS = 96 * MIB      # what a QEMU may have beside its guest's memory
GUEST_PAGE = 4096
DEVICE = "/sys/bus/virtio/drivers/virtio_balloon/virtio*"
WAVE = Path(__file__).with_name("wave.c")
DISK = BUILD / "overcommit" / "disk"
TTL = "10s"


class Killed(LabError):
    """The host had no memory left for a guest."""


@dataclass(frozen=True)
class Setting:
    """What is the same for all variants of a row."""
    kernel: object
    guests: int = 4
    memory: int = 512           # MiB
    load: waves.Load = waves.Load()
    limit: int = 140            # s, for the waves
    reserve: str = "20%"        # of the host's, where MOM's and Proxmox's own rules begin

    def room(self, ratio):
        """Bytes for all guests, so that their memory is `ratio` times as much."""
        return int(self.guests * (self.memory * MIB / ratio + PROCESS))

    def swap(self):
        """Bytes of swap with which no guest dies for want of memory."""
        return self.guests * (self.memory * MIB + PROCESS)


def disk():
    """Return an image of text that compresses, the same for all guests."""
    with locked("overcommit-disk", BUILD / "locks"):
        if not DISK.exists():
            chance = random.Random(1)
            words = [chance.randbytes(chance.randrange(2, 9)).hex() for _ in range(4000)]
            part = DISK.with_suffix(".part")
            DISK.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                for _ in range(waves.DISK_MIB):
                    text = " ".join(chance.choices(words, k=MIB // 9)).encode()
                    file.write(text[:MIB].ljust(MIB))
            part.rename(DISK)
    return DISK


class Run:
    """Guests of a variant, from their start to their end."""

    def __init__(self, setting, variant, ratio, seed, label):
        self.setting, self.variant, self.ratio, self.seed = setting, variant, ratio, seed
        self.label = label
        self.figures, self.timeline = {}, []
        self._stack = contextlib.ExitStack()
        self.guests = []

    def measure(self):
        """Do it all; return what is to be kept."""
        with self._stack as stack:
            stack.enter_context(_quiet_end(self))
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="over-")))
            self.cgroup = stack.enter_context(Cgroup(self.setting.room(self.ratio)))
            stack.enter_context(cgroup.ksm(self.variant.ksm))
            self.hostd = Hostd(self.folder)
            # One that was booting when the others were ended is ended after its thread.
            stack.callback(self._end)
            # QEMU ends with the thread that started it: these live as long as the run.
            self.pool = stack.enter_context(ThreadPoolExecutor(self.setting.guests))
            stack.callback(self._end)
            for number in range(self.setting.guests):
                self.guests.append(self._guest(number))
            self._boot()
            self._waves()
        return {"figures": self.figures, "timeline": self.timeline}

    def _guest(self, number):
        files, extra, agent = {"/bin/wave": static_program(WAVE)}, [], None
        folder = self.folder / f"guest{number}"
        folder.mkdir()
        if self.variant.agent:
            agent = Agent(folder)
            options = agent.guest_options()
            files.update(options["files"])
            extra += options["extra"]
        if self.variant.policy:
            extra += self.hostd.add(f"guest{number}", agent and agent.path)
        extra += ["-drive", f"if=none,id=text,format=raw,readonly=on,cache=none,file={disk()}",
                  "-device", "virtio-blk-pci,drive=text"]
        guest = Guest(self.setting.kernel, driver=self.variant.driver,
                      balloon=self.variant.balloon, memory=f"{self.setting.memory}M", smp=1,
                      modules=["virtio_blk"], files=files, extra=extra, translated=TRANSLATED,
                      emulator=self.cgroup.wrapper(folder, accel.QEMU),
                      label=f"{self.label}-{number}")
        guest.agent = agent
        return guest

    def _end(self):
        for guest in self.guests:
            guest.close()

    def _boot(self):
        def boot(guest):
            guest.start_guest()
            guest.check("modprobe virtio_blk")
            for name, value in self.variant.tunables:
                guest.check(f"cd {DEVICE} && echo {value} >{name}")
            if guest.agent:
                guest.agent.start(guest)
        list(self.pool.map(boot, self.guests))

    def _config(self):
        return (f"[daemon]\npolicy = {self.variant.policy}\ntrace = {self.folder}/trace\n"
                f"[host]\ncgroup = {self.cgroup.path}\n"
                f"source = meminfo\nreserve = {self.setting.reserve}\n[hint]\nttl = {TTL}\n")

    def _waves(self):
        with contextlib.ExitStack() as stack:
            if self.variant.policy:
                stack.enter_context(self.hostd.run(self._config()))
                stack.callback(self._keep_log)
            before = self.cgroup.swapped(), self.cgroup.killed(), self._moved()
            jobs = [self._start(guest, number) for number, guest in enumerate(self.guests)]
            self._watch(jobs)
            results = [waves.parse(job.output) for job in jobs]
            after = self.cgroup.swapped(), self.cgroup.killed(), self._moved()
        if any(result.seconds is None for result in results):
            raise LabError("a guest did not end its waves")
        self.figures = waves.figures(results)
        self.figures["swapped in"] = (after[0][0] - before[0][0]) / MIB
        self.figures["swapped out"] = (after[0][1] - before[0][1]) / MIB
        self.figures["guests killed"] = after[1] - before[1]
        self.figures["OOM kills in guests"] = after[2][1] - before[2][1]
        self.figures["moved"] = (after[2][0] - before[2][0]) * GUEST_PAGE / MIB

    def _start(self, guest, number):
        plan = waves.plan(self.setting.load, number, len(self.guests), self.seed)
        return guest.start("echo -1000 >/proc/$$/oom_score_adj && "
                           f"exec wave {self.seed} {self.setting.limit}", stdin=plan.encode())

    def _keep_log(self):
        """What the daemon did, and what `balloon-hostd --replay` needs to do it again."""
        kept = BUILD / "overcommit" / self.label
        kept.with_name(f"{kept.name}.hostd").write_text(self.hostd.log())
        shutil.copy(self.folder / "trace", kept.with_name(f"{kept.name}.trace"))

    def _moved(self):
        """Pages through the balloons, and OOM kills in the guests, since they booted."""
        counts = list(self.pool.map(Guest.vmstat, self.guests))
        return (sum(count.get("balloon_inflate", 0) + count.get("balloon_deflate", 0)
                    for count in counts), sum(count["oom_kill"] for count in counts))

    def _all_live(self):
        gone = [guest.label for guest in self.guests if guest.process.poll() is not None]
        if gone and self.cgroup.killed():
            raise Killed(f"{', '.join(gone)}: killed for want of the host's memory")
        if gone:
            raise LabError(f"{', '.join(gone)}: gone")

    def _watch(self, jobs):
        """Note once a second what each guest has of the host's memory, until all have ended."""
        start = time.monotonic()
        swapped = self.cgroup.swapped()[1]
        while any(job.status is None for job in jobs):
            elapsed = time.monotonic() - start
            self._all_live()
            if elapsed > self.setting.limit + 30:
                raise LabError("the waves do not end")
            self.timeline.append({
                "time": round(elapsed, 1),
                # Without the program itself, which they share.
                "resident": [guest.process_kib("Anonymous") >> 10 for guest in self.guests],
                "has": [self._has(guest) >> 20 for guest in self.guests],
                "swapped": (self.cgroup.swapped()[1] - swapped) >> 20})
            time.sleep(max(0, len(self.timeline) - (time.monotonic() - start)))

    def _has(self, guest):
        return guest.actual() if self.variant.balloon else guest.memory


@contextlib.contextmanager
def _quiet_end(run):
    """Add a guest's console to what went wrong."""
    try:
        yield
    except (AssertionError, LabError) as error:
        ends = [guest.tail(20) for guest in run.guests if guest.log.exists()]
        error.args = ("\n".join([str(error), *ends]),)
        raise

# SPDX-License-Identifier: GPL-2.0-only
"""What `make demo` shows: see the program `demo`."""
from concurrent.futures import ThreadPoolExecutor
import sys
import threading
import time

from . import drivers, kernels, machine, rootfs, svg
from .cache import BUILD, LabError, atomic_write, say
from .guest import Guest
from .initramfs import GUEST_DIR, static_program

MIB = 1 << 20
MEMORY = "1G"
SMALL = 512 * MIB           # what the host leaves the guest for a while
FILE_MIB = 640              # the file that the guest compresses
PACKAGES = ("xz-utils", "zstd")
SECONDS = 10                # how long each size is held
WORK_SECONDS = 30           # how long to wait for the work after that

# Programs and libraries, several times over: cheap to make, even under emulation.
GENERATE = f"""
cd /var/tmp
find /usr/lib /usr/bin -type f -size +200k -exec cat {{}} + 2>/dev/null | head -c 40M >part
for n in $(seq {FILE_MIB // 40}); do
	cat part
done >big
rm part
"""
# A long window makes the compressor keep what it has seen: anonymous memory. Then the
# result is checked against its checksum, and the file read again: page cache.
WORK = """
cd /var/tmp
zstd -q -f -T2 -4 --long=26 big -o big.zst && zstd -q -t --long=26 big.zst && cat big >/dev/null
"""


class Timeline:
    """Takes a row of numbers once a second and prints it."""

    def __init__(self, guest, start):
        self.guest = guest
        self.start = start
        self.target = guest.memory
        self.rows = []              # (seconds, target, actual, available, rss), all MiB
        self.phases = []
        self._watch = guest.start("exec /run/lab/watch /var/tmp/big")
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        print("   time   target   actual  available  host RSS   (MiB)", flush=True)
        self._thread.start()

    def now(self):
        """Return the seconds since the start of the timeline."""
        return time.monotonic() - self.start

    def phase(self, name):
        """Begin a phase."""
        if self.phases:
            self.phases[-1].end = self.now()
        self.phases.append(svg.Phase(name, self.now(), None))
        print(f"-- {name}", flush=True)

    def stop(self):
        """End the last phase and the timeline."""
        self._stop.set()
        self._thread.join()
        self._watch.kill()
        self.phases[-1].end = self.rows[-1][0]

    def _guest_says(self):
        lines = [line.split() for line in self._watch.output.splitlines()]
        lines = [line for line in lines if len(line) == 3 and line[0] == "now"]
        return (int(lines[-1][1]), int(lines[-1][2])) if lines else (None, 0)

    def sample(self):
        """Take a row now."""
        with self._lock:
            available, done = self._guest_says()
            if available is None:
                return
            row = (self.now(), self.target // MIB, self.guest.actual() // MIB, available,
                   self.guest.rss_kib() >> 10)
            self.rows.append(row)
        work = self.phases[-1].name if self.phases else ""
        if done:            # the work may have ended before the phase
            work += f", {done} of {FILE_MIB} MiB"
        print(f"{row[0]:6.1f}s {row[1]:8} {row[2]:8} {row[3]:10} {row[4]:9}   "
              f"{work}", flush=True)

    def _run(self):
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                self.sample()
            except LabError:
                return      # the guest is gone; whoever waits for it says why
            due += 1
            self._stop.wait(max(0, due - time.monotonic()))


class Move:
    """One move of the target: what was there before and after, and how long it took."""

    def __init__(self, timeline, name, target):
        guest = timeline.guest
        timeline.sample()
        before = timeline.rows[-1]
        timeline.phase(name)
        timeline.target = target
        guest.balloon(target)
        self.seconds = guest.wait_actual(target, timeout=60)
        moment = timeline.now()
        time.sleep(SECONDS)
        timeline.sample()
        after = timeline.rows[-1]
        self.actual = abs(before[2] - after[2])
        self.available = after[3] - before[3]
        # The host's gain is there at once; later the guest may use pages it had never touched.
        lowest = min(row[4] for row in timeline.rows if row[0] >= moment - 1)
        self.rss_before, self.rss_after = before[4], lowest
        self.rss = before[4] - lowest


def prepare(options):
    """Return (kernel, image): fetched and built side by side."""
    with ThreadPoolExecutor() as pool:
        image = pool.submit(rootfs.image, "bookworm", PACKAGES)
        kernel = kernels.get(options.kernel)
        if options.driver == "ours":
            drivers.build(kernel)
        return kernel, image.result()


def load_driver(guest):
    """Load the module as a user would, and say which one it is."""
    guest.check("modprobe virtio_balloon")
    path = guest.check("modinfo -F filename virtio_balloon").strip()
    say(f"the guest loaded {path}, version {guest.run('modinfo -F version virtio_balloon')[1]}"
        .strip())


def show(guest):
    """Run the workload and move the target; return (timeline, given, returned, progress)."""
    timeline = Timeline(guest, time.monotonic())
    timeline.phase("writes a large file")
    guest.check(GENERATE, timeout=180)
    timeline.phase("compresses it")
    work = guest.start(WORK)
    time.sleep(SECONDS / 2)
    given = Move(timeline, "the host takes half", SMALL)
    returned = Move(timeline, "the host gives it back", guest.memory)
    timeline.phase("checks the result")
    done = work.ended(WORK_SECONDS)
    timeline.stop()
    if done and work.status:
        raise LabError(f"the guest's work failed ({work.status}): {work.output}")
    if not done:
        work.kill()
    print("-- the work is done, and its result is sound" if done else
          "-- this machine is slow: the work is stopped", flush=True)
    return timeline, given, returned


def draw(timeline):
    """Write the timeline as SVG; return its path."""
    names = ("target", "actual", "available in the guest", "host memory behind the guest")
    lines = [svg.Line(name, [(row[0], row[number]) for row in timeline.rows], number <= 2)
             for number, name in enumerate(names, 1)]
    title = "A Debian guest at work gives half of its memory, and gets it back"
    path = BUILD / "demo.svg"
    atomic_write(path, svg.chart(title, "seconds", "MiB", lines, timeline.phases))
    return path


def judge(given, returned):
    """Return what is wrong with what was seen."""
    wrong = []
    small = SMALL // MIB
    if given.rss_after > small + 16:
        wrong.append(f"the host still backs {given.rss_after} MiB of a guest of {small} MiB")
    if given.rss < given.actual // 4:
        wrong.append(f"the host gained only {given.rss} MiB")
    if returned.available < returned.actual * 3 // 4:
        wrong.append(f"the guest has only {returned.available} MiB more to use")
    return wrong


def main(options):
    """Run the demo; return the exit status."""
    start = time.monotonic()
    try:
        kernel, image = prepare(options)
        files = {"lab/watch": static_program(GUEST_DIR / "watch.c")}
        say(f"booting Debian with {kernel.release}")
        with Guest(kernel, root=image, memory=machine.parse_size(MEMORY), driver=options.driver,
                   load=False, label="demo", files=files) as guest:
            load_driver(guest)
            timeline, given, returned = show(guest)
            path = draw(timeline)
            guest.finish()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"""
given to the host: {given.actual} MiB in {given.seconds:.1f} s \
(host memory behind the guest: {given.rss_before} -> {given.rss_after} MiB)
given back:        {returned.actual} MiB in {returned.seconds:.1f} s \
(available in the guest: {returned.available:+} MiB)
timeline:          {path}
all of it took {time.monotonic() - start:.0f} s""")
    wrong = judge(given, returned)
    for line in wrong:
        print(f"demo: {line}", file=sys.stderr)
    return 1 if wrong else 0

# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of bursts: a process needs what is in the balloon."""
import re
import threading
import time

from lines import Line, burst_lines
import series
from scenario import Scenario
from subject import COLUMNS, LOAD, MIB, OOM, OURS, PAGE, trace, traced

GIB = 1 << 30
HELD = GIB
SHARE = 0.75            # of the balloon
GROUPS = 50
AGAIN, AGAIN_MIB, AGAIN_S = 3, 200, 45
MOST_OF_HOLDOFF_S = 4
RETURN = ", in the return"
KILLED = "killed"


def largest_shrink(subject):
    """Objects that one shrink of our shrinker freed at most, by the kernel's own event."""
    returns = re.findall(r"last shrinker return val (\d+)",
                         traced(subject.guest, "virtio_balloon"))
    return max(map(int, returns), default=0)


def measure(run, subject, prefix=""):
    """A burst of all free memory and 75 % of the balloon: its figures."""
    if run.column == OURS:
        trace(subject.guest, "vmscan/mm_shrink_slab_end")
    mib = subject.burst_mib(SHARE)
    with subject.watch() as watch:
        before = subject.processor_time()
        burst_ = subject.burst(mib, prefix=prefix)
        taken = burst_.taken()
        run["QEMU's processor time for it"] = subject.processor_time() - before
        at_end = subject.guest.vmstat()
        status = burst_.end()
        time.sleep(1)
    samples = watch.samples
    names = ("the burst takes", "page fault p50", "page fault p99", "page fault max")
    for name, value in zip(names, taken or [KILLED] * 4):
        run[name] = value
    run["processes killed"] = series.change(samples, "killed")
    run["wrong content found"] = KILLED if not taken else status
    if subject.has_balloon:
        run["the balloon gave"] = (samples[0].balloon - min(s.balloon for s in samples)) / 256
    swapped = at_end["pswpout"] - samples[0].swapped
    run["of the burst swapped out"] = swapped / (mib * MIB // PAGE) * 100
    if run.column == OURS:
        run["objects of one shrink, most"] = largest_shrink(subject)
    run.timeline = series.balloon_line(samples)


def burst(run):
    """Without swap."""
    with run.subject("2G", HELD) as subject:
        measure(run, subject)


def with_swap(run):
    """The same with zram."""
    with run.subject("2G", HELD, modules=("zram", "lzo_rle")) as subject:
        subject.zram(1024)
        measure(run, subject)


def cgroups(run):
    """The same with multi-gen LRU and many cgroups that hold anonymous memory and files."""
    with run.subject("2G", HELD, disk="1G", modules=("zram", "lzo_rle")) as subject:
        subject.guest.check("echo y >/sys/kernel/mm/lru_gen/enabled")
        subject.zram(1024)
        subject.file(4 * GROUPS)
        root = "/sys/fs/cgroup"
        subject.guest.check(f"echo +memory >{root}/cgroup.subtree_control; mkfifo /tmp/wait; "
                            f"i=0; while [ $i -lt {GROUPS} ]; do mkdir {root}/g$i; "
                            f"(echo 0 >{root}/g$i/cgroup.procs; "
                            "dd if=/data/file of=/dev/null bs=4M count=1 skip=$i 2>/dev/null; "
                            f"exec {LOAD} burst 3 <>/tmp/wait >/tmp/g$i 2>&1) & "
                            "i=$((i + 1)); done; "
                            f"while [ $(cat /tmp/g[0-9]* | wc -l) -lt {GROUPS} ]; do sleep 0.2; "
                            f"done; mkdir {root}/burst", timeout=180)
        measure(run, subject, prefix=f"echo 0 >{root}/burst/cgroup.procs; ")


def ends(run):
    """After a burst the deficit returns, once and in steps; further bursts make it wait longer."""
    with run.subject("2G", HELD) as subject:
        mib = subject.burst_mib(SHARE)
        with subject.watch() as watch:
            burst_ = subject.burst(mib)
            taken = burst_.taken()
            status = burst_.end()
            ended = float(subject.guest.read("/proc/uptime").split()[0])
            time.sleep(70)
        samples = watch.samples
        run.timeline = series.balloon_line(samples)
        run["the burst is served"] = KILLED if not taken else status
        back = series.returned(samples, ended)
        run["stays away for"] = "never returns" if back.first is None else back.first
        run["all back after"] = "never returns" if back.complete is None else back.complete
        run["steps"] = back.steps
        run["shrinks again meanwhile"] = back.reversals
        again(run, subject)


def hold_offs(run, subject):
    """Return the s of each hold-off that the driver began, by its own event."""
    if run.column != OURS:
        return []
    return [int(ms) / 1000 for ms in
            re.findall(r"begins ms=(\d+)", traced(subject.guest, "vb_hold_off:"))]


def again(run, subject):
    """Bursts, each for more than is free, and when the balloon has begun to return."""
    subject.settle(HELD, 60, still=30)
    if run.column == OURS:
        trace(subject.guest, "virtio_balloon/vb_hold_off")
    waits, served = [], 0
    for _ in range(AGAIN):
        mib = (subject.guest.meminfo()["MemFree"] >> 10) + AGAIN_MIB
        with subject.watch() as watch:
            burst_ = subject.burst(mib)
            served += burst_.taken() is not None
            burst_.end()
            low, end = subject.actual(), time.monotonic() + AGAIN_S
            while subject.actual() <= low and time.monotonic() < end:
                time.sleep(0.1)
        waits.append(series.pause(watch.samples))
        if waits[-1] is None:
            break
    run["further bursts served"] = served
    for number, wait in enumerate(waits, 1):
        run[f"stays away after number {number} for"] = "never returns" if wait is None else wait
    for number, length in enumerate(hold_offs(run, subject), 1):
        run[f"hold-off number {number}"] = length
    if None not in waits:
        run["each wait to the one before, least"] = min(b / a for a, b in zip(waits, waits[1:]))


def host_writes(run):
    """The host writes a new target 20 times a second, a MiB more, a MiB less, during a burst,
    the hold-off, and the first steps of the return."""
    with run.subject("2G", HELD) as subject:
        mib = subject.burst_mib(SHARE)
        stop = threading.Event()
        writes = []

        def write():
            while not stop.wait(0.05):
                subject.target(HELD + (len(writes) % 2) * MIB)
                writes.append(time.monotonic())
        writer = threading.Thread(target=write)
        with subject.watch() as watch:
            writer.start()
            try:
                with subject.workers() as workers:
                    burst_ = subject.burst(mib)
                    taken = burst_.taken()
                    hold_off = time.monotonic() + MOST_OF_HOLDOFF_S
                    status = burst_.end()
                    time.sleep(max(0, hold_off - time.monotonic()))
                with subject.workers() as returning:
                    time.sleep(10)
                run["the guest answers after"] = subject.answers()
            finally:
                stop.set()
                writer.join()
        run["the burst takes"] = taken[0] if taken else KILLED
        run["wrong content found"] = status if taken else KILLED
        run["processes killed"] = series.change(watch.samples, "killed")
        workers.note(run)
        returning.note(run, RETURN)
        run["targets written"] = len(writes)
        run["pages moved"] = (series.change(watch.samples, "inflate")
                              + series.change(watch.samples, "deflate"))
        run.timeline = series.balloon_line(watch.samples)


def impossible(run):
    """The host wants all memory, for minutes."""
    seconds = 40 if run.fast else 300
    with run.subject("1G") as subject:
        subject.target(GIB)
        time.sleep(20)
        sizes = []
        with subject.workers() as workers:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                sizes.append(subject.actual())
                time.sleep(0.5)
            run["the guest answers after"] = subject.answers()
        workers.note(run)
        run["the balloon varies by"] = (max(sizes) - min(sizes)) / MIB
        run["in the balloon"] = sizes[-1] / MIB
        run["available"] = subject.guest.meminfo()["MemAvailable"] / 1024
        run["processes killed"] = subject.guest.vmstat()["oom_kill"]


def bomb(run):
    """Allocators beyond number, where the balloon has taken all down to the reserve."""
    seconds = 20 if run.fast else 60
    with run.subject("1280M" if run.kernel.name == "debug" else "1G") as subject:
        subject.settle(subject.memory, 90, still=5)
        text = subject.guest.check(f"{LOAD} bomb 16 120 {seconds}", timeout=seconds + 120)
        ended, killed = map(int, text.split()[-2:])
        run["allocators ended"] = ended
        run["of these killed"] = killed
        run["the guest answers after"] = subject.answers()
        subject.guest.verdict("bomb")
        run["reports of the kernel"] = 0


def worker_lines(most, when=""):
    """What the guest's workers may take of a processor; %."""
    return (Line("processor of all workers" + when, "%", 2, most=most),
            Line("as the guest counts it" + when, "%", 2),
            Line("of that in kicks" + when, "%", 2),
            Line("taken from the guest's processors" + when, "%"))


ANSWERS = Line("the guest answers after", "s", 2, most=5)
PICTURE = "A process takes all free memory and 75 % of the balloon"
SCENARIOS = [
    Scenario("burst", "it succeeds, nobody is killed, at most 1.3 times as long as without a "
             "balloon", burst, tuple(burst_lines(swap=False)), tuple(COLUMNS), PICTURE),
    Scenario("burst-zram", "the balloon gives way, not more than 5 % is swapped out", with_swap,
             tuple(burst_lines(swap=True)), tuple(COLUMNS), PICTURE + ", with swap"),
    Scenario("burst-cgroups", "the same with multi-gen LRU and 50 cgroups", cgroups,
             tuple(burst_lines(swap=True, shrinks=None)), tuple(COLUMNS),
             PICTURE + ", with swap, multi-gen LRU and 50 cgroups"),
    Scenario("burst-ends", "the deficit is back within 60 s and not before 5 s, in one sequence "
             "of steps; repeated bursts are served, and double the wait", ends,
             (Line("the burst is served", most=0), Line("stays away for", "s", 1, least=5),
              Line("all back after", "s", 1, most=60), Line("steps", least=4),
              Line("shrinks again meanwhile", "times", most=0),
              Line("further bursts served", least=3),
              *(Line(f"stays away after number {n} for", "s", 1, least=5)
                for n in range(1, AGAIN + 1)),
              *(Line(f"hold-off number {n + 1}", "s", least=5 << n, most=5 << n)
                for n in range(AGAIN)),
              Line("each wait to the one before, least", "x", 2, least=1.8)),
             picture="A burst ends: the deficit returns to the balloon"),
    Scenario("host-writes", "no livelock, worker below 5 % of a processor", host_writes,
             (Line("the burst takes", "s", 1), Line("processes killed", most=0),
              Line("wrong content found", most=0),
              *worker_lines(5), *worker_lines(None, RETURN), ANSWERS,
              Line("targets written"), Line("pages moved")),
             picture="The host writes targets all the time while a burst happens"),
    Scenario("impossible", "worker below 0.5 % of a processor, the guest alive, the balloon at "
             "rest", impossible,
             (*worker_lines(0.5),
              Line("the balloon varies by", "MiB", 1, most=1), ANSWERS,
              Line("in the balloon", "MiB"), Line("available", "MiB"),
              Line("processes killed", most=0))),
    Scenario("bomb", "no report of the kernel, no hang", bomb,
             (Line("allocators ended", least=1), Line("of these killed"), ANSWERS,
              Line("reports of the kernel", most=0)), (OURS, OOM)),
]

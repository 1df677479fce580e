# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of files: the page cache is no need, whoever squeezes it; thrash is, if so set."""
from statistics import mean
import time

from lines import FILE_TIME, Line
import series
from scenario import Scenario
from subject import FILE, MIB, OOM, OURS, PAGE

GIB = 1 << 30
UNTOUCHED = 0
HOT_MIB = 450           # what is read at random: an emulated guest can read it anew in 10 s
LEFT_MIB = 320          # what the balloon leaves for it
THRASH_S = 30
BACK_S = 10


def page_cache(run):
    """Take 80 % of a guest that reads a file of 65 % of its memory all the time."""
    memory = 2 * GIB if run.fast else 4 * GIB
    file_mib = memory // MIB * 65 // 100
    with run.subject(str(memory), disk="4G") as subject:
        subject.file(file_mib)
        subject.guest.check(f"cat {FILE} >/dev/null", timeout=300)
        job = subject.guest.start(f"while cat {FILE} >/dev/null; do :; done")
        wanted = memory * 8 // 10 // PAGE * PAGE
        with subject.watch() as watch:
            run["time until it rests"] = subject.settle(wanted, 300, still=20)
            run["short of the target"] = (wanted - subject.actual()) / MIB
        job.kill()
        samples = watch.samples
        moved = series.change(samples, "inflate") + series.change(samples, "deflate")
        run["pages moved / net change"] = moved / max(1, series.change(samples, "balloon"))
        run["available at the end"] = samples[-1].available / 1024
        run.timeline = series.balloon_line(samples)


def streaming(run):
    """Write a file of twice the guest's memory, and read it, beside a balloon of half."""
    with run.subject("1G", 512 * MIB, disk="3G") as subject:
        before = subject.deflated()
        subject.guest.check(f"dd if=/dev/zero of={FILE} bs=1M count=2048 2>/dev/null", timeout=300)
        run["pages deflated, writing"] = subject.deflated() - before
        before = subject.deflated()
        subject.guest.check(f"cat {FILE} >/dev/null", timeout=300)
        run["pages deflated, reading"] = subject.deflated() - before
        run["the balloon changed"] = abs(subject.actual() - 512 * MIB) // 4096


DROPS = {**{f"drop_caches {n}": f"echo {n} >/proc/sys/vm/drop_caches" for n in (1, 2, 3)},
         # refuses what it cannot get, and says so
         "memory.reclaim": "echo 256M >/sys/fs/cgroup/memory.reclaim 2>/dev/null; true",
         "node reclaim": "echo 256M >/sys/devices/system/node/node0/reclaim 2>/dev/null; true",
         "shrinker debugfs": "for f in /sys/kernel/debug/shrinker/*balloon*/scan; do "
                             "echo 0 0 100000 >$f; done"}
NEEDS = {"node reclaim": "test -e /sys/devices/system/node/node0/reclaim",
         "shrinker debugfs": "ls /sys/kernel/debug/shrinker/*balloon*/scan"}


def drop_caches(run):
    """Have the kernel drop what it can, by every door, beside a balloon of half."""
    with run.subject("1G", 512 * MIB, disk="2G") as subject:
        subject.file(300)
        for name, command in DROPS.items():
            if name in NEEDS and subject.guest.run(NEEDS[name])[0]:
                continue
            subject.guest.check(f"cat {FILE} >/dev/null; find /proc/sys >/dev/null")
            before = subject.deflated()
            subject.guest.check(command)
            time.sleep(1)
            run[f"pages deflated, {name}"] = subject.deflated() - before


def signs(run, before, after):
    """What the guest shows of thrash by default, and what the balloon did."""
    def grown(word):
        return sum(value - before.get(name, 0) for name, value in after.items()
                   if name.startswith(word))
    run["pages deflated by default"] = grown("balloon_deflate")
    run["refaults"] = grown("workingset_refault") / THRASH_S
    run["allocation stalls"] = grown("allocstall") / THRASH_S
    run["pages scanned by kswapd"] = grown("pgscan_kswapd") / THRASH_S


def hot_set(run, subject):
    """Write the file that is read at random; return the reads of a guest with all its memory."""
    subject.file(HOT_MIB)
    subject.guest.check(f"cat {FILE} >/dev/null", timeout=300)
    full = mean(subject.reads(HOT_MIB, 10)[2:])
    run["reads without balloon"] = full
    return full


def comes_back(run, subject, full, **tunables):
    """Read on: what is back after 10 s, and what the balloon gave for it. Return the begin, and
    the reads of each second."""
    before = subject.deflated()
    begin = float(subject.guest.read("/proc/uptime").split()[0])
    subject.tune(**tunables)
    reads = subject.reads(HOT_MIB, BACK_S + 10)
    run["reads after 10 s"] = mean(reads[BACK_S:])
    run["of that without balloon"] = mean(reads[BACK_S:]) / full * 100
    run["pages deflated by thrash"] = subject.deflated() - before
    return begin, reads


def given_after(run, samples, begin):
    """When the balloon had given what the hot set lacked: it takes a slow disk longer to use it."""
    after = series.given(samples, begin, (HOT_MIB - LEFT_MIB) * MIB // PAGE)
    run["what is missing is free after"] = "never" if after is None else after


def thrash(run):
    """Read at random what fits without a balloon, and does not beside one."""
    with run.subject("2G", 1, disk="2G") as subject:
        full = hot_set(run, subject)
        # the page cache counts as available, and is
        left = subject.guest.meminfo()["MemAvailable"] // 1024 - LEFT_MIB
        begin = None
        with subject.watch() as watch:
            subject.balloon(left * MIB)
            before = subject.guest.vmstat()
            run["reads while it thrashes"] = mean(subject.reads(HOT_MIB, THRASH_S)[-10:])
            signs(run, before, subject.guest.vmstat())
            if subject.has_tunable("auto_deflate"):
                begin, _ = comes_back(run, subject, full, auto_deflate="thrash")
        if begin:
            given_after(run, watch.samples, begin)
        run.timeline = series.balloon_line(watch.samples)


def surplus(run):
    """The same by default, where what is missing lies beyond the target: a hint had it given."""
    with run.subject("2G", 1, disk="2G") as subject:
        full = hot_set(run, subject)
        with subject.watch() as watch:
            subject.hint_until(LEFT_MIB)
            run["surplus"] = subject.actual() / MIB
            begin, reads = comes_back(run, subject, full)
        run["reads in the first second"] = reads[0]
        given_after(run, watch.samples, begin)
        run.timeline = series.balloon_line(watch.samples)


LIMIT_MIB = 128


# every block of the disk once, up to 200 MiB a second
STREAM = ("n=0; while dd if=/dev/vda of=/dev/null bs=1M count=20 skip=$n 2>/dev/null; "
          "do n=$((n + 20)); sleep 0.1; done")


def memcg(run):
    """A process at the limit of its cgroup reads more than that; the guest is idle, or streams."""
    with run.subject("1G", 512 * MIB, disk="6G") as subject:
        subject.file(3 * LIMIT_MIB)
        group = "/sys/fs/cgroup/limited"
        subject.guest.check("echo +memory >/sys/fs/cgroup/cgroup.subtree_control && "
                            f"mkdir {group} && echo {LIMIT_MIB}M >{group}/memory.max")
        modes = ["default"]
        if subject.has_tunable("auto_deflate"):
            modes += ["thrash", "thrash, beside a stream"]
        for mode in modes:
            if mode == "thrash":
                subject.tune(auto_deflate=mode)
            if mode.endswith("stream"):
                subject.guest.start(STREAM)
            with subject.watch() as watch:
                subject.guest.check(f"echo $$ >{group}/cgroup.procs; cat {FILE} >/dev/null; "
                                    f"/bin/load read {FILE} {3 * LIMIT_MIB} 20", timeout=120)
            run[f"pages deflated, {mode}"] = series.change(watch.samples, "deflate")
            run[f"pages refaulted, {mode}"] = series.change(watch.samples, "refault_file")


def untouched(*names):
    """Lines: not one page was deflated."""
    return tuple(Line(f"pages deflated, {name}", most=UNTOUCHED) for name in names)


BACK = (Line("what is missing is free after", "s", 1, most=BACK_S),
        Line("reads after 10 s", "/s"), Line("of that without balloon", "%", least=80),
        Line("pages deflated by thrash", least=1))
SCENARIOS = [
    Scenario("page-cache", "the target is reached; the balloon moves once; no slower than in-tree",
             page_cache,
             (Line("short of the target", "MiB", most=0), FILE_TIME,
              Line("pages moved / net change", "", 3, most=1.02),
              Line("available at the end", "MiB")),
             picture="A balloon grows to 80 % of a guest that reads a file all the time"),
    Scenario("drop-caches", "not one page auto-deflated", drop_caches, untouched(*DROPS)),
    Scenario("streaming", "not one page auto-deflated", streaming,
             (*untouched("writing", "reading"),
              Line("the balloon changed", "pages", most=0))),
    Scenario("thrash", "the target stands by default; with auto_deflate=thrash 80 % of the reads "
             "are back within 10 s", thrash,
             (Line("reads without balloon", "/s"), Line("reads while it thrashes", "/s"),
              Line("pages deflated by default", most=UNTOUCHED),
              Line("refaults", "/s"), Line("allocation stalls", "/s", 1),
              Line("pages scanned by kswapd", "/s"),
              *BACK),
             picture="A guest reads at random more than its balloon leaves"),
    Scenario("thrash-surplus", "a surplus gives way by default: 80 % of the reads are back within "
             "10 s", surplus,
             (Line("reads without balloon", "/s"), Line("surplus", "MiB", least=900),
              Line("reads in the first second", "/s"), *BACK),
             columns=(OURS,),
             picture="A guest reads at random more than a surplus leaves"),
    Scenario("memcg", "the balloon is untouched", memcg,
             (*untouched("default", "thrash", "thrash, beside a stream"),
              Line("pages refaulted, default", least=1000)),
             columns=(OURS, OOM)),
]

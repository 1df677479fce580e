# SPDX-License-Identifier: GPL-2.0-only
"""The balloon's statistics against what the guest's /proc says at the same time."""
import struct

from lab.qmp import QmpError

from common import boot, pattern, resize

KIB = 1024
# Moving numbers of a guest at rest: between two looks they may differ by so much.
REST = 4 << 20

# tag: (name in QEMU, unit, names in /proc/vmstat; their sum). Events only grow.
EVENTS = {
    0: ("stat-swap-in", 4096, ["pswpin"]),
    1: ("stat-swap-out", 4096, ["pswpout"]),
    2: ("stat-major-faults", 1, ["pgmajfault"]),
    3: ("stat-minor-faults", 1, ["pgfault"]),
    8: ("stat-htlb-pgalloc", 1, ["htlb_buddy_alloc_success"]),
    9: ("stat-htlb-pgfail", 1, ["htlb_buddy_alloc_fail"]),
    10: ("stat-oom-kills", 1, ["oom_kill"]),
    11: ("stat-alloc-stalls", 1, ["allocstall_dma", "allocstall_dma32", "allocstall_normal",
                                  "allocstall_movable", "allocstall_device"]),
    12: ("stat-async-scans", 4096, ["pgscan_kswapd"]),
    13: ("stat-direct-scans", 4096, ["pgscan_direct"]),
    14: ("stat-async-reclaims", 4096, ["pgsteal_kswapd"]),
    15: ("stat-direct-reclaims", 4096, ["pgsteal_direct"]),
}
# tag: (name in QEMU, names in /proc/meminfo; their sum). They move both ways.
AMOUNTS = {
    4: ("stat-free-memory", ["MemFree"]),
    5: ("stat-total-memory", ["MemTotal"]),
    6: ("stat-available-memory", ["MemAvailable"]),
    7: ("stat-disk-caches", ["Cached", "Buffers", "SwapCached"]),
}


def make_numbers(guest):
    """Give every event that can be had without an accident a number of its own."""
    guest.check("echo 3 >/proc/sys/vm/nr_hugepages; echo 100000 >/proc/sys/vm/nr_hugepages;"
                "echo 0 >/proc/sys/vm/nr_hugepages", timeout=60)
    # A process loses its memory to the swap disk and reads it back.
    guest.check("set -e; cd /sys/fs/cgroup; echo +memory >cgroup.subtree_control; mkdir swapped;"
                "(echo $$ >swapped/cgroup.procs; echo 1000 >/proc/self/oom_score_adj;"
                " exec pattern hold 40) >/tmp/swapped &"
                "until grep -q ready /tmp/swapped; do sleep 0.1; done; set +e;"
                "echo 24M >/sys/fs/cgroup/swapped/memory.reclaim;"
                "killall -TERM pattern; wait", timeout=60)


def look(guest):
    """Return ({tag: number}) by the guest's /proc now."""
    memory, vmstat = guest.meminfo(), guest.vmstat()
    numbers = {tag: unit * sum(vmstat.get(name, 0) for name in names)
               for tag, (_, unit, names) in EVENTS.items()}
    numbers |= {tag: KIB * sum(memory[name] for name in names)
                for tag, (_, names) in AMOUNTS.items()}
    return numbers


def names_of_qemu():
    """Return {name in QEMU: tag}."""
    return {entry[0]: tag for table in (EVENTS, AMOUNTS) for tag, entry in table.items()}


def compare(lab, stats, before, after):
    """Check every tag in `stats` ({tag: number}) against the looks before and after."""
    for tag, value in sorted(stats.items()):
        name = (EVENTS.get(tag) or AMOUNTS[tag])[0]
        rest = REST if tag in AMOUNTS and tag != 5 else 0
        low, high = sorted((before[tag], after[tag]))
        lab.check_between(f"{name} (tag {tag})", low - rest, value, high + rest)


def by_qemu(lab, guest):
    """What QEMU shows: tags 0 to 9, or all of them from QEMU 9.1 on."""
    before = look(guest)
    shown = guest.guest_stats()
    after = look(guest)
    known = names_of_qemu()
    lab.check("QEMU knows tags that this test does not", set(shown) <= set(known))
    unset = (1 << 64) - 1
    stats = {known[name]: value for name, value in shown.items() if value != unset}
    lab.check("one of the tags 0 to 9 is missing", set(range(10)) <= set(stats))
    compare(lab, stats, before, after)
    made = [tag for tag in (0, 1, 2, 3, 8, 9) if not stats[tag]]
    lab.check(f"tags {made} count nothing: this test cannot see", not made)
    lab.note(f"QEMU shows {len(stats)} tags")


def buffer_of(lab, guest):
    """Return the statistics message as it lies in the guest's memory: {tag: number}."""
    path = guest.balloon_path + "/virtio-backend"
    try:
        queue = guest.qmp("x-query-virtio-queue-status", path=path, queue=2)
        # The device keeps the buffer until it wants fresh numbers: the last it took.
        index = (queue["last-avail-idx"] - 1) % queue["vring-num"]
        element = guest.qmp("x-query-virtio-queue-element", path=path, queue=2, index=index)
    except QmpError as error:
        lab.skip(f"this QEMU does not show the queue: {error}")
    lab.check_equal("buffers of a message", len(element["descs"]), 1)
    part = element["descs"][0]
    dump = guest.dir / "stats"
    guest.qmp("pmemsave", val=part["addr"], size=part["len"], filename=str(dump))
    return list(struct.iter_unpack("<HQ", dump.read_bytes()))


def by_message(lab, guest):
    """What the driver sends, whether QEMU understands it or not: all sixteen tags."""
    before = look(guest)
    guest.guest_stats()
    sent = buffer_of(lab, guest)
    after = look(guest)
    stats = dict(sent)
    lab.check_equal("tags sent twice", len(sent) - len(stats), 0)
    want = set(range(16)) if lab.driver == "ours" else set(range(10))
    lab.check(f"tags {sorted(want - set(stats))} are missing", want <= set(stats))
    compare(lab, stats, before, after)
    lab.note(f"the driver sends {len(stats)} tags")


def test_stats(lab):
    """Each statistic lies between what /proc says before and after, also when ballooned."""
    with boot(lab, swap="256M", files=pattern()) as guest:
        make_numbers(guest)
        lab.case("QMP guest-stats", by_qemu, lab, guest)
        lab.case("the message in guest memory", by_message, lab, guest)
        resize(guest, 654_321_000)
        lab.case("QMP guest-stats, ballooned", by_qemu, lab, guest)


def test_stats_basic(lab):
    """stats_basic=1 limits the message to the tags 0 to 9."""
    if lab.driver != "ours":
        lab.skip("the parameter is ours")
    with boot(lab, load=False) as guest:
        guest.check("modprobe virtio_balloon stats_basic=1")
        before = look(guest)
        guest.guest_stats()
        stats = dict(buffer_of(lab, guest))
        lab.check_equal("tags", sorted(stats), list(range(10)))
        compare(lab, {5: stats[5]}, before, look(guest))

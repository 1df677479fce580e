# SPDX-License-Identifier: GPL-2.0-only
"""Live migration to a second QEMU with an inflated balloon, with and without free page hints."""
from lab.testing import only

from common import MIB, boot, check_held, check_host_has, hold, pattern, resize

HELD = 150
# MiB that are sent: fewer with hints, more without.
LIMIT = 360


def transferred(guest):
    """Return (bytes of RAM sent, bytes left to send) of a running migration."""
    ram = guest.qmp("query-migrate").get("ram", {})
    return ram.get("transferred", 0), ram.get("remaining", 0)


def counters(guest):
    """Return what our driver says about hints; nothing in-tree."""
    return guest.run("cd /sys/bus/virtio/drivers/virtio_balloon/virtio*/balloon_counters && "
                     "grep . hint*")[1]


def start_slowly(guest, other):
    """Begin to migrate at a trickle, so that the hints come before the pages."""
    path = f"{other.dir}/migrate"
    other.qmp("migrate-incoming", uri=f"unix:{path}")
    guest.qmp("migrate-set-parameters", **{"max-bandwidth": MIB})
    guest.qmp("migrate", uri=f"unix:{path}")


def end_fast(guest, other):
    """Let the rest go, and talk to the guest where it is now. Return the bytes sent."""
    guest.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 33})
    guest.wait_until(lambda: guest.qmp("query-migrate")["status"] == "completed", 60)
    sent = guest.qmp("query-migrate")["ram"]["transferred"]
    guest.no_verdict("it lives on in the other QEMU")
    guest.kill()
    other.channel.hello(60 * guest.slow)
    return sent


def keep_busy(guest):
    """Have every processor change address spaces all the time, until the guest ends.

    An emulated processor that sleeps through the start of a migration keeps writing to
    pages that its TLB knows as dirty, and QEMU does not see that.
    """
    for cpu in range(guest.smp):
        job = guest.start(f"taskset {1 << cpu:x} sh -c 'echo busy; while :; do usleep 5000; done'")
        job.wait_for("busy", 20 * guest.slow)


def migrate(lab, hint):
    """Migrate a guest with an inflated balloon; return (MiB that hints spared, MiB sent)."""
    options = {"balloon": {"deflate-on-oom": "on"}, "files": pattern()}
    if hint:
        options["balloon"] |= {"free-page-hint": "on", "iothread": "hints"}
        options["extra"] = ["-object", "iothread,id=hints"]
    with boot(lab, **options) as guest:
        # Free memory that is not zero: only a hint can spare it.
        guest.check("pattern take 700")
        resize(guest, guest.memory - 250_000_000)
        hold(guest, HELD)
        actual = guest.actual()
        keep_busy(guest)
        with guest.twin(incoming=True) as other:
            lab.guests.append(other)
            start_slowly(guest, other)
            guest.wait_until(lambda: guest.qmp("query-migrate")["status"] == "active", 20)
            first = sum(transferred(guest))
            if hint:
                guest.wait_until(lambda: first - sum(transferred(guest)) > 200 * MIB, 20,
                                 lambda: f"the hints spare nothing: {transferred(guest)}, "
                                         f"{counters(guest)}")
            spared = first - sum(transferred(guest))
            sent = end_fast(guest, other)
            lab.check_equal("actual after the migration", other.actual(), actual)
            lab.case(f"it goes on{' (hints)' if hint else ''}", goes_on, lab, other)
    return spared // MIB, sent // MIB


def goes_on(lab, guest):
    """The migrated guest has its memory, and its balloon moves."""
    check_held(lab, guest)
    resize(guest, 512_345_678)
    check_host_has(lab, guest)
    guest.check("pattern take 200")
    resize(guest, guest.memory)
    # What was hinted is the guest's again.
    memory = guest.meminfo()
    lab.check_between(f"MemFree in KiB ({memory})", 740 << 10, memory["MemFree"], 1 << 20)
    guest.check("pattern take 600")


@only(not_kernel="debug")       # too slow to keep its processors busy, see keep_busy()
def test_hinting(lab):
    """free-page-hint=on spares free memory the journey; content and balloon survive it."""
    spared, sent = migrate(lab, True)
    lab.note(f"hints spared {spared} MiB; {sent} MiB were sent")
    lab.check(f"{sent} MiB were sent", sent < LIMIT)


def test_migration(lab):
    """Without hints: the same journey, and all that was touched is sent."""
    sent = migrate(lab, False)[1]
    lab.note(f"{sent} MiB were sent")
    lab.check(f"only {sent} MiB were sent: the other test cannot see", sent > LIMIT)

# SPDX-License-Identifier: GPL-2.0-only
"""Suspend to idle, S3 and hibernation with the balloon inflated."""
import time

from lab.testing import timeout

from common import actual_for, balloon_kib, boot, check_held, check_host_has, hold, pattern, \
    resize, touch

HELD = 120
SIZE = 600_000_001


def prepare(lab, guest):
    """Inflate a balloon that the host can be seen to have, and hold checked memory."""
    touch(guest, 700)
    resize(guest, SIZE)
    check_host_has(lab, guest)
    hold(guest, HELD)


def check_resumed(lab, guest, total):
    """After the resume all is as it was, on both sides, and the balloon moves."""
    # The device forgot the pages, but not how many: `actual` may be right all the time.
    def as_before():
        return (guest.actual() == actual_for(guest, SIZE) and
                total - guest.meminfo()["MemTotal"] == balloon_kib(guest))
    guest.wait_until(as_before, 20, lambda: f"actual is {guest.actual()}, MemTotal "
                     f"{guest.meminfo()['MemTotal']} KiB, without a balloon {total} KiB")
    check_host_has(lab, guest, "host memory after the resume")
    check_held(lab, guest)
    resize(guest, 812_345_677)
    resize(guest, 512_345_678)
    check_host_has(lab, guest)
    resize(guest, guest.memory)
    lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)
    guest.check("pattern take 600")


def suspends(guest):
    """Return how often the guest has suspended and come back."""
    return int(guest.check("cat /sys/power/suspend_stats/success 2>/dev/null || "
                           "sed -n 's/success: //p' /sys/kernel/debug/suspend_stats"))


def sleep_and_wake(guest, state, asleep, wake):
    """Write `state`, wait until asleep(), wake up."""
    before = suspends(guest)
    job = guest.start(f"echo {state} >/sys/power/state")
    guest.wait_until(asleep, 30, lambda: f"the guest does not go to sleep: {job.output}")
    time.sleep(1)
    wake()
    status, output = job.wait(60 * guest.slow)
    if status or suspends(guest) != before + 1:
        raise AssertionError(f"'{state}': status {status} {output}, suspended "
                             f"{suspends(guest) - before} times")


def boot_serial(lab, **options):
    """Return a guest that the lab talks to over serial ports.

    The virtio console of Linux 7.3 does not come back from S3 in QEMU 7.2, whatever
    else the guest has.
    """
    return boot(lab, channel="serial", files=pattern(), **options)


def idle(lab, guest, total):
    """Suspend to idle; the power button wakes."""
    guest.check("modprobe button; echo 0 >/sys/module/printk/parameters/console_suspend;"
                "echo s2idle >/sys/power/mem_sleep")
    seen = len(guest.console())
    sleep_and_wake(guest, "freeze",
                   lambda: "suspend-to-idle" in guest.console()[seen:]
                   or "s2idle" in guest.console()[seen:],
                   lambda: guest.qmp("system_powerdown"))
    check_resumed(lab, guest, total)


def to_ram(lab, guest, total):
    """S3; the host wakes."""
    resize(guest, SIZE)
    hold(guest, HELD)
    guest.check("echo deep >/sys/power/mem_sleep")
    sleep_and_wake(guest, "mem",
                   lambda: guest.qmp("query-status")["status"] == "suspended",
                   lambda: guest.qmp("system_wakeup"))
    check_resumed(lab, guest, total)


def test_suspend(lab):
    """Suspend to idle, then S3: pages, books and content are right after each."""
    with boot_serial(lab, modules=("button",), cmdline="no_console_suspend") as guest:
        total = guest.meminfo()["MemTotal"]
        prepare(lab, guest)
        lab.case("suspend to idle", idle, lab, guest, total)
        lab.case("S3", to_ram, lab, guest, total)


def test_suspend_moving(lab):
    """S3 while the balloon inflates: it goes on afterwards and ends at the target."""
    with boot_serial(lab, cmdline="no_console_suspend") as guest:
        hold(guest, HELD)
        for size in (400_000_001, guest.memory):
            guest.balloon(size)
            sleep_and_wake(guest, "mem",
                           lambda: guest.qmp("query-status")["status"] == "suspended",
                           lambda: guest.qmp("system_wakeup"))
            guest.wait_actual(actual_for(guest, size), 30)
            check_host_has(lab, guest)
        check_held(lab, guest)


@timeout(400)
def test_hibernation(lab):
    """The image is resumed in a new QEMU: content is right, the balloon is back and moves."""
    with boot_serial(lab, swap="1G") as guest:
        total = guest.meminfo()["MemTotal"]
        prepare(lab, guest)
        start = time.monotonic()
        guest.start("echo shutdown >/sys/power/disk; echo disk >/sys/power/state")
        guest.wait_exit(90)
        asleep = time.monotonic()
        guest.no_verdict("it lives on in the image")
        with guest.twin(resume=guest) as other:
            lab.guests.append(other)
            lab.note(f"asleep in {asleep - start:.0f} s, awake in "
                     f"{time.monotonic() - asleep:.0f} s")
            # The new device was never told of a target but its own.
            lab.check_equal("actual right after", other.actual(), other.memory)
            resize(other, SIZE)
            check_resumed(lab, other, total)

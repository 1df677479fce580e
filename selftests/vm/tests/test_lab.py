# SPDX-License-Identifier: GPL-2.0-only
"""The lab itself: it must notice what goes wrong in a guest."""
from lab import kselftest
from lab.guest import GuestError
from lab.testing import only

# Made-up kselftests, and how many cases of theirs pass, fail and are skipped.
MADE_UP = {
    "good.sh": ("echo 1..2; echo ok 1 a; echo ok 2 b", (2, 0, 0)),
    "plain.sh": ("exit 0", (1, 0, 0)),
    "skip.sh": ("exit 4", (0, 0, 1)),
    "some.sh": ("echo 1..3; echo ok 1 a; echo not ok 2 b; echo 'ok 3 c # SKIP no'; exit 1",
                (1, 1, 1)),
    "short.sh": ("echo 1..2; echo ok 1 a", (1, 1, 0)),
    "status.sh": ("echo 1..1; echo ok 1 a; exit 1", (1, 1, 0)),
    "warn.sh": ("echo '<4>WARNING: made up' >/dev/kmsg", (0, 1, 0)),
    "hang.sh": ("echo 1..2; echo ok 1 a; sleep 1000", (1, 1, 0)),
    "panic.sh": ("echo ok 1 a; echo c >/proc/sysrq-trigger; sleep 9", (0, 1, 0)),
    "after.sh": ("exit 0", (1, 0, 0)),
    kselftest.VERDICT: (None, (1, 0, 0)),
}


def refused(lab, what, function, *arguments):
    """Check that a function raises GuestError."""
    try:
        function(*arguments)
    except GuestError as error:
        return str(error)
    return lab.check(f"{what} went unnoticed", False)


@only(driver="intree")
def test_verdict(lab):
    """A warning in the log, or a foreign taint, spoils the guest's verdict."""
    with lab.guest() as guest:
        guest.verdict("clean")
        guest.check("echo '<4>WARNING: CPU: 0 made up by a test' >/dev/kmsg")
        text = refused(lab, "a warning", guest.verdict, "spoilt")
        lab.check("the verdict names the warning", "made up by a test" in text)
        guest.verdict("clean-again")
        # 64 is TAINT_USER, which any root may set.
        guest.check("echo 64 >/proc/sys/kernel/tainted")
        lab.check("the verdict names the taint",
                  "taint 64" in refused(lab, "a taint", guest.finish))
        guest.no_verdict("it was spoilt on purpose")


@only(driver="intree")
def test_panic(lab):
    """A guest that panics fails what waits for it, and the console is shown."""
    with lab.guest() as guest:
        job = guest.start("sleep 1; echo c >/proc/sysrq-trigger; sleep 60")
        text = refused(lab, "a panic", job.wait, 50)
        lab.check("the console tells of the crash", "sysrq" in text.lower())
        lab.check("the message tells why", "Kernel panic" in text)
        guest.no_verdict("it panicked on purpose")


@only(driver="intree")
def test_commands(lab):
    """Commands run beside each other, take input, and can be killed; a hang is noticed."""
    with lab.guest() as guest:
        slow = guest.start("echo first; sleep 3; echo last")
        slow.wait_for("first", 20)
        lab.check_equal("status", guest.run("exit 3")[0], 3)
        lab.check("the slow command still runs", slow.status is None)
        lab.check_equal("the slow command", slow.wait(20), (0, "first\nlast\n"))

        data = bytes(range(256)) * 4000
        guest.put("/tmp/data", data)
        lab.check("a file arrives whole", guest.start("cat /tmp/data").wait(30)[0] == 0)
        job = guest.start("cat /tmp/data")
        job.wait(30)
        lab.check("a file comes back whole", job.data == data)

        hang = guest.start("sleep 1000")
        text = refused(lab, "a hanging command", hang.wait, 1)
        lab.check("a timeout is called so", "timeout" in text)
        hang.kill()
        lab.check_equal("status of the killed", hang.wait(20)[0], 128 + 9)


@only(driver="intree")
def test_flavours(lab):
    """Every flavour of the balloon device is found and resized."""
    for flavour in ("modern", "transitional", "legacy", "mmio", "mmio-legacy"):
        lab.case(flavour, _flavour, lab, flavour)


def _flavour(lab, flavour):
    with lab.guest(flavour=flavour) as guest:
        before = guest.meminfo()["MemTotal"]
        guest.balloon(700 << 20)
        guest.wait_actual(700 << 20)
        fall = before - guest.meminfo()["MemTotal"]
        lab.check_equal("fall of MemTotal in KiB", fall, (1024 - 700) << 10)


@only(driver="intree")
def test_batch(lab):
    """Every way in which a kselftest can end has the right result."""
    results = {}
    files = {f"tests/balloon/{name}": f"#!/bin/sh\n{text}\n"
             for name, (text, _) in MADE_UP.items() if text}
    batch = kselftest.Batch(lab.kernel, lab.driver, lambda case, _: results.update({case.name: case}),
                            files=files, limit=15, label=f"{lab.label}-batch")
    batch.run([name for name, (text, _) in MADE_UP.items() if text])
    for name, (_, want) in MADE_UP.items():
        got = results[name].count()
        lab.case(name, lab.check_equal, "passed, failed, skipped",
                 (got["pass"], got["fail"], got["skip"]), want)
    lab.check_equal("boots", batch.boots, 2)

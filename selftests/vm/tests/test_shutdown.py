# SPDX-License-Identifier: GPL-2.0-only
"""Power off, reboot and kexec while the balloon moves."""
import time
from pathlib import Path

from lab.initramfs import static_program

from common import MIB, actual_for, check_host_has, resize

SECONDS = 20


def in_motion(guest, low=300 * MIB):
    """Begin to inflate; return when it has begun."""
    guest.balloon(low)
    guest.wait_until(lambda: guest.actual() < guest.memory, 20, interval=0.005)
    if guest.actual() == low:
        raise AssertionError("the balloon has stopped moving already")


def ends(lab, command, deflate):
    """The machine is off in time, in the middle of an inflation or a deflation."""
    with lab.guest() as guest:
        if deflate:
            resize(guest, 300 * MIB)
            guest.balloon(guest.memory)
        else:
            in_motion(guest)
        start = time.monotonic()
        guest.start(command)
        guest.wait_exit(SECONDS)
        lab.note(f"off after {time.monotonic() - start:.1f} s")
        lab.check("it panicked", "Kernel panic" not in guest.console())
        guest.no_verdict("it is off")


def test_power_off(lab):
    """poweroff and reboot end in time while the balloon inflates or deflates."""
    lab.case("poweroff while inflating", ends, lab, "poweroff -f", False)
    lab.case("reboot while inflating", ends, lab, "reboot -f", False)
    lab.case("reboot while deflating", ends, lab, "reboot -f", True)


def test_kexec(lab):
    """A new kernel takes over while the balloon inflates; it finds all its memory usable."""
    files = {"/bin/kexec": static_program(Path(__file__).with_name("kexec.c")),
             "/boot/vmlinuz": Path(lab.kernel.vmlinuz)}
    with lab.guest(files=files) as guest:
        total = guest.meminfo()["MemTotal"]
        # The guest's own files are the next kernel's initramfs.
        guest.check("cd / && find . -xdev ! -path './proc/*' ! -path './sys/*' ! -path './boot/*'"
                    " ! -path './tmp/*' | cpio -o -H newc >/tmp/initrd 2>/dev/null")
        line = guest.read("/proc/cmdline")
        resize(guest, 800 * MIB)
        seen = len(guest.console())
        in_motion(guest, 450 * MIB)
        job = guest.start(f"kexec /boot/vmlinuz /tmp/initrd '{line}'")
        guest.wait_until(lambda: "lab: userspace" in guest.console()[seen:]
                         or job.status is not None, 60, lambda: "the new kernel does not come")
        if job.status is not None:
            lab.skip(f"this kernel does not do it: {job.output}")
        guest.wait_ready()
        guest.wait_actual(actual_for(guest, 450 * MIB))
        check_host_has(lab, guest)
        resize(guest, guest.memory)
        lab.check_near("MemTotal", guest.meminfo()["MemTotal"], total, 32 << 10)

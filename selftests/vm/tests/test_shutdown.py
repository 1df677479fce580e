# SPDX-License-Identifier: GPL-2.0-only
"""Power off, reboot and kexec while the balloon moves."""
import time
from pathlib import Path

from lab.initramfs import static_program
from lab.scan import bad_lines

from common import MIB, actual_for, boot, check_host_has, resize

SECONDS = 20


def in_motion(guest, low=300 * MIB):
    """Begin to inflate; return when it has begun."""
    guest.balloon(low)
    guest.wait_until(lambda: guest.actual() < guest.memory, 20, interval=0.005)
    if guest.actual() == low:
        raise AssertionError("the balloon has stopped moving already")


def ends(lab, command, deflate=False):
    """The machine is off in time, in the middle of an inflation or a deflation."""
    # The in-tree worker may run on into the broken queue, and warns of that; it is off in time.
    cmdline = "panic_on_warn=0" if lab.driver == "intree" else ""
    with boot(lab, cmdline=cmdline) as guest:
        if deflate:
            resize(guest, 300 * MIB)
            guest.balloon(guest.memory)
        else:
            in_motion(guest)
        start = time.monotonic()
        guest.start(command)
        guest.wait_exit(SECONDS)
        lab.note(f"off after {time.monotonic() - start:.1f} s")
        guest.no_verdict("it is off")
        bad = bad_lines(guest.console())
        if lab.driver == "intree" and bad:
            lab.note(f"the in-tree driver: {bad[0]}")
        else:
            lab.check(f"the console says: {bad}", not bad)


def test_power_off(lab):
    """poweroff and reboot end in time while the balloon inflates or deflates."""
    lab.case("poweroff while inflating", ends, lab, "poweroff -f")
    lab.case("reboot while inflating", ends, lab, "reboot -f")
    lab.case("reboot while deflating", ends, lab, "reboot -f", True)


def test_kexec(lab):
    """A new kernel takes over while the balloon inflates; it finds all its memory usable."""
    files = {"/bin/kexec": static_program(Path(__file__).with_name("kexec.c")),
             "/boot/vmlinuz": Path(lab.kernel.vmlinuz)}
    with boot(lab, files=files) as guest:
        total = guest.meminfo()["MemTotal"]
        # The guest's own files are the next kernel's initramfs.
        guest.check("cd / && find . -xdev ! -path './proc/*' ! -path './sys/*' ! -path './boot/*'"
                    " ! -path './tmp/*' | cpio -o -H newc >/tmp/initrd 2>/dev/null")
        line = guest.read("/proc/cmdline")
        resize(guest, 800 * MIB)
        in_motion(guest, 450 * MIB)
        job = guest.start(f"kexec /boot/vmlinuz /tmp/initrd '{line}'")
        guest.wait_until(lambda: "Starting new kernel" in guest.console()
                         or job.status is not None, 30, lambda: "it does not shut down")
        if "not implemented" in job.output:
            lab.skip("this kernel has no kexec_file_load")
        lab.check_equal(f"status of kexec ({job.output})", job.status, None)
        guest.wait_ready()
        lab.check("it is the new kernel", guest.run("ls /tmp/initrd")[0] != 0)
        guest.wait_actual(actual_for(guest, 450 * MIB))
        check_host_has(lab, guest)
        resize(guest, guest.memory)
        lab.check_near("MemTotal", guest.meminfo()["MemTotal"], total, 32 << 10)

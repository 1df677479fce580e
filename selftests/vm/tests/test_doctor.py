# SPDX-License-Identifier: GPL-2.0-only
"""balloonctl doctor in guests that are set up wrong: each has its one sentence.

What keeps the driver from being built is for the installer to say (selftests/package/refuse.py);
all that the doctor finds is provoked on folders (selftests/balloonctl/test_doctor.py). Here the
kernel itself is what is wrong.
"""
from lab.initramfs import ModuleTree
from lab.testing import only

from test_balloonctl import findings, program, told

INTREE = "/lab/intree.ko"
SIM = "/sys/kernel/debug/balloonsim"
OSRELEASE = "/proc/sys/kernel/osrelease"


def expect(lab, guest, ident, *parts):
    """The doctor finds it, takes it for bad or for a warning, and says what to do."""
    found = {one["id"]: one for one in told(guest, "doctor", 1)}
    one = found.get(ident, {"level": f"not found, but {sorted(found)}", "what": "", "advice": ""})
    lab.check_equal(f"level of {ident}", one["level"] in ("bad", "warn") or one["level"], True)
    lab.check(one["what"], one["what"].endswith("."))
    for part in parts:
        lab.check(f"{part!r} in: {one['advice']}", part in one["advice"])


def not_loaded(lab, guest):
    """It is installed, and nothing is loaded."""
    expect(lab, guest, "not-loaded", "modprobe virtio_balloon")


def old_kernel(lab, guest):
    """The kernel says that it is one before 6.1."""
    guest.check(f"echo 5.10.0-32-amd64 >/tmp/old && mount -o bind /tmp/old {OSRELEASE}")
    expect(lab, guest, "old-kernel", "Boot a newer kernel")
    guest.check(f"umount {OSRELEASE}")


def built_in(lab, guest):
    """The kernel's list says that it has the driver built in."""
    path = f"/lib/modules/{lab.kernel.release}/modules.builtin"
    guest.check(f"cp {path} /tmp/builtin;"
                f"echo kernel/drivers/virtio/virtio_balloon.ko >>{path}")
    expect(lab, guest, "built-in", "as a module")
    guest.check(f"mv /tmp/builtin {path}")


def not_installed(lab, guest):
    """It is not there, nor are the headers to build it with."""
    folder = f"/lib/modules/{lab.kernel.release}"
    guest.check(f"mv {folder}/updates {folder}/away")
    expect(lab, guest, "not-installed", f"linux-headers-{lab.kernel.release}")
    guest.check(f"mv {folder}/away {folder}/updates")


def loaded_first(lab, guest):
    """The kernel's own driver is loaded already, as from an initramfs."""
    guest.check(f"insmod {INTREE}")
    expect(lab, guest, "in-tree-loaded", "update-initramfs -u")
    guest.check("rmmod virtio_balloon")


def read_only(lab, guest):
    """sysfs is mounted read-only: the doctor and `set` say so."""
    guest.check("modprobe virtio_balloon && mount -o remount,ro /sys")
    expect(lab, guest, "read-only", "remount,rw")
    status, output = guest.run("balloonctl set holdoff_ms 1 2>&1")
    lab.check(output, status == 1 and "read-only" in output)
    guest.check("mount -o remount,rw /sys")


def no_debugfs(lab, guest):
    """debugfs is missing: the doctor and `why` say so."""
    guest.check("umount /sys/kernel/debug")
    expect(lab, guest, "no-debugfs", "mount -t debugfs")
    status, output = guest.run("balloonctl why 2>&1")
    lab.check(output, status == 1 and "debugfs" in output)
    guest.check("mount -t debugfs none /sys/kernel/debug")


def two_devices(lab, guest):
    """A second device comes."""
    lab.check_equal("with one", findings(guest, 1).get("two-devices"), None)
    guest.check(f"modprobe balloonsim && echo 0 features=0x100000007 >{SIM}/new_device")
    expect(lab, guest, "two-devices", "--device")
    guest.check(f"echo 0 >{SIM}/del_device && rmmod balloonsim")


def unsigned(lab, guest):
    """The kernel is locked down, which cannot be undone, and the module has no signature."""
    guest.check("rmmod virtio_balloon && mount -t securityfs none /sys/kernel/security &&"
                " echo integrity >/sys/kernel/security/lockdown")
    status, output = guest.run("modprobe virtio_balloon 2>&1")
    lab.check(f"modprobe: {output}", status != 0)
    expect(lab, guest, "unsigned", "mokutil --import")


CASES = [not_loaded, old_kernel, built_in, not_installed, loaded_first, read_only, no_debugfs,
         two_devices, unsigned]


@only(driver="ours", not_kernel="debug")
def test_doctor(lab):
    """Each broken installation is found by name, with what to do."""
    with lab.guest(balloon=None, files=program()) as guest:
        lab.case("no_device", expect, lab, guest, "no-device", "-device virtio-balloon-pci")
    files = {**program(), INTREE: ModuleTree(lab.kernel).read("virtio_balloon")}
    with lab.guest(load=False, tests=True, files=files) as guest:
        for case in CASES:
            lab.case(case.__name__, case, lab, guest)

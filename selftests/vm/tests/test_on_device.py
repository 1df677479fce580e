# SPDX-License-Identifier: GPL-2.0-only
"""The tests of the driver on QEMU's balloon once more, on the reference device.

As it is and where it must be told all of them run; with the profiles of other VMMs those of
sizes, statistics, need and a device that goes. All with each: DEVICE_SETS=all in front.
"""
import os

from common import boot, pattern
from lab.ondevice import run_on
from lab.testing import only, timeout
import test_bad_host
import test_compaction
import test_oom
import test_power
import test_reporting
import test_resize
import test_shutdown
import test_stats
import test_unplug

# A test of ours takes as long as all that it runs.
TIMEOUT = 1500
ALWAYS = (test_resize.test_resize, test_oom.test_oom, test_oom.test_no_deflate_on_oom,
          test_unplug.test_unplug, test_bad_host.test_storm)
MORE = (test_resize.test_deflate_on_oom_total, test_oom.test_holdoff,
        test_reporting.test_reporting, test_reporting.test_no_reporting,
        test_compaction.test_compaction, test_unplug.test_rebind,
        test_bad_host.test_absurd_targets, test_power.test_suspend,
        test_power.test_suspend_moving, test_shutdown.test_power_off, test_shutdown.test_kexec)


def stats(lab):
    """All that the device shows lies between what /proc says before and after."""
    with boot(lab, swap="256M", files=pattern()) as guest:
        test_stats.make_numbers(guest)
        test_stats.by_qemu(lab, guest)


def suite(lab, every, *device):
    """Run the tests on one device, each as a case."""
    every = every or os.environ.get("DEVICE_SETS") == "all"
    tests = [*ALWAYS, *(MORE if every else ())]
    # This one has no queue for statistics.
    if device[0] != "cloud-hypervisor":
        tests.append(stats)
    for test in tests:
        lab.case(test.__name__.removeprefix("test_"), run_on, lab, test, *device)


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_reference(lab):
    """All of them on the reference device as it is."""
    suite(lab, True, "reference")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_must_tell(lab):
    """All of them where the host must be told first; no page is used before."""
    suite(lab, True, "reference", "must-tell-host")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_firecracker(lab):
    """With the limits of Firecracker."""
    suite(lab, False, "firecracker")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_cloud_hypervisor(lab):
    """With the limits of cloud-hypervisor."""
    suite(lab, False, "cloud-hypervisor")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_crosvm(lab):
    """With the limits of crosvm, which must be told."""
    suite(lab, False, "crosvm")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_kvmtool(lab):
    """With the limits of kvmtool, which counts by itself."""
    suite(lab, False, "kvmtool")


@timeout(TIMEOUT)
@only(driver="ours", kernel="7.3")
def test_qemu(lab):
    """With the limits of QEMU."""
    suite(lab, False, "qemu")

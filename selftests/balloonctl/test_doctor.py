# SPDX-License-Identifier: GPL-2.0-only
"""doctor: each thing that it can find is provoked, and says what to do."""
import re
import shutil

from area import Failure, fail_if
from lab.cache import ROOT
import fakeroot
from fakeroot import DECISIONS, DEVICE, INTREE, MODULES, OURS, RELEASE
from tool import Tool, contains, equal

# What is right in a guest in which all is well.
WELL = ["driver", "accepted", "offered-unknown", "target"]
BALLOON = f"{DEVICE}/balloon"
LOCKDOWN = "sys/kernel/security/lockdown"


def not_installed(root):
    root.remove(f"{MODULES}/{OURS}")
    root.write(f"{MODULES}/modules.dep", f"{INTREE}:\n")


def without_headers(root):
    not_installed(root)
    root.remove(f"{MODULES}/build")


def other_kernel(root):
    not_installed(root)
    root.write("lib/modules/6.1.0-9-amd64/updates/virtio_balloon.ko.xz", "code")


def old_kernel(root):
    not_installed(root)
    root.write("proc/sys/kernel/osrelease", "5.10.0-3-amd64")


def unsigned(root):
    root.write(f"{MODULES}/{OURS}", "code")
    root.write(LOCKDOWN, "none [integrity] confidentiality")


def enforced(root):
    root.write(f"{MODULES}/{OURS}", "code")
    root.write("sys/module/module/parameters/sig_enforce", "Y")


def signed_under_lockdown(root):
    root.write(LOCKDOWN, "none [integrity] confidentiality")


def untrusted(root):
    signed_under_lockdown(root)
    not_loaded(root)


def packed_under_lockdown(root):
    root.remove(f"{MODULES}/{OURS}")
    root.write(f"{MODULES}/{OURS}.xz", "code")
    root.write(f"{MODULES}/modules.dep", f"{OURS}.xz:\n")
    untrusted(root)


def built_in(root):
    root.write(f"{MODULES}/modules.builtin", f"kernel/fs/ext4/ext4.ko\n{INTREE}\n")
    root.remove("sys/module/virtio_balloon")


def bound_without_module(root):
    root.remove("sys/module/virtio_balloon")


def not_loaded(root):
    root.remove("sys/module/virtio_balloon")
    root.remove(f"{DEVICE}/driver")


def refused(root):
    root.load()
    root.remove(f"{DEVICE}/driver")


def set_features(*features):
    return lambda root: root.write(f"{DEVICE}/features", fakeroot.bits(features))


def offers(*features):
    def change(root):
        root.write("sys/kernel/debug/virtio/virtio3/device_features",
                   "".join(f"{bit}\n" for bit in features))
    return change


def reporting_refused(root):
    set_features(1, 2)(root)
    offers(1, 2, 5)(root)


def sets(**values):
    """Return a change of files of the balloon."""
    def change(root):
        for name, value in values.items():
            root.write(f"{BALLOON}/{name}", value)
    return change


def counts(**values):
    def change(root):
        for name, value in values.items():
            root.write(f"{DEVICE}/balloon_counters/{name}", value)
    return change


def passed_through(root):
    root.pci("0000:01:00.0", "0x10de", "0x1462", "0x030000")


def out_of_reach(root):
    root.sizes(target=200000)
    root.meminfo(available=10240)


def gave_way(root):
    root.sizes(actual=100000, goal=100000, offset=-31072)


def on_its_way(root):
    root.sizes(actual=100000)


def mounts(text):
    return lambda root: root.write("proc/mounts", text)


def no_decisions(root):
    root.remove(DECISIONS)


def locked_debugfs(root):
    root.remove(DECISIONS)
    root.write(LOCKDOWN, "none [integrity] confidentiality")


GUEST, KERNELS_OWN = fakeroot.guest, fakeroot.intree
# name: the guest, what is changed in it, the finding, its level, a part of what it says
FOUND = {
    "intree_loaded_first": (KERNELS_OWN, None, "in-tree-loaded", "bad", "update-initramfs -u"),
    "intree_is_named": (KERNELS_OWN, None, "in-tree", "info", "virtio3"),
    "not_installed": (KERNELS_OWN, not_installed, "not-installed", "bad", "dkms"),
    "no_headers": (KERNELS_OWN, without_headers, "not-installed", "bad",
                   f"linux-headers-{RELEASE}"),
    "other_kernel": (KERNELS_OWN, other_kernel, "other-kernel", "bad", "6.1.0-9-amd64"),
    "old_kernel": (KERNELS_OWN, old_kernel, "old-kernel", "bad", "6.1"),
    "not_preferred": (KERNELS_OWN, lambda root: root.write(f"{MODULES}/modules.dep",
                                                          f"{INTREE}:\n"),
                      "not-preferred", "bad", "depmod -a"),
    "unsigned_under_lockdown": (KERNELS_OWN, unsigned, "unsigned", "bad", "mokutil"),
    "unsigned_where_enforced": (KERNELS_OWN, enforced, "unsigned", "bad", "mokutil"),
    "signed_under_lockdown": (KERNELS_OWN, signed_under_lockdown, "in-tree-loaded", "bad", ""),
    "untrusted": (KERNELS_OWN, untrusted, "untrusted", "bad", "enroll"),
    "packed_under_lockdown": (KERNELS_OWN, packed_under_lockdown, "untrusted", "bad", "make sign"),
    "built_in": (KERNELS_OWN, built_in, "built-in", "bad", "CONFIG_VIRTIO_BALLOON=y"),
    "built_in_unlisted": (KERNELS_OWN, bound_without_module, "built-in", "bad", RELEASE),
    "not_loaded": (KERNELS_OWN, not_loaded, "not-loaded", "bad", "modprobe virtio_balloon"),
    "refused": (KERNELS_OWN, refused, "refused", "bad", "dmesg"),
    "removed_again": (GUEST, not_installed, "not-kept", "warn", "next boot"),
    "no_device": (GUEST, lambda root: root.remove(DEVICE), "no-device", "bad",
                  "virtio-balloon-pci"),
    "two_devices": (GUEST, lambda root: root.device("virtio7"), "two-devices", "warn",
                    "virtio3, virtio7"),
    "features_accepted": (GUEST, None, "accepted", "info", "DEFLATE_ON_OOM REPORTING"),
    "features_offered": (GUEST, offers(1, 2, 3, 5, 28, 29, 32), "offered", "info",
                         "FREE_PAGE_HINT INDIRECT_DESC"),
    "no_deflate_on_oom": (GUEST, set_features(1, 5, 32), "no-deflate-on-oom", "warn",
                          "deflate-on-oom=on"),
    "reporting_refused": (GUEST, reporting_refused, "reporting-refused", "warn", "init_on_free"),
    "access_platform": (GUEST, offers(1, 2, 5, 33), "access-platform", "warn",
                        "iommu_platform"),
    "stalled": (GUEST, sets(state="stalled"), "stalled", "bad", "10000 ms"),
    "was_stalled": (GUEST, counts(stalls=3), "was-stalled", "warn", "3 times"),
    "broken": (GUEST, sets(state="broken"), "broken", "bad", "Unbind"),
    "no_stats": (GUEST, counts(stats_requests=0), "no-stats", "warn",
                 "guest-stats-polling-interval"),
    "no_stats_queue": (GUEST, set_features(2, 5, 32), "no-stats-queue", "info", "no queue"),
    "passed_through": (GUEST, passed_through, "inhibited", "warn", "0000:01:00.0"),
    "confidential": (GUEST, lambda root: root.write("proc/cpuinfo", "flags : fpu tdx_guest\n"),
                     "confidential", "warn", "encrypted"),
    "small_reserve": (GUEST, sets(reserve_kib=4096), "small-reserve", "warn",
                      "reserve_kib 0 makes it 16.0 MiB"),
    "auto_deflate_off": (GUEST, sets(auto_deflate="off"), "no-auto-deflate", "warn",
                         "set auto_deflate need"),
    "low_mark_0": (GUEST, sets(low_percent=0), "no-auto-deflate", "warn", "low_percent 0"),
    "target_reached": (GUEST, None, "target", "good", "512.0 MiB"),
    "out_of_reach": (GUEST, out_of_reach, "out-of-reach", "warn", "10.0 MiB available"),
    "gave_way": (GUEST, gave_way, "gave-way", "info", "121.4 MiB below"),
    "on_its_way": (GUEST, on_its_way, "on-its-way", "info", "390.6 MiB"),
    "no_debugfs": (GUEST, mounts("sysfs /sys sysfs rw 0 0\n"), "no-debugfs", "warn",
                   "mount -t debugfs"),
    "no_decisions": (GUEST, no_decisions, "no-decisions", "info", "debugfs"),
    "locked_debugfs": (GUEST, locked_debugfs, "debugfs-locked", "info", "locked down"),
    "read_only_sysfs": (GUEST, mounts("sysfs /sys sysfs ro,nosuid 0 0\n"
                                      "debugfs /sys/kernel/debug debugfs rw 0 0\n"),
                        "read-only", "warn", "remount,rw"),
    "no_pressure": (GUEST, lambda root: root.remove("proc/pressure"), "no-pressure", "info",
                    "psi=1"),
}


def provoke(make, change, ident, level, part):
    """The change is found, has its level, and something to do where something is wrong."""
    with Tool(make) as tool:
        if change:
            change(tool.root)
        text = tool.run("doctor", code=None)
        found = {one["id"]: one for one in tool.json("doctor", code=None)}
        if ident not in found:
            raise Failure(f"found {sorted(found)} only")
        one = found[ident]
        equal("level", one["level"], level)
        contains("finding", one["what"] + one["advice"], part)
        contains("text", text, one["what"], one["advice"])
        equal("advice", bool(one["advice"]), bool(level in ("warn", "bad") or ident in
                                                  ("gave-way", "no-pressure")))
        worst = {one["level"] for one in found.values()} & {"warn", "bad"}
        tool.run("doctor", code=1 if worst else 0)


def all_is_well():
    """Where nothing is wrong nothing is said to be: only one change makes a finding."""
    with Tool() as tool:
        equal("findings", [one["id"] for one in tool.json("doctor")], WELL)
        equal("exit code", tool.run("doctor").count("\n"), len(WELL))


def not_root():
    """A file that may not be read is another thing than one that is not there."""
    with Tool() as tool:
        path = tool.root.folder / DECISIONS
        path.chmod(0)
        before = [] if not is_root() else ["setpriv", "--reuid=65534", "--clear-groups"]
        contains("text", tool.run("doctor", code=1, before=before), "Run balloonctl as root.")


def is_root():
    import os       # noqa: PLC0415
    return os.geteuid() == 0


def every_finding_is_provoked():
    """No finding is in the sources that no case here asks for."""
    text = "".join(path.read_text(encoding="utf-8")
                   for path in (ROOT / "tools/balloonctl").glob("find_*.c"))
    idents = set(re.findall(r'LEVEL_\w+,\s+"([\w-]+)"', text))
    fail_if(sorted(idents - {case[2] for case in FOUND.values()} - {"not-root", *WELL}),
            "findings without a case:")
    if len(idents) < len(WELL) + 20 or shutil.which("setpriv") is None:
        raise Failure(f"only {sorted(idents)} are in the sources")


CASES = [all_is_well, not_root, every_finding_is_provoked]

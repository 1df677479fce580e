# SPDX-License-Identifier: GPL-2.0-only
"""Chooses QEMU's accelerator: KVM where it truly works, emulation elsewhere.

A /dev/kvm that opens proves nothing (nested and emulated ones fail on the
first unusual instruction), so KVM counts only if the processor says that it
can and a guest boots with it within seconds. Asked once per boot of the host.
"""
import os
from pathlib import Path
import re
import subprocess
import tempfile

from . import initramfs
from .cache import atomic_write, cache_dir, locked, say

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
# Emulation runs `rep movsb` byte by byte: kernels that do not know of fast short strings
# copy and clear pages twice as fast.
TCG = ["-accel", "tcg,thread=multi", "-cpu", "max,erms=off,fsrm=off"]
KVM = ["-accel", "kvm", "-cpu", "host"]
WORD = "lab-probe-alive"


def _probe(kernel):
    """Boot a guest under KVM whose first process prints a word."""
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd"
        archive = initramfs.Archive()
        archive.node("dev/console", 5, 1)
        archive.file("bin/busybox", initramfs.BUSYBOX)
        archive.link("bin/sh", "busybox")
        archive.file("init", f"#!/bin/sh\necho {WORD}\nbusybox poweroff -f\n", 0o755)
        archive.save(initrd)
        command = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   *KVM, "-m", "256M", "-kernel", str(kernel.vmlinuz), "-initrd", str(initrd),
                   "-append", "console=ttyS0 panic=-1", "-serial", "stdio"]
        try:
            out = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                 timeout=10, check=False).stdout
        except (subprocess.TimeoutExpired, OSError):
            return False
    return WORD.encode() in out


def slowness(kernel):
    """Return by how much guests are given longer than under KVM on an idle machine."""
    if kernel.name == "debug":
        return 4
    return 2 if arguments(kernel) == TCG else 1


def arguments(kernel):
    """Return QEMU's arguments for the accelerator to use on this host."""
    forced = os.environ.get("AUTOBALLOON_ACCEL")
    if forced:
        return KVM if forced == "kvm" else TCG
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if not re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo, re.M):
        return TCG
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    answer = cache_dir("accel") / boot
    with locked("accel"):
        if not answer.exists():
            good = _probe(kernel)
            say("KVM works" if good else "KVM does not boot a guest: emulating")
            atomic_write(answer, "kvm\n" if good else "tcg\n")
    return KVM if answer.read_text(encoding="ascii").strip() == "kvm" else TCG

# SPDX-License-Identifier: GPL-2.0-only
"""Makes file system images with a small real Debian: systemd, apt's packages, no kernel.

    image = rootfs.image("bookworm", packages=("xz-utils",))
    with Guest(kernel, root=image, driver="ours") as guest: ...

The image is cached and never written to: a guest's writes go to a scratch file.
The kernel's modules come from the initramfs (see guest/init), so one image
serves every kernel. Needs root, as debootstrap does.
"""
import os
from pathlib import Path
import shutil

from . import apt
from .cache import LabError, cache_dir, digest, locked, run, say

BASE = ("systemd-sysv", "kmod")
FORMAT = 2          # of an image; a change makes all of them anew
AGENT = """\
[Unit]
Description=The lab's agent
DefaultDependencies=no
After=sysinit.target

[Service]
ExecStart=/run/lab/agent
OOMScoreAdjust=-1000
StandardOutput=null
"""
# What a guest without network and console users only waits for.
MASKED = ("getty.target", "systemd-update-utmp.service", "systemd-user-sessions.service",
          "systemd-logind.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "dpkg-db-backup.timer",
          "systemd-pstore.service", "systemd-journal-flush.service",
          "systemd-networkd.service", "systemd-timesyncd.service")


def image(release="bookworm", packages=(), size="3G"):
    """Return the path of an ext4 image of a Debian release with these packages."""
    packages = sorted({*BASE, *packages})
    key = digest(release, " ".join(packages), size, AGENT, " ".join(MASKED), FORMAT)
    target = cache_dir("rootfs") / f"{release}-{key}.ext4"
    with locked(f"rootfs-{release}-{key}"):
        if not target.exists():
            say(f"making a root file system of Debian {release}")
            _make(release, packages, size, target)
    return target


def _make(release, packages, size, target):
    if os.geteuid():
        raise LabError("making a root file system needs root")
    folder = target.with_suffix(".tmp")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        # Nothing here must survive a power cut, so nothing is to be synced.
        run(["mmdebstrap", "--mode=root", "--variant=essential", "--skip=check/empty",
             f"--include={','.join(packages)}", "--dpkgopt=force-unsafe-io",
             "--dpkgopt=path-exclude=/usr/share/doc/*",
             "--dpkgopt=path-exclude=/usr/share/man/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*",
             release, folder, apt.mirrors()[0]], log=cache_dir("logs") / f"rootfs-{release}.log")
        _configure(folder)
        part = target.with_suffix(".part")
        part.unlink(missing_ok=True)
        run(["/sbin/mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", folder, part, size])
        part.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder):
    units = Path(folder) / "etc/systemd/system"
    (units / "lab-agent.service").write_text(AGENT, encoding="ascii")
    (units / "default.target").unlink(missing_ok=True)
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/lab-agent.service").symlink_to("../lab-agent.service")
    for name in MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    (Path(folder) / "etc/hostname").write_text("guest\n", encoding="ascii")
    (Path(folder) / "etc/machine-id").write_text("", encoding="ascii")
    (Path(folder) / "lib/modules").mkdir(exist_ok=True)

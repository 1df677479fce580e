# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages: built in a clean root of a release, checked by lintian, installed there."""
from pathlib import Path
import re

from area import Failure, fail_if
import roots
import tree

RELEASES = ["bookworm", "trixie"]
PACKAGES = ["autoballoon-dkms", "autoballoon-guest", "autoballoon-host"]
SOURCE = f"/usr/src/autoballoon-{tree.VERSION}"
# What each must bring, among other things; the module's sources are not the tests'.
CONTENTS = {
    "autoballoon-dkms": [f"{SOURCE}/dkms.conf", f"{SOURCE}/Kbuild", f"{SOURCE}/scripts/check-kernel",
                         f"{SOURCE}/drivers/virtio/virtio_balloon/policy.c",
                         f"{SOURCE}/include/compat/linux/balloon.h"],
    "autoballoon-guest": ["/usr/sbin/balloonctl", "/usr/share/man/man8/balloonctl.8.gz",
                          "/usr/share/bash-completion/completions/balloonctl",
                          "/usr/sbin/balloon-agent", "/usr/share/man/man8/balloon-agent.8.gz",
                          "/usr/lib/sysusers.d/balloon-agent.conf"],
    "autoballoon-host": ["/usr/sbin/balloon-device", "/usr/share/man/man8/balloon-device.8.gz",
                         "/usr/sbin/balloon-hostd", "/usr/share/man/man5/balloon-hostd.conf.5.gz"],
}


def builds(root):
    """dpkg-buildpackage makes the packages, and no others."""
    root.run("dpkg-buildpackage", "-us", "-uc", "-b", cwd="/build/autoballoon")
    names = [Path(deb).name.split("_")[0] for deb in root.debs()]
    if names != PACKAGES:
        raise Failure(f"built {names}")


def contents(root):
    """Each package has its files, and the module's sources build from what is there."""
    for package, deb in zip(PACKAGES, root.debs()):
        there = set(re.findall(r" \.(/\S+)", root.run("dpkg-deb", "--contents", deb)))
        fail_if([f"{package}: {name}" for name in CONTENTS[package] if name not in there],
                "missing:")


def lintian(root):
    """Lintian finds nothing to warn of."""
    changes = next(root.build.glob("*.changes")).name
    text = root.run("lintian", "--allow-root", "--fail-on", "none", f"/build/{changes}")
    fail_if(re.findall(r"^[EW]: .*", text, re.M))


def installs(root):
    """Installing makes DKMS build the module, where modprobe looks first; the tools run."""
    root.run("dpkg", "--install", *root.debs())
    found = root.run("find", "/lib/modules/", "-name", "virtio_balloon.ko*")
    if "/updates/dkms/" not in found:
        raise Failure(f"no module was built: {found}\n{root.run('dkms', 'status')}")
    if f"balloonctl {tree.VERSION}" not in root.run("balloonctl", "--version"):
        raise Failure("balloonctl does not tell its version")
    root.run("balloon-device", "--help")
    root.run("balloon-hostd", "--check")
    root.run("man", "--warnings", "balloonctl")


def removes(root):
    """Purging takes all of it away."""
    root.run("dpkg", "--purge", *PACKAGES)
    left = root.run("find", "/lib/modules/", "/usr/src", "/usr/sbin", "/var/lib/dkms", "(",
                    "-path", "*/updates/*virtio_balloon.ko*", "-o", "-name", "autoballoon*", "-o",
                    "-name", "balloon*", "-path", "*/sbin/*", ")")
    fail_if(left.split(), "left behind:")


def run_area(release):
    """Run all cases on a release; return how many failed."""
    def steps(tests, folder):
        root = roots.Root(release, folder)
        if tests.case("builds", builds, root):
            for case in (contents, lintian, installs, removes):
                tests.case(case.__name__, case, root)
    return roots.run_area(f"deb-{release}", "builds", steps)

# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages: built in a clean root of a release, checked by lintian, installed there.

The root comes from the release's own packages and is kept in the cache; what a
test writes goes on top of it, and away with it. Needs root, as mmdebstrap does.
"""
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from area import Area, Failure, fail_if
from lab import apt
from lab.cache import ROOT, atomic_dir, cache_dir, digest, locked, run, say
import tree

RELEASES = ["bookworm", "trixie"]
# What a builder of packages has anyway, and a user of the module.
TOOLS = ["build-essential", "lintian", "linux-headers-cloud-amd64", "man-db"]
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
    "autoballoon-host": ["/usr/sbin/balloon-device", "/usr/share/man/man8/balloon-device.8.gz"],
}
# $1: the clean root, $2: the folder for what is written, $3...: the command.
ENTER = """
root=$1 work=$2
shift 2
mkdir -p "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" none "$work/root"
mount --rbind /proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mkdir -p "$work/root/build"
mount --bind "$work/build" "$work/root/build"
exec chroot "$work/root" "$@"
"""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}


def build_depends():
    """Return the packages that debian/control needs to build, and dkms's helper by its name."""
    text = re.search(r"^Build-Depends:\n((?: .*\n)+)", (ROOT / "debian/control").read_text(),
                     re.M).group(1)
    names = re.findall(r"^ ([\w.+-]+)", text, re.M)
    virtual = {"debhelper-compat": "debhelper", "dh-sequence-dkms": "dh-dkms",
               "dh-sequence-installsysusers": "debhelper"}
    return [virtual.get(name, name) for name in names]


def clean_root(release):
    """Return the folder of a clean root of a release."""
    packages = sorted({*TOOLS, *build_depends()})
    path = cache_dir("package-roots") / f"{release}-{digest(' '.join(packages))}"
    with locked(f"package-root-{release}"):
        if not path.exists():
            say(f"making a root to build packages on {release}")
            with atomic_dir(path) as folder:
                run(["mmdebstrap", "--mode=root", "--variant=essential", "--skip=check/empty",
                     f"--include={','.join(packages)}", "--dpkgopt=force-unsafe-io",
                     release, folder, apt.mirrors()[0]],
                    log=cache_dir("logs") / f"package-root-{release}.log")
    return path


class Root:
    """A clean root with a layer for what is written, and the sources in /build/autoballoon."""

    def __init__(self, release, folder):
        self.clean = clean_root(release)
        self.folder = Path(folder)
        self.build = self.folder / "build"
        names = run(["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT).splitlines()
        for name in names:
            target = self.build / "autoballoon" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)

    def run(self, *command, cwd="/"):
        """Run a command inside; return its output, or fail with it."""
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc", ENTER,
                               "sh", self.clean, self.folder, "sh", "-c", 'cd "$0" && exec "$@"',
                               cwd, *command], env=ENVIRONMENT, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Failure(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout

    def debs(self):
        """Return the paths, inside, of the packages that were built; the debug symbols apart."""
        return [f"/build/{path.name}" for path in sorted(self.build.glob("*.deb"))
                if "-dbgsym_" not in path.name]


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
    root.run("man", "--warnings", "balloonctl")


def removes(root):
    """Purging takes all of it away."""
    root.run("dpkg", "--purge", *PACKAGES)
    left = root.run("find", "/lib/modules/", "/usr/src", "/usr/sbin", "/var/lib/dkms", "(",
                    "-name", "virtio_balloon.ko*", "-o", "-name", "autoballoon*", "-o", "-name",
                    "balloonctl", ")")
    fail_if(left.split(), "left behind:")


def run_area(release):
    """Run all cases on a release; return how many failed."""
    with Area("package", f"deb-{release}") as tests:
        if os.geteuid():
            tests.skip("builds", "needs root")
            return tests.failed
        with tempfile.TemporaryDirectory() as folder:
            root = Root(release, folder)
            if tests.case("builds", builds, root):
                for case in (contents, lintian, installs, removes):
                    tests.case(case.__name__, case, root)
    return tests.failed

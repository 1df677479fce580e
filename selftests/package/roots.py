# SPDX-License-Identifier: GPL-2.0-only
"""Clean roots of Debian releases, to build packages in and to install them.

A root comes from the release's own packages and is kept in the cache; what a
test writes goes on top of it, and away with it. Needs root, as mmdebstrap does.
"""
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from area import Area, Failure
from lab import apt
from lab.cache import ROOT, atomic_dir, cache_dir, digest, locked, run, say
from lint import files

# What a builder of packages has anyway, and a user of the module.
TOOLS = ["build-essential", "dkms", "lintian", "linux-headers-cloud-amd64", "man-db", "systemd"]
# $1: the clean root, $2: the folder for what is written, $3...: what it is for.
MOUNT = """
root=$1 work=$2
shift 2
mkdir -p "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" none "$work/root"
"""
ENTER = """
mount --rbind /proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mkdir -p "$work/root/build"
mount --bind "$work/build" "$work/root/build"
exec chroot "$work/root" "$@"
"""
IMAGE = """
/sbin/mke2fs -q -t ext4 -L root -d "$work/root" "$1" "$2"
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


def clean_root(release, packages):
    """Return the folder of a clean root of a release: what is essential there, and some packages."""
    packages = sorted(set(packages))
    path = cache_dir("package-roots") / f"{release}-{digest(' '.join(packages))}"
    with locked(f"package-root-{release}"):
        if not path.exists():
            say(f"making a root of {release} with {len(packages)} packages")
            with atomic_dir(path) as folder:
                run(["mmdebstrap", "--mode=root", "--variant=essential", "--skip=check/empty",
                     f"--include={','.join(packages)}", "--dpkgopt=force-unsafe-io",
                     release, folder, apt.mirrors()[0]],
                    log=cache_dir("logs") / f"package-root-{release}.log")
    return path


def run_area(name, first, steps):
    """Run steps(tests, folder) as an area of tests; return how many failed.

    `first` is their first case. As roots are entered by root, others have it skipped.
    """
    with Area("package", name) as tests:
        if os.geteuid():
            tests.skip(first, "needs root")
        else:
            with tempfile.TemporaryDirectory(dir=cache_dir("scratch")) as folder:
                steps(tests, Path(folder))
    return tests.failed


class Root:
    """A clean root with a layer for what is written, and the sources in /build/autoballoon.

    It has what it needs to build packages, and more; or only the packages that are named.
    """

    def __init__(self, release, folder, more=(), only=()):
        self.clean = clean_root(release, only or {*TOOLS, *build_depends(), *more})
        self.folder = Path(folder)
        self.upper = self.folder / "upper"
        self.upper.mkdir(parents=True)
        self.build = self.folder / "build"
        for name in files.names():
            target = self.build / "autoballoon" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)

    def _with(self, script, *command):
        """Run a script where the root is mounted; return its output, or fail with it."""
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc",
                               MOUNT + script, "sh", self.clean, self.folder, *command],
                              env=ENVIRONMENT, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Failure(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout

    def run(self, *command, cwd="/"):
        """Run a command inside; return its output, or fail with it."""
        return self._with(ENTER, "sh", "-c", 'cd "$0" && exec "$@"', cwd, *command)

    def image(self, path, size="4G"):
        """Write all that is in the root as a file system."""
        self._with(IMAGE, path, size)

    def debs(self):
        """Return the paths, inside, of the packages that were built; the debug symbols apart."""
        return [f"/build/{path.name}" for path in sorted(self.build.glob("*.deb"))
                if "-dbgsym_" not in path.name]

# SPDX-License-Identifier: GPL-2.0-only
"""Toolchains of Debian releases: where a kernel module is built as on a user's guest.

    tools = toolchain("trixie")
    tools.run(["make", "-C", headers], [folder, ...], log=path)

On a machine of the same release this is the machine itself. Otherwise it is a
small root of that release, unpacked from its packages into the cache, which
sees the named folders under their own paths. Needs root, or user namespaces.
"""
import functools
import os
from pathlib import Path
import platform

from . import apt, cache

# What the kernel's build system runs, and what dkms does; sparse for the lint.
TOOLS = ["make", "pahole", "kmod", "xz-utils", "sparse", "base-files", "bash", "coreutils", "dash",
         "diffutils", "findutils", "grep", "gzip", "libc-bin", "mawk", "perl-base", "sed", "tar",
         "dkms", "openssl", "patch", "mount"]
COMPILER = {"bookworm": "gcc-12", "trixie": "gcc-14"}

FORMAT = 1          # of a root; a change makes all of them anew

# $1: the root, $2: how many folders follow, $3: where to run; then the folders, then the command.
ENTER = """
root=$1 count=$2 cwd=$3
shift 3
while [ "$count" -gt 0 ]; do
	mkdir -p "$root$1"
	mount --bind "$1" "$root$1"
	shift
	count=$((count - 1))
done
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$cwd" "$@"
"""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


class Native:
    """The machine itself."""

    def __init__(self, release):
        self.release = release
        self.key = "native-" + cache.digest(cache.run(["gcc", "--version"]))

    @staticmethod
    def run(command, folders=(), log=None, env=None, cwd="/"):
        """Run a command; return its output, or raise LabError with the end of it."""
        del folders
        return cache.run(command, log=log, cwd=cwd,
                         env=cache.outside_make() | ENVIRONMENT | (env or {}))


class Chroot:
    """A root of another release, made of unpacked packages."""

    def __init__(self, release):
        self.release = release
        self.root = apt.remember(_note(release), lambda: _unpack(release))
        self.key = self.root.name

    def run(self, command, folders=(), log=None, env=None, cwd="/"):
        """Run a command inside, with the folders visible; return its output or raise LabError."""
        folders = [str(Path(folder).resolve()) for folder in folders]
        unshare = ["unshare", "--mount", "--propagation", "private"]
        if os.geteuid():
            unshare.append("--map-root-user")
        return cache.run([*unshare, "sh", "-euc", ENTER, "sh", self.root, len(folders), cwd,
                          *folders, *command], log=log, env=dict(ENVIRONMENT, **env or {}))


def _note(release):
    return f"chroot-{release}-{cache.digest(FORMAT, *TOOLS)}"


def known():
    """Return the roots that are here already."""
    return [root for root in map(apt.recall, map(_note, COMPILER)) if root]


def _unpack(release):
    """Return the folder of a root with the newest packages of a release."""
    archive = apt.Archive(release)
    packages = archive.closure([COMPILER[release], *TOOLS])
    key = cache.digest(FORMAT, *sorted(f"{p.name}={p.version}" for p in packages))
    path = cache.cache_dir("chroot") / f"{release}-{key}"
    with cache.locked(f"chroot-{release}"):
        if path.exists():
            return path
        cache.say(f"making a root with {release}'s compiler ({len(packages)} packages)")
        debs = archive.download(packages)
        with cache.atomic_dir(path) as root:
            # base-files first: it brings the links /bin -> usr/bin and so on.
            apt.unpack(sorted(debs, key=lambda deb: not deb.name.startswith("base-files_")), root)
            for name, target in (("awk", "mawk"), ("gcc", COMPILER[release]), ("cc", COMPILER[release])):
                link = root / "usr/bin" / name
                if not link.is_symlink():
                    link.symlink_to(target)
            for folder in ("proc", "dev", "tmp", "root"):
                (root / folder).mkdir(exist_ok=True)
        archive.forget(debs)
    return path


@functools.lru_cache(maxsize=None)
def toolchain(release):
    """Return what runs compilers of `release` (or of this machine: "host")."""
    system = platform.freedesktop_os_release()
    if release == "host" or (system.get("ID") == "debian"
                             and system.get("VERSION_CODENAME") == release):
        return Native(release)
    return Chroot(release)

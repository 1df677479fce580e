# SPDX-License-Identifier: GPL-2.0-only
"""The kernels of the lab, and how modules are built for them.

    kernel = kernels.get("6.12")
    kernel.release, kernel.vmlinuz, kernel.modules     to boot it
    folder = kernel.build(ROOT)                        builds what Kbuild there says
    kernels.ksource() / "scripts/checkpatch.pl"        tools of the kernel's source

A stock kernel's modules are built with the headers and the compiler of its own
release, as DKMS would in a guest; those of the debug kernel with the compiler
of this machine, which built that kernel too.
"""
import json
import os
from pathlib import Path
import shutil
import time

from . import cache, chroot, debugkernel, ksource as source_tree, stock

NAMES = [*stock.RELEASE_OF, "debug"]
BUILD_SECONDS = 7 * 24 * 3600       # how long modules are kept that nobody asks for
KBUILD_NAMES = {"Kbuild", "Kconfig", "Makefile"}
KBUILD_SUFFIXES = {".c", ".h", ".S", ".include"}
NOT_KBUILD = {".git", ".ci", "build", "debian", "Documentation", "rpm", "selftests", "tools"}


class Kernel:
    """A kernel that can be booted and built for."""

    def __init__(self, bundle):
        info = json.loads((bundle / "info.json").read_text())
        self.name = info["name"]
        self.release = info["release"]          # uname -r
        self.version = info["version"]          # of the package
        self.bundle = bundle
        self.vmlinuz = bundle / "vmlinuz"
        self.config = bundle / "config"
        self.modules = bundle / "root"          # holds lib/modules/RELEASE
        self.headers = bundle / "headers"       # for make -C
        self._toolchain = info["toolchain"]

    @property
    def toolchain(self):
        """Where its modules are built (see chroot.py)."""
        return chroot.toolchain(self._toolchain)

    def run(self, command, folders=(), **options):
        """Run a command in the toolchain, with the headers and `folders` visible."""
        return self.toolchain.run(command, [self.bundle, *folders], **options)

    def build(self, source, out=None, make=()):
        """Build the external modules of folder `source`; return the folder with the .ko files.

        With `out`, they are copied there. `make` are more words for make: W=1,
        C=2, KCFLAGS=-Werror. The folder also holds what make printed, build.log.
        Nothing is built twice, and nothing is written into `source`.
        """
        source = Path(source).resolve()
        files = sources(source)
        key = cache.digest(self.bundle.name, self.toolchain.key, *make,
                           *(part for name in files for part in (name, source / name)))
        built = cache.cache_dir("modules", self.bundle.name) / f"{source.name}-{key}"
        with cache.locked(f"module-{built.name}"):
            if not built.exists():
                self._build(source, files, built, make)
            else:
                os.utime(built)
        if out is None:
            return built
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("*.ko"):
            old.unlink()
        for file in built.iterdir():
            shutil.copy(file, out)
        return out

    def _build(self, source, files, built, make):
        cache.say(f"building {source.name} for {self.release} {' '.join(make)}".rstrip())
        with cache.atomic_dir(built) as tmp:
            scratch = tmp / "scratch"
            for name in files:
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, scratch / name)
            log = cache.cache_dir("logs") / f"{built.name}-{self.release}.log"
            command = ["make", f"-j{os.cpu_count()}", "-C", str(self.headers.resolve()),
                       f"M={scratch}", *make, "modules"]
            try:
                self.run(command, [scratch], log=log)
            except cache.LabError as error:
                raise cache.LabError(f"{source.name} does not build for {self.release}: {error}\n"
                                     f"the whole output is in {log}") from error
            log.rename(tmp / "build.log")
            for module in scratch.rglob("*.ko"):
                module.rename(tmp / module.name)
            shutil.rmtree(scratch)


def sources(folder):
    """Return the names of the files below a folder that kbuild may read there."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - NOT_KBUILD)
        if "Kbuild" in names:
            names = [name for name in names if name != "Makefile"]     # kbuild prefers Kbuild
        found += [os.path.relpath(os.path.join(base, name), folder) for name in names
                  if (name in KBUILD_NAMES or os.path.splitext(name)[1] in KBUILD_SUFFIXES)
                  and not name.endswith(".mod.c")]
    return sorted(found)


def get(name, refresh=False):
    """Return a kernel by its name; with refresh, ask the mirror for a newer one now."""
    if name == "debug":
        return Kernel(debugkernel.bundle(refresh))
    if name not in NAMES:
        raise cache.LabError(f"no kernel {name}; there are {' '.join(NAMES)}")
    return Kernel(stock.bundle(name, refresh))


def known(name):
    """Return a kernel if it is in the cache, else None."""
    bundle = debugkernel.known() if name == "debug" else stock.known(name)
    return Kernel(bundle) if bundle else None


def prune():
    """Delete from the cache what newer versions have replaced; return the folders."""
    keep = {kernel.bundle for kernel in map(known, NAMES) if kernel}
    keep |= {path for path in (source_tree.known(), *chroot.known()) if path}
    names = {path.name for path in keep}        # modules/ has a folder for each bundle
    old = [folder for kind in ("kernels", "chroot", "source", "modules")
           for folder in cache.cache_dir(kind).iterdir() if folder.name not in names]
    unused_since = time.time() - BUILD_SECONDS
    old += [built for built in cache.cache_dir("modules").glob("*/*")
            if built.parent not in old and built.stat().st_mtime < unused_since]
    for folder in old:
        shutil.rmtree(folder)
    return old


def ksource(refresh=False):
    """Return the folder of the newest kernel's source: scripts, kselftest, kernel-doc."""
    return source_tree.folder(refresh)

# SPDX-License-Identifier: GPL-2.0-only
"""A newer QEMU than the machine's, from Debian's backports, for what only that one can.

    Guest(kernel, emulator=newqemu.path(), ...)

It runs out of a folder of unpacked packages, with these packages' own loader
and libraries: so it needs neither root nor a chroot, and is one process.
"""
from . import apt, cache

RELEASE = "trixie"
# base-files brings the links /lib -> usr/lib and so on.
PACKAGES = ["-t", f"{RELEASE}-backports", "qemu-system-x86", "base-files"]
LIBRARIES = "usr/lib/x86_64-linux-gnu"
RUN = """\
#!/bin/sh
exec {root}/lib64/ld-linux-x86-64.so.2 --library-path {root}/{libraries} \\
	{root}/usr/bin/qemu-system-x86_64 -L {root}/usr/share/qemu -L {root}/usr/share/seabios "$@"
"""


def path():
    """Return the path of a program that is that QEMU."""
    return apt.remember("newqemu", _unpack) / "qemu"


def _unpack():
    archive = apt.Archive(RELEASE)
    packages = archive.closure(PACKAGES)
    key = cache.digest(RUN, *sorted(f"{p.name}={p.version}" for p in packages))
    target = cache.cache_dir("newqemu") / key
    with cache.locked("newqemu"):
        if target.exists():
            return target
        cache.say(f"unpacking a newer QEMU ({len(packages)} packages)")
        debs = archive.download(packages)
        with cache.atomic_dir(target) as folder:
            apt.unpack(sorted(debs, key=lambda deb: not deb.name.startswith("base-files_")),
                       folder / "root")
            cache.atomic_write(folder / "qemu", RUN.format(root=target / "root",
                                                           libraries=LIBRARIES), 0o755)
        archive.forget(debs)
    return target

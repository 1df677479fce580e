# SPDX-License-Identifier: GPL-2.0-only
"""The QEMUs to measure with: this machine's, or that of Debian's backports, without installing it."""
from lab import accel, apt, cache

BACKPORTS = "trixie-backports"
# Its own libraries, firmware and accelerator go with it.
WRAPPER = """\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
root={root}
lib=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR=$lib/qemu
exec "$lib/ld-linux-x86-64.so.2" --library-path "$(find "$lib" -type d | tr '\\n' :)" \\
	"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
"""


def choose(name):
    """Have the lab use this QEMU: the name of a backport, or a path."""
    accel.QEMU = _backport() if name == BACKPORTS else name


def _backport():
    """Return the program that starts the backport; unpack it, if need be."""
    release = BACKPORTS.split("-", maxsplit=1)[0]
    root = apt.remember(f"qemu-{BACKPORTS}", lambda: _unpack(apt.Archive(release)))
    return str(root / "qemu")


def _unpack(archive):
    packages = archive.closure(["-t", BACKPORTS, "qemu-system-x86"])
    version = next(package.version for package in packages if package.name == "qemu-system-x86")
    path = cache.cache_dir("qemu") / cache.digest(version)
    with cache.locked("qemu"):
        if not path.exists():
            debs = archive.download(packages)
            with cache.atomic_dir(path) as root:
                apt.unpack(sorted(debs, key=lambda deb: not deb.name.startswith("base-files_")),
                           root)
                cache.atomic_write(root / "qemu", WRAPPER.format(root=path), 0o755)
            archive.forget(debs)
    return path

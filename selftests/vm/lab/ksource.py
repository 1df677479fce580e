# SPDX-License-Identifier: GPL-2.0-only
"""The newest kernel's source, from Debian's linux-source package, without what nobody here reads.

Left out is the code (not the Kconfig and Makefile) of other machines and of
drivers that no guest has, so that it is a third of the whole: enough to build
the debug kernel, and for checkpatch, kernel-doc and kselftest.
"""
import subprocess

from . import apt, cache

RELEASE = "trixie"
FORMAT = 1          # of the unpacked source; a change makes it anew
DROP_CODE = [
    "sound", "arch/[!x]*", "drivers/accel", "drivers/clk", "drivers/comedi", "drivers/crypto",
    "drivers/gpu", "drivers/hid", "drivers/hwmon", "drivers/i2c", "drivers/iio",
    "drivers/infiniband", "drivers/isdn", "drivers/media", "drivers/mfd", "drivers/mmc",
    "drivers/mtd", "drivers/net", "drivers/phy", "drivers/pinctrl", "drivers/platform",
    "drivers/power", "drivers/regulator", "drivers/s390", "drivers/scsi", "drivers/soc",
    "drivers/spi", "drivers/staging", "drivers/usb", "drivers/video",
]
SUBFOLDERS_ONLY = {"drivers/net"}      # drivers/net/loopback.c is in every kernel
DROP_WHOLE = [
    "Documentation/devicetree", "Documentation/translations", "tools/perf",
    "tools/testing/selftests/bpf", "tools/testing/selftests/net",
]


NOTE = f"source-{FORMAT}-{cache.digest(*DROP_CODE, *DROP_WHOLE)}"


def _patterns(top):
    """Return what tar leaves out; * in a pattern of tar also stands for slashes."""
    code = [f"{folder}/*" if folder in SUBFOLDERS_ONLY else folder for folder in DROP_CODE]
    return ([f"--exclude={top}/{folder}/*.{end}" for folder in code for end in ("c", "h", "S", "dts", "dtsi")]
            + [f"--exclude={top}/{folder}" for folder in DROP_WHOLE])


def _fetch():
    archive = apt.Archive(RELEASE)
    newest = archive.newest(r"linux-source-\d+\.\d+")
    if not newest:
        raise cache.LabError(f"{RELEASE} has no linux-source package")
    package = newest[0]
    key = cache.digest(FORMAT, package.version, *DROP_CODE, *DROP_WHOLE)
    path = cache.cache_dir("source") / f"{package.name}-{key}"
    with cache.locked("source"):
        if path.exists():
            return path
        debs = archive.download([package])
        cache.say(f"unpacking {package.name} {package.version}")
        with cache.atomic_dir(path) as tmp:
            _unpack(debs[0], package.name, tmp)
        archive.forget(debs)
    return path


def _unpack(deb, name, target):
    """Unpack the tar file in the package: as streams, it never lies on the disk."""
    inner = f"./usr/src/{name}.tar.xz"
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as outer, \
            subprocess.Popen(["tar", "-xO", inner], stdin=outer.stdout, stdout=subprocess.PIPE) as tar:
        cache.run(["tar", "-xJ", "-C", target, "--strip-components=1", "--wildcards",
                   *_patterns(name)], stdin=tar.stdout)
    if outer.returncode or tar.returncode:
        raise cache.LabError(f"cannot unpack {deb}")


def folder(refresh=False):
    """Return the folder of the newest version that the mirror has."""
    return apt.remember(NOTE, _fetch, refresh)


def known():
    """Return the folder of the version that is here already, or None."""
    return apt.recall(NOTE)

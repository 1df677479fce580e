# SPDX-License-Identifier: GPL-2.0-only
"""One kernel's headers: W=1, sparse, and which part of the driver calls which.

The objects are built in a scratch folder, where that kernel's headers and
compiler are, and must be built without any message.
"""
from pathlib import Path
import os
import re
import shutil
import tempfile

from area import Area, Failure, fail_if
from lab import cache, kernels
from lab.cache import ROOT
import rooms

HERE = Path(__file__).resolve().parent
SOURCES = {"driver": ROOT, "balloonsim": ROOT / "selftests/balloon/balloonsim"}
DRIVER = "drivers/virtio/virtio_balloon"
WARNINGS = ["W=1", "KERNELDOC=true"]
# What the small kernel of a micro-VM goes without, and the driver can do without.
OPTIONAL = ["BALLOON_COMPACTION", "DEBUG_FS", "MEMORY_HOTPLUG", "PM_SLEEP"]

# Lines that only tell what kbuild does.
PROGRESS = re.compile(r"""\s*$|make(\[\d+\])?:\ (Entering|Leaving)
    |\s\s(AR|BTF|CC|CHECK|LD|MODPOST)\ """, re.X)
# The headers packages of Linux 7 lack the script that asks whether sparse is
# recent enough. It is not; the wrapper beside this file makes up for it.
NO_SCRIPT = re.compile(r"checker-valid\.sh: No such file|specified, but \S+/sparse is not available")
NO_VMLINUX = re.compile(r"Skipping BTF generation for \S+ due to unavailability of vmlinux")


class Build:
    """The sources in a scratch folder, and what kbuild said about them."""

    def __init__(self, kernel, source, folder):
        self.kernel = kernel
        self.folder = folder
        for name in kernels.sources(source):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)

    def make(self, *words):
        """Fail with what kbuild says beside its progress."""
        command = ["make", f"-j{os.cpu_count()}", "-C", str(self.kernel.headers.resolve()),
                   f"M={self.folder}", "KCFLAGS=-Werror", *words, "modules"]
        try:
            output = self.kernel.run(command, [self.folder, HERE])
        except cache.LabError as error:
            raise Failure(str(error)) from error
        fail_if([line for line in output.splitlines()
                 if not PROGRESS.match(line) and not NO_SCRIPT.search(line)
                 and not NO_VMLINUX.search(line)])

    def symbols(self):
        """Return ({symbol: the object that defines it}, {object: the symbols it uses})."""
        where, uses = {}, {}
        for path in sorted((self.folder / DRIVER).glob("*.o")):
            if path.name.startswith("virtio_balloon."):
                continue
            uses[path.stem] = set()
            for line in cache.run(["nm", "--extern-only", path]).splitlines():
                *_, kind, symbol = line.split()
                if kind == "U":
                    uses[path.stem].add(symbol)
                else:
                    where[symbol] = path.stem
        return where, uses


def warnings(build):
    # W=1 also runs the kernel-doc of these headers, in a language that a small
    # root for a compiler need not have; scripts.py has that check.
    build.make(*WARNINGS)


def sparse(build):
    # The same words, so that nothing is compiled again: 2 checks all files all the same.
    build.make(*WARNINGS, "KBUILD_CHECKSRC=2", "CF=-D__CHECK_ENDIAN__", f"CHECK={HERE}/sparse")


def small_kernel(build):
    without = build.folder / "without.h"
    without.write_text("".join(f"#undef CONFIG_{name}\n" for name in OPTIONAL), encoding="ascii")
    build.make(*(f"CONFIG_{name}=" for name in OPTIONAL), f"KCFLAGS=-Werror -include {without}")


def run_area(name):
    """Run all cases for the kernel called `name`; return how many failed."""
    with Area("lint", name) as tests:
        kernel = kernels.get(name)
        for what, source in SOURCES.items():
            with tempfile.TemporaryDirectory() as folder:
                build = Build(kernel, source, Path(folder).resolve())
                built = tests.case(f"{what}_w1", warnings, build)
                tests.case(f"{what}_sparse", sparse, build)
                if what == "driver" and built:
                    for case in rooms.CASES:
                        tests.case(case.__name__, case, *build.symbols())
                    tests.case(f"{what}_small_kernel", small_kernel, build)
    return tests.failed

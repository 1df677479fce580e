# SPDX-License-Identifier: GPL-2.0-only
"""selftests/balloon in a kernel's tree, installed as any user of that tree would."""
import shutil

from . import chroot, kernels
from .cache import ROOT, run

# What of a kernel's tree its selftests take, beside their own folders.
OF_TREE = ("Makefile", "scripts/subarch.include", "tools/build", "tools/scripts")
OF_SELFTESTS = ("Makefile", "lib.mk", "kselftest", "kselftest.h", "kselftest_harness.h",
                "kselftest_install.sh", "run_kselftest.sh")
SELFTESTS = "tools/testing/selftests"


def _copy(source, target, names):
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy(source / name, target / name)


def kernel_tree(folder):
    """Make the part of the newest kernel's tree that selftests need, with ours in it."""
    source = kernels.ksource()
    _copy(source, folder, OF_TREE)
    _copy(source / SELFTESTS, folder / SELFTESTS, OF_SELFTESTS)
    shutil.copytree(ROOT / "selftests/balloon", folder / SELFTESTS / "balloon",
                    ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd"))


def serves(kernel):
    """Tell whether this machine has the kernel's compiler, with which a user's would build."""
    return isinstance(kernel.toolchain, chroot.Native)


def make(kernel, folder, *words):
    """Run make in the tree's selftests, with ours as the only target; return what it prints."""
    return kernel.run(["make", "-C", str(folder / SELFTESTS), "TARGETS=balloon",
                       f"KDIR={kernel.headers.resolve()}", *words], [folder])


def install(kernel, folder):
    """Install ours for a kernel; return the folder with run_kselftest.sh."""
    target = folder / "installed"
    make(kernel, folder, "install", f"INSTALL_PATH={target}")
    return target


def listed(installed):
    """Return the names of the tests that are installed, as run_kselftest.sh lists them."""
    return run([installed / "run_kselftest.sh", "-l"]).split()

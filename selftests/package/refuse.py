# SPDX-License-Identifier: GPL-2.0-only
"""Kernels that the driver cannot serve: make, make install and DKMS must say so and fail.

The kernels are fakes: folders with the few files of a kernel's headers that
tell. A build that starts in one of them leaves a mark, so that a refusal that
comes too late is found.
"""
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from area import Area, Failure
from lab.cache import ROOT
import tree

MODULES = "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_BALLOON=m\n"

# name: (release, configuration, modules.builtin, what the refusal must say)
KERNELS = {
    "too_old": ("5.10.0-32-amd64", MODULES + "CONFIG_MEMORY_BALLOON=y\n", "", "too old"),
    "just_too_old": ("6.0.19", MODULES + "CONFIG_MEMORY_BALLOON=y\n", "", "too old"),
    "built_in": ("6.12.0-1-amd64",
                 "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_BALLOON=y\nCONFIG_MEMORY_BALLOON=y\n", "",
                 "built in"),
    "listed_as_built_in": ("7.2.0-1-amd64", MODULES + "CONFIG_BALLOON=y\n",
                           "kernel/drivers/virtio/virtio_balloon.ko\n", "built in"),
    "no_balloon": ("7.3.1", MODULES + "# CONFIG_BALLOON is not set\n", "", "without CONFIG_BALLOON"),
    "no_virtio": ("6.1.0-1-amd64", "CONFIG_MEMORY_BALLOON=y\n", "", "without CONFIG_VIRTIO"),
}
# name: (configuration, .kernelvariables, words for make, what the refusal must say)
COMPILERS = {
    "clang_missing": ("CONFIG_CC_IS_CLANG=y\n", "", [], "give LLVM=1"),
    "clang_unwanted": ("CONFIG_CC_IS_GCC=y\n", "", ["LLVM=1"], "leave out LLVM=1"),
    "cc_is_clang": ("CONFIG_CC_IS_GCC=y\n", "", ["CC=clang-15"], "or CC=clang-15"),
    "no_such_gcc": ("CONFIG_CC_IS_GCC=y\n", "CC = $(if $(X),$(CCACHE)) $(CROSS_COMPILE)gcc-99\n", [],
                    "there is no gcc-99"),
    "no_such_clang": ("CONFIG_CC_IS_CLANG=y\n", "", ["LLVM=-99"], "there is no clang-99"),
}
# These are good: the test would not notice a check that refuses everything.
GOOD = {
    "oldest": ("6.1.0-50-amd64", MODULES + "CONFIG_MEMORY_BALLOON=y\n", ""),
    "two_digits": ("6.10.3", MODULES + "CONFIG_MEMORY_BALLOON=y\n", ""),
    "future": ("10.0.0-1-amd64", MODULES + "CONFIG_BALLOON=y\n",
               "kernel/drivers/virtio/virtio.ko\n"),
}


class Fake:
    """A kernel's headers and its folder of modules, without a kernel."""

    def __init__(self, folder, release, config, builtin):
        self.release = release
        self.headers = folder / "headers"
        self.root = folder / "root"
        self.modules = self.root / "lib/modules" / release
        (self.headers / "include/generated").mkdir(parents=True)
        self.modules.mkdir(parents=True)
        (self.headers / "include/generated/utsrelease.h").write_text(
            f'#define UTS_RELEASE "{release}"\n')
        (self.headers / ".config").write_text(config)
        (self.headers / "Makefile").write_text("%:\n\ttouch started-to-build\n\tfalse\n")
        (self.modules / "modules.builtin").write_text(builtin)

    def started(self):
        """True if a build was started with these headers."""
        return (self.headers / "started-to-build").exists()

    def make(self, *goal):
        return run(["make", "-C", ROOT, *goal, f"KDIR={self.headers}",
                    f"INSTALL_MOD_PATH={self.root}"])

    def dkms(self, folder):
        """Let DKMS build for this kernel, in its own trees below `folder`."""
        trees = tree.dkms_trees(folder, self.root / "lib/modules")
        run(["dkms", *trees, "add", tree.MODULE])
        return run(["dkms", *trees, "build", tree.MODULE, "-k", self.release,
                    "--kernelsourcedir", str(self.headers)])


def run(command):
    """Run a tool and return (exit code, what it printed)."""
    done = subprocess.run([*tree.as_root(command)], text=True, check=False, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, LC_ALL="C.UTF-8", MAKEFLAGS=""))
    return done.returncode, done.stdout


def refused(fake, answer, reason):
    """Check that a tool failed with one sentence of ours that gives the reason."""
    code, output = answer
    sentences = re.findall(r"^autoballoon: .*\.$", output, re.M)
    if code == 0:
        raise Failure(f"it did not fail:\n{output}")
    if len(set(sentences)) != 1 or reason not in sentences[0]:
        raise Failure(f"it does not say '{reason}' in one sentence:\n{output}")
    if fake.started():
        raise Failure(f"it started to build all the same:\n{output}")
    if list(fake.modules.rglob("*.ko*")):
        raise Failure("it installed a module all the same")


def accepted(fake, answer):
    """Check that a build was started."""
    if not fake.started():
        raise Failure(f"no build was started:\n{answer[1]}")


def run_all(tests, folder):
    for name, (release, config, builtin, reason) in KERNELS.items():
        for tool in ("make", "make_install", "dkms"):
            place = folder / f"{name}-{tool}"
            fake = Fake(place, release, config, builtin)
            answer = fake.dkms(place) if tool == "dkms" else fake.make(
                "install" if tool == "make_install" else "module")
            tests.case(f"{tool}_refuses_{name}", refused, fake, answer, reason)
    for name, (release, config, builtin) in GOOD.items():
        for tool in ("make", "dkms"):
            place = folder / f"{name}-{tool}"
            fake = Fake(place, release, config, builtin)
            tests.case(f"{tool}_accepts_{name}", accepted, fake,
                       fake.dkms(place) if tool == "dkms" else fake.make("module"))
    for name, (config, variables, words, reason) in COMPILERS.items():
        fake = Fake(folder / name, "6.12.0", MODULES + "CONFIG_MEMORY_BALLOON=y\n" + config, "")
        (fake.headers / ".kernelvariables").write_text(variables)
        tests.case(f"make_refuses_{name}", refused, fake, fake.make("module", *words), reason)
    nowhere = Fake(folder / "nowhere", "6.1.0", "", "")
    shutil.rmtree(nowhere.headers)
    tests.case("make_without_headers", refused, nowhere, nowhere.make("module"), "no kernel headers")


def run_area():
    """Run all cases; return how many failed."""
    with Area("package", "refuse") as tests, tempfile.TemporaryDirectory() as folder:
        run_all(tests, Path(folder))
    return tests.failed

# SPDX-License-Identifier: GPL-2.0-only
"""What DKMS works on in the tests: folders of its own, and a copy of the sources."""
import os
from pathlib import Path
import re
import shutil

from lab.cache import ROOT

VERSION = re.search(r'^PACKAGE_VERSION="(.*)"', (ROOT / "dkms.conf").read_text(), re.M).group(1)
MODULE = f"autoballoon/{VERSION}"


def as_root(command):
    """Return the command with what makes it believe that it is root, where we are not."""
    return command if os.geteuid() == 0 else ["unshare", "--map-root-user", *command]


def sources(folder):
    """Return where below `folder` DKMS has our sources."""
    return folder / "src" / MODULE.replace("/", "-")


def dkms_trees(folder, modules):
    """Make DKMS's folders below `folder`, sources included; return its options for them."""
    copy_sources(sources(folder))
    (folder / "dkms").mkdir()
    return ["--dkmstree", str(folder / "dkms"), "--sourcetree", str(folder / "src"),
            "--installtree", str(modules)]


def copy_sources(target):
    """Copy what `make dkms-install` copies: the files of the Makefile's dkms_files."""
    names = re.search(r"^dkms_files = (.*)", (ROOT / "Makefile").read_text(), re.M).group(1)
    target.mkdir(parents=True)
    for name in names.split():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(
                "*.o", "*.ko", "*.mod", "*.mod.c", ".*"))
        else:
            shutil.copy(source, Path(target) / name)

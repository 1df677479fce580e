# SPDX-License-Identifier: GPL-2.0-only
"""Builds the debug kernel: the newest source with selftests/vm/debug.config.

The result is a bundle as in stock.py. It takes some minutes, once for each
version of the source, of the configuration and of the compiler.
"""
import json
import os
from pathlib import Path
import re
import subprocess
import time

from . import cache, ksource

CONFIG = Path(__file__).resolve().parents[1] / "debug.config"
FORMAT = 1              # of a bundle; a change makes it anew
PROGRESS_SECONDS = 30


def bundle(refresh=False):
    """Return the folder of the debug kernel; with refresh, look for a newer source now."""
    source = ksource.folder(refresh)
    path = _path(source)
    with cache.locked("kernel-debug"):
        # A bundle that was moved has a wrong link to its headers.
        try:
            if json.loads((path / "info.json").read_text())["path"] == str(path):
                return path
        except FileNotFoundError:
            pass
        started = time.monotonic()
        cache.say(f"building the debug kernel from {source.name}: takes some minutes, once")
        with cache.atomic_dir(path) as tmp:
            _build(source, tmp, path)
        cache.say(f"built the debug kernel in {time.monotonic() - started:.0f} s")
    return path


def known():
    """Return the debug kernel that is here already, or None."""
    source = ksource.known()
    return _path(source) if source and _path(source).exists() else None


def _path(source):
    key = cache.digest(FORMAT, source.name, CONFIG, cache.run(["gcc", "--version"]))
    return cache.cache_dir("kernels") / f"debug-{key}"


def _build(source, tmp, path):
    tree, log = tmp / "tree", cache.cache_dir("logs") / "debug-kernel.log"
    make = ["nice", "make", "-C", source, f"O={tree}", f"-j{os.cpu_count()}",
            "KBUILD_BUILD_USER=lab", "KBUILD_BUILD_HOST=lab"]
    tree.mkdir()
    cache.run([*make, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig"], log=log)
    _check_config(tree / ".config")
    _compile([*make, "bzImage", "modules"], log)
    cache.run([*make, f"INSTALL_MOD_PATH={tmp / 'root'}", "modules_install"], log=log)
    # The kernel's own list of what external modules need of a build tree.
    cache.run([*make, "run-command", "KBUILD_RUN_COMMAND=+$(srctree)/scripts/package/"
               f"install-extmod-build {tmp / 'headers'}"], log=log)
    (tree / ".config").rename(tmp / "config")
    (tree / "arch/x86/boot/bzImage").rename(tmp / "vmlinuz")
    release = (tree / "include/config/kernel.release").read_text().strip()
    link = tmp / "root/lib/modules" / release / "build"
    link.unlink(missing_ok=True)
    link.symlink_to(path / "headers")
    cache.run(["rm", "-rf", tree])
    info = {"name": "debug", "release": release, "version": source.name, "path": str(path),
            "toolchain": "host"}
    cache.atomic_write(tmp / "info.json", json.dumps(info, indent=2) + "\n")


def _check_config(made):
    """Raise LabError when kconfig did not take an option as debug.config says it."""
    lines = set(made.read_text().splitlines())
    lost = [line for line in CONFIG.read_text().splitlines()
            if line.startswith("CONFIG_") and line not in lines]
    if lost:
        raise cache.LabError(f"{CONFIG}: not accepted by this kernel: {' '.join(lost)}")


def _compile(command, log):
    """Run make, telling now and then how far it is."""
    compiled, told = 0, time.monotonic()
    with open(log, "w", encoding="utf-8") as file, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as make:
        for line in make.stdout:
            file.write(line)
            compiled += bool(re.match(r" +(CC|AS) ", line))
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                cache.say(f"debug kernel: {compiled} files compiled")
    if make.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-40:])
        raise cache.LabError(f"the debug kernel does not build; the whole output is in {log}\n{tail}")

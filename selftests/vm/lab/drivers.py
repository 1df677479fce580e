# SPDX-License-Identifier: GPL-2.0-only
"""Builds the modules of this checkout for a guest's kernel."""
from pathlib import Path

from .cache import BUILD, ROOT, LabError

DRIVER = ROOT / "drivers/virtio/virtio_balloon"
SIMULATOR = ROOT / "selftests/balloon/balloonsim"


def _build(kernel, source, name):
    built = kernel.build(source, BUILD / "modules" / kernel.name / name)
    paths = [built] if isinstance(built, (str, Path)) else list(built)
    for path in map(Path, paths):
        found = [path] if path.name == f"{name}.ko" else sorted(path.rglob(f"{name}.ko"))
        if found:
            return found[0]
    raise LabError(f"the build for {kernel.release} made no {name}.ko")


def build(kernel):
    """Return the path of our virtio_balloon.ko for `kernel`."""
    return _build(kernel, ROOT, "virtio_balloon")


def build_simulator(kernel):
    """Return the path of balloonsim.ko for `kernel`."""
    return _build(kernel, SIMULATOR, "balloonsim")

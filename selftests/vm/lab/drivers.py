# SPDX-License-Identifier: GPL-2.0-only
"""Builds the modules of this checkout for a guest's kernel."""
from .cache import ROOT, LabError

SIMULATOR = ROOT / "selftests/balloon/balloonsim"


def _build(kernel, source, name):
    module = kernel.build(source) / f"{name}.ko"
    if not module.exists():
        raise LabError(f"the build for {kernel.release} made no {module.name}")
    return module


def build(kernel):
    """Return the path of our virtio_balloon.ko for `kernel`."""
    return _build(kernel, ROOT, "virtio_balloon")


def build_simulator(kernel):
    """Return the path of balloonsim.ko for `kernel`."""
    return _build(kernel, SIMULATOR, "balloonsim")

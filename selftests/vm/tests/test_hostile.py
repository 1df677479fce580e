# SPDX-License-Identifier: GPL-2.0-only
"""A sample of what `make soak` does: a reference device that breaks every rule, from seeds."""
import os
import signal
import tempfile

from lab.cache import LabError
from lab.hostile import DEATHS, hostile
from lab.testing import only, timeout

# The first seeds of guests of make soak: the features are theirs.
GROUPS = (0, 200, 400)
SEEDS = 100         # of each


def live(lab, first):
    """Run seeds in one guest."""
    with tempfile.TemporaryDirectory() as folder, hostile(lab.guest, folder, first) as runs:
        for seed in range(first, first + SEEDS):
            try:
                runs.run(seed)
            except Exception:
                lab.note(f"again: selftests/soak/run --kernel {lab.kernel.name} --seed {seed}")
                raise
        lab.check("the driver takes the device", runs.taken)
        lab.note(f"{runs.story()}; of the last: {runs.device('status')['queues']}")


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_hostile(lab):
    """The guest lives, and the driver lets go, whatever the device does."""
    for first in GROUPS:
        lab.case(f"seeds from {first} on", live, lab, first)


def end_qemu(runs, seed, number):
    """Have a signal end QEMU, and run a seed then."""
    os.kill(runs.guest.process.pid, number)
    runs.run(seed)


def stories(lab, number, seeds):
    """What became of the seeds, in each of which QEMU ends with a signal: deaths and an error."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with hostile(lab.guest, folder, 0) as runs:
                for seed in range(seeds):
                    end_qemu(runs, seed, number)
            return runs.deaths, None
        except LabError as error:
            runs.guest.no_verdict("it was ended")
            return runs.deaths, error


@only(driver="ours", kernel="7.3")
def test_hostile_qemu_dies(lab):
    """A QEMU that crashes costs its seed, one that ends otherwise or crashes often, the run."""
    deaths, error = stories(lab, signal.SIGSEGV, DEATHS)
    lab.check_equal(f"deaths ({error})", (deaths, error), ([*range(DEATHS)], None))
    deaths, error = stories(lab, signal.SIGSEGV, DEATHS + 1)
    lab.check(f"a QEMU that crashes often: {deaths}", error and "too often" in str(error))
    deaths, error = stories(lab, signal.SIGTERM, 1)
    lab.check(f"a QEMU that was ended: {deaths}", error and not deaths)

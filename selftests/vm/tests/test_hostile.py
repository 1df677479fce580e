# SPDX-License-Identifier: GPL-2.0-only
"""A sample of what `make soak` does: a reference device that breaks every rule, from seeds."""
import tempfile

from lab.hostile import hostile
from lab.testing import only, timeout

SEEDS = 100


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_hostile(lab):
    """The guest lives, and the driver lets go, whatever the device does."""
    with tempfile.TemporaryDirectory() as folder, hostile(lab.guest, folder) as runs:
        for seed in range(SEEDS):
            try:
                runs.run(seed)
            except Exception:
                lab.note(f"again: selftests/soak/run --kernel {lab.kernel.name} --seed {seed}")
                raise
        lab.note(f"{SEEDS} seeds; of the last: {runs.device('status')['queues']}")

# SPDX-License-Identifier: GPL-2.0-only
"""What the driver shows in sysfs is what Documentation/ABI says, no more and no less."""
import sys

from lab.cache import ROOT
from lab.testing import only

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import abi      # noqa: E402

MODES = {"444": "RO", "644": "RW"}
DEVICE = abi.DEVICE.replace("virtio<N>/", "virtio*/")


def compare(lab, guest, folder, documented):
    """Every file in a folder of /sys is documented with its mode, and the other way round."""
    lines = guest.check(f"stat -c '%a %n' {folder}*").splitlines()
    there = {name.rpartition("/")[2]: MODES[mode] for mode, name in map(str.split, lines)}
    wanted = {name: entry.mode for name, entry in documented.items()}
    lab.check_equal(folder, there, wanted)


@only(driver="ours")
def test_sysfs(lab):
    """Files and modes in sysfs are those of Documentation/ABI."""
    documents = abi.entries()
    with lab.guest() as guest:
        for name in ("balloon/", "balloon_counters/"):
            lab.case(name, compare, lab, guest, DEVICE + name,
                     abi.below(documents, abi.DEVICE + name))
        lab.case("parameters", compare, lab, guest, abi.PARAMETERS,
                 abi.below(documents, abi.PARAMETERS))

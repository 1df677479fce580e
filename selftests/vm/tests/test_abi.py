# SPDX-License-Identifier: GPL-2.0-only
"""What the driver shows in sysfs and debugfs is what Documentation/ABI says, no more, no less."""
import sys

from lab.cache import ROOT
from lab.testing import only

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import abi      # noqa: E402
import source   # noqa: E402

# Whoever may read or write, root may; nobody else may write.
MODES = {"400": "RO", "444": "RO", "200": "WO", "600": "RW", "644": "RW"}
GROUPS = [*source.GROUPS, "balloon_counters"]
FOLDERS = [*(f"{abi.DEVICE}{name}/" for name in GROUPS), abi.PARAMETERS, abi.DEBUGFS]
# The folders that every device has.
COMMON = {"power"}


def compare(lab, guest, folder):
    """Every file in a folder is documented with its mode, and the other way round."""
    lines = guest.check(f"stat -c '%a %n' {folder.replace('<N>', '*')}*").splitlines()
    there = {name.rpartition("/")[2]: MODES.get(mode, mode)
             for mode, name in map(str.split, lines)}
    wanted = {name: entry.mode for name, entry in abi.below(abi.entries(), folder).items()}
    lab.check_equal(folder, there, wanted)


def undefined(lab, guest):
    """The kernel's own tool knows each file, and misses one in a folder that is not documented."""
    device = guest.check(f"echo {abi.DEVICE.replace('<N>', '*')}").strip()
    folders = guest.check(f"cd {device} && find . -mindepth 1 -maxdepth 1 -type d").split()
    ours = sorted({name.removeprefix("./") for name in folders} - COMMON)
    lab.check_equal("folders", ours, sorted(GROUPS))
    paths = guest.check(f"cd {device} && find {' '.join(ours)} -type f").split()
    lab.check_equal("nothing is unknown", abi.undefined(device, paths), [])
    lab.check_equal("what is unknown", abi.undefined(device, [*paths, "moon/phase"]),
                    [f"{device}moon not found.", f"{device}moon/phase not found."])


@only(driver="ours")
def test_sysfs(lab):
    """Files and modes are those of Documentation/ABI."""
    with lab.guest() as guest:
        for folder in FOLDERS:
            name = "parameters" if folder == abi.PARAMETERS else (
                "debugfs" if folder == abi.DEBUGFS else folder.split("/")[-2] + "/")
            lab.case(name, compare, lab, guest, folder)
        lab.case("get_abi undefined", undefined, lab, guest)

# SPDX-License-Identifier: GPL-2.0-only
"""The kselftests as a kernel's tree installs them, in an ordinary Debian."""
from pathlib import Path
import tempfile

from lab import dropin, rootfs
from lab.testing import only, timeout

from common import MIB, resize, wait_at_rest

HELD = 64 * MIB
# A few, hints among them; what the whole of them says is for the other tests.
TESTS = ["sim_resize.sh", "sim_must_tell.sh", "sim_broken.sh", "sim_pressure.sh"]


def installed(kernel, folder):
    """Return {path in the guest: file} of what the tree's `make install` makes."""
    dropin.kernel_tree(folder)
    top = dropin.install(kernel, folder)
    return {f"lab/kselftest/{path.relative_to(top)}": path
            for path in top.rglob("*") if path.is_file()}


@only(driver="ours", not_kernel="debug")
@timeout(400)
def test_dropin(lab):
    """run_kselftest.sh runs them in a Debian whose own balloon is in use, and they pass."""
    if not dropin.serves(lab.kernel):
        lab.skip("this machine has another compiler than the kernel's")
    with tempfile.TemporaryDirectory() as folder:
        files = installed(lab.kernel, Path(folder).resolve())
        with lab.guest(balloon={}, root=rootfs.image("bookworm"), files=files) as guest:
            guest.check("modprobe virtio_balloon")
            resize(guest, guest.memory - HELD)
            words = " ".join(f"-t balloon:{name}" for name in TESTS)
            text = guest.check(f"cd /run/lab/kselftest && ./run_kselftest.sh {words} 2>&1",
                               timeout=300)
            lab.note(text[-2000:])
            for number, name in enumerate(TESTS, 1):
                lab.check(f"{name} passes:\n{text}",
                          f"ok {number} selftests: balloon: {name}" in text)
            lab.check_equal("what did not", text.count("\nnot ok"), 0)
            lab.check_equal("the guest's own balloon", wait_at_rest(guest), guest.memory - HELD)

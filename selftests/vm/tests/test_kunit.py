# SPDX-License-Identifier: GPL-2.0-only
"""The tests of the policy, in the kernel as KUnit runs them."""
from pathlib import Path
import re
import tempfile

from lab.cache import ROOT, run
from lab.testing import only

SOURCES = ROOT / "selftests/kunit"
RESULTS = "/sys/kernel/debug/kunit"


def module(kernel):
    """Return the path of the module."""
    with tempfile.TemporaryDirectory() as folder:
        run(["make", "-s", "-C", SOURCES, "sources", f"OUT={folder}/kunit"])
        return kernel.build(Path(folder) / "kunit") / "vb_policy_kunit.ko"


def suites():
    """Return {name: how many tests} as selftests/unit has them."""
    names = re.search(r"^suites := (.*)", (SOURCES / "Kbuild").read_text(), re.M).group(1).split()
    return {name: (ROOT / f"selftests/unit/{name}.c").read_text().count("\tcmocka_unit_test(")
            for name in names}


@only(driver="ours", kernel="debug")
def test_kunit(lab):
    """All of them pass in the kernel, under its sanitizers."""
    files = {"/lab/vb_policy_kunit.ko": module(lab.kernel)}
    # KUnit taints the kernel: that it has tested.
    with lab.guest(balloon=None, files=files) as guest:
        guest.check("insmod /lab/vb_policy_kunit.ko", timeout=120)
        for name, wanted in suites().items():
            text = guest.read(f"{RESULTS}/virtio_balloon_{name}/results")
            passed = len(re.findall(r"^ +ok \d+ \w+$", text, re.M))
            lab.check_equal(f"passed of {name}\n{text}\n", passed, wanted)
            lab.check(text, re.search(rf"^ok \d+ virtio_balloon_{name}$", text, re.M))
        guest.check("rmmod vb_policy_kunit")
        guest.no_verdict("TAINT_TEST is set, as by all of KUnit")

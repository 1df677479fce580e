# SPDX-License-Identifier: GPL-2.0-only
"""selftests/balloon copied into a kernel's tree: it builds there, installs, and can be run."""
from pathlib import Path
import tempfile

from area import Area, Failure, fail_if
from lab import dropin, kernels, kselftest, stock
from lab.cache import run


def builds(kernel, folder):
    """`make TARGETS=balloon` makes the programs and the simulated device."""
    dropin.kernel_tree(folder)
    dropin.make(kernel, folder)
    tests = folder / dropin.SELFTESTS / "balloon"
    fail_if([name for name in ("pattern", "overshoot", "balloonsim/balloonsim.ko")
             if not (tests / name).exists()], "was not made:")


def installs(kernel, folder):
    """`make install` (kselftest-install) takes all that the tests need, and lists them."""
    target = dropin.install(kernel, folder)
    wanted = {f"balloon:{name}" for name in kselftest.find()}
    fail_if(sorted(wanted ^ set(dropin.listed(target))), "not listed, or not ours:")
    tests = target / "balloon"
    fail_if([name for name in ("pattern", "overshoot", "balloonsim/balloonsim.ko", "settings",
                               "config", "lib/ktap.sh", "lib/balloonsim.sh")
             if not (tests / name).exists()], "was not installed:")


def dry_run(folder):
    """run_kselftest.sh finds them."""
    text = run([folder / "installed/run_kselftest.sh", "-n", "-c", "balloon"])
    if f"1..{len(kselftest.find())}" not in text:
        raise Failure(text)


def no_rights(folder):
    """Without root, each of them is skipped and says why: nothing is touched."""
    where = folder / "installed/balloon"
    run(["chmod", "755", folder])
    for name in ("sim_resize.sh", "sim_pressure.sh"):
        text = run(["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c",
                    f"sh ./{name}; echo exit $?"], cwd=where)
        if "exit 4" not in text or "SKIP needs root" not in text:
            raise Failure(f"{name}: {text}")


def run_area():
    """Run all cases; return how many failed."""
    with Area("package", "kselftest") as tests, tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        kernel = next(filter(dropin.serves, map(kernels.get, stock.RELEASE_OF)), None)
        if not kernel:
            tests.skip("builds", "no kernel of this machine's release of Debian")
            return 0
        if tests.case("builds", builds, kernel, folder) and \
                tests.case("installs", installs, kernel, folder):
            tests.case("dry_run", dry_run, folder)
            tests.case("no_rights", no_rights, folder)
    return tests.failed

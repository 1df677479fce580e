# SPDX-License-Identifier: GPL-2.0-only
"""selftests/balloon copied into a kernel's tree: it builds there, installs, and can be run."""
from pathlib import Path
import shutil
import sys
import tempfile

from area import Area, Failure, fail_if
from lab import dropin, kernels, kselftest, stock
from lab.cache import ROOT, outside_make, run

sys.path.append(str(ROOT / "selftests/abi"))
import blocks       # noqa: E402


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


def documented(folder):
    """The documents' lines for a user's own tree work, without rights: so all tests skip there."""
    top = folder / "linux"
    dropin.kernel_tree(top)
    shutil.rmtree(top / dropin.SELFTESTS / "balloon")
    lines = [line.replace("/tmp/", f"{folder}/").replace("/usr/src/linux", str(top))
             for _, lines in blocks.run_by(blocks.TREE) for line in lines]
    # The one without a copy builds in the sources: last, and from a copy of them.
    shutil.copytree(ROOT / "selftests/balloon", folder / "selftests/balloon")
    lines.sort(key=lambda line: line.startswith("make -C "))
    script = [f"exec >{folder}/log 2>&1", *(f"cd {folder}\n{line}" if line.startswith("make -C ")
                                           else line for line in lines)]
    run(["chmod", "-R", "a+rwX", folder])
    run(["setpriv", "--reuid=65534", "--clear-groups", "sh", "-euc", "\n".join(script)], cwd=folder,
        env=outside_make())
    text = (folder / "log").read_text()
    count = len(kselftest.find())
    if text.count("SKIP needs root") < 3 * count or "not ok" in text:
        raise Failure(text[-3000:])


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
            tests.case("documented", documented, folder / "documented")
    return tests.failed

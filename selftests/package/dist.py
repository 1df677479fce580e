# SPDX-License-Identifier: GPL-2.0-only
"""The archive of a release, and the RPM specs that build from it."""
import os
from pathlib import Path
import re
import subprocess
import sys
import tempfile

from area import Area, Failure, fail_if
from lab import dropin, kernels, stock
from lab.cache import BUILD, ROOT, run
import tree

sys.path.append(str(ROOT / "selftests/abi"))
import blocks       # noqa: E402

NAME = f"autoballoon-{tree.VERSION}"
ARCHIVE = BUILD / f"{NAME}.tar.xz"
SPECS = sorted((ROOT / "rpm").glob("*.spec"))


def git(*words):
    """Return what git says."""
    return run(["git", "-c", "safe.directory=*", *words], cwd=ROOT)


def makes():
    """`make dist` makes the archive, of the same bytes each time, with all that is committed."""
    made = []
    for _ in range(2):
        ARCHIVE.unlink(missing_ok=True)
        run(["make", "-s", "dist"], cwd=ROOT)
        made.append(ARCHIVE.read_bytes())
    if made[0] != made[1]:
        raise Failure("not the same twice")
    names = {name.removeprefix(f"{NAME}/") for name in run(["tar", "-tf", ARCHIVE]).split()
             if not name.endswith("/")}
    fail_if(sorted(names ^ set(git("ls-tree", "-r", "--name-only", "HEAD").split())))


def stands_alone(folder):
    """What is unpacked can be checked with no git around it; the RPMs below are built of it."""
    run(["tar", "-xf", ARCHIVE, "-C", folder])
    top = folder / NAME
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder)}
    for command in (["selftests/package/run", "refuse"], ["selftests/lint/run", "text"],
                    ["selftests/abi/run", "guides", "commands"], ["python3", "-c", LISTED]):
        run(command, cwd=top, env=environment)


# The tests of the sources find them without git: all of them, and not what was built.
LISTED = """
import sys
sys.path[:0] = ["selftests", "selftests/vm", "selftests/lint"]
import files
names = files.names()
assert "dkms.conf" in names and ".clang-format" in names, names
assert not [name for name in names if name.startswith("build/")], names
"""


def documented():
    """The documents make the archive and the RPMs as it is done here: with these specs, of it."""
    lines = [line for _, lines in blocks.run_by(blocks.ARCHIVE) for line in lines]
    wanted = ["make dist", *(f'rpmbuild -ba --define "_sourcedir $PWD/build" rpm/{spec.name}'
                             for spec in SPECS)]
    fail_if(sorted({*lines} ^ {*wanted}), "in one of both only:")


def rpmbuild(step, spec, folder, macros):
    """Run a spec up to a step; return rpm's folder. What it requires Debian has by other names."""
    macros = macros | {"_topdir": folder / "rpm", "_sourcedir": BUILD}
    run(["rpmbuild", step, "--nodeps", *(word for name, value in macros.items()
                                         for word in ("--define", f"{name} {value}")),
         ROOT / "rpm" / spec])
    return folder / "rpm"


# Of systemd-rpm-macros; and Fedora has no sbin any more.
FOLDERS = {"_unitdir": "/usr/lib/systemd/system", "_sysusersdir": "/usr/lib/sysusers.d",
           "_udevrulesdir": "/usr/lib/udev/rules.d", "_sbindir": "/usr/bin"}


def tools_rpm(folder):
    """The tools' spec makes its packages: each file is where it says, and none is left over."""
    top = rpmbuild("-bb", "autoballoon.spec", folder, FOLDERS)
    names = sorted(path.name.split(f"-{tree.VERSION}")[0] for path in top.rglob("*.rpm"))
    if names != ["autoballoon", "autoballoon-host"]:
        raise Failure(f"built {names}")


def module_rpm(folder, kernel):
    """The module's spec builds and installs it for the kernels that kmodtool names to it."""
    top = rpmbuild("-bi", "autoballoon-kmod.spec", folder, {
        "kernel_versions": f"{kernel.release}___{kernel.headers.resolve()}",
        "kmodinstdir_prefix": "/lib/modules/", "kmodinstdir_postfix": "/extra/autoballoon/",
        "_unpackaged_files_terminate_build": 0})
    found = [path for path in top.rglob("*.ko") if "/extra/autoballoon/" in str(path)]
    if len(found) != 1 or not run(["modinfo", "-F", "vermagic", found[0]]).startswith(kernel.release):
        raise Failure(f"installed {found}")


def specs_parse():
    """rpm reads the specs, and they are of this version."""
    for spec in SPECS:
        text = run(["rpmspec", "--parse", spec])
        found = re.search(r"^Version: *(\S+)", text, re.M)
        if not found or found.group(1) != tree.VERSION:
            raise Failure(f"{spec.name}: {found and found.group()}, dkms.conf: {tree.VERSION}")


def specs_lint():
    """rpmlint finds no error in the specs."""
    done = subprocess.run(["rpmlint", *SPECS], text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if not re.search(r"\d+ errors?", done.stdout):
        raise Failure(done.stdout)
    fail_if(re.findall(r"^.*: E: .*", done.stdout, re.M))


def lists_agree():
    """The tools' spec has what the Debian packages have."""
    listed = set()
    for name in (ROOT / "debian").glob("*.install"):
        listed |= {line.rpartition("/")[2] for line in name.read_text().splitlines()[1:] if line}
    text = (ROOT / "rpm/autoballoon.spec").read_text()
    there = {line.rpartition("/")[2].removesuffix("*")
             for line in re.findall(r"^%\{_\w+\}/\S+", text, re.M)}
    fail_if(sorted(listed ^ there), "in one of both only:")


def run_area():
    """Run all cases; return how many failed."""
    with Area("package", "dist") as tests, tempfile.TemporaryDirectory() as folder:
        if not (ROOT / ".git").exists():
            tests.skip("makes", "this is no checkout of git")
        elif tests.case("makes", makes):
            folder = Path(folder).resolve()
            tests.case("stands_alone", stands_alone, folder)
            tests.case("tools_rpm", tools_rpm, folder)
            tests.case("module_rpm", module_rpm, folder,
                       next(filter(dropin.serves, map(kernels.get, stock.RELEASE_OF))))
        for case in (documented, specs_parse, specs_lint, lists_agree):
            tests.case(case.__name__, case)
    return tests.failed

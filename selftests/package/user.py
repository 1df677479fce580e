# SPDX-License-Identifier: GPL-2.0-only
"""A new user with a clean Debian, who has the documents and nothing else.

Their blocks of commands run as they stand there, by a shell, with the release's own apt.
No kernel runs in a root: the one for which headers are installed stands for it, by KVER in
the environment, and what speaks to a kernel or to systemd is left to the guests (boot.py,
selftests/vm/tests/test_documents.py).
"""
import re
import shutil
import sys

from area import Failure, fail_if
from lab.cache import ROOT, run
import roots
import tree

sys.path.append(str(ROOT / "selftests/abi"))
import blocks       # noqa: E402

# What the smallest Debian has in which a user can do anything.
CLEAN = ["apt", "ca-certificates"]
ENDLESS = ("balloon-hostd --dry-run",)
# A kernel that the documents take for an example.
EXAMPLE = "6.12.0-1-amd64"
SOURCES = "/build/autoballoon"
GUIDE = "Documentation/admin-guide"


class User:
    """Who sits before a clean Debian."""

    def __init__(self, release, folder):
        self.followed = set()
        self.root = roots.Root(release, folder, only=CLEAN)
        etc = self.root.upper / "etc"
        (etc / "apt/apt.conf.d").mkdir(parents=True)
        shutil.copy("/etc/resolv.conf", etc)
        # The machine's way to a mirror; and nobody is there to say yes.
        reach = [line for line in run(["apt-config", "dump", "Acquire"]).splitlines()
                 if re.match(r"Acquire::(http|https|ftp|Retries)\b", line)]
        (etc / "apt/apt.conf.d/90lab").write_text(
            "\n".join([*reach, 'APT::Get::Assume-Yes "true";', ""]))
        self.root.run("apt-get", "-q", "update")

    def kernel(self):
        """Return the release of the kernel that has headers, or nothing."""
        found = self.root.run("sh", "-c", "ls -d /lib/modules/*/build || true")
        return "".join(re.findall(r"^/lib/modules/(\S+)/build$", found, re.M)[:1])

    def types(self, *lines, cwd=SOURCES):
        """Run lines in a shell, one after the other; return their output."""
        return self.root.run("sh", "-euc", 'KVER=${1:-$(uname -r)}\nexport KVER\n' + "\n".join(lines),
                             "sh", self.kernel(), cwd=cwd)

    def follows(self, document, first, cwd=SOURCES):
        """Run what of a document's block is for here; its first line begins so."""
        path = ROOT / document
        found = [block for block in blocks.of(path) if block.lines[0].startswith(first)]
        if len(found) != 1:
            raise Failure(f"{document} has {len(found)} blocks that begin with '{first}'")
        lines = [line for line in found[0].commands() if blocks.runner(line) is blocks.USER]
        self.followed |= {(found[0].name, line) for line in lines}
        # one after the other: the first may install the kernel that the next is about
        return "".join(self.types(self._ends(line.replace(EXAMPLE, self.kernel())), cwd=cwd)
                       for line in lines)

    @staticmethod
    def _ends(line):
        """Return a line that ends: what would go on without end is interrupted."""
        if line not in ENDLESS:
            return line
        return f"timeout -s INT 3 {line} || [ $? -eq 124 ]"

    def module(self, field):
        """Return what modinfo says of the module that modprobe would load."""
        return self.root.run("modinfo", "-k", self.kernel(), "-F", field, "virtio_balloon").strip()

    def has_ours(self, where):
        """Our module is there, in a folder."""
        if self.module("version") != tree.VERSION or where not in self.module("filename"):
            raise Failure(f"{self.module('filename')} is chosen, not one in {where}")

    def has_nothing(self):
        """Nothing of ours is left."""
        left = self.root.run("find", "/lib/modules/", "/usr/src", "(", "-path",
                             "*/updates/*virtio_balloon.ko*", "-o", "-name", "autoballoon-*", ")")
        fail_if(left.split(), "left behind:")


def readme(user):
    """The installation of the README, and of the guide, and back."""
    for document in ("README.md", f"{GUIDE}/virtio_balloon.rst"):
        user.follows(document, "apt-get install dkms")
        user.has_ours("/updates/dkms/")
        user.types("make dkms-remove")
        user.has_nothing()


def by_make(user):
    """The guide's way without DKMS, and back."""
    user.follows(f"{GUIDE}/virtio_balloon.rst", "make")
    user.has_ours("/updates/")
    user.types("make uninstall")
    user.has_nothing()


def from_sources(user):
    """The guide's page for those who leave again: DKMS and make side by side, and back."""
    user.follows(f"{GUIDE}/installing.rst", "make dkms-install")
    user.has_ours("/updates/")
    user.types("make uninstall", "make dkms-remove")
    user.has_nothing()


def signs(user):
    """For Secure Boot: signed with DKMS's key, then with one of the user's own."""
    user.types("openssl req -new -x509 -nodes -subj /CN=mine -newkey rsa:2048 "
               "-keyout /root/my.key -outform DER -out /root/my.der 2>/dev/null")
    user.follows(f"{GUIDE}/installing.rst", "make install sign")
    if user.module("signer") != "mine":
        raise Failure(f"it is signed by '{user.module('signer')}'")
    user.follows(f"{GUIDE}/installing.rst", "apt-get install mokutil")
    user.types("make uninstall")


def packages(user):
    """The packages are built and installed; nothing that make left here is in them."""
    user.types("apt-get build-dep .", "dpkg-buildpackage -us -uc -b")
    found = user.types("dpkg-deb --contents ../autoballoon-dkms_*.deb")
    fail_if(re.findall(r"\S+\.(?:o|ko|cmd|mod\.c)$", found, re.M), "in the package:")
    user.follows(f"{GUIDE}/installing.rst", "apt-get install dkms", cwd="/build")
    user.has_ours("/updates/dkms/")
    user.types("balloonctl --version", "apt-get purge autoballoon-dkms")
    user.has_nothing()


def host(user):
    """The daemon of the host, which finds no libvirt here."""
    user.follows(f"{GUIDE}/balloon-hostd.rst", "apt-get install", cwd="/build")
    user.types("balloon-hostd --check")
    said = user.follows(f"{GUIDE}/balloon-hostd.rst", "balloon-hostd --dry-run")
    if said.count("nothing is changed") != 2:
        raise Failure(said)


def contributing(user):
    """Who wants to take part builds the driver and the tools."""
    user.types("make clean")
    user.follows("CONTRIBUTING.md", "apt-get install")
    user.types("test -e drivers/virtio/virtio_balloon/virtio_balloon.ko",
               "make -C tools install", "/usr/local/sbin/balloonctl --version",
               "/usr/local/sbin/balloon-hostd --check")


def autopkgtest(user):
    """What Debian does by `Testsuite: autopkgtest-pkg-dkms`: the package as an archive has it."""
    user.types("apt-get install dpkg-dev", "dpkg-scanpackages . >Packages",
               "echo 'deb [trusted=yes] file:/build ./' >/etc/apt/sources.list.d/lab.list",
               "apt-get -q update", cwd="/build")
    said = user.types("/usr/lib/dkms/dkms-autopkgtest autoballoon-dkms", cwd="/build")
    # Debian 13 names the module and its version between the two.
    if not re.search(rf"^I: PASS (?:\S+ )?{re.escape(user.kernel())}$", said, re.M):
        raise Failure(said[-2000:])


def every_line(user):
    """No document has a line for here that no case followed."""
    fail_if([f"{block.name}: {line}" for block, lines in blocks.run_by(blocks.USER)
             for line in lines if (block.name, line) not in user.followed])


CASES = [readme, by_make, from_sources, signs, packages, host, contributing, autopkgtest, every_line]


def run_area(release):
    """Run all cases on a release; return how many failed."""
    def steps(tests, folder):
        user = User(release, folder)
        for case in CASES:
            tests.case(case.__name__, case, user)
    return roots.run_area(f"user-{release}", "readme", steps)

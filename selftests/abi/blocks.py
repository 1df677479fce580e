# SPDX-License-Identifier: GPL-2.0-only
"""The code blocks of the documents and man pages, and who runs the commands in them.

A block that begins with none of the words of TEXT has commands: each of its lines is
run, as it stands there, by the test that RUN_BY names for it, but those of LONG and
NOT_TO_BE_HAD. A line that is in no table fails the tests: whoever writes one says
here what it is, so that no command stays untried.
"""
from dataclasses import dataclass
import re

from area import Failure
from lab.cache import ROOT

# What others' programs take (hypervisors.py tries it), or what a program prints: no command.
TEXT = (r"-device |qemu-system-x86_64 \.\.\. |host: |<channel |\{\"execute|\{\"command|<memballoon"
        r"|PUT /|options |struct |\d+\.\d+ s|main ->|allocated |in the store |not online ")
GUEST = "selftests/vm/tests/test_documents.py"
USER = "selftests/package/user.py"
BOOT = "selftests/package/boot.py"
ARCHIVE = "selftests/package/dist.py"
TREE = "selftests/package/kselftest_tree.py"
AGENT = "selftests/vm/tests/test_agent.py"
DEVICE = "selftests/vm/tests/test_device.py"
DAEMON = "selftests/hostd/cases_good.py"
HERE = "selftests/abi/commands.py"
# In the order of these tables, a line is of the first whose words it begins with.
RUN_BY = {
    GUEST: r"cd /sys/|cat |modprobe |modinfo |echo .*>(events|hint)|bpftrace |trace-cmd |balloonctl "
           r"|SEED=\d+ selftests/balloon/|selftests/unit/record.sh ",
    DAEMON: r"balloon-hostd .*--replay ",
    USER: r"apt-get |cp /usr/share/|balloon-hostd |make( -C tools)?$|make dkms-install"
          r"|make( KVER=\S+)? install|make sign ",
    BOOT: r"systemctl ",
    ARCHIVE: r"make dist$|rpmbuild ",
    TREE: r"cp -r selftests/balloon |cd /usr/src/linux|make TARGETS=|/tmp/balloon-tests/"
          r"|make -C selftests/balloon ",
    AGENT: r"echo '\{.*socat ",
    DEVICE: r"balloon-device |qemu-system-",
    HERE: r"make help$|selftests/vm/run --list$|selftests/vm/kernel list$|selftests/vm/results$"
          r"|make -C selftests/unit simulate$|build/unit/simulate ",
}
# Tests and measurements: they have their targets and their own tests. Here they are called
# with --help behind what stands there, or by make -n: so all that they are given is right.
LONG = (r"make |selftests/(vm|scenarios|overcommit|bench|soak|fuzz)/|selftests/check |setsid ")
# And why. These lines are skipped cases.
NOT_TO_BE_HAD = {
    r"cloud-hypervisor |ch-remote ": "cloud-hypervisor is not in Debian, and needs KVM",
    r"crosvm ": "crosvm is not in Debian, and needs KVM",
    r"mokutil --import|reboot": "needs a firmware with Secure Boot, and somebody at its console",
}
# Man pages, and what a letter is written as there.
MANUALS = (".5", ".8")
ROFF = {r"\-": "-", r"\e": "\\", r"\(dq": '"'}


@dataclass
class Block:
    """A code block: its document, its line there, and its lines."""
    path: object
    line: int
    lines: list

    @property
    def name(self):
        """Return a name for messages."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def is_text(self):
        """Tell whether it has no commands."""
        return bool(re.match(TEXT, self.lines[0]))

    def commands(self):
        """Return its lines, joined where they go on, without what # says of them."""
        text = "\n".join(self.lines).replace("\\\n", "")
        return [re.sub(r"\s+#.*", "", line) for line in text.splitlines()]


def _indent(line):
    return len(line) - len(line.lstrip())


def _begins(lines, number, markdown):
    """Tell whether a block begins after a line of a document."""
    line = lines[number]
    if markdown:
        return not line.strip() and lines[number + 1].startswith("    ")
    return line.rstrip().endswith("::") and not line.lstrip().startswith("..")


def _of_manual(path):
    """Return the blocks of a man page: what is between .EX and .EE."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for written, letter in ROFF.items():
            line = line.replace(written, letter)
        if line == ".EX":
            found.append(Block(path, number, []))
        elif found and found[-1].lines[-1:] != [".EE"]:
            found[-1].lines.append(line)
    for block in found:
        block.lines.pop()
    return found


def of(path):
    """Return the blocks of one document."""
    if path.suffix in MANUALS:
        return _of_manual(path)
    lines = [*path.read_text(encoding="utf-8").splitlines(), "", "."]
    markdown = path.suffix == ".md"
    found, number = [], 0
    while number < len(lines) - 2:
        if not _begins(lines, number, markdown):
            number += 1
            continue
        least = 3 if markdown else _indent(lines[number])
        start = number = number + 1
        while not lines[number].strip() or _indent(lines[number]) > least:
            number += 1
        body = [line for line in lines[start:number] if line.strip()]
        inner = min(map(_indent, body))
        found.append(Block(path, start + 1, [line[inner:] for line in body]))
    return found


def documents():
    """Return the paths of all documents and man pages."""
    found = [path for path in (ROOT / "Documentation").rglob("*.*")
             if path.suffix in (".rst", *MANUALS)]
    return sorted([*ROOT.glob("*.md"), *found])


def all_blocks():
    """Return the blocks of all documents."""
    return [block for path in documents() for block in of(path)]


def runner(line):
    """Return what of the tables a line is of: a test, LONG, or NOT_TO_BE_HAD."""
    for name, words in RUN_BY.items():
        if re.match(words, line):
            return name
    if any(re.match(words, line) for words in NOT_TO_BE_HAD):
        return NOT_TO_BE_HAD
    if re.match(LONG, line):
        return LONG
    raise Failure(f"what is this? Say it in selftests/abi/blocks.py\n{line}")


def run_by(wanted):
    """Return (block, its lines) for each block that has lines of this runner."""
    found = [(block, [line for line in block.commands() if runner(line) is wanted])
             for block in all_blocks() if not block.is_text]
    return [(block, lines) for block, lines in found if lines]

# SPDX-License-Identifier: GPL-2.0-only
"""The code blocks of the documents and man pages, and what kind of thing is in each.

In the order of KINDS, a block is of the first kind whose words its first line
begins with. A block that is of none fails the tests: whoever writes one says here
what it is, so that no command stays untried.
"""
from dataclasses import dataclass
import re

from area import Failure
from lab.cache import ROOT

# Run in a guest by selftests/vm/tests/test_documents.py.
GUEST = "guest"
# Checked against the programs of this repository by commands.py.
REPOSITORY = "repository"
# Programs of others; blocks that begin with apt are run by selftests/package/user.py.
OTHERS = "others"
# What others' programs take (hypervisors.py tries it), or what a program prints: no command.
TEXT = "text"
KINDS = {
    GUEST: r"cd /sys/|cat /sys/|modprobe |modinfo |echo 1 >events/|bpftrace |trace-cmd |balloonctl ",
    REPOSITORY: r"make\b|selftests/|setsid |balloon-hostd |balloon-device ",
    OTHERS: r"apt-get |cp -r selftests/balloon |cloud-hypervisor |crosvm |rpmbuild |echo '\{",
    TEXT: r"-device |qemu-system-x86_64 \.\.\. |host: |<channel |\{\"execute|\{\"command|<memballoon"
          r"|PUT /|options |struct |\d+\.\d+ s|main ->|allocated |in the store |not online ",
}
# Man pages, and what a letter is written as there.
MANUALS = (".5", ".8")
ROFF = {r"\-": "-", r"\e": "\\", r"\(dq": '"'}


@dataclass
class Block:
    """A code block: its document and line there, its lines, and its kind."""
    path: object
    line: int
    lines: list

    @property
    def name(self):
        """Return a name for messages."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def kind(self):
        """Return its kind."""
        for kind, words in KINDS.items():
            if re.match(words, self.lines[0]):
                return kind
        raise Failure(f"{self.name}: what is this? Say it in selftests/abi/blocks.py\n"
                      + "\n".join(self.lines))

    def commands(self):
        """Return its lines, joined where they go on, without what # says of them."""
        text = "\n".join(self.lines).replace("\\\n", " ")
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


def all_blocks():
    """Return the blocks of all documents."""
    documents = [path for path in (ROOT / "Documentation").rglob("*.*")
                 if path.suffix in (".rst", *MANUALS)]
    return [block for path in sorted([*ROOT.glob("*.md"), *documents]) for block in of(path)]

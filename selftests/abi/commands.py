# SPDX-License-Identifier: GPL-2.0-only
"""The commands in the documents' code blocks: they exist, and take what they are given."""
import re
import shlex
import subprocess

from area import Area, Failure, fail_if
from lab.cache import ROOT
import blocks

# Defined by what a Makefile includes.
INCLUDED = {"run_tests"}


def kinds():
    """Every block is of a kind that somebody tries, or no command."""
    found = [block.kind for block in blocks.all_blocks()]
    for kind in blocks.KINDS:
        if kind not in found:
            raise Failure(f"no block is of the kind {kind}")


def syntax():
    """A shell can read every block of commands."""
    wrong = []
    for block in blocks.all_blocks():
        if block.kind == blocks.TEXT:
            continue
        text = "\n".join(line.replace(" ... ", " ") for line in block.lines)
        done = subprocess.run(["bash", "-n"], input=text + "\n", text=True, check=False,
                              capture_output=True)
        if done.returncode:
            wrong.append(f"{block.name}: {done.stderr.strip()}")
    fail_if(wrong)


def _words(line):
    """Return the words of a command, those before it and a redirection left out."""
    line = re.sub(r"^setsid .*; exec nice -n -10 (.*)'$", r"\1", line)
    words = shlex.split(re.sub(r" >\S+$", "", line))
    while re.match(r"[A-Z]+=", words[0]):
        words.pop(0)
    return words


def _make(words):
    """Return what is wrong with a call of make."""
    folder = ROOT / words[words.index("-C") + 1] if "-C" in words else ROOT
    makefile = folder / "Makefile"
    if not makefile.exists():
        return f"no {makefile}"
    named = [word for number, word in enumerate(words[1:], 1)
             if "=" not in word and word != "-C" and words[number - 1] != "-C"]
    text = makefile.read_text()
    return [f"no target {word}" for word in named if word not in INCLUDED
            and not re.search(rf"^(?:[\w-]+ )*{word}(?: [\w-]+)*:", text, re.M)]


def _program(words):
    """Return what is wrong with a call of a program of this repository."""
    program = ROOT / words[0]
    options = [word for word in words[1:] if word.startswith("--")]
    if (ROOT / "tools" / words[0]).is_dir():
        manual = (ROOT / f"Documentation/man/{words[0]}.8").read_text().replace("\\-", "-")
        return [f"{words[0]}(8) has no {option}" for option in options
                if not re.search(rf"{option}\b", manual)]
    if words[0].startswith("build/"):
        return []
    if not program.exists() or not program.stat().st_mode & 0o100:
        return f"no program {words[0]}"
    if not options:
        return []
    usage = subprocess.run([program, "--help"], cwd=ROOT, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    return [f"{words[0]} has no {option}" for option in options
            if not re.search(rf"{option}\b", usage)]


def programs():
    """Targets, programs and options are there."""
    wrong = []
    for block in blocks.all_blocks():
        if block.kind != blocks.REPOSITORY:
            continue
        for line in block.commands():
            words = _words(line)
            if words[0].startswith("qemu-system-"):
                continue        # for hypervisors.py
            if words[0] == "rpmbuild":
                words = ["make", "dist"] if (ROOT / words[-1]).exists() else [words[-1]]
            found = _make(words) if words[0] == "make" else _program(words)
            wrong += [f"{block.name}: {text}" for text in ([found] if isinstance(found, str) else found)]
    fail_if(wrong)


def mistakes_are_seen():
    """The case before can fail: for a target, a program and an option that are not there."""
    for line in ("make nothing", "make -C tools nothing", "make -C nowhere", "selftests/nothing",
                 "selftests/vm/run --nothing", "balloon-hostd --nothing"):
        words = _words(line)
        if not (_make(words) if words[0] == "make" else _program(words)):
            raise Failure(f"this passes: {line}")


CASES = [kinds, syntax, programs, mistakes_are_seen]


def run_area():
    """Run all cases; return how many failed."""
    with Area("abi", "commands") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

# SPDX-License-Identifier: GPL-2.0-only
"""The commands of the documents: of each it is known who runs it, and some are run here.

Here run those that take seconds, in a copy of the sources; those that would take long, up to
where they would begin; and of what stands in the middle of a sentence it is looked up
whether programs, targets and options are there.
"""
from pathlib import Path
import re
import shlex
import shutil
import subprocess
import tempfile

from area import Area, Failure, fail_if
from lab.cache import ROOT, outside_make
from lint import files
import blocks

# What a sentence may name of ours.
OURS = r"(?:(?:make|balloonctl|balloon-(?:agent|device|hostd))(?=[ `])|(?:selftests|scripts)/)"
# What `selftests/vm/results` sums up.
RESULT = "KTAP version 1\n1..1\nok 1 case\n"


def lines_are_known():
    """Every line of commands is of a table, and no table names what no document has."""
    wrong = []
    for block in blocks.all_blocks():
        for line in [] if block.is_text else block.commands():
            try:
                blocks.runner(line)
            except Failure as failure:
                wrong.append(f"{block.name}: {failure}")
    fail_if(wrong or [f"no line is for {name}" for name in blocks.RUN_BY if not blocks.run_by(name)])


def tests_are_there():
    """The tests that the table names take their lines from it."""
    fail_if([f"{name} does not ask what it has to run" for name in blocks.RUN_BY
             if not re.search(r"blocks\.\w", (ROOT / name).read_text())])


def syntax():
    """A shell can read every block of commands."""
    wrong = []
    for block in blocks.all_blocks():
        if block.is_text:
            continue
        text = "\n".join(line.replace(" ... ", " ") for line in block.lines)
        done = subprocess.run(["bash", "-n"], input=text + "\n", text=True, check=False,
                              capture_output=True)
        if done.returncode:
            wrong.append(f"{block.name}: {done.stderr.strip()}")
    fail_if(wrong)


def _run(line, folder):
    """Run a line in a shell; return what is wrong, if anything is."""
    done = subprocess.run(["sh", "-euc", line], cwd=folder, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=outside_make())
    return f"{line}: exit {done.returncode}\n{done.stdout[-1000:]}" if done.returncode else ""


def short_ones():
    """What takes seconds runs, line by line, in a copy of the sources."""
    with tempfile.TemporaryDirectory() as folder:
        for name in files.names():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, Path(folder) / name)
        result = Path(folder) / "build/results/area/test.ktap"
        result.parent.mkdir(parents=True)
        result.write_text(RESULT)
        fail_if([*filter(None, [_run(line, folder) for _, lines in blocks.run_by(blocks.HERE)
                                for line in lines])])


def _begun(line):
    """Run a line of what takes long up to where it begins; return what is wrong with it."""
    if not re.search(r"\bmake ", line):
        return "\n".join(_program(shlex.split(line))) or _run(f"{line} --help", ROOT)
    line = re.sub(r"\bmake ", "make -n ", line)
    wrong = _run(line, ROOT)
    if wrong:
        return wrong
    printed = subprocess.run(["sh", "-c", line], cwd=ROOT, text=True, check=False,
                             capture_output=True).stdout
    return "".join(_run(f"{call} --help", ROOT) for call in printed.splitlines()
                   if re.match(r"selftests/\w+/\w+", call))


def long_ones():
    """What takes minutes or hours is there, and takes all that it is given."""
    fail_if([*filter(None, [_begun(line) for _, lines in blocks.run_by(blocks.LONG)
                            for line in lines])])


def _program(words):
    """Return what is wrong with a call of a program of this repository."""
    options = [word for word in words[1:] if word.startswith("--")]
    if (ROOT / "tools" / words[0]).is_dir():
        manual = (ROOT / f"Documentation/man/{words[0]}.8").read_text().replace("\\-", "-")
        return [f"{words[0]}(8) has no {option}" for option in options
                if not re.search(rf"{option}\b", manual)]
    program = ROOT / words[0]
    if not program.exists():
        return [f"no {words[0]}"]
    if not options or not program.stat().st_mode & 0o100:
        return []
    usage = subprocess.run([program, "--help"], cwd=ROOT, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    return [f"{words[0]} has no {option}" for option in options
            if not re.search(rf"{option}\b", usage)]


def _wrong(call):
    """Return what is wrong with a call in the middle of a sentence."""
    if call.startswith("make"):
        return [*filter(None, [_run(re.sub("^make", "make -n", call), ROOT)])]
    return _program(shlex.split(call))


def in_sentences():
    """Programs, targets and options that a sentence names are there."""
    wrong = []
    for path in blocks.documents():
        text = path.read_text(encoding="utf-8")
        mark = "`" if path.suffix == ".md" else "``"
        for call in re.findall(rf"(?<!`){mark}({OURS}[^`]*){mark}", text):
            # with a word of one's own in it, or several in one
            if not re.search(r"[*{]|\.\.\.|[_ ][A-Z]+\b(?!=)", call):
                wrong += [f"{path.relative_to(ROOT)}: {call}: {what}" for what in _wrong(call)]
    fail_if(wrong)


def mistakes_are_seen():
    """The cases before can fail: for a target, a program, an option or a value that is not there."""
    for call in ("make nothing", "make -C tools nothing", "make -C nowhere", "selftests/nothing",
                 "selftests/vm/run --nothing", "balloon-hostd --nothing"):
        if not _wrong(call):
            raise Failure(f"this passes in a sentence: {call}")
    for line in ("make nothing", "make -C tools nothing", "selftests/vm/run --nothing",
                 "selftests/scenarios/run --only nothing", "selftests/nothing"):
        if not _begun(line):
            raise Failure(f"this passes as one that takes long: {line}")
    try:
        blocks.runner("balloon nothing")
    except Failure:
        return
    raise Failure("every line is known")


CASES = [lines_are_known, tests_are_there, syntax, short_ones, long_ones, in_sentences,
         mistakes_are_seen]


def run_area():
    """Run all cases, and skip by name what cannot be run; return how many failed."""
    with Area("abi", "commands") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
        for block, lines in blocks.run_by(blocks.NOT_TO_BE_HAD):
            for line in lines:
                why, = {why for words, why in blocks.NOT_TO_BE_HAD.items() if re.match(words, line)}
                tests.skip(re.sub(r"\W+", "_", f"{block.path.stem}_{line}")[:60].strip("_"), why)
    return tests.failed

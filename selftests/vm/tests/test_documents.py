# SPDX-License-Identifier: GPL-2.0-only
"""The documents' commands for a guest run in one, as they stand there."""
import re
import sys

from lab.cache import ROOT
from lab.initramfs import shared_program
from lab.testing import only, timeout

from common import boot
from test_balloonctl import program

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import blocks       # noqa: E402

EVENTS = "/sys/kernel/tracing/events/virtio_balloon"
# They end with the signal of `timeout`; what they print while they run is enough.
ENDLESS = ("cat trace_pipe", "balloonctl record --output night.log")


# kmod's, as in a distribution: after `modprobe -r` that of busybox exits 1, for it could not
# remove what the module needs, virtio, as well. And its shell takes its own modprobe before
# one in the PATH, but not before a function.
KMOD = ["modprobe", "modinfo"]
FUNCTIONS = [f'{name}() {{ /sbin/{name} "$@"; }}' for name in KMOD]


def programs():
    """Return {path: program} of what the commands need beside busybox."""
    return program() | {path: file for name in KMOD
                        for path, file in shared_program(f"/sbin/{name}").items()}


def bpftrace(lab, guest, line):
    """The guest has no bpftrace: what its program names is there, and has these fields."""
    names = re.findall(r"tracepoint:virtio_balloon:(\w+)", line)
    fields = set(re.findall(r"args->(\w+)", line))
    lab.check("it names tracepoints and fields", names and fields)
    for name in names:
        text = guest.read(f"{EVENTS}/{name}/format")
        lab.check_equal(f"fields of {name}", fields - set(re.findall(r" (\w+);\toffset", text)),
                        set())


def trace_cmd(lab, guest, line):
    """Nor has it trace-cmd: what -e names is there."""
    for name in re.findall(r"-e (\w+)", line):
        lab.check(f"events {name}", guest.run(f"test -d /sys/kernel/tracing/events/{name}")[0] == 0)


def run_block(lab, guest, block):
    """Each line runs, in a shell for the whole block."""
    script = ["set -e", *FUNCTIONS]
    for line in block.commands():
        if line.startswith("bpftrace "):
            bpftrace(lab, guest, line)
        elif line.startswith("trace-cmd "):
            trace_cmd(lab, guest, line)
        elif line in ENDLESS:
            script.append(f"timeout -s INT 3 {line} || [ $? -ge 124 ]")
        elif line.startswith("balloonctl doctor"):
            script.append(f"{line} || [ $? -eq 1 ]")    # it found something
        else:
            script.append(line)
    status, output = guest.run("\n".join(script))
    lab.note(f"{block.name}: {output.strip()[:200]}")
    lab.check_equal(f"exit code of {block.name}\n{output}\n", status, 0)


@only(driver="ours")
@timeout(300)
def test_documents(lab):
    """Each block of commands for a guest is run, from where the one before left it."""
    found = [block for block in blocks.all_blocks() if block.kind == blocks.GUEST]
    with boot(lab, balloon={"deflate-on-oom": "on"}, files=programs()) as guest:
        for block in found:
            # A recipe may go on in the folder of the one before.
            if not block.lines[0].startswith("cd "):
                tracing = block.lines[0].startswith("echo 1 >events/")
                block.lines.insert(0, f"cd {'/sys/kernel/tracing' if tracing else '/tmp'}")
            name = re.sub(r"\W+", "_", block.name.removeprefix("Documentation/"))
            lab.case(name, run_block, lab, guest, block)

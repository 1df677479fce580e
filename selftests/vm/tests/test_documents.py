# SPDX-License-Identifier: GPL-2.0-only
"""The documents' commands for a guest run in one, as they stand there: a Debian with the sources."""
import itertools
import re
import sys

from lab import rootfs
from lab.cache import ROOT
from lab.initramfs import static_program
from lab.testing import only, timeout

from common import MIB, boot, sysfs
from test_balloonctl import program

sys.path[:0] = [str(ROOT / "selftests"), str(ROOT / "selftests/abi")]

import blocks       # noqa: E402

PACKAGES = ("bpftrace", "trace-cmd")
SOURCES = "/run/lab/sources"
# They end with a signal after so many seconds; what they print until then is enough.
ENDLESS = {"cat trace_pipe": 3, "balloonctl record --output night.log": 3, "bpftrace ": 90,
           "selftests/unit/record.sh ": 3}
# While these look on, the host moves the balloon; and then they show this. Where the host answers
# in the kick nobody waits for it: then bpftrace has nothing to show but that it looked.
ONLOOKERS = {"bpftrace ": "Attach", "trace-cmd report": "vb_decision:"}


def sources():
    """Return {path in the guest: file} of balloonctl, and of what is run from the sources there."""
    balloon, top = ROOT / "selftests/balloon", SOURCES.removeprefix("/run/")
    paths = [ROOT / "selftests/unit/record.sh", *balloon.glob("*.sh"), *balloon.glob("lib/*")]
    return {"lab/bin/balloonctl": program()["/bin/balloonctl"],
            **{f"{top}/{path.relative_to(ROOT)}": path for path in paths},
            **{f"{top}/selftests/balloon/{name}": static_program(balloon / f"{name}.c")
               for name in ("pattern", "overshoot")}}


def script(lines):
    """Return what a shell is given to run these lines, one after the other."""
    words = ["set -e", "PATH=/run/lab/bin:$PATH"]
    # A recipe may go on in the folder of the one before.
    if not lines[0].startswith("cd "):
        words.append("cd " + ("/sys/kernel/tracing" if "echo 1 >events/" in lines[0] else SOURCES))
    for line in lines:
        limit = [seconds for start, seconds in ENDLESS.items() if line.startswith(start)]
        if limit:
            words.append(f"timeout -s INT {limit[0]} {line} || [ $? -eq 124 ]")
        elif line.startswith("balloonctl doctor"):
            words.append(f"{line} || [ $? -eq 1 ]")     # it found something
        else:
            words.append(line)
    return "\n".join(words)


def run_block(lab, guest, lines):
    """Each line runs, in a shell for the whole block."""
    shows = [shown for start, shown in ONLOOKERS.items()
             for line in lines if line.startswith(start)]
    job = guest.start(script(lines))
    # Below what the hint of another line had the guest give, so that there is more to take.
    sizes = itertools.cycle([guest.memory - 512 * MIB, guest.memory])
    while not job.ended(2):
        if shows:
            guest.balloon(next(sizes))
    output = job.output
    lab.note(f"{output.strip()[:200]} ... {output.strip()[-200:]}")
    lab.check_equal(f"exit code\n{output[-3000:]}\n", job.status, 0)
    for shown in shows:
        lab.check(f"{shown!r} in\n{output[-3000:]}", shown in output)


def run_options(lab, guest):
    """Defaults for good, as a line of modprobe.d, are those of a device when it comes."""
    lines = [line for block in blocks.all_blocks() for line in block.lines
             if line.startswith("options virtio_balloon ")]
    lab.check("there is such a line", lines)
    for line in lines:
        guest.put("/etc/modprobe.d/balloon.conf", f"{line}\n")
        guest.check("modprobe -r virtio_balloon && modprobe virtio_balloon")
        for name, value in re.findall(r"(\w+)=(\w+)", line):
            lab.check_equal(name, sysfs(guest, name), int(value))
    guest.check("rm /etc/modprobe.d/balloon.conf")


@only(driver="ours")
@timeout(600)
def test_documents(lab):
    """Each line of commands for a guest is run, from where the one before left it."""
    with boot(lab, balloon={"deflate-on-oom": "on"}, root=rootfs.image("trixie", PACKAGES),
              load=False, tests=True, files=sources()) as guest:
        guest.check("modprobe virtio_balloon")
        for block, lines in blocks.run_by(blocks.GUEST):
            name = re.sub(r"\W+", "_", block.name.removeprefix("Documentation/"))
            lab.case(name, run_block, lab, guest, lines)
        lab.case("options", run_options, lab, guest)

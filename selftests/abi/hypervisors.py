# SPDX-License-Identifier: GPL-2.0-only
"""What the documents say to hypervisors: QEMU takes these options and messages, libvirt this XML.

QEMU is started with them and stopped before the guest's first instruction. What is said to
other hypervisors is from their documents: they are not in Debian.
"""
import contextlib
import json
from pathlib import Path
import re
import shlex
import socket
import subprocess
import tempfile

from area import Area, Failure
from lab.cache import LabError, ROOT
from lab.qmp import Qmp
import blocks

GUIDE = ROOT / "Documentation/admin-guide/hypervisors.rst"
SCHEMA = "/usr/share/libvirt/schemas/domain.rng"
QEMU = "qemu-system-x86_64"
PAUSED = [QEMU, "-accel", "tcg", "-machine", "q35", "-m", "64", "-display", "none", "-nodefaults",
          "-S", "-qmp", "stdio"]
DOMAIN = ("<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
          "<devices>{}</devices></domain>")
# A device of newer QEMUs; test_device.py boots guests with it.
NEWER = "vhost-user-test-device-pci"


@contextlib.contextmanager
def qemu(words):
    """Start QEMU with some options more; yield its QMP. What it makes is made in a folder."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        ours, its = socket.socketpair()
        words = [re.sub(r"(?<=[=:])/run/(?:\w+/)?", f"{folder}/", word) for word in words]
        with subprocess.Popen([*PAUSED, *words], stdin=its, stdout=its, stderr=errors) as process:
            its.close()
            try:
                session = Qmp(ours)
                yield session
                session("quit")
            except LabError as error:
                errors.seek(0)
                raise Failure(f"{' '.join(words)}: {error}\n{errors.read().decode()}") from error
            finally:
                process.kill()
                ours.close()


def found(words):
    """Return the blocks of all documents whose first line begins like this; fail if none does."""
    there = [block for block in blocks.all_blocks() if re.match(words, block.lines[0])]
    if not there:
        raise Failure(f"no block begins with {words}")
    return there


def guide():
    """Return the guide in one line."""
    return " ".join(GUIDE.read_text(encoding="utf-8").split())


def said(pattern):
    """Return what the guide says in the middle of a sentence; fail if it does not."""
    match = re.search(pattern, guide())
    if not match:
        raise Failure(f"{GUIDE.name} does not say {pattern}")
    return match.groups()


def qemu_options():
    """QEMU starts with every block of options."""
    for block in found("-device |-chardev "):
        with qemu(shlex.split(" ".join(block.lines))):
            pass


def qemu_command_lines():
    """It starts with the options of every block that has more of its command line."""
    for block in found(r"qemu-system|balloon-device .*&"):
        line, = [line for line in block.commands() if line.startswith(f"{QEMU} ")]
        line = line.removeprefix(f"{QEMU} ...")
        if NEWER in line:
            continue
        with qemu(shlex.split(line)):
            pass


def balloon():
    """Return the options of the guide's balloon."""
    return shlex.split(found("-device virtio-balloon-pci")[0].lines[0])


def qemu_hints():
    """What is to be added for hints in live migration is right, too."""
    more, thread = said(r"add ``(free-page-hint=on,\S+)`` to it, and ``(-object \S+)``")
    device, properties = balloon()
    with qemu([*thread.split(), device, f"{properties},{more}"]):
        pass


def qemu_messages():
    """The balloon takes the messages, has the properties, and is where the guide says."""
    with qemu(balloon()) as session:
        message, line = found(r'\{"execute"')[0].lines
        message = json.loads(message)
        for name, arguments in ((message["execute"], message["arguments"]),
                                ("human-monitor-command", {"command-line": line})):
            # It gets to the balloon, whose driver is not there yet.
            answer = _ask(session, name, arguments)
            if "balloon" not in answer:
                raise Failure(f"{name} {arguments}: {answer}")
        path, = said(r"the path is ``(\S+)``")
        for name in said(r"``(guest-stats-polling-interval)`` .* ``(guest-stats)`` with"):
            session("qom-get", path=path, property=name)
        session("qom-set", path=path, property="guest-stats-polling-interval", value=10)


def _ask(session, name, arguments):
    """Return what it answers, be it an error."""
    try:
        return str(session(name, **arguments) or "balloon: done")
    except LabError as error:
        return str(error)


def proxmox_argument():
    """QEMU takes what Proxmox's `args` are to pass on, and the balloon has it then."""
    words, = said(r"args: (-global \S+)``")
    with qemu([*words.split(), "-device", "virtio-balloon-pci,id=balloon0"]) as session:
        if not session("qom-get", path="/machine/peripheral/balloon0", property="deflate-on-oom"):
            raise Failure("deflate-on-oom is off")


def libvirt_xml():
    """Every piece of XML is valid in a domain, by libvirt's own schema."""
    for block in found("<memballoon|<channel "):
        problem = _invalid("\n".join(block.lines))
        if problem:
            raise Failure(f"{block.name}: {problem}")


def _invalid(devices):
    """Return what is wrong with the XML of some devices."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.xml"
        path.write_text(DOMAIN.format(devices), encoding="utf-8")
        done = subprocess.run(["xmllint", "--noout", "--relaxng", SCHEMA, path], text=True,
                              check=False, capture_output=True)
    return done.stderr if done.returncode else ""


def mistakes_are_seen():
    """A device, a property, a message and an element that are not there fail the cases above."""
    for words in (["-device", "virtio-ballon-pci"], ["-device", "virtio-balloon-pci,oom=on"]):
        try:
            with qemu(words):
                pass
        except Failure:
            continue
        raise Failure(f"QEMU starts with {words}")
    with qemu(balloon()) as session:
        answer = _ask(session, "inflate", {"value": 1})
        if "has not been found" not in answer:
            raise Failure(f"QEMU takes another message: {answer}")
    if not _invalid("<memballoon model='virtio' autoDeflate='on'/>"):
        raise Failure("libvirt takes another attribute")


CASES = [qemu_options, qemu_command_lines, qemu_hints, qemu_messages, proxmox_argument, libvirt_xml,
         mistakes_are_seen]


def run_area():
    """Run all cases; return how many failed."""
    with Area("abi", "hypervisors") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

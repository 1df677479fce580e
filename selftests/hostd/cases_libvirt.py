# SPDX-License-Identifier: GPL-2.0-only
"""The daemon with a real libvirtd and real domains, emulated and paused: nothing runs in them.

libvirtd and virtlogd are started where none is there, and ended again.
"""
import contextlib
import os
from pathlib import Path
import shutil
import signal
import subprocess
import tempfile

from cases_good import must
from daemon import Daemon, Skip, wait_for
from fakes import MIB

URI = "qemu:///system"
SLOW_S = 300    # at its first start libvirtd asks each QEMU what it can do
# Pages are what QEMU was asked for, which only a driver in the guest would follow.
DOMAIN = """
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <seclabel type='none' model='dac'/>
  <devices>
    <channel type='unix'><target type='virtio' name='org.autoballoon.hint.0'/></channel>
    <memballoon model='virtio'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-trace'/><qemu:arg value='virtio_balloon_to_target'/>
    <qemu:arg value='-D'/><qemu:arg value='{folder}/{name}.trace'/>
    <qemu:arg value='-pidfile'/><qemu:arg value='{folder}/{name}.pid'/>
  </qemu:commandline>
</domain>
"""


def virsh(*words, uri=URI):
    """Run virsh; return whether that went well, and what it said."""
    done = subprocess.run(["virsh", "-c", uri, *words], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, timeout=SLOW_S, check=False)
    return done.returncode == 0, done.stdout


class Libvirt:
    """libvirtd, ours or one that was there, and domains of ours."""

    def __init__(self):
        if os.geteuid() or not shutil.which("libvirtd") or not shutil.which("virsh"):
            raise Skip("no libvirtd, no virsh or not root")
        self.scratch = tempfile.TemporaryDirectory(prefix="hostd-libvirt-")
        self.folder = Path(self.scratch.name)
        self.folder.chmod(0o777)
        self.daemons = []
        self.names = []
        self.uri = URI

    def __enter__(self):
        try:
            if not self.virsh("version")[0]:
                self.start("virtlogd")
                self.start("libvirtd")
                wait_for("libvirtd", lambda: self.virsh("version")[0], SLOW_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for name in self.names:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.pid(name), signal.SIGCONT)
            self.virsh("destroy", name)
        for process in reversed(self.daemons):
            process.terminate()
            process.wait(SLOW_S)
        self.scratch.cleanup()

    def virsh(self, *words):
        """Run virsh with it."""
        return virsh(*words, uri=self.uri)

    def start(self, program, *before):
        """Start a daemon; `before` are the words of a command that is to run it."""
        with open(self.folder / f"{program}.log", "ab") as log:
            self.daemons.append(subprocess.Popen([*before, program], stdout=log, stderr=log))

    def restart(self):
        """Only one that we have started."""
        self.daemons[-1].terminate()
        self.daemons.pop().wait(SLOW_S)

    def create(self, name, domain=DOMAIN, options=("--paused",)):
        """A domain, by default one that does nothing."""
        self.names.append(name)
        description = self.folder / f"{name}.xml"
        description.write_text(domain.format(name=name, folder=self.folder))
        good, text = self.virsh("create", *options, str(description))
        if not good:
            raise Skip(f"no domain can be started here: {text.strip()}")

    def pid(self, name):
        return int((self.folder / f"{name}.pid").read_text())

    def asked(self, name):
        """Return the last size that QEMU was asked for."""
        lines = (self.folder / f"{name}.trace").read_text().splitlines()
        return int(lines[-1].split("target: ")[1].split()[0], 16)


def sections(*names, size):
    """The part of a config that gives these domains a size."""
    return f"[guests]\nlibvirt = {URI}\nfloor = 10%\n" + "".join(
        f"[guest {name}]\nsize = {size}\n" for name in names)


def libvirt_domains():
    """They come and go, get their targets, one that hangs delays nobody; libvirtd restarts."""
    one, two = f"hostd-one-{os.getpid()}", f"hostd-two-{os.getpid()}"
    with Libvirt() as libvirt:
        libvirt.create(one)
        with Daemon(sections(one, two, size="32M"), daemon="policy = static") as hostd:
            wait_for("the first", lambda: one in hostd.guests())
            wait_for("its target", lambda: libvirt.asked(one) == 32 * MIB)
            guest = hostd.guests()[one]
            must(guest["backend"] == "libvirt" and guest["max"] == 64 * MIB and
                 guest["size"] == 64 * MIB and guest["resident"] > MIB, f"{guest}")
            libvirt.create(two)
            wait_for("the second", lambda: libvirt.asked(two) == 32 * MIB)
            # Nobody in it answers hints, which is noticed on its socket.
            wait_for("its agent's silence", lambda: hostd.guests()[two]["trouble"]["silence"])
            hangs(libvirt, hostd, one, two)
            if libvirt.daemons:
                survives_restart(libvirt, hostd, two)
            virsh("destroy", two)
            wait_for("its end", lambda: two not in hostd.guests())


def hangs(libvirt, hostd, one, two):
    """The QEMU of one stands still: the other one goes on."""
    os.kill(libvirt.pid(one), signal.SIGSTOP)
    wait_for("old data", lambda: hostd.guests()[one]["size_age"] > 3)
    wait_for("the other", lambda: hostd.guests()[two]["size_age"] <= 2)
    hostd.sections = sections(one, two, size="48M")
    hostd.write_config()
    hostd.reload()
    wait_for("the other's target", lambda: libvirt.asked(two) == 48 * MIB)
    must(libvirt.asked(one) == 32 * MIB, "something was asked of one that hangs")
    os.kill(libvirt.pid(one), signal.SIGCONT)
    wait_for("its return", lambda: libvirt.asked(one) == 48 * MIB, 60)


def survives_restart(libvirt, hostd, name):
    """libvirtd ends, and begins again; guests are known as before."""
    libvirt.restart()
    wait_for("the loss", lambda: not hostd.guests()[name]["connected"])
    libvirt.start("libvirtd")
    wait_for("the return", lambda: hostd.guests()[name]["connected"], 60)
    wait_for("its size", lambda: hostd.guests()[name]["size_age"] <= 2)


CASES = [libvirt_domains]

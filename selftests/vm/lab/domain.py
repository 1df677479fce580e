# SPDX-License-Identifier: GPL-2.0-only
"""A guest of the lab as a domain of libvirt's, which has it in its hands instead of us.

    with Libvirt() as libvirt, Elsewhere() as other, \
            Domain(libvirt, kernel, driver="ours", label="x") as guest:
        guest.check("true")
        guest.save_and_restore()
        guest.migrate(other)

Libvirt is that of selftests/hostd. What of Guest asks QEMU itself is not to be had.
"""
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from xml.sax.saxutils import escape

from . import accel, agent, machine
from .cache import ROOT, LabError
from .channel import Channel
from .guest import Guest

sys.path += [str(ROOT / "selftests"), str(ROOT / "selftests" / "hostd")]
from cases_libvirt import Libvirt     # noqa: E402  pylint: disable=wrong-import-position

DOMAIN = """
<domain type='{kind}' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{{name}}</name><memory unit='KiB'>{kib}</memory><vcpu>{cpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{{folder}}/vmlinuz</kernel><initrd>{{folder}}/initrd</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <cpu mode='maximum'/><features><acpi/><apic/></features>
  <seclabel type='none' model='dac'/>
  <devices>
    <serial type='file'><source path='{{folder}}/console'/></serial>
    {channels}
    <memballoon model='virtio' autodeflate='on'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-trace'/><qemu:arg value='virtio_balloon_to_target'/>
    <qemu:arg value='-D'/><qemu:arg value='{{folder}}/{{name}}.trace'/>
    <qemu:arg value='-pidfile'/><qemu:arg value='{{folder}}/{{name}}.pid'/>
  </qemu:commandline>
</domain>
"""
CHANNEL = """<channel type='unix'><source mode='bind' path='{folder}/{file}'/>
      <target type='virtio' name='{port}'/></channel>"""
# A host in a corner of this one: with files, sockets and a name of its own, without cgroups.
CORNER = """\
cd $1 && hostname elsewhere && umount --recursive --lazy /sys/fs/cgroup &&
	mount --bind run /run/libvirt && mount --bind lib /var/lib/libvirt &&
	mount --bind etc /etc/libvirt && mount --bind log /var/log/libvirt &&
	exec $2 --pid-file $1/$2.pid
"""
PORTS = {"commands": "lab.cmd", "verdicts": "lab.verdict", "hint": agent.PORT}


class Elsewhere(Libvirt):
    """The libvirtd of another host, as far as it and those that ask it can see."""

    def __init__(self):
        super().__init__()
        for name in ("run", "lib", "etc", "log/qemu"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "etc/libvirtd.conf").write_text(f'host_uuid = "{uuid.uuid4()}"\n')
        self.uri = f"qemu+unix:///system?socket={self.folder}/run/libvirt-sock"

    def start(self, program, *_):
        super().start(program, "unshare", "--mount", "--uts", "sh", "-c", CORNER, "sh",
                      str(self.folder))


class _Process:
    """What a Guest asks of QEMU's process, asked of libvirt."""

    def __init__(self, domain):
        self.domain = domain

    def poll(self):
        """Return None while the domain is there."""
        return None if self.domain.libvirt.virsh("domstate", self.domain.name)[0] else 0

    def wait(self, timeout=60):
        """Wait until it is no longer there."""
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.domain.name, timeout)
            time.sleep(0.2)

    def kill(self):
        """End it."""
        self.domain.libvirt.virsh("destroy", self.domain.name)


class Domain(Guest):
    """See the top of this file; the folder of Libvirt has the port of the agent, too: hint."""

    def __init__(self, libvirt, kernel, **options):
        super().__init__(kernel, balloon=None, **options)
        self.libvirt = libvirt
        self.name = self.label.replace(".", "-")
        self.log = libvirt.folder / "console"

    def _boot(self):
        folder = self.libvirt.folder
        self._build_initramfs(folder / "initrd")
        shutil.copy(self.kernel.vmlinuz, folder / "vmlinuz")
        for file in ("initrd", "vmlinuz"):
            (folder / file).chmod(0o644)
        channels = "".join(CHANNEL.format(folder="{folder}", file=file, port=port)
                           for file, port in PORTS.items())
        kind = "kvm" if "kvm" in accel.arguments(self.kernel)[1] else "qemu"
        self.libvirt.create(self.name, DOMAIN.format(
            kind=kind, kib=self.memory >> 10, cpus=self.smp, channels=channels,
            cmdline=escape(machine.cmdline(self))), ())
        self.process = _Process(self)
        self._connect()
        return self

    def _connect(self):
        ends = []
        for file in ("commands", "verdicts"):
            ends.append(socket.socket(socket.AF_UNIX))
            ends[-1].connect(str(self.libvirt.folder / file))
        self.channel = Channel(*ends, self._fail)
        self.wait_ready()

    def virsh(self, *words):
        """Run a command of virsh that must succeed; return what it said."""
        good, text = self.libvirt.virsh(*words)
        if not good:
            raise LabError(f"virsh {' '.join(words)}: {text}")
        return text

    def save_and_restore(self):
        """Have libvirt write the guest to a file, and start it again from there."""
        file = str(self.libvirt.folder / "saved")
        self.virsh("save", self.name, file)
        self.channel.close()
        self.virsh("restore", file)
        self._connect()

    def migrate(self, other):
        """Have libvirt move the running guest to another host."""
        for file in ("initrd", "vmlinuz"):
            os.link(self.libvirt.folder / file, other.folder / file)
        there = other.folder / "there.xml"
        there.write_text(self.virsh("dumpxml", "--migratable", self.name).replace(
            str(self.libvirt.folder), str(other.folder)))
        other.names.append(self.name)
        self.virsh("migrate", "--live", "--xml", str(there), self.name, other.uri,
                   "tcp://127.0.0.1")
        self.channel.close()
        self.libvirt = other
        self.log = other.folder / "console"
        self._connect()

    def actual(self):
        """Return what libvirt takes for the guest's size, in bytes."""
        words = self.virsh("dommemstat", self.name).split()
        return int(words[words.index("actual") + 1]) << 10

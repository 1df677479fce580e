# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages in a Debian that boots by itself: its own kernel, initramfs and udev.

An administrator's steps run in a root of the release, where DKMS builds as fast as
this machine can; after each of them the root becomes a disk, which is booted under
QEMU with the kernel and the initramfs that are in it. Nothing of the lab takes part but
its agent, on a serial port, and a port for the packages' own agent.
"""
from collections import namedtuple
import json
import re
import shutil
import sys

from area import Failure, fail_if
from deb import PACKAGES, builds
from lab import agent, apt, initramfs, scan
from lab.cache import ROOT
from lab.guest import Guest
from lab.rootfs import MASKED
import roots
import tree

sys.path.append(str(ROOT / "selftests/abi"))
import blocks       # noqa: E402

# A Debian that boots; its kernel is that of cloud images.
SYSTEM = ["initramfs-tools", "kmod", "linux-image-cloud-amd64", "systemd-sysv", "udev", "zstd"]
# To which the kernel is upgraded: the same series in its usual flavour.
UPGRADE = "amd64"
NEXT_VERSION = "0.1.1"
MIB = 1 << 20
MODULE = "virtio_balloon"
AGENT = """\
[Unit]
Description=The lab's agent
DefaultDependencies=no
After=sysinit.target

[Service]
ExecStart=/usr/lib/lab/agent /dev/ttyS1
StandardOutput=null
"""
Kernel = namedtuple("Kernel", "name release vmlinuz")


class System:
    """The root of a Debian, and the disks that are made of it."""

    def __init__(self, release, folder):
        self.release = release
        self.folder = folder
        self.port = folder / "hint"
        self.root = roots.Root(release, self.folder / "root", SYSTEM)
        self._configure(self.root.upper)

    @staticmethod
    def _configure(upper):
        units = upper / "etc/systemd/system"
        wants = units / "multi-user.target.wants"
        wants.mkdir(parents=True)
        (units / "lab-agent.service").write_text(AGENT, encoding="ascii")
        (wants / "lab-agent.service").symlink_to("../lab-agent.service")
        (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
        for name in MASKED:
            (units / name).symlink_to("/dev/null")
        (upper / "etc/machine-id").write_text("")
        lab = upper / "usr/lib/lab"
        lab.mkdir(parents=True)
        shutil.copy(initramfs.static_program(initramfs.GUEST_DIR / "agent.c"), lab / "agent")
        shutil.copy(initramfs.GUEST_DIR / "verdict", lab)
        (lab / "bad").write_text("".join(line + "\n" for line in scan.BAD))
        (lab / "allowed").write_text("".join(line + "\n" for line in scan.HARMLESS))
        (lab / "taints").write_text(f"{scan.OUR_TAINTS}\n")

    def kernels(self):
        """Return the releases of the kernels that are installed, the oldest first."""
        images = self.root.run("find", "/boot", "-name", "vmlinuz-*").split()
        return sorted((image.removeprefix("/boot/vmlinuz-") for image in images),
                      key=lambda name: "cloud" not in name)

    def boot(self, kernel):
        """Return a guest, not started, with this root as its disk."""
        disk = self.folder / "disk"
        disk.unlink(missing_ok=True)
        self.root.image(disk)
        for name in ("vmlinuz", "initrd.img"):
            self.root.run("cp", f"/boot/{name}-{kernel}", f"/build/{name}")
            shutil.move(self.root.build / name, self.folder / name)
        return Guest(Kernel("packages", kernel, self.folder / "vmlinuz"), driver=None,
                     memory="1G", balloon={"deflate-on-oom": "on"}, root=disk,
                     initrd=self.folder / "initrd.img", channel="serial",
                     extra=["-device", "virtio-serial-pci",
                            "-chardev", f"socket,id=hint,path={self.port},server=on,wait=off",
                            "-device", f"virtserialport,chardev=hint,name={agent.PORT}"],
                     label=f"packages-{self.release}-{kernel}")


def installs(system):
    """The packages go in, and DKMS builds the module for the kernel."""
    system.root.run("dpkg", "--install", *system.root.debs())
    has_ours(system, tree.VERSION)


def has_ours(system, version):
    """Every kernel has our module of this version, where modprobe looks first."""
    for kernel in system.kernels():
        found = system.root.run("modinfo", "-k", kernel, "-F", "version", MODULE).strip()
        where = system.root.run("modinfo", "-k", kernel, "-F", "filename", MODULE)
        if found != version or "/updates/dkms/" not in where:
            raise Failure(f"{kernel} has version '{found}' in {where.strip()}\n"
                          + system.root.run("dkms", "status"))


def boots(system, kernel, version):
    """The driver of this version, or the kernel's own, is loaded at boot and serves the host."""
    with system.boot(kernel) as guest:
        release = guest.read("/proc/sys/kernel/osrelease")
        if release != kernel:
            raise Failure(f"{release} runs, not {kernel}")
        guest.wait_until(lambda: guest.run(f"test -e /sys/bus/virtio/drivers/{MODULE}/virtio*")[0]
                         == 0, why=lambda: "no driver is bound")
        got = guest.run(f"cat /sys/module/{MODULE}/version")[1].strip()
        if version and got != version or not version and "No such" not in got:
            raise Failure(f"the version is '{got}', not '{version}'")
        guest.balloon(guest.memory - 256 * MIB)
        guest.wait_actual(guest.memory - 256 * MIB)
        if version:
            doctor(guest)
            daemons(guest, system.port)
        guest.finish()


def doctor(guest):
    """balloonctl says that our driver is bound; of what else it finds it may speak, too."""
    text = guest.run("balloonctl doctor --json")[1]
    if not any((one["id"], one["level"]) == ("driver", "good") for one in json.loads(text)):
        raise Failure(f"balloonctl doctor says:\n{text}")


def daemons(guest, port):
    """The agent runs, may hint to the driver, and answers; the host's starts as its guide says."""
    with agent.Host(port) as host:
        if host("hello").get("driver") is None:
            raise Failure("balloon-agent does not know our driver")
        host("hint", level="none")
    for block, _ in blocks.run_by(blocks.BOOT):
        guest.check("\n".join(["set -e", *(line for line in block.commands()
                                           if not line.startswith("apt-get "))]))
    status = guest.check("balloon-hostd status")
    if "policy hint" not in status:
        raise Failure(f"balloon-hostd status: {status}")


def upgrades_kernel(system):
    """A further kernel gets the module as it is installed."""
    archive = apt.Archive(system.release)
    old = system.kernels()[0].removesuffix("-cloud-amd64")
    names = [f"linux-{kind}-{old}-{UPGRADE}" for kind in ("image", "headers")]
    for deb in archive.download([archive.show(name)[0] for name in names]):
        shutil.copy(deb, system.root.build)
    system.root.run("sh", "-c", "dpkg --install /build/linux-*.deb && rm /build/linux-*.deb")
    if len(system.kernels()) != 2:
        raise Failure(f"kernels: {system.kernels()}")
    has_ours(system, tree.VERSION)


def upgrades_package(system):
    """A newer version of the package replaces the module of every kernel, and in the initramfs."""
    root = system.root
    sources = root.build / "autoballoon"
    for name in ("dkms.conf", "drivers/virtio/virtio_balloon/main.c", "debian/changelog"):
        text = (sources / name).read_text()
        (sources / name).write_text(re.sub(rf"\b{re.escape(tree.VERSION)}\b", NEXT_VERSION, text))
    root.run("sh", "-c", f"echo {MODULE} >>/etc/initramfs-tools/modules; rm -f /build/*.deb")
    builds(root)
    root.run("dpkg", "--install", *root.debs())
    has_ours(system, NEXT_VERSION)


def in_initramfs(system, kernel, wanted):
    """The initramfs of a kernel has our module, or the kernel's own, and not the other."""
    found = [name for name in system.root.run("lsinitramfs", f"/boot/initrd.img-{kernel}").split()
             if f"/{MODULE}.ko" in name]
    if [("/updates/" in name) for name in found] != [wanted]:
        raise Failure(f"in the initramfs of {kernel}: {found}")


def removes(system):
    """Purging leaves every kernel its own driver, and nothing of ours."""
    system.root.run("dpkg", "--purge", *PACKAGES)
    left = system.root.run("find", "/lib/modules/", "-path", f"*/updates/*/{MODULE}.ko*")
    fail_if(left.split(), "left behind:")


def run_steps(tests, system):
    """Run the steps of one release, in their order: each goes on from where the last ended."""
    if not (tests.case("builds", builds, system.root) and
            tests.case("installs", installs, system)):
        return
    first = system.kernels()[0]
    tests.case("boots_with_ours", boots, system, first, tree.VERSION)
    if not tests.case("upgrades_kernel", upgrades_kernel, system):
        return
    second = system.kernels()[1]
    tests.case("upgrades_package", upgrades_package, system)
    tests.case("initramfs_has_ours", in_initramfs, system, second, True)
    tests.case("boots_newer_kernel_with_initramfs", boots, system, second, NEXT_VERSION)
    tests.case("removes", removes, system)
    tests.case("initramfs_has_the_kernels", in_initramfs, system, second, False)
    tests.case("boots_with_the_kernels", boots, system, second, "")


def run_area(release):
    """Run all cases on a release; return how many failed."""
    return roots.run_area(f"boot-{release}", "builds",
                          lambda tests, folder: run_steps(tests, System(release, folder)))

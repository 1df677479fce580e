# SPDX-License-Identifier: GPL-2.0-only
"""Turns a Guest into a QEMU command line, and starts it."""
from dataclasses import dataclass
import functools
import os
from pathlib import Path
import re
import shlex
import socket
import subprocess
import sys
import threading
import time

from . import accel
from .cache import LabError, run
from .initramfs import GUEST_DIR, static_program

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
PCI_FLAVOURS = {
    "modern": {"disable-legacy": "on", "disable-modern": "off"},
    "transitional": {"disable-legacy": "off", "disable-modern": "off"},
    "legacy": {"disable-legacy": "off", "disable-modern": "on"},
}
MMIO_FLAVOURS = ("mmio", "mmio-legacy")


@dataclass
class Setup:
    """A QEMU that was just started, with our ends of its sockets."""
    process: subprocess.Popen
    qmp: socket.socket
    commands: socket.socket
    verdicts: socket.socket


def parse_size(size):
    """"512M" -> bytes; numbers stay what they are."""
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"(\d+)([KMG]?)", size)
    if not found:
        raise LabError(f"not a size: {size}")
    return int(found.group(1)) * UNITS[found.group(2)]


def is_mmio(flavour):
    """True for microvm guests."""
    return flavour in MMIO_FLAVOURS


def boot_modules(flavour):
    """The modules that a guest needs to reach its agent."""
    return ["virtio_mmio" if is_mmio(flavour) else "virtio_pci", "virtio_console"]


def _device(kind, mmio, **properties):
    """-device for a virtio device of the machine's own bus."""
    words = [f"virtio-{kind}-{'device' if mmio else 'pci'}"]
    words += [f"{name}={value}" for name, value in properties.items()]
    return ["-device", ",".join(words)]


def balloon_device(guest):
    """-device for the balloon of a guest."""
    properties = {"id": "balloon"}
    if not is_mmio(guest.flavour):
        if guest.flavour not in PCI_FLAVOURS:
            raise LabError(f"unknown flavour: {guest.flavour}")
        properties.update(PCI_FLAVOURS[guest.flavour])
    properties.update(guest.balloon_properties)
    return _device("balloon", is_mmio(guest.flavour), **properties)


def _machine(guest):
    if not is_mmio(guest.flavour):
        return ["-machine", guest.machine + (",memory-backend=ram" if guest.numa == 1 else "")]
    legacy = "on" if guest.flavour == "mmio-legacy" else "off"
    return ["-machine", "microvm,memory-backend=ram,x-option-roms=off,rtc=on,acpi=on",
            "-global", f"virtio-mmio.force-legacy={legacy}"]


def _memory(guest):
    backend = guest.backend
    if not backend:
        backend = "memory-backend-memfd,share=on" if guest.share else "memory-backend-ram"
    if guest.numa == 1:
        return ["-object", f"{backend},id=ram,size={guest.memory}"]
    words = []
    for node in range(guest.numa):
        words += ["-object", f"{backend},id=ram{node},size={guest.memory // guest.numa}",
                  "-numa", f"node,nodeid={node},memdev=ram{node}"]
    return words


@functools.lru_cache
def _tsc_rate():
    # Under emulation the counter is the host's, but its rate would be measured with
    # emulated timers: on a busy host it is wrong by a factor, and microvm, which has no
    # timer for it, hangs whenever its one quick try fails.
    return f"tsc_early_khz={run([static_program(GUEST_DIR / 'tsc.c')]).strip()}"


def _ports(kind, mmio):
    """The guest's ends of the lab's sockets."""
    if kind == "serial":        # ttyS1 and ttyS2; the console has the interrupt that is usual
        return ["-device", "isa-serial,index=1,chardev=cmd",
                "-device", "isa-serial,index=2,irq=5,chardev=verdict"]
    words = _device("serial", mmio, id="lab", max_ports=4)
    for number, port in ((1, "cmd"), (2, "verdict")):
        words += ["-device",
                  f"virtserialport,bus=lab.0,nr={number},chardev={port},name=lab.{port}"]
    return words


def _accelerator(guest):
    option, accelerator, *words = accel.arguments(guest.kernel)
    if guest.translated and accelerator.startswith("tcg"):
        accelerator += f",tb-size={guest.translated}"
    return [option, accelerator, *words]


def cmdline(guest):
    """Return the words for the kernel of a guest."""
    # A log of 4 MiB keeps every line until the verdict; before the agent runs only
    # warnings go to the console, because a serial port is slow. The check of the timer
    # counts ticks: an emulator on a busy machine does not keep up, and the kernel panics.
    level = 8 if os.environ.get("AUTOBALLOON_CONSOLE") else 5
    words = ["console=ttyS0", f"loglevel={level}", "panic=-1", "panic_on_warn=1", "oops=panic",
             "hung_task_panic=1", "log_buf_len=4M", "no_timer_check", guest.cmdline]
    if "tcg" in accel.arguments(guest.kernel)[1]:
        words.append(_tsc_rate())
    if guest.resume:
        words.append("lab.resume=vda")
    if guest.root:
        disk = f"vd{chr(ord('a') + len(guest.disks))}"
        words.append(f"root=/dev/{disk} rw" if guest.initrd else f"lab.root={disk} ro")
    if guest.channel_kind == "serial":
        words.append("lab.cmd=/dev/ttyS1 lab.verdict=/dev/ttyS2")
    if guest.interactive:
        words.append("lab.shell=1")
    return " ".join(word for word in words if word)


def command(guest, initrd, fds):
    """Return QEMU's whole command line; fds: {name: descriptor} of its sockets."""
    mmio = is_mmio(guest.flavour)
    words = [guest.emulator or accel.QEMU, "-nodefaults", "-no-user-config",
             "-display", "none", "-no-reboot",
             "-name", guest.label, *_machine(guest), *_accelerator(guest),
             "-smp", str(guest.smp), "-m", f"{guest.memory >> 10}K", *_memory(guest),
             "-kernel", str(guest.kernel.vmlinuz), "-initrd", str(initrd),
             "-append", cmdline(guest)]
    if guest.interactive:
        words += ["-chardev", f"stdio,id=console,mux=on,signal=off,logfile={guest.log}",
                  "-mon", "chardev=console,mode=readline"]
    else:
        words += ["-chardev", f"file,id=console,path={guest.log}"]
    words += ["-serial", "chardev:console",
              "-chardev", f"socket,id=qmp,fd={fds['qmp']}", "-mon", "chardev=qmp,mode=control",
              "-chardev", f"socket,id=cmd,fd={fds['cmd']}",
              "-chardev", f"socket,id=verdict,fd={fds['verdict']}",
              *_ports(guest.channel_kind, mmio)]
    disks = [str(disk) for disk in guest.disks]
    if guest.root:
        disks.append(f"{guest.root},snapshot=on")
    for number, disk in enumerate(disks):
        words += ["-drive", f"if=none,id=disk{number},format=raw,cache=unsafe,file={disk}",
                  *_device("blk", mmio, drive=f"disk{number}")]
    if guest.balloon_properties is not None:
        words += balloon_device(guest)
    if guest.incoming:
        words += ["-incoming", "defer"]
    return words + guest.extra


def _show_console(guest, process):
    """Copy a guest's console to stderr while it runs."""
    with open(guest.log, encoding="utf-8", errors="replace") as log:
        while True:
            ended = process.poll() is not None
            for line in log:
                sys.stderr.write(f"{guest.label}| {line.rstrip()}\n")
            if ended:
                return
            time.sleep(0.2)


def start(guest, initrd):
    """Start QEMU for a guest."""
    pairs = {name: socket.socketpair() for name in ("qmp", "cmd", "verdict")}
    fds = {name: pair[1].fileno() for name, pair in pairs.items()}
    # When this process ends, however it ends, the guest must end too.
    words = ["setpriv", "--pdeathsig", "KILL", "--", *command(guest, initrd, fds)]
    Path(f"{guest.log}.cmd").write_text(shlex.join(words) + "\n", encoding="utf-8")
    errors = open(f"{guest.log}.qemu", "wb")
    guest.log.write_bytes(b"")
    stdin = None if guest.interactive else subprocess.DEVNULL
    stdout = None if guest.interactive else errors
    try:
        process = subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=errors,
                                   pass_fds=fds.values(),
                                   process_group=None if guest.interactive else 0)
    finally:
        errors.close()
        for pair in pairs.values():
            pair[1].close()
    if os.environ.get("AUTOBALLOON_CONSOLE") and not guest.interactive:
        threading.Thread(target=_show_console, args=(guest, process), daemon=True).start()
    return Setup(process, pairs["qmp"][0], pairs["cmd"][0], pairs["verdict"][0])

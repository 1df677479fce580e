# SPDX-License-Identifier: GPL-2.0-only
"""The device, or the driver, goes away while the balloon moves."""
import time

from common import MIB, PCP_KIB, actual_for, boot, check_host_has, resize

DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"


def unplug_and_replug(lab, guest, free):
    """device_del while inflating; the guest has its memory back; a new device works."""
    guest.balloon(300 * MIB)
    guest.wait_until(lambda: guest.actual() < guest.memory, 20, interval=0.005)
    lab.check("it inflates while it is unplugged", guest.actual() > 300 * MIB)
    guest.unplug_balloon()
    lab.check_equal("status of the driver's folder of the device",
                    guest.run(f"ls -d {DRIVER}/virtio*")[0] != 0, True)
    memory = guest.meminfo()
    lab.check_between("MemFree after the unplug", free - PCP_KIB, memory["MemFree"],
                      memory["MemTotal"])
    guest.plug_balloon()
    guest.wait_until(lambda: guest.run(f"ls -d {DRIVER}/virtio*")[0] == 0, 20)
    resize(guest, 600_000_001)
    check_host_has(lab, guest)
    resize(guest, guest.memory)


def test_unplug(lab):
    """device_del and device_add over QMP while inflating, three times."""
    with boot(lab, machine="pc") as guest:
        free = guest.meminfo()["MemFree"]
        total = guest.meminfo()["MemTotal"]
        for number in range(3):
            lab.case(f"round {number + 1}", unplug_and_replug, lab, guest, free)
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)



def test_rebind(lab):
    """Unbind, bind, unload and load while the host moves the target all the time."""
    with boot(lab) as guest:
        total = guest.meminfo()["MemTotal"]
        job = guest.start(
            "set -e; device=$(basename $(ls -d " + DRIVER + "/virtio*)); i=0;"
            "while [ $i -lt 12 ]; do i=$((i + 1)); cd " + DRIVER + ";"
            "echo $device >unbind; echo $device >bind; sleep 0.$((i % 4)); cd /;"
            "rmmod virtio_balloon; modprobe virtio_balloon; sleep 0.$((i % 3)); done")
        sizes, number = [350, 1024, 500, 800, 301, 999], 0
        deadline = time.monotonic() + 120 * guest.slow
        while not job.ended(0.15):
            guest.balloon(sizes[number % len(sizes)] * MIB + number)
            number += 1
            lab.check("unbind or unload does not end", time.monotonic() < deadline)
        lab.check_equal("status and output", job.wait(1), (0, ""))
        resize(guest, 512 * MIB)
        check_host_has(lab, guest)
        lab.check_equal("fall of MemTotal in KiB", total - guest.meminfo()["MemTotal"], 512 << 10)
        guest.check("rmmod virtio_balloon")
        lab.check_equal("actual without a driver", guest.actual(), actual_for(guest, guest.memory))
        lab.check_equal("MemTotal", guest.meminfo()["MemTotal"], total)
        lab.note(f"12 rounds beside {number} changes of the target")

# SPDX-License-Identifier: GPL-2.0-only
"""A surplus in the balloon of a libvirt domain that is saved, restored, and moved."""
import re

from common import MIB, sysfs
from lab import initramfs
from lab.agent import PROGRAM, Agent
from lab.cache import ROOT
from lab.domain import Domain, Elsewhere, Libvirt
from lab.testing import only, timeout

NEED = 300 * MIB
DOCUMENTS = [ROOT / "README.md", ROOT / "Documentation/admin-guide/hypervisors.rst"]


def documented(lab, guest):
    """What the documents say to virsh moves the balloon, and has statistics made."""
    text = " ".join(word for path in DOCUMENTS for word in path.read_text().split())
    lines = dict.fromkeys(re.findall(r"`virsh ([^`]+ GUEST[^`]*)`", text))
    lab.check(f"sizes and statistics: {lines}", {line.split()[0] for line in lines}
              >= {"setmem", "dommemstat"})
    for line in lines:
        guest.virsh(*line.replace("GUEST", guest.name).split())
    guest.wait_until(lambda: guest.actual() == 512 * MIB, 20,
                     lambda: f"libvirt's size is {guest.actual()}")
    guest.wait_until(lambda: "usable" in guest.virsh("dommemstat", guest.name), 20,
                     lambda: guest.virsh("dommemstat", guest.name))
    guest.virsh("setmem", guest.name, str(guest.memory >> 10), "--live")
    guest.wait_until(lambda: guest.actual() == guest.memory, 20,
                     lambda: f"libvirt's size is {guest.actual()}")


def still_there(lab, guest):
    """The guest has its surplus, QEMU the target that it had, and libvirt's size is the rest."""
    lab.note(f"libvirt asked QEMU for {guest.libvirt.asked(guest.name) >> 20} MiB")
    lab.check_equal("size", guest.actual(), guest.memory - NEED)
    lab.check_equal("target", sysfs(guest, "target_pages"), 0)


@timeout(600)
@only(driver="ours", kernel="7.3")
def test_libvirt(lab):
    """libvirt takes `actual` for the guest's size, but QEMU goes on with the target it had."""
    with Libvirt() as here, Elsewhere() as there:
        agent = Agent(here.folder)
        with Domain(here, lab.kernel, driver="ours", load=True, label=lab.label,
                    files=initramfs.shared_program(PROGRAM)) as guest:
            lab.case("documented", documented, lab, guest)
            agent.start(guest)
            with agent.connect() as host:
                host("hint", level="critical", need=NEED, ttl_ms=3_600_000)
            guest.wait_until(lambda: guest.actual() == guest.memory - NEED, 20,
                             lambda: f"libvirt's size is {guest.actual()}")
            lab.case("before", still_there, lab, guest)
            guest.save_and_restore()
            lab.case("restored", still_there, lab, guest)
            guest.migrate(there)
            lab.case("moved", still_there, lab, guest)
            agent = Agent(there.folder)
            with agent.connect() as host:
                host("hint", level="none", ttl_ms=300)
            guest.wait_until(lambda: guest.actual() == guest.memory, 30,
                             lambda: f"the surplus stays: {guest.actual()}")

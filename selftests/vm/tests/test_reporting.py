# SPDX-License-Identifier: GPL-2.0-only
"""Free page reporting: memory that the guest has freed leaves the host by itself."""
import threading

from common import boot, resize, touch

# The kernel reports whole blocks of 2 MiB or 4 MiB; what lies between stays.
LEAVES_MIB = 500


def peak_of(guest, action):
    """Return the most MiB of host memory that the guest had during an action."""
    seen, over = [guest.rss_kib()], threading.Event()

    def look():
        while not over.wait(0.1):
            seen.append(guest.rss_kib())
    looker = threading.Thread(target=look)
    looker.start()
    try:
        action()
    finally:
        over.set()
        looker.join()
    return max(seen) >> 10


def frees(lab, guest):
    """Host memory falls within 10 s after the guest has freed what it used."""
    before = guest.rss_kib() >> 10
    # It may begin to leave before all of it has been touched.
    top = peak_of(guest, lambda: touch(guest, 600))
    lab.check("the guest's memory is backed: this test can see", top > before + 300)
    seconds = guest.wait_until(lambda: guest.rss_kib() >> 10 < before + 600 - LEAVES_MIB, 10,
                               lambda: f"{guest.rss_kib() >> 10} MiB stay")
    lab.note(f"from {top} MiB to {guest.rss_kib() >> 10} MiB in {seconds:.1f} s")


def test_reporting(lab):
    """Touched and freed memory leaves the host within 10 s, also beside a balloon."""
    with boot(lab, balloon={"free-page-reporting": "on"}) as guest:
        lab.case("empty balloon", frees, lab, guest)
        resize(guest, guest.memory - 100_000_000)
        lab.case("inflated balloon", frees, lab, guest)
        guest.check("rmmod virtio_balloon && modprobe virtio_balloon")
        lab.case("after a reload", frees, lab, guest)


def test_no_reporting(lab):
    """Without the feature the memory stays: what the other test sees is reporting."""
    with boot(lab) as guest:
        touch(guest, 600)
        top = guest.rss_kib()
        guest.check("sleep 6")
        lab.check("host memory stays", guest.rss_kib() >= top)

# SPDX-License-Identifier: GPL-2.0-only
"""The host's end of the program probe.c in a guest."""
from pathlib import Path

from lab.cache import LabError
from lab.initramfs import static_program
import qtrace

PROGRAM = "/bin/probe"
MARKS = 8


def files():
    """Return what a guest needs for it."""
    return {PROGRAM: static_program(Path(__file__).with_suffix(".c"))}


class Probe:
    """The program, running in a guest whose QEMU writes a trace."""

    def __init__(self, guest, qemu_trace):
        self._guest = guest
        self._trace = qemu_trace
        self._answers = 0
        self._job = guest.start(f"exec {PROGRAM}", stdin=None)
        self._answer(10)

    def _answer(self, timeout):
        self._answers += 1

        def answered():
            if self._job.status is not None:
                raise LabError(f"the probe ended: {self._job.output[-500:]}")
            return self._job.data.count(b"\n") >= self._answers
        self._guest.wait_until(answered, timeout, lambda: "the probe does not answer", 0.002)
        return self._job.output.split("\n")[self._answers - 1]

    def ask(self, command, timeout=60):
        """Give a command and return the answer."""
        self._job.send(command + "\n")
        return self._answer(timeout)

    def offset(self):
        """Return what to add to the guest's clock (in s) to have the host's."""
        best = None
        for _ in range(MARKS):
            position = self._trace.read()
            before, after = map(int, self.ask("mark").split())
            event = qtrace.only(self._trace.since(position), "port92_write")[-1]
            if best is None or after - before < best[0]:
                best = after - before, event.time - (before + after) / 2e9
        return best[1]

    def cpu(self):
        """Return the seconds that the guest's processors have worked."""
        return int(self.ask("cpu")) / 1e9

    def watched(self, offset):
        """End a watch of free memory; return [(host's time, KiB, s since the look before)]."""
        notes = [map(int, note.split(":")) for note in self.ask("watched").split()]
        return [(ns / 1e9 + offset, kib, gap / 1e9) for ns, kib, gap in notes]

    def stalled(self, offset, start, end):
        """End the allocating process; return (pages, p50, p99, max) in s between two times."""
        window = [round((time - offset) * 1e9) for time in (start, end)]
        pages, *stalls = map(int, self.ask("stalled {} {}".format(*window)).split())
        return pages, *(ns / 1e9 for ns in stalls)

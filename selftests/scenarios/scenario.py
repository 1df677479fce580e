# SPDX-License-Identifier: GPL-2.0-only
"""A scenario, and one run of it with one driver."""
from dataclasses import dataclass, field

from subject import OOM, OURS, PLAIN, Subject


@dataclass(frozen=True)
class Scenario:
    """What happens to a guest, what must be shown by it, and with which columns."""
    name: str
    shows: str
    function: object
    lines: tuple
    columns: tuple = (OURS, OOM, PLAIN)
    picture: str = ""       # title of a timeline of the balloon


@dataclass
class Run:
    """One scenario with one driver; a function of a scenario fills in the figures."""
    name: str
    column: str
    kernel: object
    fast: bool = False
    tunables: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)
    timeline: list = field(default_factory=list)
    decisions: str = ""     # what our driver says that it did, and its counters
    host_load: float = 0    # of the last minute: timings beside other work say little
    error: str = ""

    def subject(self, memory, balloon=0, **options):
        """Return the guest."""
        return Subject(self, memory, balloon, **options)

    def __setitem__(self, figure, value):
        self.figures[figure] = value

    def kept(self):
        """What the JSON keeps."""
        return {"figures": self.figures, "timeline": self.timeline, "error": self.error,
                "decisions": self.decisions, "host_load": self.host_load, "fast": self.fast}

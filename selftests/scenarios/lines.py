# SPDX-License-Identifier: GPL-2.0-only
"""What must be shown: each figure of a scenario, and when ours is good enough."""
from dataclasses import dataclass

from subject import NONE, OOM, OURS

MET, MISSED, UNKNOWN = "met", "missed", "not measured"


@dataclass(frozen=True)
class Line:
    """A figure: its unit, its digits, and what ours must reach, if anything.

    most, least: a number; times: of the same figure in another column (factor, column).
    """
    figure: str
    unit: str = ""
    digits: int = 0
    most: float = None
    least: float = None
    times: tuple = None

    def must(self):
        """The requirement in words."""
        words = []
        if self.least is not None:
            words.append(f">= {self.least:g}")
        if self.most is not None:
            words.append(f"<= {self.most:g}")
        if self.times:
            words.append(f"<= {self.times[0]:g}x {self.times[1]}")
        return ", ".join(words)

    def verdict(self, columns):
        """Judge ours; columns: {column: value, text where there is none, or missing}."""
        if not self.must():
            return ""
        ours = columns.get(OURS)
        if ours is None:
            return UNKNOWN
        if isinstance(ours, str):
            return MISSED
        good = (self.least is None or ours >= self.least) and (self.most is None
                                                               or ours <= self.most)
        if self.times:
            other = columns.get(self.times[1])
            if other is None:
                return UNKNOWN
            good = good and (isinstance(other, str) or ours <= self.times[0] * other)
        return MET if good else MISSED

    def cell(self, value):
        """A value as text."""
        if value is None:
            return "--"
        return value if isinstance(value, str) else f"{value:.{self.digits}f} {self.unit}".strip()


def burst_lines(swap, shrinks=129):
    """What every burst must show; with shrinks=None the sampler may do it all."""
    lines = [Line("the burst takes", "s", 1, times=(1.3, NONE)),
             Line("QEMU's processor time for it", "s", 1),
             Line("processes killed", most=0),
             Line("wrong content found", most=0),
             Line("page fault p50", "us"), Line("page fault p99", "us"),
             Line("page fault max", "us"),
             Line("the balloon gave", "MiB"),
             Line("objects of one shrink, most", "pages", least=shrinks)]
    if swap:
        lines.append(Line("of the burst swapped out", "%", 1, most=5))
    return lines


FILE_TIME = Line("time until it rests", "s", 1, times=(1, OOM))

# SPDX-License-Identifier: GPL-2.0-only
"""The figures of the bench: their units, the floors that ours must reach, and the arithmetic."""
from dataclasses import dataclass
from statistics import median

OURS, INTREE = "ours", "intree"


@dataclass(frozen=True)
class Unit:
    """How a figure is written, and whether more of it is better."""
    name: str
    scale: float = 1
    digits: int = 0
    more: bool = False


MS = Unit("ms", 1e3, 1)
US = Unit("µs", 1e6)
MORE_MIB = Unit("MiB", more=True)
COUNT = Unit("")
MORE = Unit("", more=True)
# By a figure's name up to its first comma, in the order of the tables.
UNITS = {"release": MS, "settle": MS, "deflate 128 MiB": MS, "deflate 1 GiB": MS,
         "kicks": COUNT, "config writes": COUNT, "host CPU": MS, "guest CPU": MS,
         "host huge pages": MORE_MIB, "stall p50": US, "stall p99": US, "stall max": US,
         "order-9 blocks": MORE, "2 MiB pages": MORE, "host huge pages free": MORE,
         "growth": MS, "overhead": Unit("KiB")}


# What only explains another figure is not compared.
BESIDES = (", before", ", resolution", ", waited")


@dataclass(frozen=True)
class Floor:
    """What ours must reach: so many times better than in-tree, a number, or no worse."""
    figure: str
    settings: str = ""      # only where the setting has this in its name
    times: float = 0
    least: float = None
    most: float = None

    def __str__(self):
        if self.times:
            return f">= {self.times:g}x"
        if self.least is not None:
            return f">= {self.least:g}"
        if self.most is not None:
            return f"<= {self.most:g}"
        return "no worse"

    def reached(self, row):
        """True if a row with figures of both drivers reaches it."""
        ours = median(row.ours)
        if self.times:
            return row.ratio is not None and row.ratio >= self.times
        if self.least is not None:
            return ours >= self.least
        if self.most is not None:
            return ours <= self.most
        # Beyond the spread of the in-tree driver's own runs.
        return ours <= max(row.intree)


FAST = "init_on_alloc=0"
DEFAULT = "distribution default"
FLOORS = [Floor("release", f"{FAST}, reporting", times=8),
          Floor("settle", f"{FAST}, reporting", times=3.5),
          Floor("settle, balloon-device", FAST, times=8),
          Floor("settle", f"{FAST}, no reporting", times=1.35),
          Floor("settle", DEFAULT, times=1.35),
          Floor("deflate 128 MiB", times=10),
          Floor("deflate 1 GiB", times=1.3),
          Floor("kicks", times=16),
          Floor("config writes", times=16),
          Floor("stall p99, inflate"),
          Floor("stall p99, deflate"),
          Floor("order-9 blocks", times=2),
          Floor("host huge pages free", least=500),
          *(Floor(f"overhead, {mib} MiB", most=256) for mib in (256, 1024, 4096, 8192))]


@dataclass
class Row:
    """A figure in a setting, as often as it was measured with either driver."""
    figure: str
    setting: str
    ours: list
    intree: list

    @property
    def base(self):
        """The figure's name up to its first comma."""
        return self.figure.split(",", 1)[0]

    @property
    def unit(self):
        """How the figure is written."""
        return UNITS[self.base]

    @property
    def ratio(self):
        """How many times better ours is, by the medians; None if that cannot be said."""
        if not self.ours or not self.intree or self.figure.endswith(BESIDES):
            return None
        better, worse = median(self.ours), median(self.intree)
        if self.unit.more:
            better, worse = worse, better
        return worse / better if better > 0 and worse > 0 else None

    @property
    def floor(self):
        """The floor for it, or None."""
        for floor in FLOORS:
            if floor.figure == self.figure and floor.settings in self.setting:
                return floor
        return None

    @property
    def verdict(self):
        """"met", "not met", "not measured", or nothing where there is no floor."""
        if not self.floor:
            return ""
        if not self.ours or not self.intree:
            return "not measured"
        return "met" if self.floor.reached(self) else "not met"

    def _number(self, value):
        return f"{value * self.unit.scale:.{self.unit.digits}f}"

    def _values(self, values):
        if not values:
            return "--"
        text = f"{self._number(median(values))} {self.unit.name}".strip()
        if len(values) > 1:
            text += f" ({self._number(min(values))} ... {self._number(max(values))})"
        return text

    def cells(self):
        """The row as text: figure, setting, both drivers, ratio, floor, verdict."""
        ratio = "--" if self.ratio is None else f"{self.ratio:.2f}x"
        return [self.figure, self.setting, self._values(self.ours), self._values(self.intree),
                ratio, str(self.floor or ""), self.verdict]


HEAD = ["figure", "guest", "ours", "in-tree", "better", "floor", "verdict"]


class Results:
    """All rows, filled as the runs come."""

    def __init__(self, rows=()):
        self.rows = [Row(**row) for row in rows]

    def add(self, driver, setting, values):
        """Add the figures {name: value} of one run."""
        for figure, value in values.items():
            getattr(self._row(figure, str(setting)), driver).append(value)

    def _row(self, figure, setting):
        for row in self.rows:
            if (row.figure, row.setting) == (figure, setting):
                return row
        self.rows.append(Row(figure, setting, [], []))
        return self.rows[-1]

    @property
    def pairs(self):
        """How many pairs of runs there are."""
        return max((min(len(row.ours), len(row.intree)) for row in self.rows), default=0)

    def find(self, start):
        """Return the rows whose figure begins so."""
        return [row for row in self.rows if row.figure.startswith(start)]

# SPDX-License-Identifier: GPL-2.0-only
"""What the guest's samples say: the balloon over time, when it gave way, how it came back."""
from dataclasses import dataclass
import re

PAGE_KIB = 4
FIELDS = ("time", "available", "free", "inflate", "deflate", "swapped", "killed",
          "refault_anon", "refault_file")
STILL = 0.005       # a change by less of the balloon's whole movement is no step


@dataclass
class Sample:
    """One look of `load watch`: s, KiB, and counts of pages since the guest's boot."""
    time: float
    available: int
    free: int
    inflate: int
    deflate: int
    swapped: int
    killed: int
    refault_anon: int
    refault_file: int

    @property
    def balloon(self):
        """Pages in the balloon, by the kernel's events."""
        return self.inflate - self.deflate


def parse(text):
    """Read what `load watch` printed."""
    return [Sample(*(float(word) if name == "time" else int(word)
                     for name, word in zip(FIELDS, line.split())))
            for line in text.splitlines() if len(line.split()) == len(FIELDS)]


def change(samples, field):
    """Return how much a field grew from the first sample to the last."""
    return getattr(samples[-1], field) - getattr(samples[0], field)


def balloon_line(samples, most=300):
    """Return [(s, MiB)] of the balloon for a picture."""
    step = max(1, len(samples) // most)
    return [(round(s.time - samples[0].time, 2), s.balloon * PAGE_KIB // 1024)
            for s in samples[::step]]


@dataclass
class Return:
    """How a deficit came back: seconds after the last release and after the burst, moves."""
    first: float        # from the last release to the first growth; None: there was none
    complete: float     # from the burst's end until the balloon was as large as before
    steps: int          # stretches of growth
    reversals: int      # how often it shrank again in between


def returned(samples, ended):
    """Judge how the balloon came back to the size of the first sample; `ended`: the burst's end."""
    before = samples[0].balloon
    low = min(s.balloon for s in samples)
    still = max(256, (before - low) * STILL)
    last = max((n for n, s in enumerate(samples) if n and s.balloon < samples[n - 1].balloon),
               default=0)
    bottom = min(range(len(samples)), key=lambda n: samples[n].balloon)
    first = complete = None
    steps, growing = 0, False
    for n in range(bottom + 1, len(samples)):
        grew = samples[n].balloon > samples[n - 1].balloon
        if grew and first is None:
            first = round(samples[n].time - samples[bottom].time, 3)
        steps += grew and not growing
        growing = grew
        if complete is None and samples[n].balloon >= before - still:
            complete = round(samples[n].time - ended, 3)
    return Return(first, complete, steps,
                  sum(samples[n].balloon < samples[n - 1].balloon for n in
                      range(bottom + 1, last + 1)))


def pause(samples):
    """Return the s from the last release to the growth that follows it; None: there is none."""
    last = max((n for n, s in enumerate(samples) if n and s.balloon < samples[n - 1].balloon),
               default=0)
    for n in range(last + 1, len(samples)):
        if samples[n].balloon > samples[n - 1].balloon:
            return round(samples[n].time - samples[last].time, 3)
    return None


def given(samples, begin, pages):
    """Return the s from `begin` until so many pages had left the balloon since; None: never."""
    before = [s for s in samples if s.time <= begin] or samples[:1]
    for sample in samples:
        if sample.time >= begin and sample.deflate - before[-1].deflate >= pages:
            return round(sample.time - begin, 3)
    return None


def stolen(before, after):
    """Return the share of the time that processors wanted to run in which others had theirs;
    both: [(ns that it ran, ns that it waited)]."""
    ran = sum(new[0] - old[0] for old, new in zip(before, after))
    waited = sum(new[1] - old[1] for old, new in zip(before, after))
    return waited / max(1, ran + waited)


def kicks(text):
    """Return the s from kick to kicked of the kernel's workers, in lines of a trace."""
    begun, sum_ = {}, 0
    for pid, when, event, rest in re.findall(r"-(\d+) .* ([\d.]+): (kick|kicked): (.*)", text):
        if event == "kick" and 'comm="kworker' in rest:
            begun[pid] = float(when)
        elif event == "kicked" and pid in begun:
            sum_ += float(when) - begun.pop(pid)
    return sum_

# SPDX-License-Identifier: GPL-2.0-only
"""Reads what QEMU traces of a balloon: when the target changed, every kick, every `actual`.

QEMU stamps each event with the host's clock to the microsecond, so nothing of
the guest is asked, and nothing is polled. A write of the guest to port 0x92
(probe.c) puts an instant of the guest's clock on the same scale.
"""
from dataclasses import dataclass
from datetime import datetime
import re

# event: which of its numbers is kept
EVENTS = {"virtio_balloon_to_target": 1,        # the balloon's new size, in pages
          "virtio_balloon_set_config": 0,       # `actual`, as a size of the balloon in pages
          "virtio_queue_notify": 0,             # the device
          "virtio_set_status": 0,               # the device
          "port92_write": 0}
# Older ones begin a line with "process@seconds:", newer ones with the date and a blank.
LINE = re.compile(r"(?:\d+@(\d+\.\d+):|(\d\S+T\S+)Z )(\w+) (?:port92: )?(.*)")
NUMBER = re.compile(r"\b(0x[0-9a-f]+|\d+)\b")


@dataclass(frozen=True)
class Event:
    """One event: when, what, and the number that we need of it."""
    time: float
    name: str
    value: int


def parse(line):
    """Return the Event of a line, or None if it is none of ours."""
    found = LINE.match(line)
    if not found or found.group(3) not in EVENTS:
        return None
    seconds, date, name, text = found.groups()
    time = float(seconds) if seconds else datetime.fromisoformat(date + "+00:00").timestamp()
    numbers = NUMBER.findall(text)
    kept = EVENTS[name]
    return Event(time, name, int(numbers[kept], 0)) if len(numbers) > kept else None


class Trace:
    """The trace of one QEMU, that grows."""

    def __init__(self, path):
        self.path = path
        self.events = []
        self._rest = ""
        self._offset = 0

    def arguments(self):
        """Return the arguments that make QEMU write it."""
        words = ["-msg", "timestamp=on", "-D", str(self.path)]
        for name in EVENTS:
            words += ["-trace", name]
        return words

    def read(self):
        """Read what is new; return how many events there are."""
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data.decode(errors="replace")).split("\n")
        self.events += filter(None, map(parse, lines))
        return len(self.events)

    def since(self, position):
        """Return the events that came after read() had returned `position`."""
        self.read()
        return self.events[position:]


def only(events, *names):
    """Return the events of these names."""
    return [event for event in events if event.name in names]


def last_actual(events):
    """Return the balloon's size of the last write of `actual`, or None."""
    for event in reversed(events):
        if event.name == "virtio_balloon_set_config":
            return event.value
    return None


def settled(events, pages):
    """Return when `actual` came to be `pages`, to stay so; None if it is not."""
    time = None
    for event in reversed(only(events, "virtio_balloon_set_config")):
        if event.value != pages:
            break
        time = event.time
    return time


def target(events):
    """Return when the last target was set."""
    return only(events, "virtio_balloon_to_target")[-1].time


def after(events, start):
    """Return the events from a time on."""
    return [event for event in events if event.time >= start]

# SPDX-License-Identifier: GPL-2.0-only
"""set: the driver's own ranges, and an error that says what is wrong."""
import os
import sys

from lab.cache import ROOT
import fakeroot
from tool import Tool, contains, equal

sys.path.append(str(ROOT / "selftests/abi"))

import source       # noqa: E402

PARAMETER = "host_timeout_ms"


def driver_ranges():
    """Return {name: (min, max)} of the driver's own table."""
    return {name: (allowed.least, allowed.most) for name, allowed in source.ranges().items()}


def ranges_are_the_drivers():
    """The list has what the driver has, with the same ranges."""
    with Tool() as tool:
        got = {one["name"]: one for one in tool.json("set")}
    equal("names", set(got), {*driver_ranges(), *source.choices()})
    equal("words", {name: one["words"].split(", ") for name, one in got.items() if "words" in one},
          {name: words for name, words in source.choices().items() if name in got})
    equal("ranges", {name: (one["min"], one["max"]) for name, one in got.items() if "min" in one},
          driver_ranges())


def path_of(name):
    """Return the file of a tunable."""
    if name == PARAMETER:
        return f"sys/module/virtio_balloon/parameters/{name}"
    return f"{fakeroot.DEVICE}/{source.tunables()[name]}"


def ends_of_ranges():
    """Each end of a range is written; one beyond it is refused, and nothing is changed."""
    with Tool() as tool:
        for name, (low, high) in driver_ranges().items():
            for value in (low, high):
                tool.run("set", name, value)
                equal(name, tool.root.read(path_of(name)), str(value))
            for value in (low - 1, high + 1, "", "12x", "ten", 1 << 70):
                tool.run("set", "--", name, value, code=1)
                contains("error", tool.errors, f"{name}: \"{value}\" is not a number from "
                         f"{low} to {high}", "nothing was changed")
                equal(name, tool.root.read(path_of(name)), str(high))


def words():
    """What takes words takes those of the driver, and no other, and no part of one."""
    with Tool() as tool:
        for name, taken in source.choices().items():
            for word in taken:
                contains("answer", tool.run("set", name, word), f"-> {word}\n")
                equal(name, tool.root.read(path_of(name)), word)
            for word in ("maybe", taken[-1][:1], taken[-1] + ",", ", ".join(taken), ""):
                tool.run("set", name, word, code=1)
                contains("error", tool.errors, "is not one of " + ", ".join(taken))
                equal(name, tool.root.read(path_of(name)), taken[-1])


def answer_and_list():
    """The answer names the old and the new value; the list has all of them."""
    with Tool() as tool:
        equal("answer", tool.run("set", "reserve_kib", 32768),
              "reserve_kib: 16384 -> 32768 KiB\n")
        equal("answer as JSON", tool.json("set", "reserve_kib", 16384),
              {"name": "reserve_kib", "before": "32768", "value": "16384", "unit": "KiB"})
        tool.run("set", "reserve_kib", 32768)
        text = tool.run("set")
        equal("lines", len(text.splitlines()), len(fakeroot.TUNABLES) + len(fakeroot.PRESSURE) + 1)
        contains("list", text, "32768 KiB")


def wrong_words():
    """What makes no sense is said so, with exit code 2."""
    with Tool() as tool:
        for command, part in ((["set", "reserve", 1], "reserve is not one of auto_deflate"),
                              (["set", "reserve_kib"], "set KEY VALUE"),
                              (["set", "reserve_kib", 1, 2], "what is \"2\""),
                              (["sett"], "there is no command sett"),
                              (["status", "--prometheus"], "takes no --prometheus"),
                              (["export"], "--json, or"),
                              (["record", "--interval", 0], "out of range"),
                              (["why", "--count", "nan"], "out of range"),
                              (["status", "--colour"], "colour")):
            tool.run(*command, code=2)
            contains("error", tool.errors, part)


def nobody_to_set():
    """Without the right, on a read-only sysfs, or with another driver the error says so."""
    with Tool() as tool:
        who = []
        if os.geteuid() == 0:
            who = ["setpriv", "--reuid=65534", "--clear-groups"]
        else:
            (tool.root.folder / path_of("holdoff_ms")).chmod(0o444)
        tool.run("set", "holdoff_ms", 1, code=1, before=who)
        contains("error", tool.errors, "root")
        folder = tool.root.folder
        tool.run("set", "holdoff_ms", 1, code=1, before=[
            "unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
            f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec \"$@\"",
            "sh"])
        contains("error", tool.errors, "read-only")
        equal("holdoff_ms", tool.root.read(path_of("holdoff_ms")), "5000")
    with Tool(fakeroot.intree) as tool:
        tool.run("set", "holdoff_ms", 1, code=1)
        contains("error", tool.errors, "the kernel's own")


CASES = [ranges_are_the_drivers, ends_of_ranges, words, answer_and_list,
         wrong_words, nobody_to_set]

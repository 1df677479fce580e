# SPDX-License-Identifier: GPL-2.0-only
"""What the driver shows to users, read from its source: the names, and the words beside them.

A macro that none of the patterns here knows would hide a name, so the numbers of
names found in two ways are compared where there are two (see checked()).
"""
from dataclasses import dataclass
import functools
import re

from area import Failure
from lab.cache import ROOT

DRIVER = ROOT / "drivers/virtio/virtio_balloon"


@dataclass
class Range:
    """What a number may be, and what it is when nobody sets it."""
    least: int
    most: int
    default: int


@functools.lru_cache(maxsize=None)
def read(name):
    """Return a file of the driver, string constants on several lines joined."""
    return re.sub(r'"\s*\n\s*"', "", (DRIVER / name).read_text(encoding="utf-8"))


def checked(found, number, what):
    """Return what was found; fail unless there are `number` of them, and any at all."""
    if not found or len(found) != number:
        raise Failure(f"{what}: {len(found)} read, {number} expected: teach source.py the new form")
    return found


def counters():
    """Return {name: help} of the table VB_COUNTERS."""
    table = re.search(r"#define VB_COUNTERS\(X\).*?[^\\]\n", read("balloon.h"), re.S).group()
    found = dict(re.findall(r'X\((\w+), "(.*?)"\)', table))
    return checked(found, table.count("\tX("), "VB_COUNTERS")


GROUPS = {"balloon": "sysfs.c", "pressure": "sysfs_pressure.c"}


def attributes(group):
    """Return {name: "RO", "WO" or "RW"} of the device attributes in a folder of GROUPS."""
    text = read(GROUPS[group])
    found = {name: mode for mode, name in re.findall(r"DEVICE_ATTR_(RO|WO|RW)\((\w+)\);", text)}
    found |= {name: "RW" for name in re.findall(r"^TUNABLE_ATTR\((\w+), \w+\);", text, re.M)}
    table = re.search(rf"{group}_attrs\[\] = \{{(.*?)NULL", text, re.S).group(1)
    return checked(found, table.count("&dev_attr_"), f"attributes of {group}/")


def tunables():
    """Return {parameter: "folder/name"} of the parameters that are the default of an attribute."""
    found = {name: f"balloon/{name}" for name in attributes("balloon")}
    return found | {f"pressure_{name}": f"pressure/{name}" for name in attributes("pressure")}


def _number(text):
    shifted = re.fullmatch(r"1U << (\d+)", text.strip())
    return 1 << int(shifted.group(1)) if shifted else int(text)


def ranges():
    """Return {name: Range} of every number that may be set."""
    text = read("tunables.c")
    rows = re.findall(r'\{\s*"(\w+)", ([^,"]+), ([^,"]+), ([^,"]+?)\s*\}', text)
    found = {name: Range(*map(_number, numbers)) for name, *numbers in rows}
    return checked(found, len(re.findall(r"\"\w+\", \d+, ", text)), "ranges")


def choices():
    """Return {name: [words]} of everything that takes a word."""
    text = read("tunables.c")
    lists = dict(re.findall(r"const char \* const (\w+)\[\] = \{(.*?)\};", text, re.S))
    rows = re.findall(r'\.name = "(\w+)",.*?\.words = (\w+),', text, re.S)
    found = {name: re.findall(r'"(\w+)"', lists[words]) for name, words in rows}
    return checked(found, text.count(".words = "), "choices")


def debugfs():
    """Return the names of the files in debugfs."""
    text = read("debugfs.c")
    found = set(re.findall(r'debugfs_create_file\("(\w+)"', text))
    return checked(found, text.count("debugfs_create_file("), "files in debugfs")


def parameters():
    """Return {name: ("RO" or "RW", description, default)} of the module parameters."""
    found = {}
    for path in sorted(DRIVER.glob("*.c")):
        text = read(path)
        modes = dict(re.findall(r"module_param(?:_cb|_named)?\((\w+),[^;]*?(0\d\d\d)\);", text))
        words = dict(re.findall(r'MODULE_PARM_DESC\((\w+),\s*"(.*?)"\);', text))
        checked(modes or {"": ""}, len(re.findall(r"^module_param", text, re.M)) or 1, path.name)
        for name, mode in modes.items():
            described = re.fullmatch(r"(.*) \(default (\w+)\)", words.get(name, ""))
            if not described:
                raise Failure(f"{name}: no MODULE_PARM_DESC that ends with (default ...)")
            found[name] = ("RW" if mode == "0644" else "RO", *described.groups())
    return found


def states():
    """Return the words that the attribute `state` may show."""
    bodies = re.findall(r"^(?:static )?const char \*\w*state\w*\(.*?^\}", read("decide.c"),
                        re.S | re.M)
    return set(re.findall(r'"([a-z-]+)"', "".join(bodies)))


def tracepoints():
    """Return the names of the trace events."""
    return set(re.findall(r"^(?:TRACE_EVENT|DEFINE_EVENT)\((?:vb_moved, )?(\w+)", read("trace.h"),
                          re.M))


def messages():
    """Return the format strings of all lines that the module may write to the kernel log."""
    call = r"\b(?:dev|pr)_(?:err|warn|info|notice|crit)\w*\("
    found = set()
    for path in sorted([*DRIVER.glob("*.c"), *(ROOT / "include").rglob("*.h")]):
        text = read(path)
        formats = re.findall(call + r'.*?"((?:[^"\\]|\\.)*)"', text, re.S)
        number = len(re.findall(call, text))
        found |= set(checked(formats or [""], number or 1, f"messages of {path.name}"))
    return found - {""}

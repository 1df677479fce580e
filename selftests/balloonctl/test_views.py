# SPDX-License-Identifier: GPL-2.0-only
"""status, why, export: one model, several views of it."""
import re

from area import Failure, fail_if
import fakeroot
from tool import Tool, contains, equal, golden

MIB = 1 << 20


def status_line_and_picture():
    """The line and the picture of a guest in which all is well."""
    with Tool() as tool:
        golden("status.txt", tool.run("status"))
        golden("status-ascii.txt", tool.run("status", "--ascii"))
        equal("status in the C locale", tool.run("status", env={"LC_ALL": "C"}),
              tool.run("status", "--ascii"))


def status_below_target():
    """The caret stands where the target is, beside the balloon's end."""
    with Tool() as tool:
        tool.root.sizes(target=196608, actual=65536, goal=65536, offset=-131072)
        tool.root.write(f"{fakeroot.DEVICE}/balloon/state", "holding-off")
        tool.root.meminfo(free=524288, available=550000)
        golden("status-below.txt", tool.run("status", "--ascii"))


def status_without_ours():
    """The kernel's own driver shows no target; its size comes from /proc."""
    with Tool(fakeroot.intree) as tool:
        golden("status-intree.txt", tool.run("status", "--ascii"))
        tool.root.write("proc/meminfo", tool.root.read("proc/meminfo") + "\nBalloon: 20480 kB\n")
        contains("status by /proc/meminfo", tool.run("status", "--ascii"), "balloon 20.0 MiB")
    with Tool(lambda folder: fakeroot.FakeRoot(folder)) as tool:
        contains("status of nothing", tool.run("status", "--ascii"), "no balloon device")


def memory_adds_up():
    """Where ballooned pages are not in MemTotal they are added; the parts are the whole."""
    with Tool() as tool:
        for features, total in (((1, 2), 1024), ((1,), 1536)):
            tool.root.write(f"{fakeroot.DEVICE}/features", fakeroot.bits(features))
            memory = tool.json("status")["memory"]
            equal("memory", memory["total"], total * MIB)
            equal("its parts", sum(memory[part] for part in ("used", "cache", "balloon", "free")),
                  total * MIB)
            equal("balloon", memory["balloon"], 512 * MIB)
            equal("cache", memory["cache"], (4096 + 122880 - 2048 + 6144) << 10)


def status_json():
    """JSON has all of the model, and export --json is the same."""
    with Tool() as tool:
        got = tool.json("status")
        equal("export --json", tool.json("export"), got)
        device = got["devices"][0]
        equal("selected", got["selected"], "virtio3")
        equal("time", got["at_ms"], 30000)
        equal("sizes", [device[name] for name in ("target", "actual", "goal", "offset")],
              [512 * MIB, 512 * MIB, 512 * MIB, 0])
        equal("features", device["accepted"],
              ["STATS_VQ", "DEFLATE_ON_OOM", "REPORTING", "EVENT_IDX", "VERSION_1"])
        equal("tunables", device["tunables"],
              {**{name: str(value) for name, value in fakeroot.TUNABLES.items()},
               **{f"pressure_{name}": str(value) for name, value in fakeroot.PRESSURE.items()},
               "host_timeout_ms": "10000"})
        equal("counters", device["counters"], fakeroot.COUNTERS)
        equal("decisions", [decision["event"] for decision in device["decisions"]],
              ["target", "need", "holdoff-over", "return", "target", "thrash", "oom", "need", "need",
               "other", "target", "target", "hint", "hint", "decay", "self", "self"])


def why_sentences():
    """Each kind of decision becomes a sentence, and its sums are right."""
    with Tool() as tool:
        golden("why.txt", tool.run("why", "--ascii", "--count", 20))
        got = tool.json("why", "--count", 11)[:6]
        equal("events", [one["event"] for one in got],
              ["oom", "need", "need", "other", "target", "target"])
        equal("swapping", [one["swaps"] for one in got], [False, False, True, *[False] * 3])
        contains("sentence", got[5]["sentence"], "512.0 MiB = 256.0 MiB + 256.0 MiB")
        contains("what is not understood stays", got[3]["sentence"], "looked at the moon")


def why_limits():
    """What stands between the target and the size is named, with its numbers."""
    with Tool() as tool:
        tool.root.sizes(target=262144, goal=131072)
        for state, available, wanted in (
                ("idle", 10240, "available 10.0 MiB is 6.0 MiB below the reserve 16.0 MiB"),
                ("inflating", 20480, "available 20.0 MiB - reserve 16.0 MiB = 4.0 MiB"),
                ("holding-off", 307200, "hold-off")):
            tool.root.write(f"{fakeroot.DEVICE}/balloon/state", state)
            tool.root.meminfo(available=available)
            contains(state, tool.run("why"), wanted)
        tool.root.sizes(offset=-131072)
        contains("deficit", tool.run("why"), "target 1024.0 MiB - the guest's offset 512.0 MiB = 512.0 MiB")


def why_without():
    """Without decisions it says how to have them."""
    with Tool() as tool:
        tool.root.remove(fakeroot.DECISIONS)
        contains("now", tool.run("why", code=1), "virtio3 is idle")
        contains("error", tool.errors, "mount -t debugfs")
    with Tool(fakeroot.intree) as tool:
        tool.run("why", code=1)
        contains("error", tool.errors, "the kernel's own")


def metrics(text):
    """Return {name and labels: value}; fail where the text is not what Prometheus reads."""
    values, kinds = {}, {}
    for line in text.splitlines():
        about = re.fullmatch(r"# (HELP|TYPE) (\w+) (.+)", line)
        sample = re.fullmatch(r"(\w+)((?:\{(?:\w+=\"[^\"]*\",?)+\})?) (-?[0-9.]+)", line)
        if about and about[1] == "TYPE":
            kinds[about[2]] = about[3]
        elif sample and sample[1] not in kinds:
            raise Failure(f"no type before {line}")
        elif sample and sample[1] + sample[2] in values:
            raise Failure(f"twice: {line}")
        elif sample:
            equal(f"a counter's name ends in _total: {sample[1]}", sample[1].endswith("_total"),
                  kinds[sample[1]] == "counter")
            values[sample[1] + sample[2]] = float(sample[3])
        elif not about:
            raise Failure(f"no line for Prometheus: {line!r}")
    return values


def prometheus():
    """Prometheus gets the numbers of the model, of all devices."""
    with Tool() as tool:
        tool.root.device("virtio10")
        tool.root.sizes(target=65536)
        tool.root.write("sys/bus/virtio/devices/virtio10/balloon/state", "stalled")
        got = metrics(tool.run("export", "--prometheus"))
        for name, value in {
                'memory_bytes{kind="balloon"}': 1024 * MIB,
                'target_bytes{device="virtio3"}': 256 * MIB,
                'target_bytes{device="virtio10"}': 512 * MIB,
                'state{device="virtio3",state="idle"}': 1,
                'state{device="virtio10",state="idle"}': 0,
                'state{device="virtio10",state="stalled"}': 1,
                'inflated_pages_total{device="virtio3"}': 131584,
                "stall_seconds_total": 0.25}.items():
            equal(name, got.get("virtio_balloon_" + name), value)
    with Tool(fakeroot.intree) as tool:
        got = metrics(tool.run("export", "--prometheus"))
        equal("balloon", got['virtio_balloon_memory_bytes{kind="balloon"}'], 800 * 4096)


def two_devices():
    """The first that is ours is meant, or the one that is named."""
    with Tool() as tool:
        tool.root.device("virtio10")
        tool.root.device("virtio1", ours=False)
        tool.root.write("sys/bus/virtio/devices/virtio10/balloon/actual_pages", 1000)
        equal("selected", tool.json("status")["selected"], "virtio3")
        equal("order", [one["name"] for one in tool.json("status")["devices"]],
              ["virtio1", "virtio3", "virtio10"])
        contains("status", tool.run("status", "--device", "virtio10"), "virtio10 idle")
        tool.run("status", "--device", "virtio0", code=1)
        contains("error", tool.errors, "virtio0 is no balloon device")


def colours():
    """On a terminal there are colours, unless NO_COLOR or a dumb terminal forbids them."""
    with Tool() as tool:
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True),
                              ({"TERM": "dumb"}, False)):
            for command in ("status", "doctor"):
                code, output = tool.terminal(command, env=env)
                equal(f"exit code of {command}", code, 0)
                equal(f"colours of {command} with {env}", "\033[" in output, coloured)
        equal("colours in a pipe", "\033[" in tool.run("status"), False)
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            equal("forced colours", "\033[" in tool.run("status", env={"CLICOLOR_FORCE": "1", **env}),
                  coloured)


def long_lines():
    """Lines are as long as the terminal's, or as COLUMNS says; in a pipe they do not end early."""
    with Tool() as tool:
        tool.root.sizes(offset=-131072)
        for words in (("status",), ("why",), ("doctor",), ("set",)):
            whole = tool.run(*words, code=None)
            equal(f"{words} has long lines", max(map(len, whole.splitlines())) > 80, True)
            lines = tool.run(*words, code=None, env={"COLUMNS": "80"}).splitlines()
            fail_if([line for line in lines if len(line) > 80], "too long:")
            equal(f"words of {words}", sorted(" ".join(lines).split()), sorted(whole.split()))
            code, output = tool.terminal(*words, env={"NO_COLOR": "1"}, size=(24, 70))
            fail_if([line for line in output.splitlines()
                     if len(line) > 70 and not re.search("[█·▓]", line)], "too long:")


CASES = [status_line_and_picture, status_below_target, status_without_ours, memory_adds_up,
         status_json, why_sentences, why_limits, why_without, prometheus, two_devices, colours,
         long_lines]

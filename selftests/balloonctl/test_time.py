# SPDX-License-Identifier: GPL-2.0-only
"""record, plot, watch: the model over time."""
import functools
import json
import random
import re
import xml.etree.ElementTree

from area import Failure, fail_if
import fakeroot
from tool import Tool, contains, equal, golden

MIB_PAGES = 256
# Second: target, what the balloon has, what the guest uses of 1024; MiB. A guest is asked for
# half of its memory, needs some of it back, and returns it.
STORY = {0: (0, 0, 200), 5: (512, 100, 200), 8: (512, 512, 200), 15: (512, 512, 400),
         18: (512, 460, 520), 20: (512, 400, 560), 28: (512, 400, 300), 30: (512, 430, 300),
         33: (512, 512, 250), 38: (256, 256, 250)}
TOLD = {5: "5.010 s: new target 131072 pages",
        18: "17.900 s: released 13312 pages in 13 calls: available 6.0 MiB, low mark 8.0 MiB; "
            "hold-off 8.000 s",
        20: "19.700 s: released 15360 pages in 15 calls: available 4.0 MiB, low mark 8.0 MiB; "
            "hold-off 8.000 s",
        28: "27.710 s: hold-off is over, the balloon has 102400 pages",
        30: "29.800 s: returned 7680 pages: available 200.0 MiB, more than 32.0 MiB",
        38: "37.500 s: new target 65536 pages"}


@functools.lru_cache(maxsize=None)
def story():
    """Return a recording: a run of `record` for each second of a guest that changes."""
    with Tool() as tool:
        return "".join(seconds_of(tool))


def seconds_of(tool):
    """Yield the lines of the recording."""
    told, now, stall = [], None, 0
    for second in range(41):
        now = STORY.get(second, now)
        target, balloon, used = now
        told += [TOLD[second]] if second in TOLD else []
        stall += 400000 if 15 <= second < 22 else 0
        root = tool.root
        root.write("proc/uptime", f"{second}.00 0.00")
        root.sizes(target=target * MIB_PAGES, actual=balloon * MIB_PAGES,
                   goal=balloon * MIB_PAGES, offset=0)
        free = 1024 - used - balloon - 32
        root.write("proc/meminfo", f"MemTotal: {1024 << 10} kB\nMemFree: {free << 10} kB\n"
                   f"MemAvailable: {free + 32 << 10} kB\nCached: {32 << 10} kB\n")
        root.pressure(stall)
        root.write(fakeroot.DECISIONS, "".join(line + "\n" for line in told))
        yield tool.run("record", "--count", 1)


def recording(tool):
    """Write the story's recording; return its path."""
    path = tool.file("recording")
    path.write_text(story(), encoding="utf-8")
    return path


def record_lines():
    """A line is a snapshot, as many as asked for, at the pace that was asked for."""
    with Tool() as tool:
        lines = tool.run("record", "--count", 3, "--interval", 0.1).splitlines()
        equal("lines", len(lines), 3)
        equal("a line", json.loads(lines[2]), tool.json("export"))
        tool.run("record", "--count", 2, "--interval", 0.05, "--output", tool.file("out"))
        equal("lines in a file", len(tool.file("out").read_text().splitlines()), 2)
        tool.run("record", "--interval", 0.05, "--output", "/dev/full", code=1)
        contains("error", tool.errors, "/dev/full")


def plot_svg():
    """The picture of the story is the same, byte for byte, and is XML."""
    with Tool() as tool:
        path = recording(tool)
        text = tool.run("plot", path)
        equal("plot from a pipe", tool.run("plot", stdin=path.read_text()), text)
        tool.run("plot", path, "--output", tool.file("svg"))
        equal("plot into a file", tool.file("svg").read_text(), text)
        tree = xml.etree.ElementTree.fromstring(text)
        name = "{http://www.w3.org/2000/svg}"
        equal("events", len(tree.findall(f"{name}g/{name}title")), len(TOLD))
        equal("hold-offs", sum(rect.get("class") == "holdoff" and float(rect.get("height")) > 20
                               for rect in tree.iter(f"{name}rect")), 1)
        equal("layers", sorted(path.get("class") for path in tree.iter(f"{name}path")
                               if "layer" in path.get("class")),
              ["layer balloon", "layer cache", "layer free", "layer used"])
        golden("story.svg", text)


def letters_stand_apart():
    """The letters of events at one time stand beside each other, and only theirs are named."""
    with Tool() as tool:
        path = tool.file("recording")
        lines = []
        for second in (0, 60):
            tool.root.write("proc/uptime", f"{second}.00 0.00")
            lines.append(tool.run("record", "--count", 1))
        path.write_text("".join(lines), encoding="utf-8")
        text = tool.run("plot", path)
    letters = re.findall(r'v10"/><text class="small" x="([\d.]+)"[^>]*>(.)<', text)
    places = [float(place) for place, _ in letters]
    fail_if([f"{a} and {b}" for a, b in zip(places, places[1:]) if b - a < 8.9], "too close:")
    named = re.search(r'text-anchor="end">(\w \w[^<]+)<', text)[1]
    equal("names", {name[0] for name in named.split(", ")}, {letter for _, letter in letters} - {"?"})


def plot_is_true():
    """The layers end where the numbers say, and the target is a step line."""
    with Tool() as tool:
        text = tool.run("plot", recording(tool))
    target = re.search(r'class="target" d="([^"]+)"', text)[1]
    points = [tuple(map(float, point)) for point in re.findall(r"[ML]([\d.]+) ([\d.]+)", target)]
    fail_if([f"{a} to {b} is no step" for a, b in zip(points, points[1:])
             if a[0] != b[0] and a[1] != b[1]])
    # 1024 MiB are 308 pixels above the axis at 404, 864 pixels from 76 on are 40 s.
    equal("target, as what it leaves to the guest", points[:3],
          [(76, 96), (76 + 5 * 21.6, 96), (76 + 5 * 21.6, 250)])
    used = re.search(r'class="layer used" d="M([\d.]+) ([\d.]+)', text)
    equal("used at first", float(used[2]), round(404 - 200 * 308 / 1024, 1))
    shade = re.search(r'class="holdoff" x="([\d.]+)" y="96" width="([\d.]+)"', text)
    equal("hold-off", (float(shade[1]), float(shade[2])),
          (round(76 + 17.9 * 21.6, 1), round(9.81 * 21.6, 1)))


def plot_strips():
    """The same as text, for a terminal."""
    with Tool() as tool:
        path = recording(tool)
        golden("story.txt", tool.run("plot", path, "--text"))
        ascii_text = tool.run("plot", path, "--text", "--ascii")
        golden("story-ascii.txt", ascii_text)
        if not ascii_text.isascii():
            raise Failure("--ascii has other characters")
        fail_if([line for line in ascii_text.splitlines() if len(line) > 80], "too long:")
        equal("lines", len(ascii_text.splitlines()), 24)


def watch_replay():
    """A replay shows the recording second by second, and ends with its last frame."""
    with Tool() as tool:
        path = recording(tool)
        text = tool.run("watch", "--replay", path, "--interval", 0.01, "--speed", 1000, "--ascii")
        equal("frames", text.count(" s  balloon "), 5)
        golden("replay-last.txt", "".join(line + "\n" for line in text.splitlines()[-24:]))
        one = tool.run("watch", "--replay", path, "--count", 1, "--ascii")
        contains("first frame", one, "0.000 s")


def watch_live():
    """Live frames come from snapshots; in a pipe they are text."""
    with Tool() as tool:
        text = tool.run("watch", "--count", 2, "--interval", 0.05, "--ascii")
        equal("lines", len(text.splitlines()), 48)
        contains("frame", text, "virtio3", "balloon 512.0 MiB of 512.0 MiB")


def watch_screen():
    """On a terminal it is a screen of 80x24, with a pause, and q ends it."""
    with Tool() as tool:
        path = recording(tool)
        for words in (("watch",), ("watch", "--replay", path, "--interval", 0.1)):
            code, output = tool.terminal(*words, keys=[" ", " ", "q"])
            equal("exit code", code, 0)
            contains("screen", output, "\033[?1049h", "virtio3", "paused", "q quits", "available",
                     " MiB", "\033[?1049l")
            equal("screen with colours", bool(re.search(r"\033\[[\d;]*34m", output)), True)
        code, output = tool.terminal("watch", keys=["q"], env={"NO_COLOR": "1"})
        equal("screen with NO_COLOR", bool(re.search(r"\033\[[\d;]*3[0-7]m", output)), False)
        code, output = tool.terminal("watch", keys=["q"], size=(10, 40))
        equal("exit code on a small screen", code, 0)
        # ncurses itself loses some memory then.
        code, output = tool.terminal("watch", env={"TERM": "none-such",
                                                   "ASAN_OPTIONS": "detect_leaks=0"})
        equal("exit code on an unknown terminal", code, 1)
        contains("error", output, "none-such")


def intree_over_time():
    """With the kernel's own driver there are sizes, and no target."""
    with Tool(fakeroot.intree) as tool:
        path = tool.file("recording")
        first = tool.run("record", "--count", 1)
        tool.root.write("proc/uptime", "31.50 0")
        path.write_text(first + tool.run("record", "--count", 1), encoding="utf-8")
        contains("strips", tool.run("plot", path, "--text"), "balloon 3.1 MiB  available")
        equal("target", 'class="target"' in tool.run("plot", path), False)


def bad_recordings():
    """What is no recording is refused with its line."""
    with Tool() as tool:
        good = tool.run("record", "--count", 1)
        for text, part in (("", "is empty"), ("{}\n", ":1 is no line"), ("nonsense", ":1 is no"),
                           (good + "[1]\n", ":2 is no line"),
                           (good + good[:100], ":2 is no line"),
                           ('{"memory": 1, "devices": []}', ":1 is no line")):
            path = tool.file("bad")
            path.write_text(text, encoding="utf-8")
            for words in (("plot", path), ("watch", "--replay", path)):
                tool.run(*words, code=1)
                contains("error", tool.errors, part)
        tool.run("plot", tool.file("none"), code=1)
        contains("error", tool.errors, "No such file")


NUMBERS = ["-1", "0", "9223372036854775807", "-9223372036854775808", "1e308", '"text"', "null",
           "99999999999999999999"]


def garbage():
    """Recordings with parts changed at random break nothing, whatever the numbers are."""
    chance = random.Random(7)
    with Tool() as tool:
        lines = story().splitlines()[3:33:5]
        path = tool.file("garbage")
        for _ in range(40):
            text = "\n".join(lines) + "\n"
            for _ in range(chance.randint(1, 6)):
                spots = list(re.finditer(r"(?<=:)-?\d+", text))
                spot = chance.choice(spots)
                text = text[:spot.start()] + chance.choice(NUMBERS) + text[spot.end():]
            if chance.random() < 0.2:
                text = text[:chance.randrange(len(text))]
            path.write_text(text, encoding="utf-8")
            tool.run("plot", path, code=None)
            tool.run("plot", path, "--text", code=None)


CASES = [record_lines, plot_svg, letters_stand_apart, plot_is_true, plot_strips, watch_replay, watch_live, watch_screen,
         intree_over_time, bad_recordings, garbage]

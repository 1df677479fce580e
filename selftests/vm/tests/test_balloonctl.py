# SPDX-License-Identifier: GPL-2.0-only
"""balloonctl in a guest: it says what the host and the kernel say, with either driver."""
import json
from pathlib import Path
import re

from lab import terminal
from lab.cache import BUILD, ROOT, locked, run
from lab.testing import timeout

from common import MIB, SYSFS, actual_for, balloon_kib, boot, pattern, resize, sysfs, tune
from test_oom import needs_half_of_the_balloon, reached, victim

HELD = 600 * MIB
OUT = BUILD / "static"
RECORDING = "/tmp/recording"
# What watch shows at a time.
LINES = 24
TERMINAL = f"LC_ALL=C.UTF-8 COLUMNS={terminal.COLUMNS} CLICOLOR_FORCE=1"
# With it C.UTF-8 has its letters.
LETTERS = Path("/usr/lib/locale/C.utf8/LC_CTYPE")


def program():
    """Return {path: balloonctl}, without shared libraries."""
    with locked("balloonctl", BUILD / "locks"):
        run(["make", "-s", "-C", ROOT / "tools/balloonctl", "STATIC=1", "LDFLAGS=-s",
             f"OUT={OUT}"])
    return {"/bin/balloonctl": OUT / "balloonctl"}


def told(guest, words, status=0):
    """Return what a command of balloonctl prints as JSON."""
    code, output = guest.run(f"balloonctl {words} --json 2>/tmp/errors")
    if code != status:
        raise AssertionError(f"balloonctl {words}: exit {code}, not {status}\n"
                             f"{output}{guest.read('/tmp/errors')}")
    return json.loads(output)


def photograph(lab, guest, words, status=0):
    """Keep what a command prints as a picture, for the documents."""
    code, output = guest.run(f"cd /tmp && {TERMINAL} balloonctl {words}")
    lab.check_equal(f"exit code of {words}\n{output}\n", code, status)
    name = words.split()[0]
    text = "\n".join(output.splitlines()[-LINES:]) if name == "watch" else output
    (BUILD / "vm" / f"{lab.label}-{name}.svg").write_text(
        terminal.screen(f"balloonctl {words}", text), encoding="utf-8")
    return text


def findings(guest, status):
    """Return {id: level} of what the doctor finds."""
    return {one["id"]: one["level"] for one in told(guest, "doctor", status)}


def sizes(lab, guest):
    """Sizes are those of the host and of /proc."""
    held = guest.memory - actual_for(guest, guest.memory - HELD)
    # each processor adds its counts to the kernel's once a second
    guest.wait_until(lambda: told(guest, "status")["memory"]["balloon"] == held, 5,
                     lambda: f"the balloon is {told(guest, 'status')['memory']['balloon']}, "
                     f"not {held}", 0.2)
    got = told(guest, "status")
    memory, device = got["memory"], got["devices"][0]
    parts = [memory[part] for part in ("used", "cache", "balloon", "free")]
    lab.check_equal("the parts of memory", sum(parts), memory["total"])
    # DEFLATE_ON_OOM: what is in the balloon is still in MemTotal.
    lab.check_equal("memory", memory["total"], guest.meminfo()["MemTotal"] << 10)
    lab.check_near("available", memory["available"], guest.meminfo()["MemAvailable"] << 10,
                   32 * MIB)
    lab.check("DEFLATE_ON_OOM is accepted", "DEFLATE_ON_OOM" in device["accepted"])
    if lab.driver == "ours":
        lab.check_equal("target, actual, goal", [device["target"], device["actual"],
                                                 device["goal"]], [held] * 3)
    lab.check("a picture", "balloon 600.0 MiB" in guest.check("balloonctl status --ascii"))


def exported(lab, guest):
    """Prometheus gets the same numbers."""
    text = guest.check("balloonctl export --prometheus")
    values = dict(re.findall(r"^virtio_balloon_(\S+) (\S+)$", text, re.M))
    lab.check_equal("balloon", int(values['memory_bytes{kind="balloon"}']),
                    balloon_kib(guest) << 10)
    version = "0.1.0" if lab.driver == "ours" else ""
    lab.check(f"version {version!r} in\n{text}", f'version="{version}"' in text)


def doctor_of_ours(lab, guest):
    """The host that never asked is found, and no longer when it asks; nothing else is wrong."""
    photograph(lab, guest, "doctor", 1)
    before = findings(guest, 1)
    lab.check_equal("what is wrong", {name for name, level in before.items()
                                      if level in ("warn", "bad")}, {"no-stats"})
    lab.check_equal("the driver", before.get("driver"), "good")
    guest.guest_stats()
    after = findings(guest, 0)
    lab.check_equal("what is new", {*before} ^ {*after}, {"no-stats"})
    tune(guest, reserve_kib=1024)
    lab.check_equal("a small reserve", findings(guest, 1).get("small-reserve"), "warn")


def setting(lab, guest):
    """A value is set, one out of range is not; the reserve is back at what the driver makes it."""
    guest.check("balloonctl set reserve_kib 20480")
    lab.check_equal("reserve_kib", sysfs(guest, "reserve_kib"), 20480)
    status, output = guest.run("balloonctl set low_percent 91 2>&1")
    lab.check_equal("exit code", status, 1)
    lab.check(output, "not a number from 0 to 90" in output)
    lab.check_equal("low_percent", sysfs(guest, "low_percent"), 50)
    answer = guest.check("balloonctl set reserve_kib 0")
    lab.check_equal("answer", answer.strip(),
                    f"reserve_kib: 20480 -> {sysfs(guest, 'reserve_kib')} KiB")
    lab.check("the reserve is worked out", sysfs(guest, "reserve_kib") >= 16384)
    guest.check("balloonctl set host_timeout_ms 9000")
    lab.check_equal("host_timeout_ms", guest.read("/sys/module/virtio_balloon/parameters/"
                                                  "host_timeout_ms"), "9000")


def in_need(lab, guest):
    """A guest in need takes back: why says so with numbers that add up, and plot shows it."""
    tune(guest, holdoff_ms=3000, return_ms=300, return_step=2)
    recorder = guest.start(f"balloonctl record --interval 0.2 --output {RECORDING}")
    job = victim(guest, "hold", needs_half_of_the_balloon(guest))
    reached(lab, guest, job, "ready")
    guest.check("killall -KILL pattern")
    photograph(lab, guest, "status")
    photograph(lab, guest, "why --count 2")
    guest.wait_until(lambda: sysfs(guest, "offset_pages") == 0, 30,
                     lambda: "the deficit does not return")
    decisions = told(guest, "why --count 64")
    guest.check("killall -INT balloonctl")
    lab.check_equal("exit code of record", recorder.wait(20)[0], 0)
    kinds = {one["event"] for one in decisions}
    lab.check(f"what was decided: {kinds}", {"target", "holdoff-over", "return"} <= kinds)
    lab.check_equal("decisions that are not understood", "other" in kinds, False)
    for kind in ("need", "oom", "thrash"):
        pages = sum(one["pages"] for one in decisions if one["event"] == kind)
        counted = int(guest.read(f"{SYSFS}/../balloon_counters/{kind}_deflated_pages"))
        lab.check_equal(f"pages taken back for {kind}", pages, counted)
    lab.check("some were taken back", kinds & {"need", "oom"})
    text = guest.check("balloonctl why --count 64 --ascii")
    lab.check(text, "does not grow" in text and "reserve" in text)


def recorded(lab, guest):
    """What was recorded becomes pictures."""
    svg = guest.check(f"balloonctl plot {RECORDING}")
    (BUILD / "vm" / f"{lab.label}.svg").write_text(svg, encoding="utf-8")
    lab.check("hold-offs are shaded", svg.count('class="holdoff"') > 1)
    lab.check("the target is a line", 'class="target"' in svg)
    lab.check_equal("the same bytes", guest.check(f"balloonctl plot <{RECORDING}"), svg)
    strips = guest.check(f"balloonctl plot {RECORDING} --text --ascii").splitlines()
    lab.check_equal("lines of the strips", len(strips), 24)
    lab.check(f"events: {strips[19]}", re.search("[NO].*r", strips[19]))
    # Ten times as fast as it was, so that all of it is on the axis of the last frame.
    frame = photograph(lab, guest, "watch --replay recording --interval 0.01 --speed 10")
    sizes_strip = "".join(frame.splitlines()[1:13])
    lab.check(frame, "█" in sizes_strip and "░" in sizes_strip)


def without_ours(lab, guest):
    """The doctor says which driver it is, and what to do; what needs ours says so."""
    found = findings(guest, 1)
    lab.check_equal("the driver", found.get("in-tree"), "info")
    lab.check_equal("ours", found.get("not-installed"), "bad")
    for words in ("why", "set holdoff_ms 1"):
        status, output = guest.run(f"balloonctl {words} 2>&1")
        lab.check_equal(f"exit code of {words}", status, 1)
        lab.check(output, "kernel's own" in output)
    guest.check(f"balloonctl record --count 2 --interval 0.1 >{RECORDING}")
    lab.check("a picture", "layer balloon" in guest.check(f"balloonctl plot {RECORDING}"))


@timeout(400)
def test_balloonctl(lab):
    """All commands in a guest, compared with what the host, sysfs and /proc say."""
    files = {**program(), **pattern(), str(LETTERS): LETTERS}
    with boot(lab, balloon={"deflate-on-oom": "on"}, files=files) as guest:
        resize(guest, guest.memory - HELD)
        lab.case("sizes", sizes, lab, guest)
        lab.case("export", exported, lab, guest)
        if lab.driver == "intree":
            lab.case("without ours", without_ours, lab, guest)
            return
        lab.case("doctor", doctor_of_ours, lab, guest)
        lab.case("set", setting, lab, guest)
        lab.case("in need", in_need, lab, guest)
        lab.case("recorded", recorded, lab, guest)

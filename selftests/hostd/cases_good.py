# SPDX-License-Identifier: GPL-2.0-only
"""What the daemon does with guests that behave."""
import json
import os
from pathlib import Path
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from area import Failure
import daemon
from daemon import Daemon, Host, small_host, wait_for
from fakes import Fleet, GIB, MIB
from lab.cache import ROOT

sys.path.append(str(ROOT / "selftests/abi"))
import blocks       # noqa: E402


def must(condition, text):
    """Fail with a text."""
    if not condition:
        raise Failure(text)


def free_port():
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


ROOT = Path(__file__).resolve().parents[2]


def hints_bring_what_is_lacking():
    """Guests with agents give by their slack, one without by its target; then it is over."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        for i in range(4):
            fleet.add(folder, f"guest{i}", used=GIB + i * GIB // 2, agent=i < 3)
        host = small_host(fleet, folder)
        with Daemon("[hint]\nttl = 1min\n", fleet, host) as hostd:
            hostd.wait_heard()
            must(not any(guest.targets or guest.hints for guest in fleet.guests),
                 "something was asked without any need")
            host.total -= 2 * GIB
            wait_for("the reserve", lambda: (hostd.rounds(1), hostd.status())[1]["host"]["need"]
                     < 32 * MIB and hostd.status()["round"] > 6)
            given = [guest.memory - guest.size for guest in fleet.guests]
            must(given[0] > given[1] > given[2] > 0, f"not by slack: {given}")
            must(not any(guest.targets for guest in fleet.guests[:3]),
                 "a guest that takes hints was given a target, too")
            must(fleet.guests[3].targets, "nothing was asked of a guest without an agent")
            must(sum(given) < 2.3 * GIB, f"too much was taken: {given}")
            # Enough for all: they are told that it is over.
            host.total += 8 * GIB
            wait_for("the end", lambda: (hostd.rounds(1), all(
                guest.hints[-1][1]["level"] == "none" for guest in fleet.guests[:3]))[1])
            wait_for("its memory", lambda: (hostd.rounds(1), fleet.guests[3].size)[1] == 4 * GIB)


def each_policy_runs():
    """Every policy takes what is lacking from real sockets, and never below a floor."""
    for policy in ("hint", "proportional", "equal", "mom", "fixed", "static"):
        with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
            for i in range(3):
                fleet.add(folder, f"guest{i}", memory=GIB, used=GIB // 4)
            host = Host(f"{folder}/cgroup", 3 * GIB, fleet)
            settings = f"policy = {policy}"
            sections = "[guests]\nfloor = 40%\n[fixed]\ncritical = 200M\n" \
                "[guest guest0]\nsize = 60%\nqmp = " + fleet.guests[0].qmp + "\n"
            first = fleet.guests.pop(0)
            with Daemon(sections, fleet, host, settings) as hostd:
                wait_for("three guests", lambda: len(hostd.guests()) == 3)
                fleet.guests.insert(0, first)
                hostd.wait_heard()
                wait_for(f"{policy} takes", lambda: (hostd.rounds(1), sum(
                    guest.size for guest in fleet.guests))[1] <= 2.65 * GIB)
                hostd.rounds(4)
                low = [guest.name for guest in fleet.guests if guest.size < 0.4 * GIB - 4096]
                must(not low, f"{policy}: below the floor: {low}")


def dry_run_changes_nothing():
    """It says what would be done, and does not even ask for statistics."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        for i in range(2):
            fleet.add(folder, f"guest{i}", agent=i == 0)
        host = small_host(fleet, folder, lacking=GIB)
        with Daemon(fleet=fleet, host=host, options=["--dry-run"]) as hostd:
            hostd.wait_heard()
            wait_for("what would be", lambda: "target" in hostd.log() and "hint c" in hostd.log())
            must(hostd.status()["dry_run"], "the status does not tell")
        must(not any(guest.targets or guest.hints for guest in fleet.guests),
             "something was changed")


def once_decides_once():
    """--once asks, decides, tells and ends."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        guest = fleet.add(folder, "guest", memory=4 * GIB)
        host = small_host(fleet, folder, lacking=GIB)
        hostd = Daemon(fleet=fleet, host=host)
        code, text = hostd.run("--once")
        must(not code, f"exit code {code}: {text}")
        wait_for("the target", lambda: len(guest.targets) == 1)
        guest.target = guest.memory
        code, text = hostd.run("--once", "--dry-run")
        must(not code and "target" in text, f"exit code {code}: {text}")
        must(len(guest.targets) == 1, "a dry run set a target")
        hostd.scratch.cleanup()


def replay_decides_the_same():
    """A trace, replayed, leads to the targets that were set; another policy to others."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        for i in range(2):
            fleet.add(folder, f"guest{i}", used=GIB + i * GIB)
        host = small_host(fleet, folder, lacking=GIB)
        trace = f"{folder}/trace"
        with Daemon(fleet=fleet, host=host, daemon=f"trace = {trace}") as hostd:
            wait_for("targets", lambda: (hostd.rounds(1), any(
                guest.targets for guest in fleet.guests))[1])
            hostd.stop()
            code, text = hostd.run("--replay", trace)
            must(not code, text)
            replayed = [line.split() for line in text.splitlines()]
            for guest in fleet.guests:
                told = [int(words[4]) for words in replayed if words[1] == guest.name]
                must(told == [target for _, target in guest.targets],
                     f"{guest.name}: {told}, and not {guest.targets}")
            hostd.config.write_text("[daemon]\npolicy = static\n")
            code, text = hostd.run("--replay", trace)
            # That one gives all back, and takes nothing.
            must(not code and all(int(words[4]) == 4 * GIB for words in map(
                str.split, text.splitlines())), text)
            shutil.copy(hostd.config, f"{folder}/other.conf")
            for line in documented():
                must(_shell(line, folder) == text, line)
            with open(trace, "a", encoding="utf-8") as file:
                file.write("{]\n")
            code, text = hostd.run("--replay", trace)
            must(code and "no snapshot" in text, f"{code}: {text}")


def documented():
    """Return the documents' command lines about traces."""
    return [line for _, lines in blocks.run_by(blocks.DAEMON) for line in lines]


def _shell(line, folder):
    """Run a line in a folder, with the daemon in the PATH; return what it says."""
    path = f"{Path(daemon.PROGRAM).parent}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-c", line], cwd=folder, env={**os.environ, "PATH": path},
                          stdout=subprocess.PIPE, text=True, check=True).stdout


def status_for_people_and_programs():
    """One line a guest, with a bar and a caret; and JSON that says the same."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "half", used=GIB).target = 2 * GIB
        fleet.add(folder, "full", agent=True)
        with Daemon(fleet=fleet, host=small_host(fleet, folder)) as hostd:
            hostd.wait_heard()
            shown = subprocess.run([daemon.PROGRAM, "status", "-s", hostd.status_path],
                                   stdout=subprocess.PIPE, text=True, check=True).stdout
            line = next(line for line in shown.splitlines() if line.startswith("half"))
            bar = line[line.index("[") + 1:line.index("]")]
            must(bar == "#" * 15 + "^" + "." * 16, line)
            must("2.0G of  4.0G" in line, line)
            must("pressure none by meminfo" in shown and "2 guests" in shown, shown)
            lines = subprocess.run([daemon.PROGRAM, "status", "--json", "-s", hostd.status_path],
                                   stdout=subprocess.PIPE, text=True, check=True).stdout
            status, *guests = map(json.loads, lines.splitlines())
            must(status["guests"] == len(guests) == 2, lines)
            must({"half": 2 * GIB, "full": 4 * GIB} ==
                 {guest["name"]: guest["size"] for guest in guests}, lines)
            must(not hostd.ask("reboot")["ok"], "an unknown command was taken")
        done = subprocess.run([daemon.PROGRAM, "status", "-s", hostd.status_path], check=False,
                              stderr=subprocess.PIPE, text=True)
        must(done.returncode == 1 and str(hostd.status_path) in done.stderr, done.stderr)


def metrics_by_http_and_file():
    """Both say the same; it listens locally, and knows one page only."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "web")
        settings = f"metrics = {port}\ntextfile = {folder}/balloon.prom"
        with Daemon(fleet=fleet, host=small_host(fleet, folder), daemon=settings) as hostd:
            hostd.wait_heard()
            url = f"http://127.0.0.1:{port}"
            with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
                text = answer.read().decode()
                must(answer.headers["Content-Type"].startswith("text/plain"), "its type")
            must(f'balloon_hostd_guest_size_bytes{{guest="web"}} {4 * GIB}\n' in text, text)
            must('balloon_hostd_guest_trouble_total{guest="web",kind="lies"} 0\n' in text, text)
            names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
            must(len(names) == len(set(names)) > 15, f"{names}")
            with open(f"{folder}/balloon.prom", encoding="utf-8") as file:
                written = [line.split()[2] for line in file if line.startswith("# TYPE")]
            must(names == written, f"{names} and {written}")
            try:
                urllib.request.urlopen(f"{url}/etc/passwd", timeout=10)
                raise Failure("another page was found")
            except urllib.error.HTTPError as error:
                must(error.code == 404, f"{error}")
            listening = open("/proc/net/tcp", encoding="ascii").read()
            must(f"0100007F:{port:04X} 00000000:0000 0A" in listening, "not only local")


def guests_come_and_go():
    """A QEMU ends and another begins; the config brings and takes guests."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        first = fleet.add(folder, "first")
        second = fleet.add(folder, "second")
        with Daemon(fleet=fleet, host=small_host(fleet, folder)) as hostd:
            hostd.wait_heard()
            fleet.stop(first)
            wait_for("its end", lambda: not hostd.guests()["first"]["connected"])
            must(hostd.guests()["second"]["connected"], "the other one was lost, too")
            first.target = GIB
            fleet.start(first)
            wait_for("its return", lambda: hostd.guests()["first"]["size"] == GIB)
            fleet.guests.remove(first)
            fleet.add(folder, "third")
            connections = second.connections
            hostd.write_config()
            hostd.reload()
            wait_for("the third", lambda: set(hostd.guests()) == {"second", "third"})
            hostd.wait_heard()
            must(second.connections == connections, "a guest that stays was connected anew")
            fleet.guests.append(first)      # to be stopped


def reload_changes_what_it_may():
    """Policy, floors, sockets: taken at once; the rest goes on."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "web")
        with Daemon(fleet=fleet, host=small_host(fleet, folder)) as hostd:
            hostd.wait_heard()
            hostd.daemon = f"policy = static\nmetrics = {port}"
            hostd.write_config("floor = 3G\nsize = 3G\n")
            hostd.reload()
            wait_for("its size", lambda: fleet.guests[0].size == 3 * GIB)
            must(hostd.guests()["web"]["floor"] == 3 * GIB, "the floor is the old one")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                must(answer.status == 200, "no metrics")
            must(hostd.status()["reloads"] == 1, "not counted")


def documents_name_all():
    """Every setting is in the man page, the guide's metrics exist, the example is good."""
    source = (ROOT / "tools/balloon-hostd/config.c").read_text()
    page = (ROOT / "Documentation/man/balloon-hostd.conf.5").read_text()
    keys = re.findall(r'\{ (?:"\w+"|GUEST_SECTION), "(\w+)", ', source)
    must(len(keys) > 20, f"{keys}")
    headings = " ".join(re.findall(r"^\.TP\n\.BR? (.*)$", page, re.M))
    missing = [key for key in keys if not re.search(rf"\b{key}\b", headings)]
    must(not missing, f"not in the man page: {missing}")
    example = ROOT / "tools/balloon-hostd/balloon-hostd.conf"
    for text in (example.read_text(), re.sub(r"(?m)^#(?=[\w[])", "", example.read_text())):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([daemon.PROGRAM, "--check", "-c", file.name], check=False,
                                  stderr=subprocess.PIPE, text=True)
            must(not done.returncode, done.stderr)
    guide = (ROOT / "Documentation/admin-guide/balloon-hostd.rst").read_text()
    metrics = (ROOT / "tools/balloon-hostd/metrics.c").read_text()
    missing = [name for name in re.findall(r"balloon_hostd_(\w+)", guide)
               if f'"{name}"' not in metrics]
    must(not missing, f"no such metrics: {missing}")


CASES = [hints_bring_what_is_lacking, each_policy_runs, dry_run_changes_nothing,
         once_decides_once, replay_decides_the_same, status_for_people_and_programs,
         metrics_by_http_and_file, guests_come_and_go, reload_changes_what_it_may,
         documents_name_all]

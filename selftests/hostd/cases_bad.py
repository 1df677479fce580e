# SPDX-License-Identifier: GPL-2.0-only
"""What the daemon does with guests that are silent, lie or speak garbage, and with bad configs."""
import os
import signal
import tempfile
import time

from cases_good import must
from daemon import Daemon, small_host, wait_for
from fakes import Fleet, GIB, MIB


def a_silent_guest_delays_nobody():
    """It is asked no more than once, dropped after the timeout, and tried again."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        good = fleet.add(folder, "good")
        bad = fleet.add(folder, "bad")
        with Daemon(fleet=fleet, host=small_host(fleet, folder), daemon="timeout = 1s") as hostd:
            hostd.wait_heard()
            bad.mode = "silent"
            asked, rounds = good.commands, hostd.status()["round"]
            time.sleep(5)
            rounds = hostd.status()["round"] - rounds
            must(rounds >= 4, f"{rounds} rounds in 5 s")
            must(good.commands - asked >= 3 * (rounds - 1), "the good one was asked less")
            guests = hostd.guests()
            must(guests["bad"]["trouble"]["silence"] > 0, f"{guests['bad']}")
            must(guests["good"]["size_age"] <= 1, f"{guests['good']}")
            bad.mode = "good"
            wait_for("its return", lambda: hostd.guests()["bad"]["size_age"] <= 1, 40)


def nothing_is_taken_on_old_data():
    """The guest fell silent before the host was pressed: its last words do not count."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        good = fleet.add(folder, "good")
        bad = fleet.add(folder, "bad")
        host = small_host(fleet, folder)
        with Daemon(fleet=fleet, host=host, daemon="timeout = 10min") as hostd:
            hostd.wait_heard()
            bad.mode = "silent"
            wait_for("old data", lambda: hostd.guests()["bad"]["size_age"] > 3)
            host.total -= GIB
            wait_for("the other gives", lambda: (hostd.rounds(1), good.targets)[1])
            hostd.rounds(3)
            must("bad: target" not in hostd.log(), "something was taken from it")


def garbage_is_survived():
    """No JSON, megabytes without a newline, answers to nothing: counted, and the guest returns."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        good = fleet.add(folder, "good")
        bad = [fleet.add(folder, mode) for mode in ("garbage", "flood", "wrong")]
        with Daemon(fleet=fleet, host=small_host(fleet, folder), daemon="timeout = 1s") as hostd:
            hostd.wait_heard()
            for guest in bad:
                guest.mode = guest.name
            time.sleep(5)
            guests = hostd.guests()
            must(guests["wrong"]["trouble"]["garbage"] > 0, f"{guests['wrong']}")
            for guest in bad:
                must(guest.connections > 1, f"{guest.name} was not dropped")
                guest.mode = "good"
            must(guests["good"]["size_age"] <= 1 and good.connections == 1, f"{guests['good']}")
            wait_for("all good again", lambda: all(
                guest["size_age"] <= 1 for guest in hostd.guests().values()), 40)


def agents_may_be_bad():
    """An agent that speaks garbage, or nothing: its guest is ruled by targets."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        guests = [fleet.add(folder, mode, agent=True)
                  for mode in ("silent", "garbage", "flood", "wrong")]
        host = small_host(fleet, folder)
        with Daemon(fleet=fleet, host=host, daemon="timeout = 1s") as hostd:
            hostd.wait_heard()
            wait_for("agents", lambda: all(
                guest["has_hints"] for guest in hostd.guests().values()))
            for guest in guests:
                guest.agent_mode = guest.name
            wait_for("no agents", lambda: not any(
                guest["has_hints"] for guest in hostd.guests().values()))
            host.total -= 2 * GIB
            wait_for("targets", lambda: (hostd.rounds(1), all(
                guest.targets for guest in guests))[1])
            must(not any(guest.hints for guest in guests), "a hint to a bad agent")


def lies_are_not_believed():
    """All zeros, more available than total, a clock that runs backwards: nothing is taken."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        good = fleet.add(folder, "good")
        liars = [fleet.add(folder, mode) for mode in ("zeros", "liar", "backwards")]
        host = small_host(fleet, folder)
        with Daemon(fleet=fleet, host=host) as hostd:
            hostd.wait_heard()
            for guest in liars:
                guest.mode = guest.name
            wait_for("old data", lambda: all(
                hostd.guests()[guest.name]["stats_age"] > 3 for guest in liars))
            must(all(hostd.guests()[guest.name]["trouble"]["lies"] for guest in liars),
                 "lies that were not seen")
            host.total -= GIB
            wait_for("the good one gives", lambda: (hostd.rounds(1), good.targets)[1])
            hostd.rounds(3)
            must(not any(guest.targets for guest in liars), "a liar was believed")


def a_guest_that_refuses():
    """Errors for answers are counted, and nothing else happens."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        guest = fleet.add(folder, "guest")
        with Daemon(fleet=fleet, host=small_host(fleet, folder)) as hostd:
            hostd.wait_heard()
            guest.mode = "refuses"
            wait_for("errors", lambda: hostd.guests()["guest"]["trouble"]["refused"] > 2)
            must(guest.connections == 1, "the connection was dropped for an error")


def left_alone_while_it_migrates():
    """No target and no hint for a guest that migrates, even under pressure."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        good = fleet.add(folder, "good")
        moving = [fleet.add(folder, "moving"), fleet.add(folder, "hinted", agent=True)]
        host = small_host(fleet, folder)
        with Daemon(fleet=fleet, host=host) as hostd:
            hostd.wait_heard()
            for guest in moving:
                guest.migrating = True
            wait_for("to be seen", lambda: sum(
                guest["migrating"] for guest in hostd.guests().values()) == 2)
            host.total -= GIB
            wait_for("the other gives", lambda: (hostd.rounds(1), good.targets)[1])
            hostd.rounds(3)
            must(not any(guest.targets or guest.hints for guest in moving), "it was disturbed")
            for guest in moving:
                guest.migrating = False
            host.total -= 2 * GIB
            wait_for("its turn", lambda: (hostd.rounds(1), moving[0].targets)[1])


def a_bad_config_is_refused():
    """At start the daemon ends with file and line; on reload the old one stays."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "web")
        hostd = Daemon("[guests]\nfloor = 300%\n", fleet)
        code, text = hostd.run("--check")
        must(code == 1 and f"{hostd.config}:5: floor = 300%" in text, f"{code}: {text}")
        code, text = hostd.run()
        must(code == 1 and f"{hostd.config}:5:" in text, f"{code}: {text}")
        hostd.sections = ""
        hostd.host = small_host(fleet, folder)
        hostd.write_config()
        with hostd:
            hostd.wait_heard()
            hostd.write_config("shares = many\n")
            hostd.reload()
            wait_for("the refusal", lambda: hostd.status()["refused_reloads"] == 1)
            must("shares = many" in hostd.log() and "the old config stays" in hostd.log(),
                 hostd.log())
            hostd.rounds(2)
            must(hostd.guests()["web"]["shares"] == 1000, "it was taken in part")
            must(hostd.guests()["web"]["size_age"] <= 1, "the guest was lost")


def a_second_daemon_refuses():
    """Also when the first was killed and left its socket the next one starts."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        fleet.add(folder, "web")
        with Daemon(fleet=fleet, host=small_host(fleet, folder)) as hostd:
            hostd.wait_heard()
            code, text = hostd.run()
            must(code == 1 and "another balloon-hostd runs already" in text, f"{code}: {text}")
            must(hostd.status()["ok"], "the first one does not answer any more")
            hostd.stop(signal.SIGKILL)
            must(hostd.status_path.exists(), "the socket is gone: this test shows nothing")
            hostd.start()
            hostd.wait_heard()


def kill_and_restart():
    """kill -9 under load, again and again: no guest is lost, none is moved for no reason."""
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        for i in range(8):
            fleet.add(folder, f"guest{i}", used=GIB + i * 128 * MIB, agent=i % 2)
        host = small_host(fleet, folder)
        with Daemon(fleet=fleet, host=host) as hostd:
            hostd.wait_heard()
            host.total -= 4 * GIB
            wait_for("what lacks", lambda: (hostd.rounds(1),
                                            hostd.status()["host"]["need"])[1] < 64 * MIB)
            sizes = [guest.size for guest in fleet.guests]
            end = time.monotonic() + KILL_S
            while time.monotonic() < end:
                hostd.stop(signal.SIGKILL)
                hostd.start()
                hostd.wait_heard()
                hostd.rounds(1)
            now = [guest.size for guest in fleet.guests]
            # Hinted guests let go of some when nobody renews the hint: but that is theirs.
            must(all(abs(new - old) < 128 * MIB for new, old in zip(now, sizes)),
                 f"{sizes} became {now}")
            must(all(guest.target == guest.memory for guest in fleet.guests if guest.hint),
                 "a target was put on a guest that gives because of hints")
            must(hostd.status()["host"]["need"] < 128 * MIB, "the host lacks memory again")


KILL_S = int(os.environ.get("KILL_S", 20))

CASES = [a_silent_guest_delays_nobody, nothing_is_taken_on_old_data, garbage_is_survived,
         agents_may_be_bad, lies_are_not_believed, a_guest_that_refuses,
         left_alone_while_it_migrates, a_bad_config_is_refused, a_second_daemon_refuses,
         kill_and_restart]

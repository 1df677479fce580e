# SPDX-License-Identifier: GPL-2.0-only
"""Runs balloonctl, built with the sanitizers, and compares what it says."""
import difflib
import json
import os
from pathlib import Path
import pty
import select
import struct
import subprocess
import tempfile
import time

from area import Failure
from lab.cache import BUILD, ROOT
import fakeroot

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
OUT = BUILD / "balloonctl"
PROGRAM = OUT / "balloonctl"
# An exit code of their own tells the sanitizers from the program.
CAUGHT = 99
UPDATE = False


def build():
    """Build it with the sanitizers."""
    subprocess.run(["make", "-s", "-C", ROOT / "tools/balloonctl", "SANITIZE=1", f"OUT={OUT}"],
                   check=True)


def environment(**more):
    """Return the environment of a run: nothing of ours but what is said here."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
            "ASAN_OPTIONS": f"exitcode={CAUGHT}", "UBSAN_OPTIONS": f"exitcode={CAUGHT}", **more}


def equal(what, got, want):
    """Fail unless got is want."""
    if got != want:
        raise Failure(f"{what} is {got!r}, should be {want!r}")


def contains(what, text, *parts):
    """Fail unless all parts are in the text."""
    for part in parts:
        if part not in text:
            raise Failure(f"{what} lacks {part!r}:\n{text}")


class Tool:
    """balloonctl on a fake root."""

    def __init__(self, make=fakeroot.guest):
        self.holder = tempfile.TemporaryDirectory()
        os.chmod(self.holder.name, 0o755)
        self.root = make(self.holder.name)
        self.errors = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.cleanup()

    def file(self, name):
        """Return a path beside the root's own folders."""
        return Path(self.holder.name) / name

    def command(self, *words):
        """Return the command line."""
        return [str(PROGRAM), "--root", self.holder.name, *map(str, words)]

    def run(self, *words, code=0, env=None, before=(), stdin=None):
        """Return what it prints; fail unless it ends with this code (None: any of its own)."""
        done = subprocess.run([*before, *self.command(*words)], text=True, timeout=60, check=False,
                              env=environment(**(env or {})), capture_output=True, input=stdin)
        self.errors = done.stderr
        if done.returncode == CAUGHT or "Sanitizer" in done.stderr or done.returncode < 0 \
                or "runtime error" in done.stderr:
            raise Failure(f"{words}: exit {done.returncode}\n{done.stderr[-3000:]}")
        if code is not None and done.returncode != code:
            raise Failure(f"{words}: exit {done.returncode}, should be {code}\n"
                          f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def json(self, *words, code=0):
        """Return what it prints as JSON."""
        return json.loads(self.run(*words, "--json", code=code))

    def terminal(self, *words, keys=(), env=None, size=(24, 80)):
        """Run it on a terminal, type keys a moment after one another; return code and output."""
        pid, master = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, self.command(*words), environment(**(env or {})))
        import fcntl        # noqa: PLC0415
        import termios      # noqa: PLC0415
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        output, keys, next_key, end = b"", list(keys), time.monotonic() + 1, time.monotonic() + 30
        while time.monotonic() < end:
            if keys and time.monotonic() > next_key:
                os.write(master, keys.pop(0).encode())
                next_key = time.monotonic() + 0.5
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(master, 65536)
            except OSError:     # the other end is closed
                break
            if not part:
                break
            output += part
        else:
            os.kill(pid, 9)
        status = os.waitpid(pid, 0)[1]
        os.close(master)
        return os.waitstatus_to_exitcode(status), output.decode(errors="replace")


def golden(name, text):
    """Compare with a file of golden/, or make it anew with --update."""
    path = GOLDEN / name
    if path.suffix == ".txt":
        text = "SPDX-License-Identifier: GPL-2.0-only\n" + text
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    want = path.read_text(encoding="utf-8")
    if text != want:
        raise Failure("\n".join(difflib.unified_diff(
            want.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm="")))

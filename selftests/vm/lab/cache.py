# SPDX-License-Identifier: GPL-2.0-only
"""Where the lab keeps what it made: cache folders, locks, atomic writes, and running of tools.

    cache_dir("kernels", "6.1")       a folder in the cache, made when missing
    with locked("kernels-6.1"): ...   one process at a time, on this machine
    with atomic_dir(path) as tmp: ... fill tmp; it becomes path when the block ends well
    atomic_write(path, data)          the same for a file
    digest("text", Path("file"))      a short key made from texts and file contents
    run(["make", ...], log=path)      run a tool; LabError with the end of its output if it fails
    say("building ...")               a line of progress on stderr
"""
import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = Path(__file__).resolve().parents[3]      # the checkout
BUILD = ROOT / "build"                          # git-ignored
RESULTS = BUILD / "results"

_START = time.monotonic()


class LabError(Exception):
    """Something that the lab needs did not work; the text is for the user."""


def say(text):
    """Print one line of progress on stderr, with the seconds since the start."""
    print(f"[{time.monotonic() - _START:6.1f}] {text}", file=sys.stderr, flush=True)


def cache_dir(*parts):
    """Return the folder cache/part/part..., made when missing."""
    base = os.environ.get("AUTOBALLOON_CACHE")
    if not base:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autoballoon"
    path = Path(base).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(key, folder=None):
    """Hold the lock `key` against every other process of this cache (or of `folder`)."""
    path = (folder or cache_dir("locks")) / (key.replace("/", "_") + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another user of {key}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def atomic_dir(path):
    """Yield a new folder beside `path`; rename it to `path` when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield tmp
        tmp.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        tmp.rename(path)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def atomic_write(path, data, mode=0o644):
    """Write `data` (text or bytes) to `path`, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    fd, tmp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.chmod(tmp, mode)
        os.rename(tmp, path)
    except BaseException:
        os.unlink(tmp)
        raise


def digest(*things):
    """Return 16 hex digits made from texts, bytes, and the content of files (Path)."""
    total = hashlib.sha256()
    for thing in things:
        if isinstance(thing, Path):
            thing = thing.read_bytes()
        elif not isinstance(thing, bytes):
            thing = str(thing).encode()
        total.update(hashlib.sha256(thing).digest())
    return total.hexdigest()[:16]


def outside_make():
    """Return the environment without what a make that runs the tests says to those below it.

    kselftest's makefiles put things elsewhere below another make. DKMS 3.0 asks a make for the
    name of the compiler, and takes what a make below another one prints of its folders for a
    part of it.
    """
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def run(cmd, log=None, timeout=3600, **options):
    """Run a tool and return its output (stdout and stderr together, text).

    With `log`, the output also goes to that file. Raises LabError when the
    tool is missing, fails or takes too long; other options go to subprocess.
    """
    cmd = [str(word) for word in cmd]
    try:
        done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, check=False, **options)
    except FileNotFoundError as error:
        raise LabError(f"{cmd[0]} is missing: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(cmd)}: no end after {timeout} s") from error
    if log:
        atomic_write(log, done.stdout)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise LabError(f"{' '.join(cmd)}: exit {done.returncode}\n{tail}")
    return done.stdout

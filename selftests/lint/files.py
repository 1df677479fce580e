# SPDX-License-Identifier: GPL-2.0-only
"""The files of the repository, and what language each is in."""
import functools
import re
import subprocess

from lab.cache import ROOT

# What is made in a folder, as .gitignore says it to git.
MADE = re.compile(r"^build/|/?__pycache__/|\.(o|ko|mod|mod\.c|cmd|d)$|Module\.symvers|modules\.order")
BINARY = {".png", ".jpg", ".gz", ".xz"}


def _unpacked():
    """Return the names of all files below a folder that git knows nothing of: an archive's."""
    return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
            if not MADE.search(str(path.relative_to(ROOT)))]


@functools.lru_cache(maxsize=None)
def names():
    """Return the names of all files that belong to the repository, also those not yet added."""
    if not (ROOT / ".git").exists():
        return sorted(name for name in _unpacked() if (ROOT / name).is_file())
    # The checkout may belong to another user than root, who runs the tests.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in output.split("\0") if name and (ROOT / name).is_file())


@functools.lru_cache(maxsize=None)
def read(name):
    """Return the text of a file, or nothing if it is no text."""
    path = ROOT / name
    return "" if path.suffix in BINARY else path.read_text(encoding="utf-8")


def _shebang(name):
    return re.match(r"#!\s*(\S+)(?: (\S+))?", read(name))


def language(name):
    """Return "c", "python", "sh", "bash" or ""."""
    if re.search(r"\.[ch]$", name):
        return "c"
    if name.endswith(".py"):
        return "python"
    shebang = _shebang(name)
    words = " ".join(filter(None, shebang.groups())) if shebang else ""
    for word in ("python", "bash"):
        if word in words:
            return word
    return "sh" if name.endswith(".sh") or re.search(r"\bsh$", words) else ""


def of(*languages):
    """Return the names of the files in these languages."""
    return [name for name in names() if language(name) in languages]


def kernel_code():
    """Return the names of the C files that are compiled into a kernel, and their headers."""
    return [name for name in of("c") if name.startswith(
        ("drivers/", "include/", "selftests/balloon/balloonsim/"))]


def matches(pattern, chosen, prepare=lambda source: source):
    """Return "name:line: text" for every line of the files that matches."""
    found = []
    for name in chosen:
        for number, line in enumerate(prepare(read(name)).splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def without_comments(source):
    """Return C source with comments and strings blanked out, its lines where they were."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found.group())
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", blank, source, flags=re.S)

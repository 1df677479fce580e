# SPDX-License-Identifier: GPL-2.0-only
"""Documentation/ABI: the kernel's own tool accepts it, and it says what the code does."""
from dataclasses import dataclass
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from area import Area, Failure, fail_if
from lab import kernels
from lab.cache import ROOT
import source

FOLDER = ROOT / "Documentation/ABI"
DEVICE = "/sys/bus/virtio/drivers/virtio_balloon/virtio<N>/"
PARAMETERS = "/sys/module/virtio_balloon/parameters/"
DEBUGFS = "/sys/kernel/debug/virtio_balloon-virtio<N>/"
TAGS = ("Date", "KernelVersion", "Contact", "Description", "Users")
VERSION = re.compile(r"autoballoon \d+\.\d+\.\d+")


@dataclass
class Entry:
    """What the documents say of one file in /sys."""
    fields: dict
    text: str       # the description, in one line

    @property
    def mode(self):
        """RO, WO or RW."""
        found = re.match(r"\((R[OW]|WO)\) ", self.text)
        return found.group(1) if found else None


def entries():
    """Return {path: Entry} of all files in Documentation/ABI."""
    found = {}
    for path in sorted(FOLDER.glob("*/*")):
        for block in re.split(r"(?m)^(?=What:)", path.read_text(encoding="utf-8"))[1:]:
            fields = dict(re.findall(r"(?ms)^(\w+):[ \t]*(.*?)(?=^\w+:|\Z)", block))
            text = " ".join(fields.get("Description", "").split())
            found[fields["What"].strip()] = Entry(fields, text)
    return found


def below(documents, folder):
    """Return {name: Entry} of what is documented right below a folder."""
    return {path[len(folder):]: entry for path, entry in documents.items()
            if path.startswith(folder) and "/" not in path[len(folder):]}


def fail_unless_same(code, documents):
    """Fail with the names that only the code, or only the documents have."""
    fail_if([f"{name}: in the code, not documented" for name in sorted(set(code) - set(documents))]
            + [f"{name}: documented, not in the code"
               for name in sorted(set(documents) - set(code))])


def says(entry, words):
    """True if the description contains the words, in whatever case."""
    return words.lower() in entry.text.lower()


def get_abi(folder, *words, before=()):
    """Return what the kernel's tool says on a folder like Documentation/ABI."""
    tree = kernels.ksource()
    done = subprocess.run([*before, sys.executable, "-B", tree / "tools/docs/get_abi.py", "--dir",
                           folder, *words], text=True, check=False, cwd=tree,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.strip() or (f"exit {done.returncode}" if done.returncode else "")


def undefined(device, paths):
    """Return which files of a device get_abi does not find in Documentation/ABI.

    In sysfs the device's folder is a link, and get_abi asks for the names behind links: it
    is shown a /sys that has the folder where the documents say that it is. Its own option
    for another folder needs Python 3.13.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            file = Path(folder) / device.removeprefix("/sys/") / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        said = get_abi(FOLDER, "undefined", "--search-string", device, before=[
            "unshare", "--map-root-user", "--mount", "sh", "-c",
            'mount --bind "$0" /sys && exec "$@"', folder])
    if "references to parse: " not in said:
        raise Failure(said)
    return re.findall(r"^.* not found\.$", said, re.M)


def get_abi_validate():
    """get_abi has nothing to say."""
    found = get_abi(FOLDER, "validate")
    if found:
        raise Failure(found)


def get_abi_sees_mistakes():
    """get_abi complains of a file without a description: it does read such folders."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "testing").mkdir()
        (Path(folder) / "testing/sysfs-x").write_text("What:\t\t/sys/x\nDate:\t\tMay 2026\n")
        if "description" not in get_abi(folder, "validate"):
            raise Failure("a file without a description passes")


def every_field():
    """Every entry has all the fields, and is of a version of ours."""
    wrong = []
    for path, entry in entries().items():
        wrong += [f"{path}: no {tag}" for tag in TAGS if not entry.fields.get(tag, "").strip()]
        if not VERSION.fullmatch(entry.fields.get("KernelVersion", "").strip()):
            wrong.append(f"{path}: KernelVersion is not that of autoballoon")
    fail_if(wrong)


def only_known_folders():
    """There is nothing in the documents that the cases below do not look at."""
    folders = [DEVICE + name for name in (*source.GROUPS, "balloon_counters")]
    known = (*(f"{folder}/" for folder in folders), PARAMETERS, DEBUGFS)
    fail_if([path for path in entries() if not path.startswith(known) and path not in folders])


def attributes():
    """Each attribute of each folder is documented, with its mode, and nothing else is."""
    for group in source.GROUPS:
        code, documents = source.attributes(group), below(entries(), f"{DEVICE}{group}/")
        fail_unless_same(code, documents)
        fail_if([f"{name} is {mode}, documented as {documents[name].mode}"
                 for name, mode in code.items() if documents[name].mode != mode])


def counters():
    """Each counter is documented with the help of the table, and nothing else is."""
    code, documents = source.counters(), below(entries(), f"{DEVICE}balloon_counters/")
    fail_unless_same(code, documents)
    fail_if([f"{name}: does not begin with '(RO) {words}.'" for name, words in code.items()
             if not documents[name].text.lower().startswith(f"(ro) {words}.".lower())])


def parameters():
    """Each module parameter is documented with its mode and its MODULE_PARM_DESC."""
    code, documents = source.parameters(), below(entries(), PARAMETERS)
    fail_unless_same(code, documents)
    fail_if([f"{name}: does not begin with '({mode}) {words}.'"
             for name, (mode, words, _) in code.items()
             if not documents[name].text.startswith(f"({mode}) {words}.")])
    fail_if([f"{name}: does not say 'Default: {default}.'"
             for name, (_, _, default) in code.items()
             if not says(documents[name], f"Default: {default}.")])


def ranges():
    """The ranges of parameters and tunables, and the defaults, are those of the code."""
    documents, code = entries(), source.ranges()
    described, tunables = source.parameters(), source.tunables()
    wrong = []
    for name, allowed in code.items():
        words = f"Range: {allowed.least} to {allowed.most}."
        if int(described[name][2]) != allowed.default:
            wrong.append(f"{name}: MODULE_PARM_DESC has another default than the code")
        for path in (PARAMETERS + name, DEVICE + tunables.get(name, "")):
            if path != DEVICE and not says(documents[path], words):
                wrong.append(f"{path}: does not say '{words}'")
    fail_if(wrong)


def choices():
    """The words that parameters and tunables take are those of the code."""
    documents = entries()
    fail_if([f"{path}: does not say '{words}'"
             for name, allowed in source.choices().items()
             for words in (f"One of: {', '.join(allowed)}.",)
             for path in (PARAMETERS + name, DEVICE + source.tunables()[name])
             if not says(documents[path], words)])


def debugfs():
    """Each file in debugfs is documented, and nothing else is."""
    fail_unless_same(source.debugfs(), below(entries(), DEBUGFS))


def states():
    """The attribute `state` may show what is documented."""
    text = entries()[f"{DEVICE}balloon/state"].fields["Description"]
    table = re.search(r"(?s)=\n(.*)\n\s*=", text).group(1)
    fail_unless_same(source.states(), set(re.findall(r"(?m)^\t\t([a-z-]+)  ", table)))


CASES = [get_abi_validate, get_abi_sees_mistakes, every_field, only_known_folders, attributes,
         counters, parameters, ranges, choices, debugfs, states]


def run_area():
    """Run all cases; return how many failed."""
    with Area("abi", "abi") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

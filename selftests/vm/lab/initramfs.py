# SPDX-License-Identifier: GPL-2.0-only
"""Makes the small initramfs of a guest: busybox, a few kernel modules, the agent, the tests.

It stays uncompressed and holds only the modules that are asked for: under
emulation every megabyte costs time.
"""
import lzma
import os
from pathlib import Path
import re
import shutil
import stat
import subprocess
import tempfile

from . import scan
from .cache import LabError, ROOT, atomic_dir, cache_dir, digest, locked, run

GUEST_DIR = Path(__file__).resolve().parent.parent / "guest"
BUSYBOX = Path("/usr/bin/busybox")
FOLDERS = ("bin", "dev", "lab", "proc", "root", "run", "sys", "tmp", "tests", "etc")
CFLAGS = ("-O2", "-Wall", "-static", "-s", "-pthread")


class Archive:
    """A cpio archive (newc) in the making; paths have no leading slash."""

    def __init__(self):
        self._parts = []
        self._folders = set()
        self._inode = 0

    def _entry(self, path, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = path.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self._parts += [head + bytes(-len(head) % 4), data + bytes(-len(data) % 4)]

    def folder(self, path):
        """Add a folder and the ones above it."""
        path = path.strip("/")
        if path in self._folders or path in ("", "."):
            return
        self.folder(os.path.dirname(path))
        self._folders.add(path)
        self._entry(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        """Add a file; `data` is text, bytes or the Path to copy (with its x bit)."""
        self.folder(os.path.dirname(path))
        if isinstance(data, Path):
            if os.access(data, os.X_OK):
                mode = 0o755
            data = data.read_bytes()
        elif isinstance(data, str):
            data = data.encode()
        self._entry(path.strip("/"), stat.S_IFREG | mode, data)

    def link(self, path, target):
        """Add a symbolic link."""
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, major, minor):
        """Add a character device."""
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def tree(self, path, source):
        """Add all of the folder `source` under `path`."""
        for item in sorted(Path(source).rglob("*")):
            name = f"{path}/{item.relative_to(source)}".strip("/")
            if item.is_symlink():
                self.link(name, os.readlink(item))
            elif item.is_dir():
                self.folder(name)
            elif item.is_file():
                self.file(name, item)

    def save(self, path):
        """Write the archive."""
        self._entry("TRAILER!!!", 0)
        Path(path).write_bytes(b"".join(self._parts))


def static_program(source):
    """Compile a C file to a static program, cached; returns its path."""
    source = Path(source)
    key = digest(source, " ".join(CFLAGS))
    target = cache_dir("programs", f"{source.stem}-{key}") / source.stem
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}")
        run(["gcc", *CFLAGS, "-o", part, source])
        part.rename(target)
    return target


def shared_program(path):
    """Return {path in the guest: file} of a program with the libraries that it loads."""
    libraries = re.findall(r"(/\S+) \(0x", run(["ldd", path]))
    return {f"/bin/{Path(path).name}": Path(path), **{name: Path(name) for name in libraries}}


def module_name(path):
    """virtio-rng.ko.xz -> virtio_rng"""
    return Path(path).name.split(".ko")[0].replace("-", "_")


class ModuleTree:
    """The modules of a kernel: what there is, what needs what."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.base = Path(kernel.modules) / "lib/modules" / kernel.release
        self.needs = {}
        self.path = {}
        for line in (self.base / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            self.path[module_name(path)] = path
            self.needs[module_name(path)] = [module_name(need) for need in needs.split()]
        builtin = (self.base / "modules.builtin").read_text().split()
        self.builtin = {module_name(path) for path in builtin}

    def closure(self, names):
        """The names with all that they need, without what is built in."""
        result = set()
        for name in names:
            name = name.replace("-", "_")
            if name in self.builtin:
                continue
            if name not in self.path:
                raise LabError(f"kernel {self.kernel.release} has no module {name}")
            result |= {name, *self.needs[name]}
        return result

    def read(self, name):
        """The bytes of a module, uncompressed."""
        path = self.base / self.path[name]
        data = path.read_bytes()
        if path.suffix == ".xz":
            return lzma.decompress(data)
        if path.suffix == ".zst":
            return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
        return data


def stage_modules(kernel, names, ours=()):
    """Make (or find in the cache) a folder with lib/modules/<release> holding just
    `names`, their dependencies, and the module files `ours` in updates/; depmod-ed."""
    tree = ModuleTree(kernel)
    wanted = sorted(tree.closure(names))
    key = digest(kernel.release, str(kernel.modules), tree.base / "modules.dep", " ".join(wanted),
                 *(module_name(path) for path in ours), *map(Path, ours))
    target = cache_dir("initramfs") / f"{kernel.release}-{key}"
    with locked(f"initramfs-{key}"):
        if target.exists():
            return target
        with atomic_dir(target) as tmp:
            base = tmp / "lib/modules" / kernel.release
            base.mkdir(parents=True)
            for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
                if (tree.base / name).exists():
                    shutil.copy(tree.base / name, base)
            for name in wanted:
                path = base / tree.path[name].split(".ko")[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_name(path.name + ".ko").write_bytes(tree.read(name))
            for path in ours:
                (base / "updates").mkdir(exist_ok=True)
                shutil.copy(path, base / "updates")
            run(["/sbin/depmod", "-b", tmp, kernel.release])
    return target


def add_tests(archive):
    """Put selftests/balloon into the guest: the scripts, and its C programs, static."""
    source = ROOT / "selftests/balloon"
    if not source.is_dir():
        return
    for path in sorted(source.glob("**/*")):
        name = path.relative_to(source)
        if not path.is_file() or "balloonsim" in name.parts[:-1] or path.suffix in (".o", ".ko"):
            continue
        if path.suffix == ".c" and len(name.parts) == 1:
            archive.file(f"tests/balloon/{path.stem}", static_program(path))
        elif path.suffix not in (".c", ".h"):
            archive.file(f"tests/balloon/{name}", path)


def build(path, kernel, *, boot, load=(), modules=(), ours=(), allowed=(), taints=scan.OUR_TAINTS,
          tests=False, files=None):
    """Write an initramfs to `path`.

    boot: modules loaded first; load: modules loaded last (the driver);
    modules: further ones that a test may load; ours: module files for updates/;
    files: {path in the guest: text, bytes or Path}.
    """
    if not BUSYBOX.exists():
        raise LabError("busybox-static is missing: apt-get install busybox-static")
    archive = Archive()
    for name in FOLDERS:
        archive.folder(name)
    archive.node("dev/console", 5, 1)
    archive.node("dev/null", 1, 3)
    archive.file("bin/busybox", BUSYBOX)
    for applet in run([BUSYBOX, "--list"]).split():
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")
    archive.link("sbin", "bin")
    # whom a test may try to be
    archive.file("etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    archive.file("init", GUEST_DIR / "init")
    archive.file("lab/verdict", GUEST_DIR / "verdict")
    archive.file("lab/agent", static_program(GUEST_DIR / "agent.c"))
    archive.file("lab/bad", "".join(line + "\n" for line in scan.BAD))
    archive.file("lab/allowed", "".join(line + "\n" for line in (*scan.HARMLESS, *allowed)))
    archive.file("lab/taints", f"{taints}\n")
    ours_names = {module_name(item) for item in ours}
    tree = ModuleTree(kernel)
    archive.file("lab/modules", "".join(f"{name}\n" for name in boot if name not in tree.builtin))
    archive.file("lab/load", "".join(f"{name}\n" for name in load))
    wanted = [name for name in (*boot, *load, *modules) if name not in ours_names]
    archive.tree("", stage_modules(kernel, wanted, ours))
    if tests:
        add_tests(archive)
    for name, data in (files or {}).items():
        script = not isinstance(data, Path) and data[:2] in ("#!", b"#!")
        archive.file(name.strip("/"), data, 0o755 if script else 0o644)
    with tempfile.NamedTemporaryFile(dir=Path(path).parent, delete=False) as tmp:
        pass
    archive.save(tmp.name)
    os.rename(tmp.name, path)

# SPDX-License-Identifier: GPL-2.0-only
"""For one kernel: does what we install take the place of the kernel's own module, and give it back?

Everything happens below a folder of its own, which holds the kernel's modules.
DKMS and make run where that kernel's headers and compiler are (lab/chroot.py).
"""
import shutil
import tempfile
from pathlib import Path

from area import Area, Failure, fail_if
from lab import chroot, kernels
from lab.cache import ROOT, LabError
import tree

ALIAS = "virtio:d00000005v00001AF4"     # of the balloon device
INTREE = "kernel/drivers/virtio/virtio_balloon.ko"

# $1: a folder with what is to take the place of the folders that DKMS knows; then the command.
AS_USUAL = """
folder=$1
shift
for place in lib/modules usr/src var/lib/dkms; do
	mkdir -p "/$place" "$folder/$place"
	mount --bind "$folder/$place" "/$place"
done
exec "$@"
"""


class Place:
    """A root with the kernel's modules, and DKMS's folders beside it."""

    def __init__(self, kernel, folder):
        self.kernel = kernel
        self.folder = folder
        self.root = folder / "root"
        self.sources = tree.sources(folder)
        self.modules = self.root / "lib/modules" / kernel.release
        self._copy_modules(kernel.modules / "lib/modules" / kernel.release)
        self.dkms_options = tree.dkms_trees(folder, self.root / "lib/modules")

    def _copy_modules(self, source):
        """Copy the virtio modules: more than these the balloon never pulls in."""
        shutil.copytree(source / "kernel/drivers/virtio", self.modules / "kernel/drivers/virtio")
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (source / name).exists():
                shutil.copy(source / name, self.modules)
        self.depmod()

    def run(self, *command):
        """Run a tool where the kernel's headers and compiler are."""
        words = [str(word) for word in command]
        if isinstance(self.kernel.toolchain, chroot.Native):
            words = tree.as_root(words)         # a chroot is entered as root
        return self.kernel.run(words,
                               [self.folder, ROOT], cwd=str(ROOT))

    def depmod(self):
        self.kernel.run(["depmod", "-a", "-b", str(self.root), self.kernel.release], [self.folder])

    def dkms(self, verb, *options):
        # DKMS can only run depmod for the machine's own root.
        try:
            return self.run("dkms", *self.dkms_options, verb, tree.MODULE, *options)
        except LabError as error:
            log = self.folder / "dkms" / tree.MODULE / "build/make.log"
            if not log.exists():
                raise
            raise Failure(f"{error}\n{log.name}:\n{log.read_text()[-2000:]}") from error

    def of_kernel(self):
        return ["-k", self.kernel.release, "--kernelsourcedir", self.kernel.headers.resolve()]

    def make(self, goal, *words):
        """Run make on a copy of the sources, as kbuild writes among them."""
        return self.run("make", "-C", self.sources, goal, f"KDIR={self.kernel.headers.resolve()}",
                        f"INSTALL_MOD_PATH={self.root}", *words)

    def make_as_usual(self, *goals):
        """Run make as a user does, below another make: it installs where DKMS does by itself."""
        build = self.modules / "build"
        if not build.is_symlink():
            build.symlink_to(self.kernel.headers.resolve())
        # a chroot's mounts are its own already
        own_mounts = ["unshare", "--mount"] if isinstance(self.kernel.toolchain, chroot.Native) else []
        self.run(*own_mounts, "sh", "-euc", AS_USUAL, "sh", self.root, "env", "MAKELEVEL=1",
                 "make", "-j2", "-C", self.sources, *goals, f"KVER={self.kernel.release}")

    def chosen(self, name):
        """Return the file that modprobe loads for a name or an alias, below lib/modules/RELEASE."""
        output = self.kernel.run(["modprobe", "-d", str(self.root), "-S", self.kernel.release,
                                  "--show-depends", name], [self.folder])
        files = [line.split()[1] for line in output.splitlines() if line.startswith("insmod ")]
        files = [file for file in files if Path(file).name.startswith("virtio_balloon.ko")]
        if len(files) != 1:
            raise Failure(f"modprobe would load {len(files)} balloon drivers:\n{output}")
        if not Path(files[0]).exists():
            raise Failure(f"modprobe would load {files[0]}, which is not there")
        return str(Path(files[0]).relative_to(self.modules))

    def ours(self):
        return [str(path.relative_to(self.modules)) for path in
                (self.modules / "updates").rglob("virtio_balloon.ko*")]


def expect_chosen(place, prefix):
    """Check what modprobe takes for the driver's name and for the device's alias."""
    for name in ("virtio_balloon", ALIAS):
        chosen = place.chosen(name)
        if not chosen.startswith(prefix):
            raise Failure(f"for {name} modprobe takes {chosen}, not one of {prefix}")


def dkms_install(place):
    place.dkms("install", *place.of_kernel(), "--no-depmod")
    if [Path(name).parent for name in place.ours()] != [Path("updates/dkms")]:
        raise Failure(f"dkms installed {place.ours()}")
    place.depmod()


def modinfo(place):
    """Check what the installed module says of itself."""
    def field(name):
        return place.run("modinfo", "-F", name, place.modules / place.ours()[0]).strip()
    if field("version") != tree.VERSION:
        raise Failure(f"version is {field('version')}, in dkms.conf it is {tree.VERSION}")
    if field("vermagic").split()[0] != place.kernel.release:
        raise Failure(f"vermagic is {field('vermagic')}")
    if "virtio:d00000005v" not in field("alias"):
        raise Failure(f"alias is {field('alias')}")
    if field("intree"):
        raise Failure("it says that it is a part of the kernel")


def dkms_remove(place):
    place.dkms("remove", "--all", "--no-depmod")
    place.depmod()
    gone(place)


def gone(place):
    if place.ours():
        raise Failure(f"still there: {place.ours()}")
    if not (place.modules / INTREE).exists():
        raise Failure("the kernel's own module went with ours")


def make_dkms_install(place):
    """DKMS gets the sources, and not what was built among them for who knows which kernel."""
    (place.sources / "drivers/virtio/virtio_balloon/main.o").write_text("of another kernel")
    place.make_as_usual("dkms-install")
    expect_chosen(place, "updates/dkms/")
    fail_if([path for path in (place.root / "usr/src").rglob("*.*o") if path.suffix in (".o", ".ko")],
            "DKMS's sources have:")


def make_dkms_remove(place):
    place.make_as_usual("dkms-remove")
    place.depmod()
    gone(place)


def make_install(place):
    place.make("install")
    if len(place.ours()) != 1:
        raise Failure(f"make install installed {place.ours()}")


def signer(place):
    """Return the name in the certificate that the installed module is signed with."""
    return place.run("modinfo", "-F", "signer", place.modules / place.ours()[0]).strip()


def make_sign(place):
    """`make sign` makes a key and signs with it; with the key in place it signs again."""
    if signer(place):
        raise Failure(f"it is signed before, by {signer(place)}")
    for _ in range(2):
        place.make("sign", f"SIGN_KEY={place.folder}/mok.key", f"SIGN_CERT={place.folder}/mok.pub")
        if signer(place) != "DKMS module signing key":
            raise Failure(f"it is signed by '{signer(place)}'")
        expect_chosen(place, "updates/")
    if (place.folder / "mok.key").stat().st_mode & 0o077:
        raise Failure("others may read the key")
    (place.folder / "mok.pub").unlink()
    try:
        place.make("sign", f"SIGN_KEY={place.folder}/mok.key", f"SIGN_CERT={place.folder}/mok.pub")
    except LabError as error:
        if "go together" in str(error):
            return
        raise
    raise Failure("a key without its certificate is taken")


def make_uninstall(place):
    place.make("uninstall")
    gone(place)


def make_install_sign(place):
    """`make install sign`, as a user says it: in the system's folders, with DKMS's key."""
    place.make_as_usual("install", "sign")
    expect_chosen(place, "updates/")
    if signer(place) != "DKMS module signing key":
        raise Failure(f"it is signed by '{signer(place)}'")
    place.make_as_usual("uninstall")
    gone(place)


def steps(place):
    """Return the cases in their order: each goes on from where the one before ended."""
    return {
        "kernel_module_before": lambda: expect_chosen(place, "kernel/"),
        "dkms_add": lambda: place.dkms("add"),
        "dkms_build": lambda: place.dkms("build", *place.of_kernel()),
        "dkms_install": lambda: dkms_install(place),
        "dkms_modinfo": lambda: modinfo(place),
        "dkms_module_is_chosen": lambda: expect_chosen(place, "updates/dkms/"),
        "dkms_remove": lambda: dkms_remove(place),
        "kernel_module_after_dkms": lambda: expect_chosen(place, "kernel/"),
        "make_dkms_install": lambda: make_dkms_install(place),
        "make_dkms_remove": lambda: make_dkms_remove(place),
        "make_install": lambda: make_install(place),
        "make_modinfo": lambda: modinfo(place),
        "make_module_is_chosen": lambda: expect_chosen(place, "updates/"),
        "make_sign": lambda: make_sign(place),
        "make_uninstall": lambda: make_uninstall(place),
        "make_install_sign": lambda: make_install_sign(place),
        "kernel_module_after_make": lambda: expect_chosen(place, "kernel/"),
    }


def run_area(name):
    """Run all cases for the kernel called `name`; return how many failed."""
    with Area("package", name) as tests, tempfile.TemporaryDirectory() as folder:
        place = Place(kernels.get(name), Path(folder).resolve())
        for case, step in steps(place).items():
            tests.case(case, step)
    return tests.failed

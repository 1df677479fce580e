# SPDX-License-Identifier: GPL-2.0-only
"""Makes a bundle of Debian's own kernel packages: what boots, and what modules are built with.

    stock.bundle("6.12")       the folder of the newest 6.12 kernel that its release has

A bundle is a folder with
    info.json                  name, release (uname -r), version (of the package), toolchain
    vmlinuz, config
    root/lib/modules/RELEASE   modules, uncompressed and depmod-ed; its link `build` is valid
    headers                    a link to the folder for make -C
"""
import json
import re

from . import apt, cache

FLAVOUR = "cloud-amd64"         # small, and made for guests
RELEASE_OF = {"6.1": "bookworm", "6.12": "trixie", "7.2": "trixie", "7.3": "trixie"}
FORMAT = 1                      # of a bundle; a change makes all of them anew


def _with(archive, name, version):
    """Return a package in `version` if it exists so, else in its newest version."""
    versions = archive.show(name)
    return next((package for package in versions if package.version == version),
                versions[0] if versions else None)


def _follow(archive, package, pattern):
    """Return the package and those that it depends on, as far as their names match."""
    found, todo = {}, [package]
    while todo:
        package = todo.pop()
        found[package.name] = package
        for name in re.findall(r"(?:^|[,|]) *([^\s,|]+)", package.depends):
            if re.fullmatch(pattern, name) and name not in found:
                other = _with(archive, name, package.version)
                if other:
                    todo.append(other)
    return list(found.values())


def _image(archive, release, version):
    """Return the packages that hold the kernel, its configuration and its modules.

    One package up to 6.16. Then the image only depends on binary, modules and
    base. A signed image may come days after the rest: then take the unsigned one.
    """
    split = rf"linux-(binary|binary-unsigned|modules|base)-{re.escape(release)}"
    for names in ([f"linux-image-{release}"],
                  [f"linux-binary-unsigned-{release}", f"linux-modules-{release}"],
                  [f"linux-image-{release}-unsigned"]):
        packages = [_with(archive, name, version) for name in names]
        if all(package and package.version == version for package in packages):
            return {p.name: p for package in packages
                    for p in _follow(archive, package, split)}.values()
    return []


def _choose(archive, name):
    """Return (release, version, packages) of the newest kernel of a series that can boot."""
    for headers in archive.newest(rf"linux-headers-{re.escape(name)}\.\d.*-{FLAVOUR}"):
        release = headers.name.removeprefix("linux-headers-")
        image = _image(archive, release, headers.version)
        if image:
            return release, headers.version, [
                *image, *_follow(archive, headers, r"linux-(headers|kbuild)-.*")]
    raise cache.LabError(f"{archive.release} has no {name} kernel with headers and image")


def bundle(name, refresh=False):
    """Return the bundle of the newest kernel of a series; with refresh, ask the mirror now."""
    return apt.remember(_note(name), lambda: _make(name), refresh)


def known(name):
    """Return the bundle of a series that is here already, or None."""
    return apt.recall(_note(name))


def _note(name):
    return f"kernel-{name}-{FORMAT}-{FLAVOUR}"


def _make(name):
    archive = apt.Archive(RELEASE_OF[name])
    release, version, packages = _choose(archive, name)
    path = cache.cache_dir("kernels") / f"{release}-{cache.digest(FORMAT, version)}"
    with cache.locked(f"kernel-{name}"):
        # The headers' makefiles hold absolute paths: a bundle that was moved is made anew.
        try:
            if json.loads((path / "info.json").read_text())["path"] == str(path):
                return path
        except FileNotFoundError:
            pass
        debs = archive.download(packages)
        cache.say(f"unpacking kernel {release}")
        with cache.atomic_dir(path) as tmp:
            apt.unpack(debs, tmp / "unpacked")
            _arrange(tmp, path, release)
            info = {"name": name, "release": release, "version": version, "path": str(path),
                    "toolchain": archive.release}
            cache.atomic_write(tmp / "info.json", json.dumps(info, indent=2) + "\n")
        archive.forget(debs)
    return path


def _arrange(tmp, path, release):
    """Turn the unpacked packages in `tmp` into a bundle that will live at `path`."""
    unpacked = tmp / "unpacked"
    modules = tmp / "root/lib/modules"
    modules.mkdir(parents=True)
    for lib in ("lib", "usr/lib"):
        source = unpacked / lib / "modules" / release
        if source.is_dir():
            cache.run(["cp", "-al", source, modules])
    for target in ("vmlinuz", "config"):
        names = [f"boot/{target}-{release}"] + [
            f"usr/lib/modules/{release}/{target}{end}" for end in ("", ".unsigned")]
        found = [unpacked / name for name in names if (unpacked / name).is_file()]
        if not found:
            raise cache.LabError(f"the packages of {release} hold no {target}")
        found[0].rename(tmp / target)
    folder = modules / release
    for name in ("vmlinuz", "vmlinuz.unsigned"):
        (folder / name).unlink(missing_ok=True)
    cache.run(["sh", "-euc", 'find "$1" -name "*.ko.xz" -print0 | xargs -0r -n 64 -P 2 xz -df', "sh", folder])
    headers = f"usr/src/linux-headers-{release}"
    for makefile in (unpacked / "usr/src").glob("linux-headers-*/Makefile"):
        text = makefile.read_text()
        makefile.write_text(re.sub(r"(?<=[ =])/usr/src/", f"{path}/unpacked/usr/src/", text))
    (tmp / "headers").symlink_to(f"unpacked/{headers}")
    for link in ("build", "source"):
        (folder / link).unlink(missing_ok=True)
    (folder / "build").symlink_to(path / "unpacked" / headers)
    cache.run(["/sbin/depmod", "-b", tmp / "root", release])
    for junk in ("boot", "usr/share", "usr/lib/modules", "lib/modules"):
        cache.run(["rm", "-rf", unpacked / junk])

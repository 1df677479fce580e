# SPDX-License-Identifier: GPL-2.0-only
"""Fetches Debian packages of any release from the mirror that this machine's apt uses.

    suite = Archive("trixie")
    suite.newest(r"linux-headers-7\\.2\\..*-cloud-amd64")    [Package, ...], newest first
    suite.download([package, ...])                          paths of .deb files
    suite.closure(["make", "gcc-14"])                       everything these need, as packages

apt itself does the work, in a private folder of the cache: so proxies and the
like are those of the machine, and signatures and checksums are verified all the
way from the archive's key to the package. Needs no root and changes nothing of
the machine's own package lists.
"""
import collections
import functools
import os
from pathlib import Path
import re
import subprocess
import time

from . import cache

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LISTS_SECONDS = 3600                # package lists older than this are fetched again
CHOICE_SECONDS = 7 * 24 * 3600      # how long a chosen version stays the newest
BACKPORTS = {"trixie"}              # releases whose backports hold kernels that we want
KNOWN = ("bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable",
         "stable", "testing", "unstable")

Package = collections.namedtuple("Package", "name version depends")


@functools.lru_cache(maxsize=None)
def mirrors():
    """Return the URIs of Debian's main archive and of its security archive."""
    main = os.environ.get("AUTOBALLOON_MIRROR", "").rstrip("/")
    security = ""
    listing = cache.run(["apt-get", "update", "--print-uris"])
    for uri, suite in re.findall(r"^'(\S+?)/+dists/([^/']+)\S*/InRelease'", listing, re.M):
        if suite.split("-")[0] not in KNOWN:
            continue
        if suite.endswith("-security"):
            security = security or uri
        else:
            main = main or uri
    if not main:
        raise cache.LabError("apt knows no Debian mirror here: name one in AUTOBALLOON_MIRROR")
    return main, security or f"{main}-security"


def compare_versions(left, right):
    """Compare two Debian versions, for sorting."""
    for relation, answer in (("lt", -1), ("gt", 1)):
        if subprocess.call(["dpkg", "--compare-versions", left, relation, right]) == 0:
            return answer
    return 0


def recall(name):
    """Return the folder that was chosen last under this name, or None."""
    note = cache.cache_dir("chosen") / name
    path = Path(note.read_text()) if note.exists() else None
    return path if path and path.exists() else None


def remember(name, choose, refresh=False):
    """Return the folder that choose() makes, or the one it made when last asked.

    So that a new point release does not come in the middle of a day's work, and
    everything goes on when the mirror cannot be reached.
    """
    note, known = cache.cache_dir("chosen") / name, recall(name)
    if known and not refresh and time.time() - note.stat().st_mtime < CHOICE_SECONDS:
        return known
    try:
        chosen = choose()
    except cache.LabError as error:
        if refresh or not known:
            raise
        cache.say(f"cannot look for a newer {name}, using {known.name}: {error}")
        return known
    cache.atomic_write(note, str(chosen))
    return chosen


class Archive:
    """One Debian release with its security updates (and backports, where we use them)."""

    def __init__(self, release):
        self.release = release
        self.root = cache.cache_dir("apt", release)
        self.debs = cache.cache_dir("apt", release, "debs")
        self._env = dict(os.environ, APT_CONFIG=str(self.root / "apt.conf"), LC_ALL="C.UTF-8")
        with cache.locked(f"apt-{release}"):
            self._write_config()
            self._refresh()

    def _sources(self):
        main, security = mirrors()
        suites = [(main, self.release), (security, f"{self.release}-security")]
        if self.release in BACKPORTS:
            suites.append((main, f"{self.release}-backports"))
        return "".join(f"deb [arch=amd64 signed-by={KEYRING}] {uri} {suite} main\n"
                       for uri, suite in suites)

    def _write_config(self):
        """Write an apt configuration of our own, with the machine's way to reach a mirror."""
        if not Path(KEYRING).exists():
            raise cache.LabError(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
        for folder in ("state/lists/partial", "cache/archives/partial", "empty/preferences.d"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "status").touch()
        machine = cache.run(["apt-config", "dump", "Acquire"])
        lines = [line for line in machine.splitlines()
                 if not re.match(r"Acquire::(IndexTargets|Languages)\b", line)]
        empty = self.root / "empty"
        lines += [f'{key} "{value}";' for key, value in {
            "Dir::State": self.root / "state", "Dir::State::status": self.root / "status",
            "Dir::Cache": self.root / "cache", "Dir::Etc": empty,
            "Dir::Cache::pkgcache": "pkgcache.bin", "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::SourceList": self.root / "sources.list", "Dir::Etc::SourceParts": empty,
            "Dir::Etc::Parts": empty, "Dir::Etc::Main": "/dev/null",
            "Dir::Log": self.root, "APT::Architecture": "amd64", "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root", "Debug::NoLocking": "true",
            "Acquire::Languages": "none", "Acquire::PDiffs": "false",
        }.items()]
        cache.atomic_write(self.root / "apt.conf", "\n".join(lines) + "\n")

    def _refresh(self):
        """Fetch the package lists when they are missing, old, or of another mirror."""
        stamp, sources = self.root / "stamp", self._sources()
        listed = self.root / "sources.list"
        if (stamp.exists() and listed.exists() and listed.read_text() == sources
                and time.time() - stamp.stat().st_mtime < LISTS_SECONDS):
            return
        cache.say(f"fetching the package lists of {self.release}")
        cache.atomic_write(listed, sources)
        self._apt("apt-get", "-q", "--error-on=any", "update")
        stamp.touch()

    def _apt(self, *command, **options):
        return cache.run(command, env=self._env, **options)

    def show(self, name):
        """Return every version of package `name`, newest first."""
        found = {}
        for stanza in self._show(name).split("\n\n"):
            field = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.M))
            if field.get("Package") == name:
                found[field["Version"]] = Package(name, field["Version"], field.get("Depends", ""))
        versions = sorted(found, key=functools.cmp_to_key(compare_versions), reverse=True)
        return [found[version] for version in versions]

    def _show(self, name):
        try:
            return self._apt("apt-cache", "show", "--", name)
        except cache.LabError:
            return ""           # apt-cache fails when no such package exists

    def newest(self, pattern):
        """Return the packages whose whole name matches, in their newest version, newest first."""
        names = self._apt("apt-cache", "pkgnames").split()
        found = [versions[0] for name in names if re.fullmatch(pattern, name)
                 for versions in [self.show(name)] if versions]
        return sorted(found, reverse=True, key=lambda package: functools.cmp_to_key(
            compare_versions)(package.version))

    def closure(self, names):
        """Return what must be unpacked to have the named packages in an empty root."""
        plan = self._apt("apt-get", "-qq", "-s", "--no-install-recommends", "install", *names)
        return [Package(name, version, "") for name, version in
                re.findall(r"^Inst (\S+) \((\S+) ", plan, re.M)]

    def download(self, packages):
        """Return the paths of the packages' .deb files, fetched and verified."""
        with cache.locked(f"apt-{self.release}"):
            missing = [package for package in packages if not self._deb(package)]
            if missing:
                cache.say(f"downloading {len(missing)} package(s) of {self.release}: "
                          + " ".join(package.name for package in missing[:3])
                          + (" ..." if len(missing) > 3 else ""))
                # apt-get download leaves half a file under the final name when it is killed.
                with cache.atomic_dir(self.root / "incoming") as incoming:
                    self._apt("apt-get", "-q", "download", *(f"{p.name}={p.version}" for p in missing),
                              cwd=incoming)
                    for deb in incoming.glob("*.deb"):
                        deb.rename(self.debs / deb.name)
        return [self._deb(package) for package in packages]

    def forget(self, debs):
        """Delete .deb files that have been unpacked."""
        with cache.locked(f"apt-{self.release}"):
            for deb in debs:
                deb.unlink(missing_ok=True)

    def _deb(self, package):
        version = package.version.replace(":", "%3a")
        return next(self.debs.glob(f"{package.name}_{version}_*.deb"), None)


def unpack(debs, root):
    """Unpack .deb files into the folder `root`, without running anything of theirs."""
    root.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        cache.run(["dpkg-deb", "-x", deb, root])

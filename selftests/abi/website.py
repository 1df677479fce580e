# SPDX-License-Identifier: GPL-2.0-only
"""The documents as a web site: Sphinx makes it without a warning, and its links lead somewhere."""
from html.parser import HTMLParser
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from area import Area, Failure, fail_if
from lab.cache import BUILD, ROOT, run
import source

DOCUMENTS = ROOT / "Documentation"
OUT = BUILD / "docs"
LIFE = DOCUMENTS / "driver-api/life-of-a-page.rst"
# What that page names of the kernel's own.
KERNELS = {"balloon_page_alloc"}


class Page(HTMLParser):
    """The links of a page of HTML, and the places in it that can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Collect both."""
        found = dict(attrs)
        self.anchors.add(found.get("id") or "")
        self.links |= {found[name] for name in ("href", "src") if found.get(name)}


def sphinx(documents, out):
    """Make HTML of a folder of documents; fail with each warning."""
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(["sphinx-build", "-b", "html", "-n", "-W", "--keep-going", "-q",
                           str(documents), str(out)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failure(done.stdout.replace(f"{ROOT}/", "") or f"exit {done.returncode}")


def html():
    """Sphinx makes HTML of all documents; what it makes stays in build/docs."""
    sphinx(DOCUMENTS, OUT)


def warnings_are_seen():
    """A link to nowhere, and a page that no other has in its list, fail the case before."""
    for text in ("`x`_\n", "x\n=\n\n.. toctree::\n\n   nowhere\n"):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(DOCUMENTS / "conf.py", folder)
            (Path(folder) / "index.rst").write_text("title\n=====\n\n" + text)
            try:
                sphinx(folder, Path(folder) / "out")
            except Failure:
                continue
            raise Failure(f"this passes: {text!r}")


def broken_links(folder):
    """Return "page: link" of every link in a folder of HTML that leads nowhere in it."""
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            if re.match(r"[a-z]+:|//", link):
                continue
            name, _, anchor = re.sub(r"\?[^#]*", "", link).partition("#")
            target = (path.parent / name).resolve() if name else path
            if target in pages and anchor in pages[target].anchors or (
                    target not in pages and target.is_file()):
                continue
            broken.append(f"{path.name}: {link}")
    return broken


def links():
    """Every link from a page to another, or to a place in it, leads there."""
    if not (OUT / "index.html").exists():
        raise Failure("there is no HTML")
    fail_if(broken_links(OUT))


def broken_links_are_seen():
    """The case before can fail: for a page, a place and a picture that are not there."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "a.html"
        page.write_text('<p id="here"><a href="b.html">b</a><a href="#there">t</a>'
                        '<a href="#here">h</a><img src="c.png"><a href="http://x/">x</a>')
        found = broken_links(Path(folder))
    if found != ["a.html: #there", "a.html: b.html", "a.html: c.png"]:
        raise Failure(f"found {found}")


def plots_are_current():
    """The pictures of the simulator show what the policy does now."""
    with tempfile.TemporaryDirectory() as folder:
        run([ROOT / "selftests/unit/plots", folder])
        drawn = sorted(Path(folder).iterdir())
        fail_if([f"{path.name}: run make plots" for path in drawn
                 if path.read_bytes() != (DOCUMENTS / "images" / path.name).read_bytes()]
                or ([] if drawn else ["nothing was drawn"]))


def life_of_a_page():
    """Each function that the page names is in the file that it is named with."""
    text = LIFE.read_text(encoding="utf-8")
    wrong = []
    for name in sorted(set(re.findall(r"``(\w+)\(\)``", text)) - KERNELS):
        files = [path.name for path in source.DRIVER.glob("*.c")
                 if re.search(rf"^[a-z].*\b{name}\(", path.read_text(), re.M)]
        if not any(f"``{file}``" in text for file in files):
            wrong.append(f"{name}() is in {files or 'no file of the driver'}")
    wrong += [f"{name} is no file of the driver" for name in set(re.findall(r"``(\w+\.c)``", text))
              if not (source.DRIVER / name).exists()]
    fail_if(wrong)


CASES = [html, warnings_are_seen, links, broken_links_are_seen, plots_are_current, life_of_a_page]


def run_area():
    """Run all cases; return how many failed."""
    with Area("abi", "website") as tests:
        for case in CASES:
            tests.case(case.__name__, case)
    return tests.failed

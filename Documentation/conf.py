# SPDX-License-Identifier: GPL-2.0-only
"""How Sphinx makes HTML of these documents: make docs."""
import posixpath

from docutils import nodes

project = "autoballoon"
author = "the maintainers of autoballoon"
html_theme = "alabaster"
html_theme_options = {"description": "a memory balloon that resizes itself", "page_width": "60em"}
html_show_copyright = False
# Parts of other pages.
exclude_patterns = ["*-figures.rst", "auto-deflate-others.rst", "results.rst"]


def link_pages(app, tree, page):
    """Make links to the pages out of links to the files, which work without Sphinx, too."""
    for link in tree.findall(nodes.reference):
        name, _, anchor = link.get("refuri", "").partition("#")
        if name.endswith(".rst") and "://" not in name:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(page), name[:-len(".rst")]))
            link["refuri"] = app.builder.get_relative_uri(page, other) + (anchor and f"#{anchor}")


def setup(app):
    """Register the above."""
    app.connect("doctree-resolved", link_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

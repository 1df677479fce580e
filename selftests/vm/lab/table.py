# SPDX-License-Identifier: GPL-2.0-only
"""Tables of words, for people and for the documentation; the first row is the head."""


def _widths(rows):
    return [max(map(len, column)) for column in zip(*rows)]


def aligned(rows):
    """Return a line for each row, its words below those of the others."""
    widths = _widths(rows)
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip()
            for row in rows]


def text_table(rows):
    """Return a table for the terminal."""
    head, *lines = aligned(rows)
    return "\n".join([head, "  ".join("-" * width for width in _widths(rows)), *lines])


def rst_table(rows):
    """Return a simple table of reStructuredText."""
    rows = [[word or "\\" for word in row] for row in rows]
    rule = "  ".join("=" * width for width in _widths(rows))
    head, *lines = aligned(rows)
    return "\n".join([rule, head, rule, *lines, rule])

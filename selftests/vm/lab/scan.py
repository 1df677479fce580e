# SPDX-License-Identifier: GPL-2.0-only
"""What in a kernel log means that something is wrong.

The same list serves the guest (as a file for `grep -E -f`) and the host (for
a console whose guest died), so it keeps to what grep and Python both know.
"""
import re

BAD = (
    "WARNING: ",
    "BUG: ",
    "kernel BUG at",
    "Oops: ",
    "Kernel panic",
    "general protection fault",
    "KASAN: ",
    "KFENCE: ",
    "UBSAN: ",
    "possible circular locking",
    "possible recursive locking",
    "possible irq lock inversion",
    "possible deadlock",
    "inconsistent lock state",
    "bad unlock balance",
    "suspicious RCU usage",
    "sleeping function called",
    "scheduling while atomic",
    "blocked for more than [0-9]+ seconds",
    "detected stalls on CPUs",
    "self-detected stall",
    "soft lockup",
    "hard LOCKUP",
    "Bad page (state|map)",
    "nonzero _refcount",
    "list_(add|del) corruption",
    "refcount_t: ",
    "ODEBUG: ",
    "unreferenced object",
    "balloonsim: BUG",
)

# Boot messages of stock kernels that only look bad.
HARMLESS = (
    "WARNING: Spectre",
    "unregister_netdevice: waiting",
)

# 4096: out of tree, 8192: unsigned. Every other taint is a finding.
OUR_TAINTS = 12288

_BAD = re.compile("|".join(BAD))


def bad_lines(log, allowed=()):
    """Return the lines of `log` that report something wrong."""
    fine = re.compile("|".join(tuple(allowed) + HARMLESS))
    return [line for line in log.splitlines() if _BAD.search(line) and not fine.search(line)]

# SPDX-License-Identifier: GPL-2.0-only
"""What the daemon learns of a host that is under pressure, or that runs libvirt."""
CASES = []

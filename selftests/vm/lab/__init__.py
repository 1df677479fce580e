# SPDX-License-Identifier: GPL-2.0-only
"""The lab: boots guests under QEMU and lets tests drive them. Python standard library only."""

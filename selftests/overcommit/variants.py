# SPDX-License-Identifier: GPL-2.0-only
"""Who decides how much memory each guest has: the columns of the experiment."""
from dataclasses import dataclass

# The same device for all who have one.
DEVICE = {"deflate-on-oom": "on", "free-page-reporting": "on"}


@dataclass(frozen=True)
class Variant:
    """A driver, and a policy of balloon-hostd beside it."""
    name: str
    what: str
    driver: str = None
    policy: str = None
    agent: bool = False
    tunables: tuple = ()
    ksm: bool = False

    @property
    def balloon(self):
        """The properties of the device, or None."""
        return DEVICE if self.driver else None


FIXED, HINTS = "fixed", "hints"
ALL = {variant.name: variant for variant in (
    Variant(FIXED, "all memory, no balloon: the host swaps"),
    Variant("reporting", "in-tree driver, free page reporting alone", "intree"),
    Variant("proportional", "in-tree driver, targets by shares", "intree", "proportional"),
    Variant("mom", "in-tree driver, MOM's rules", "intree", "mom"),
    Variant("prototype", "in-tree driver, the fixed steps of 2013", "intree", "fixed"),
    Variant(HINTS, "our driver, hints", "ours", "hint", agent=True),
    Variant("self", "our driver, self-ballooning, no daemon", "ours",
            tunables=(("pressure/self", "1"),)),
    Variant("fixed-ksm", "all memory, and KSM", ksm=True),
    Variant("hints-ksm", "our driver, hints, and KSM", "ours", "hint", agent=True, ksm=True),
)}
INTREE = ("reporting", "proportional", "mom", "prototype")

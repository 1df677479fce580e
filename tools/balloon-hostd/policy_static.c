// SPDX-License-Identifier: GPL-2.0-only
/* static: every guest has the size that the config gives it, come what may. */
#include "policy.h"

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	(void)options;
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];

		decisions[i].target = guest->fixed ? guest->fixed : guest->max;
	}
}

const struct policy policy_static = {
	.name = "static",
	.what = "the sizes that the config gives",
	.exact = true,
	.decide = decide,
};

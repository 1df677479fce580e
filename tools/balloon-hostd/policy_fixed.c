// SPDX-License-Identifier: GPL-2.0-only
/*
 * fixed: the automatic ballooning of 2013. Each pressed round takes the same from
 * every guest, whatever it needs; only auto-deflate in the guest gives back. It
 * is here as what has to be beaten.
 */
#include "policy.h"

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	uint64_t amount = options->fixed[snapshot->host.level];

	/* From its size: a guest that took memory back is asked anew. */
	for (size_t i = 0; amount && i < snapshot->count; i++)
		decisions[i].target = less_u64(snapshot->guests[i].size, amount);
}

const struct policy policy_fixed = {
	.name = "fixed",
	.what = "1, 2 or 4 MiB from every guest at low, medium, critical pressure",
	.exact = true,
	.decide = decide,
};

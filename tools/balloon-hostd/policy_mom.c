// SPDX-License-Identifier: GPL-2.0-only
/*
 * mom: the published rules of oVirt's Memory Overcommitment Manager. Below 20 % of
 * free memory on the host guests shrink until a part of them is free, less the
 * worse it is; else they grow until 20 % is free. At most 5 % a round.
 */
#include "policy.h"

#define PRESSURE_PERCENT	20	/* of the host's memory, available */
#define CRITICAL_PERCENT	5
#define GUEST_FREE_PERCENT	20
#define CHANGE_PERCENT		5

static bool below(const struct host_view *host, unsigned int percent)
{
	return host->available < scale_u64(host->total, percent, 100);
}

/* What a guest is to have when a part of its size is free; less than used if negative. */
static uint64_t shrunk(const struct host_view *host, const struct guest_view *guest)
{
	uint64_t used = less_u64(guest->size, guest->unused);
	uint64_t least;

	if (below(host, CRITICAL_PERCENT)) {
		/* -5 % and what is available: the guest has to swap. */
		least = scale_u64(guest->size, CRITICAL_PERCENT, 100) -
			scale_u64(guest->size, host->available, host->total);
		least = less_u64(used, least);
	} else {
		/* 20 % of it, as far as the host itself has its 20 %. */
		least = used + scale_u64(guest->size, host->available, host->total) *
			GUEST_FREE_PERCENT / PRESSURE_PERCENT;
	}
	return max_u64(least, less_u64(guest->size,
				       scale_u64(guest->size, CHANGE_PERCENT, 100)));
}

static uint64_t grown(const struct guest_view *guest)
{
	uint64_t used = less_u64(guest->size, guest->unused);

	return min_u64(used + scale_u64(guest->size, GUEST_FREE_PERCENT, 100),
		       guest->size + scale_u64(guest->size, CHANGE_PERCENT, 100));
}

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	bool pressed = below(&snapshot->host, PRESSURE_PERCENT);

	(void)options;
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];
		uint64_t wanted;

		if (!guest_knows(guest))
			continue;
		wanted = pressed ? shrunk(&snapshot->host, guest) : grown(guest);
		if (pressed ? wanted < guest->size : wanted > guest->size)
			decisions[i].target = wanted;
	}
}

const struct policy policy_mom = {
	.name = "mom",
	.what = "the rules of oVirt's Memory Overcommitment Manager",
	.needs_stats = true,
	.decide = decide,
};

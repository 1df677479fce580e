// SPDX-License-Identifier: GPL-2.0-only
/*
 * equal: every guest gets the same part of the way from its floor to its maximum,
 * as Citrix's DMC does. What is freed first is given out after, so that the host
 * never lacks what is on its way.
 */
#include "policy.h"

/* What all of it comes to: the guests' own and what the host has or lacks. */
static uint64_t pool(const struct snapshot *snapshot)
{
	const struct host_view *host = &snapshot->host;
	uint64_t sum = 0;

	for (size_t i = 0; i < snapshot->count; i++)
		if (guest_governed(&snapshot->guests[i]))
			sum += less_u64(snapshot->guests[i].size, snapshot->guests[i].floor);
	return less_u64(sum + host_room(host), less_u64(host->reserve, host->available));
}

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	uint64_t room = host_room(&snapshot->host), range = 0, asked = 0, share;

	(void)options;
	for (size_t i = 0; i < snapshot->count; i++)
		if (guest_governed(&snapshot->guests[i]))
			range += less_u64(snapshot->guests[i].max, snapshot->guests[i].floor);
	share = min_u64(pool(snapshot), range);
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];

		if (!guest_governed(guest))
			continue;
		decisions[i].target = guest->floor +
			scale_u64(less_u64(guest->max, guest->floor), share, range);
		asked += less_u64(decisions[i].target, guest->size);
	}
	for (size_t i = 0; asked > room && i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];

		if (decisions[i].target > guest->size)
			decisions[i].target = guest->size +
				scale_u64(decisions[i].target - guest->size, room, asked);
	}
}

const struct policy policy_equal = {
	.name = "equal",
	.what = "the same part of the way from floor to maximum for all",
	.decide = decide,
};

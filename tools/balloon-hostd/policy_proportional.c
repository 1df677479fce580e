// SPDX-License-Identifier: GPL-2.0-only
/*
 * proportional: the host is held at a part of its memory, 80 % unless the config
 * says otherwise, and what is above the guests' floors is dealt out by shares, as
 * Proxmox does. At most 100 MiB a guest and round.
 */
#include "policy.h"

#define CHANGE_MAX	(100 * MIB)
#define IGNORED		(10 * MIB)	/* of the host's memory */

struct deal {
	const struct snapshot *snapshot;
	bool grow;
	bool short_of_memory;		/* those guests, or the others */
};

/* Guests with little memory unused are the first to grow and the last to shrink. */
static bool takes_part(const struct deal *deal, const struct guest_view *guest)
{
	if (!guest_governed(guest) || !guest->shares)
		return false;
	return (guest_knows(guest) && guest->unused <= guest->floor / 4) ==
		deal->short_of_memory;
}

/* Its size when each share is worth so many bytes. */
static uint64_t size_at(const struct deal *deal, const struct guest_view *guest, uint64_t worth)
{
	uint64_t low = deal->grow ? guest->size :
		max_u64(guest->floor, less_u64(guest->size, CHANGE_MAX));
	uint64_t high = deal->grow ? min_u64(guest->max, guest->size + CHANGE_MAX) : guest->size;

	return max_u64(low, min_u64(high, guest->floor + worth * guest->shares));
}

/* By how much all of them grow or shrink then. */
static uint64_t change_at(const struct deal *deal, uint64_t worth)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < deal->snapshot->count; i++) {
		const struct guest_view *guest = &deal->snapshot->guests[i];
		uint64_t size;

		if (!takes_part(deal, guest))
			continue;
		size = size_at(deal, guest, worth);
		sum += deal->grow ? less_u64(size, guest->size) : less_u64(guest->size, size);
	}
	return sum;
}

/* Let one class of guests change by `amount`, or by as much as they can: returns that. */
static uint64_t deal_out(const struct deal *deal, uint64_t amount, struct decision *decisions)
{
	uint64_t low = 0, high = 1ull << 40, middle;	/* of a share: 1 TiB is enough */

	while (low < high) {
		middle = low + (high - low) / 2;
		/* More worth: more growth, but less shrinking. */
		if ((change_at(deal, middle) >= amount) == deal->grow)
			high = middle;
		else
			low = middle + 1;
	}
	/* Never grow by more than that, nor shrink by less where it is to be had. */
	if (low && change_at(deal, low) != amount)
		low--;
	for (size_t i = 0; i < deal->snapshot->count; i++)
		if (takes_part(deal, &deal->snapshot->guests[i]))
			decisions[i].target = size_at(deal, &deal->snapshot->guests[i], low);
	return change_at(deal, low);
}

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	const struct host_view *host = &snapshot->host;
	uint64_t goal = scale_u64(host->total, options->target_percent, 100);
	uint64_t used = less_u64(host->total, host->available);
	struct deal deal = { .snapshot = snapshot, .grow = goal > used };
	uint64_t amount = deal.grow ? goal - used : used - goal;

	if (amount < IGNORED)
		return;
	deal.short_of_memory = deal.grow;
	amount = less_u64(amount, deal_out(&deal, amount, decisions));
	deal.short_of_memory = !deal.grow;
	deal_out(&deal, amount, decisions);
}

const struct policy policy_proportional = {
	.name = "proportional",
	.what = "keep the host at a part of its memory, dealt out by shares",
	.decide = decide,
};

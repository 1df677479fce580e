// SPDX-License-Identifier: GPL-2.0-only
/* The policies, and the rules that none of them can break. */
#include <string.h>

#include "policy.h"

const struct policy_options policy_defaults = {
	.target_percent = 80,
	.fixed = { 0, MIB, 2 * MIB, 4 * MIB },
};

static const struct policy * const policies[] = {
	&policy_hint, &policy_proportional, &policy_equal, &policy_mom, &policy_fixed,
	&policy_static,
};

const struct policy *policy_number(size_t number)
{
	return number < sizeof(policies) / sizeof(*policies) ? policies[number] : NULL;
}

const struct policy *policy_find(const char *name)
{
	const struct policy *policy;

	for (size_t i = 0; (policy = policy_number(i)); i++)
		if (!strcmp(policy->name, name))
			break;
	return policy;
}

/* Is it ours to change now? The size of a guest that migrates must hold still. */
bool guest_governed(const struct guest_view *guest)
{
	return guest->max && guest->size_age <= STALE_ROUNDS && !guest->migrating;
}

/* Do we know what it can spare? */
bool guest_knows(const struct guest_view *guest)
{
	return guest_governed(guest) && guest->stats_age <= STALE_ROUNDS;
}

/* The driver's own default: 1/64 of the guest, from 16 to 256 MiB. */
uint64_t guest_reserve(const struct guest_view *guest)
{
	return min_u64(max_u64(guest->max / 64, 16 * MIB), 256 * MIB);
}

/* What it can give: it knows best, else by what it has available. */
uint64_t guest_slack(const struct guest_view *guest)
{
	uint64_t slack;

	if (!guest_knows(guest))
		return 0;
	slack = guest->has_slack ? guest->slack :
		less_u64(guest->available, guest_reserve(guest));
	return min_u64(slack, less_u64(guest->size, guest->floor));
}

/*
 * What the host wins of its slack. Free pages that the guest has reported are the
 * host's already: a balloon that takes those brings nothing. A process that has less
 * than the guest uses tells nothing: it has huge pages, or was swapped out.
 */
uint64_t guest_gain(const struct guest_view *guest)
{
	uint64_t slack = guest_slack(guest), used;

	used = less_u64(guest->size, guest->available);
	if (guest->resident < used)
		return slack;
	return min_u64(slack, guest->resident - used);
}

/* What guests may still be given. */
uint64_t host_room(const struct host_view *host)
{
	return less_u64(host->available, host->reserve);
}

/* Between floor and maximum. */
static uint64_t bounded(const struct guest_view *guest, uint64_t target)
{
	return max_u64(min_u64(target, guest->max), min_u64(guest->floor, guest->max));
}

static bool worth_it(const struct guest_view *guest, uint64_t target)
{
	uint64_t change = target > guest->target ? target - guest->target :
		guest->target - target;

	return change >= guest->target / DEAD_BAND;
}

static void hold_to_rules(const struct policy *policy, const struct guest_view *guest,
			  struct decision *decision)
{
	bool known = policy->needs_stats ? guest_knows(guest) : guest_governed(guest);

	if (!guest_governed(guest)) {
		decision->target = guest->target;
		decision->hint = false;
		return;
	}
	decision->target = bounded(guest, decision->target);
	if ((decision->target < guest->target && !known) ||
	    (!policy->exact && !worth_it(guest, decision->target)))
		decision->target = guest->target;
}

void policy_decide(const struct policy *policy, const struct snapshot *snapshot,
		   const struct policy_options *options, struct decision *decisions)
{
	for (size_t i = 0; i < snapshot->count; i++)
		decisions[i] = (struct decision){ .target = snapshot->guests[i].target };
	policy->decide(snapshot, options, decisions);
	for (size_t i = 0; i < snapshot->count; i++)
		hold_to_rules(policy, &snapshot->guests[i], &decisions[i]);
}

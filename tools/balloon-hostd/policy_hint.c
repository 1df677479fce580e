// SPDX-License-Identifier: GPL-2.0-only
/*
 * hint: tell the guests how hard the host is pressed and let them decide what they
 * give. When the pressure begins all are told; as long as something is lacking,
 * those with most slack are asked again. When it ends, they are told that, too.
 *
 * For a guest without a channel for hints the same is done by its target: what the
 * driver would do with the hint is done here, with what the guest says of itself.
 */
#include "policy.h"

/* A guest gives 1/8, 1/4 or 1/2 of its slack, as the driver's defaults are. */
static const unsigned int fractions[LEVELS] = { 0, 8, 4, 2 };

#define RETURN_PART	4	/* of what is missing at its maximum comes back a round */
#define RETURN_LEAST	64	/* but no less than 1/64 of the maximum */
#define DECAY_PART	4	/* of its surplus a guest takes back when its hint has ended */

/*
 * A guest gives its free memory first. What it has reported of that is the host's
 * already, so that as much more must be asked for; and where its part of all its slack
 * would be no more than that, at a higher level.
 */
static void hint(const struct guest_view *guest, uint64_t need, uint64_t gain,
		 struct decision *decision)
{
	uint64_t slack = guest_slack(guest), reported = slack - guest_gain(guest);

	decision->hint = true;
	decision->need = need;
	decision->gain = gain;
	if (need <= NEED_HOLD)
		return;
	decision->need += reported;
	while (gain && decision->level < LEVEL_CRITICAL &&
	       slack / fractions[decision->level] < reported + gain)
		decision->level++;
}

static void tell(const struct guest_view *guest, enum level level, uint64_t need,
		 struct decision *decision)
{
	uint64_t gain = level ? guest_gain(guest) / fractions[level] : 0;

	if (need)
		gain = min_u64(gain, need);
	decision->level = level;
	if (guest->has_hints)
		hint(guest, need, gain, decision);
	else if (level)		/* It may still be on its way to less. */
		decision->target = min_u64(guest->target, guest->size - gain);
}

/* A guest that has next to nothing left; one with hints sees to that itself. */
static bool starves(const struct guest_view *guest)
{
	return !guest->has_hints && guest_knows(guest) &&
		guest->available < guest_reserve(guest) / 2;
}

/* Guests get their memory back, step by step and as far as the host has room. */
static void give_back(const struct snapshot *snapshot, struct decision *decisions)
{
	uint64_t room = host_room(&snapshot->host);
	bool calm = !snapshot->host.level;

	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];
		uint64_t missing = less_u64(guest->max, guest->target), step;

		if (!guest_governed(guest) || !missing || !(calm || starves(guest)))
			continue;
		step = min_u64(missing, max_u64(missing / RETURN_PART, guest->max / RETURN_LEAST));
		/* What such a guest lacks after our restart it gave because of hints. */
		if (guest->has_hints && !guest->asked) {
			decisions[i].target = guest->max;
			continue;
		}
		/* One that starves comes before the host's reserve: else it swaps or dies. */
		if (!starves(guest))
			step = min_u64(step, room);
		decisions[i].target = guest->target + step;
		room = less_u64(room, step);
	}
}

static void tell_all(const struct snapshot *snapshot, struct decision *decisions)
{
	const struct host_view *host = &snapshot->host;
	uint64_t slack = 0, guests = 0;

	for (size_t i = 0; i < snapshot->count; i++) {
		slack += guest_gain(&snapshot->guests[i]);
		guests += guest_governed(&snapshot->guests[i]);
	}
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];
		uint64_t part = host->need;

		if (!guest_governed(guest))
			continue;
		/* Each by its slack; one of which that is not known, by their number. */
		if (guest_knows(guest))
			part = scale_u64(part, guest_gain(guest), slack);
		else
			part /= guests;
		if (host->need)
			part = max_u64(part, NEED_HOLD);
		tell(guest, host->level, part, &decisions[i]);
	}
}

/* What those with more slack than this have above it, as far as one hint can bring it. */
static uint64_t above(const struct snapshot *snapshot, uint64_t mark)
{
	unsigned int fraction = fractions[snapshot->host.level];
	uint64_t sum = 0;

	for (size_t i = 0; i < snapshot->count; i++) {
		uint64_t gain = guest_gain(&snapshot->guests[i]);

		sum += min_u64(less_u64(gain, mark), gain / fraction);
	}
	return sum;
}

/* What is lacking even when those who are giving have given what was asked. */
static uint64_t lacking(const struct snapshot *snapshot)
{
	uint64_t need = snapshot->host.need;

	for (size_t i = 0; i < snapshot->count; i++)
		need = less_u64(need, snapshot->guests[i].coming);
	return need;
}

/* Bring those with most slack down to one mark, so that the need is met. */
static void ask_richest(const struct snapshot *snapshot, struct decision *decisions)
{
	const struct host_view *host = &snapshot->host;
	uint64_t need = lacking(snapshot);
	uint64_t low = 0, high = UINT64_MAX / 2;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (above(snapshot, middle) <= need)
			high = middle;
		else
			low = middle + 1;
	}
	for (size_t i = 0; i < snapshot->count; i++) {
		uint64_t part = less_u64(guest_gain(&snapshot->guests[i]), low);

		if (part)
			tell(&snapshot->guests[i], host->level, part, &decisions[i]);
	}
}

/* Those that came since, and those whose hint runs out: they would take back what they gave. */
static void tell_the_rest(const struct snapshot *snapshot, struct decision *decisions)
{
	const struct host_view *host = &snapshot->host;

	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];

		if (guest->has_hints && !guest->hinted && !decisions[i].hint)
			tell(guest, host->level, host->need ? NEED_HOLD : 0, &decisions[i]);
	}
}

/*
 * The pressure is over, but a guest that hears so takes back what it gave: let as
 * many do that as the host has room for, and have the others hold. Else the
 * pressure would be back, and the same memory would move back and forth for ever.
 */
static void let_go(const struct snapshot *snapshot, struct decision *decisions)
{
	uint64_t room = host_room(&snapshot->host);

	for (size_t i = 0; i < snapshot->count; i++) {
		const struct guest_view *guest = &snapshot->guests[i];
		uint64_t step = less_u64(guest->target, guest->size) / DECAY_PART;

		if (!guest->has_hints || !guest_governed(guest))
			continue;
		if (guest->hinted && room >= step)
			tell(guest, LEVEL_NONE, 0, &decisions[i]);
		else if (!guest->hinted && room < step)
			tell(guest, LEVEL_LOW, NEED_HOLD, &decisions[i]);
		room = less_u64(room, step);
	}
}

static void decide(const struct snapshot *snapshot, const struct policy_options *options,
		   struct decision *decisions)
{
	const struct host_view *host = &snapshot->host;

	(void)options;
	if (!host->level) {
		let_go(snapshot, decisions);
	} else if (host->pressed <= 1) {
		tell_all(snapshot, decisions);
	} else {
		ask_richest(snapshot, decisions);
		tell_the_rest(snapshot, decisions);
	}
	give_back(snapshot, decisions);
}

const struct policy policy_hint = {
	.name = "hint",
	.what = "tell the guests and let them decide; ask again those with most slack",
	.needs_stats = true,
	.decide = decide,
};

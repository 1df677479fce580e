// SPDX-License-Identifier: GPL-2.0-only
/* A host and its guests, simulated; see world.h. */
#include <string.h>

#include "world.h"

#define AT_REST	20

static const unsigned int fractions[LEVELS] = { 0, 8, 4, 2 };

void world_make(struct world *world, const struct policy *policy, size_t count, bool hints)
{
	memset(world, 0, sizeof(*world));
	world->policy = policy;
	world->options = policy_defaults;
	world->count = count;
	world->speed = GIB;
	world->memory.total = 24 * GIB;
	world->host.reserve = 2 * GIB;
	for (size_t i = 0; i < count; i++) {
		struct world_guest *guest = &world->guests[i];

		guest->view = (struct guest_view){
			.max = 4 * GIB, .size = 4 * GIB, .target = 4 * GIB, .floor = GIB / 2,
			.fixed = 5 * GIB / 2, .shares = 1000,
			.has_hints = hints, .has_slack = hints,
		};
		guest->used = GIB / 2 + i * GIB / 4;
		guest->least = UINT64_MAX;
	}
}

/* One second of a balloon: towards its goal, but growing only over the reserve. */
static void move(struct world *world, struct world_guest *guest)
{
	struct guest_view *view = &guest->view;
	uint64_t available = less_u64(view->size, guest->used), before = view->size, goal;

	/* Auto-deflate: what was given of its own will comes back when it is needed. */
	if (available < guest_reserve(view) / 2)
		guest->surplus = less_u64(guest->surplus,
					  guest->used + guest_reserve(view) - view->size);
	goal = less_u64(view->target, guest->surplus);
	if (goal < view->size)
		view->size -= min_u64(min_u64(view->size - goal, world->speed),
				      less_u64(available, guest_reserve(view)));
	else
		view->size += min_u64(goal - view->size, world->speed);
	view->coming = view->size != before || !guest->quiet ? less_u64(view->size, goal) : 0;
	guest->quiet = view->size != before ? 0 : guest->quiet + 1;
	guest->moved += before > view->size ? before - view->size : view->size - before;
	view->available = less_u64(view->size, guest->used);
	view->unused = view->available;
	view->slack = less_u64(view->available, guest_reserve(view));
	guest->least = min_u64(guest->least, view->available);
}

static void live_on(struct world *world, struct world_guest *guest)
{
	/* Half of its time is left when the daemon thinks of renewing it. */
	if (guest->hint_left && --guest->hint_left < WORLD_HINT_S / 2)
		guest->view.hinted = LEVEL_NONE;
	if (!guest->hint_left && guest->surplus && world->now % WORLD_HINT_S == 0)
		guest->surplus = guest->surplus < MIB ? 0 : guest->surplus - guest->surplus / 4;
	move(world, guest);
}

static void hear(struct world_guest *guest, const struct decision *decision)
{
	struct guest_view *view = &guest->view;
	/* What it has promised already is no slack. */
	uint64_t promised = less_u64(view->size, less_u64(view->target, guest->surplus));
	uint64_t yield = 0;

	view->hinted = decision->level;
	guest->hint_left = decision->level ? WORLD_HINT_S : 0;
	if (decision->level)
		yield = less_u64(view->slack, promised) / fractions[decision->level];
	if (decision->need)
		yield = min_u64(yield, decision->need);
	yield -= yield % 4096;
	guest->surplus += yield;
	if (yield)
		guest->quiet = 0;
}

static void feel(struct world *world)
{
	uint64_t used = world->others;

	for (size_t i = 0; i < world->count; i++)
		used += world->guests[i].view.size;
	world->last = world->memory;
	world->memory.available = less_u64(world->memory.total, used);
	world->memory.swapped_out += less_u64(used, world->memory.total);
	host_foresee(&world->memory, world->now ? &world->last : &world->memory,
		     world->host.reserve);
	host_estimate(&world->host, &world->memory, &world->last,
		      host_level(&world->memory, world->host.reserve));
}

void world_round(struct world *world)
{
	struct guest_view views[WORLD_GUESTS];
	struct decision decisions[WORLD_GUESTS];
	struct snapshot snapshot = { .count = world->count, .guests = views };
	bool rest = true;

	for (size_t i = 0; i < world->count; i++) {
		live_on(world, &world->guests[i]);
		views[i] = world->guests[i].view;
		rest &= world->guests[i].quiet > 0;
	}
	feel(world);
	snapshot.host = world->host;
	policy_decide(world->policy, &snapshot, &world->options, decisions);
	for (size_t i = 0; i < world->count; i++) {
		struct world_guest *guest = &world->guests[i];

		if (decisions[i].target != guest->view.target) {
			guest->view.target = decisions[i].target;
			guest->quiet = 0;
			rest = false;
		}
		if (decisions[i].hint)
			hear(guest, &decisions[i]);
	}
	world->quiet = rest ? world->quiet + 1 : 0;
	world->now++;
}

unsigned int world_settle(struct world *world, unsigned int most)
{
	unsigned int start = world->now;

	world->quiet = 0;
	while (world->quiet < AT_REST && world->now - start < most)
		world_round(world);
	return world->now - start - world->quiet;
}

uint64_t world_moved(const struct world *world)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < world->count; i++)
		sum += world->guests[i].moved;
	return sum;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What holds for every policy on any snapshot, and in any life. SEED=n: another one. */
#include <string.h>

#include "test.h"
#include "world.h"

#define SNAPSHOTS	20000
#define CHANGES		20000
#define REACTION_S	5	/* for a guest to get its memory back: 1 GiB a second */

static unsigned short seed[3];

static uint64_t below(uint64_t limit)
{
	uint64_t number = (uint64_t)nrand48(seed) << 31 | (uint64_t)nrand48(seed);

	return limit ? number % limit : 0;
}

/* Often the edge, and now and then nonsense. */
static uint64_t about(uint64_t number)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return number;
	case 2:
		return number + below(4096);
	case 3:
		return below(UINT64_MAX / 4);
	default:
		return below(number + 1);
	}
}

static void make_guest(struct guest_view *guest)
{
	uint64_t max = below(64) ? below(64 * GIB) : 0;

	*guest = (struct guest_view){
		.max = max, .floor = about(max), .size = about(max), .target = about(max),
		.fixed = about(max), .shares = below(10000), .available = about(max),
		.unused = about(max), .slack = about(max), .resident = about(max),
		.coming = about(max),
		.size_age = below(4) ? (uint32_t)below(6) : NEVER_HEARD,
		.stats_age = below(4) ? (uint32_t)below(6) : NEVER_HEARD,
		.hinted = (enum level)below(LEVELS), .has_slack = below(2),
		.has_hints = below(2), .migrating = !below(8),
	};
}

static void check(const struct policy *policy, const struct guest_view *guest,
		  const struct decision *decision)
{
	bool stale = guest->size_age > STALE_ROUNDS ||
		(policy->needs_stats && guest->stats_age > STALE_ROUNDS);
	uint64_t change = decision->target > guest->target ? decision->target - guest->target :
		guest->target - decision->target;

	if (!change)
		return;
	must(!guest->migrating, "%s", policy->name);
	must(decision->target <= guest->max, "%s", policy->name);
	must(decision->target >= guest->floor || decision->target == guest->max, "%s",
	     policy->name);
	must(!stale || decision->target > guest->target, "%s takes on old data", policy->name);
	must(policy->exact || change >= guest->target / DEAD_BAND, "%s", policy->name);
}

static void rules_hold_for_any_snapshot(void **state)
{
	struct guest_view guests[WORLD_GUESTS];
	struct decision decisions[WORLD_GUESTS], again[WORLD_GUESTS];
	struct snapshot snapshot = { .guests = guests };
	const struct policy *policy;

	(void)state;
	for (unsigned int n = 0; n < SNAPSHOTS; n++) {
		snapshot.count = below(WORLD_GUESTS + 1);
		for (size_t i = 0; i < snapshot.count; i++)
			make_guest(&guests[i]);
		snapshot.host = (struct host_view){
			.total = about(256 * GIB), .available = about(256 * GIB),
			.reserve = about(16 * GIB), .need = about(64 * GIB),
			.level = (enum level)below(LEVELS), .pressed = (unsigned int)below(4),
		};
		for (size_t i = 0; (policy = policy_number(i)); i++) {
			memset(again, 0xff, sizeof(again));
			policy_decide(policy, &snapshot, &policy_defaults, decisions);
			policy_decide(policy, &snapshot, &policy_defaults, again);
			for (size_t g = 0; g < snapshot.count; g++) {
				check(policy, &guests[g], &decisions[g]);
				assert_int_equal(decisions[g].target, again[g].target);
				assert_int_equal(decisions[g].hint, again[g].hint);
			}
		}
	}
}

static void change_something(struct world *world)
{
	struct world_guest *guest = &world->guests[below(world->count)];

	switch (below(40)) {
	case 0:
		guest->used = below(guest->view.max - 256 * MIB);
		break;
	case 1:
		world->others = below(8 * GIB);
		break;
	case 2:
		guest->view.migrating = !guest->view.migrating;
		break;
	}
}

/* Guests that decide themselves: none ever has less than half of its reserve by a balloon. */
static void nobody_is_squeezed(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, &policy_hint, WORLD_GUESTS, true);
	for (unsigned int n = 0; n < CHANGES; n++) {
		change_something(&world);
		for (unsigned int i = 0; i < REACTION_S; i++)
			world_round(&world);
		for (size_t i = 0; i < world.count; i++)
			must(world.guests[i].view.available >= 32 * MIB - 4096,
			     "%u s: guest %zu has %llu MiB", world.now, i,
			     (unsigned long long)(world.guests[i].view.available / MIB));
	}
}

int main(void)
{
	const char *text = getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_hold_for_any_snapshot),
		cmocka_unit_test(nobody_is_squeezed),
	};

	seed[0] = (unsigned short)(text && *text ? atoi(text) : 1);
	return run_all(tests);
}

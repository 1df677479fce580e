// SPDX-License-Identifier: GPL-2.0-only
/* Every policy comes to rest: pressure, a burst in one guest, the end of the pressure. */
#include "test.h"
#include "world.h"

#define MOST_S	2000

struct expected {
	const struct policy *policy;
	bool hints;
	unsigned int seconds;		/* at most, for each step */
	bool spares;			/* no guest is driven below half of its reserve */
	bool wakes;			/* a guest that needs its memory again gets it */
	bool gives_back;		/* to all when there is room */
};

static const struct expected expected[] = {
	{ &policy_hint, true, 300, true, true, true },	/* a surplus decays slowly */
	{ &policy_hint, false, 60, true, true, true },
	{ &policy_proportional, false, 60, true, false, true },
	{ &policy_equal, false, 30, false, false, true },
	{ &policy_mom, false, 60, true, true, false },
	{ &policy_fixed, false, 900, true, false, false },
	{ &policy_static, false, 10, true, false, false },
};

static const struct expected *now;

static uint64_t guests_have(const struct world *world)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < world->count; i++)
		sum += world->guests[i].view.size;
	return sum;
}

/* One step: comes to rest in time, and takes no way longer than the way there. */
static void step(struct world *world, const char *what, uint64_t most_moved)
{
	uint64_t had = guests_have(world), moved = world_moved(world), have;
	unsigned int begin = world->now, seconds = world_settle(world, MOST_S);

	have = guests_have(world);
	moved = world_moved(world) - moved;
	print_message("# %s%s: %s at %u s: %u s to rest, ", now->policy->name,
		      now->hints ? "" : " by targets", what, begin, seconds);
	print_message("guests %+lld MiB, moved %llu MiB, host has %llu MiB\n",
		      ((long long)have - (long long)had) / (long long)MIB,
		      (unsigned long long)(moved / MIB),
		      (unsigned long long)(world->memory.available / MIB));
	must(seconds <= now->seconds, "%s: %s: %u s", now->policy->name, what, seconds);
	must(moved <= most_moved, "%s: %s: moved %llu MiB", now->policy->name, what,
	     (unsigned long long)(moved / MIB));
	for (size_t i = 0; i < world->count; i++)
		assert_true(world->guests[i].view.target >= world->guests[i].view.floor);
}

static void spares(const struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		const struct world_guest *guest = &world->guests[i];

		must(guest->least >= guest_reserve(&guest->view) / 2 - MIB,
		     "%s: guest %zu had %llu MiB", now->policy->name, i,
		     (unsigned long long)(guest->least / MIB));
	}
}

static void comes_to_rest(void **state)
{
	uint64_t pressed;
	struct world world;

	now = *state;
	world_make(&world, now->policy, WORLD_GUESTS, now->hints);
	/* 32 GiB of guests on 24 GiB, of which 2 are to stay available. */
	step(&world, "start", 15 * GIB);
	if (now->policy != &policy_mom && now->policy != &policy_static)
		must(world.memory.available >= world.host.reserve - 50 * MIB, "%llu MiB available",
		     (unsigned long long)(world.memory.available / MIB));
	if (now->spares)
		spares(&world);
	/* One that was idle wakes up; what was taken from it comes back from others. */
	world.guests[0].used = 7 * GIB / 2;
	step(&world, "burst", 9 * GIB);
	if (now->wakes)
		must(world.guests[0].view.available > 16 * MIB, "%s: %llu MiB", now->policy->name,
		     (unsigned long long)(world.guests[0].view.available / MIB));
	pressed = guests_have(&world);
	/* The host gets a lot of memory back: and so do the guests. */
	world.memory.total += 16 * GIB;
	step(&world, "calm", 16 * GIB);
	if (now->gives_back)
		must(guests_have(&world) > pressed, "%s", now->policy->name);
}

/* Hints take by slack: the poor keep what they have. */
static void hints_are_fair(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, &policy_hint, WORLD_GUESTS, true);
	world.guests[7].used = 4 * GIB - 60 * MIB;
	world_settle(&world, MOST_S);
	assert_int_equal(world.guests[7].view.size, 4 * GIB);
	for (size_t i = 1; i < 7; i++)
		must(world.guests[i].surplus <= world.guests[i - 1].surplus + MIB, "guest %zu", i);
}

/* Slow balloons: what is on its way is not asked for a second time. */
static void slow_balloons_do_not_overshoot(void **state)
{
	struct world world;

	now = *state;
	world_make(&world, now->policy, WORLD_GUESTS, now->hints);
	world.speed = 20 * MIB;
	world.memory.total = 29 * GIB;
	world_settle(&world, MOST_S);
	must(world.memory.available <= world.host.reserve + GIB, "%s: %llu MiB available",
	     now->policy->name, (unsigned long long)(world.memory.available / MIB));
	must(world.memory.available + GIB >= world.host.reserve, "%s: %llu MiB available",
	     now->policy->name, (unsigned long long)(world.memory.available / MIB));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "hint", comes_to_rest, NULL, NULL, (void *)&expected[0] },
		{ "hint_by_targets", comes_to_rest, NULL, NULL, (void *)&expected[1] },
		{ "proportional", comes_to_rest, NULL, NULL, (void *)&expected[2] },
		{ "equal", comes_to_rest, NULL, NULL, (void *)&expected[3] },
		{ "mom", comes_to_rest, NULL, NULL, (void *)&expected[4] },
		{ "fixed", comes_to_rest, NULL, NULL, (void *)&expected[5] },
		{ "static", comes_to_rest, NULL, NULL, (void *)&expected[6] },
		cmocka_unit_test(hints_are_fair),
		{ "slow_hint", slow_balloons_do_not_overshoot, NULL, NULL, (void *)&expected[0] },
		{ "slow_targets", slow_balloons_do_not_overshoot, NULL, NULL,
		  (void *)&expected[1] },
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Each policy on snapshots of which the answer can be worked out by hand. */
#include "policy.h"
#include "test.h"

#define GUESTS	4

static struct guest_view guests[GUESTS];
static struct decision decisions[GUESTS];
static struct snapshot snapshot;
static struct policy_options options;

/* Guests of 4 GiB that use half of it, on a host that lacks nothing. */
static int make(void **state)
{
	(void)state;
	options = policy_defaults;
	snapshot = (struct snapshot){
		.host = { .total = 16 * GIB, .available = 8 * GIB, .reserve = GIB },
		.count = GUESTS,
		.guests = guests,
	};
	for (size_t i = 0; i < GUESTS; i++)
		guests[i] = (struct guest_view){
			.max = 4 * GIB, .size = 4 * GIB, .target = 4 * GIB, .floor = GIB,
			.available = 2 * GIB, .unused = 2 * GIB, .shares = 1000,
		};
	return 0;
}

static void decide(const struct policy *policy)
{
	policy_decide(policy, &snapshot, &options, decisions);
}

static void press(enum level level, uint64_t need, unsigned int rounds)
{
	snapshot.host.level = level;
	snapshot.host.need = need;
	snapshot.host.pressed = rounds;
}

static void nobody_changes(void)
{
	for (size_t i = 0; i < GUESTS; i++) {
		assert_int_equal(decisions[i].target, guests[i].target);
		assert_false(decisions[i].hint);
	}
}

static void calm_changes_nothing(void **state)
{
	const struct policy *policy;

	(void)state;
	for (size_t i = 0; (policy = policy_number(i)); i++) {
		assert_ptr_equal(policy_find(policy->name), policy);
		decide(policy);
		nobody_changes();
	}
	assert_null(policy_find("no such"));
}

static void static_is_the_config(void **state)
{
	(void)state;
	guests[0].fixed = 3 * GIB;
	guests[1].size = GIB;
	guests[1].target = GIB;
	guests[2].fixed = GIB / 2;
	decide(&policy_static);
	assert_int_equal(decisions[0].target, 3 * GIB);
	assert_int_equal(decisions[1].target, 4 * GIB);
	assert_int_equal(decisions[2].target, GIB);
}

static void fixed_takes_its_amounts(void **state)
{
	static const uint64_t taken[LEVELS] = { 0, MIB, 2 * MIB, 4 * MIB };

	(void)state;
	for (enum level level = LEVEL_LOW; level < LEVELS; level++) {
		press(level, 8 * GIB, 1);
		decide(&policy_fixed);
		assert_int_equal(decisions[3].target, 4 * GIB - taken[level]);
	}
	options.fixed[LEVEL_CRITICAL] = 8 * GIB;
	decide(&policy_fixed);
	assert_int_equal(decisions[3].target, GIB);
}

static void mom_shrinks_by_its_rules(void **state)
{
	(void)state;
	/* Half of the 20 % are left: half of 20 % of a guest may stay free. */
	snapshot.host.available = snapshot.host.total / 10;
	guests[0].unused = GIB / 2;
	guests[1].unused = GIB / 4;
	decide(&policy_mom);
	must(decisions[0].target == 4 * GIB - GIB / 2 + scale_u64(4 * GIB, 10, 100) ||
	     decisions[0].target == 4 * GIB - GIB / 2 + 4 * GIB / 10 - 1,
	     "%llu", (unsigned long long)decisions[0].target);
	assert_int_equal(decisions[1].target, 4 * GIB);
	/* No more than 5 % at once. */
	assert_int_equal(decisions[2].target, 4 * GIB - scale_u64(4 * GIB, 5, 100));
	/* At 2 %: even a guest that has nothing free gives 3 %, and swaps. */
	snapshot.host.available = snapshot.host.total / 50;
	guests[1].unused = 0;
	decide(&policy_mom);
	must(4 * GIB - decisions[1].target >= scale_u64(4 * GIB, 29, 1000) &&
	     4 * GIB - decisions[1].target <= scale_u64(4 * GIB, 31, 1000),
	     "%llu", (unsigned long long)decisions[1].target);
}

static void mom_grows_by_its_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].size = 2 * GIB;
		guests[i].target = 2 * GIB;
	}
	guests[0].unused = 0;
	guests[1].unused = scale_u64(2 * GIB, 18, 100);
	guests[2].unused = GIB;
	decide(&policy_mom);
	assert_int_equal(decisions[0].target, 2 * GIB + scale_u64(2 * GIB, 5, 100));
	assert_in_range(decisions[1].target, 2 * GIB + scale_u64(2 * GIB, 2, 100) - 1,
			2 * GIB + scale_u64(2 * GIB, 2, 100) + 1);
	assert_int_equal(decisions[2].target, 2 * GIB);
}

static void equal_is_equal(void **state)
{
	(void)state;
	/* 16 GiB of guests, and the host lacks 6 of them: half of what is above the floors. */
	guests[1].floor = 2 * GIB;
	guests[2].floor = 2 * GIB;
	guests[3].floor = 3 * GIB;
	snapshot.host.available = 0;
	snapshot.host.reserve = 4 * GIB;
	decide(&policy_equal);
	assert_int_equal(decisions[0].target, GIB + 3 * GIB / 2);
	assert_int_equal(decisions[1].target, 3 * GIB);
	assert_int_equal(decisions[2].target, 3 * GIB);
	assert_int_equal(decisions[3].target, 3 * GIB + GIB / 2);
}

static void equal_frees_before_it_gives(void **state)
{
	uint64_t more;

	(void)state;
	guests[0].size = GIB;
	guests[0].target = GIB;
	snapshot.host.available = GIB + GIB / 2;
	decide(&policy_equal);
	more = decisions[0].target - GIB;
	assert_int_equal(more, GIB / 2);
	assert_true(decisions[1].target < guests[1].size);
}

static void proportional_deals_by_shares(void **state)
{
	(void)state;
	/* 100 MiB too much; 3/4 of the way from 4 GiB to the floor is worth 1000 shares. */
	snapshot.host.available = snapshot.host.total - scale_u64(snapshot.host.total, 80, 100);
	snapshot.host.available -= 100 * MIB;
	guests[0].shares = 0;
	guests[1].migrating = true;
	guests[3].shares = 1010;
	decide(&policy_proportional);
	assert_int_equal(decisions[0].target, 4 * GIB);
	assert_int_equal(decisions[1].target, 4 * GIB);
	must(guests[2].size - decisions[2].target + guests[3].size - decisions[3].target >=
	     99 * MIB, "%llu", (unsigned long long)decisions[2].target);
	assert_true(decisions[2].target < decisions[3].target);
}

static void proportional_spares_the_short(void **state)
{
	(void)state;
	snapshot.host.available = GIB;
	guests[0].unused = GIB / 4;
	decide(&policy_proportional);
	/* All give as much as they may in one round. */
	for (size_t i = 0; i < GUESTS; i++)
		assert_int_equal(decisions[i].target, 4 * GIB - 100 * MIB);
	/* 50 MiB are too much: those that have much unused give them. */
	snapshot.host.available = snapshot.host.total -
		scale_u64(snapshot.host.total, 80, 100) - 50 * MIB;
	decide(&policy_proportional);
	assert_int_equal(decisions[0].target, 4 * GIB);
	assert_true(decisions[1].target < 4 * GIB);
	/* And that one is the first to grow. */
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].size = 2 * GIB;
		guests[i].target = 2 * GIB;
	}
	snapshot.host.available += 150 * MIB;
	decide(&policy_proportional);
	assert_int_equal(decisions[0].target, 2 * GIB + 100 * MIB);
	assert_int_equal(decisions[1].target, 2 * GIB);
}

/* What cannot be dealt out evenly: rather a little too much for the host than too little. */
static void proportional_never_gives_too_much(void **state)
{
	uint64_t goal = scale_u64(snapshot.host.total, 80, 100), grown = 0, shrunk = 0;

	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].size = 2 * GIB;
		guests[i].target = 2 * GIB;
		guests[i].shares = 997 + i;
	}
	snapshot.host.available = snapshot.host.total - goal + 123456789;
	decide(&policy_proportional);
	for (size_t i = 0; i < GUESTS; i++)
		grown += decisions[i].target - guests[i].size;
	must(grown <= 123456789 && grown > 123400000, "%llu", (unsigned long long)grown);
	snapshot.host.available = snapshot.host.total - goal - 123456789;
	decide(&policy_proportional);
	for (size_t i = 0; i < GUESTS; i++)
		shrunk += guests[i].size - decisions[i].target;
	must(shrunk >= 123456789 && shrunk < 123500000, "%llu", (unsigned long long)shrunk);
}

static void hint_tells_all_by_slack(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].has_hints = true;
		guests[i].has_slack = true;
		guests[i].slack = i * GIB / 2;
	}
	press(LEVEL_MEDIUM, 600 * MIB, 1);
	decide(&policy_hint);
	for (size_t i = 0; i < GUESTS; i++) {
		assert_true(decisions[i].hint);
		assert_int_equal(decisions[i].level, LEVEL_MEDIUM);
		assert_int_equal(decisions[i].target, 4 * GIB);
		sum += decisions[i].need;
	}
	assert_int_equal(decisions[0].need, NEED_HOLD);
	assert_int_equal(decisions[2].need, 200 * MIB);
	assert_int_equal(sum, 600 * MIB + NEED_HOLD);
	/* When the need is not known each gives as much as it can. */
	press(LEVEL_LOW, 0, 1);
	decide(&policy_hint);
	for (size_t i = 1; i < GUESTS; i++)
		assert_true(decisions[i].hint);
	assert_int_equal(decisions[0].need, 0);
}

static void hint_asks_the_richest_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].has_hints = true;
		guests[i].hinted = LEVEL_CRITICAL;
		guests[i].has_slack = true;
		guests[i].slack = i * GIB / 2;
	}
	press(LEVEL_CRITICAL, 100 * MIB, 2);
	decide(&policy_hint);
	assert_true(decisions[3].hint);
	assert_int_equal(decisions[3].need, 100 * MIB);
	assert_false(decisions[0].hint || decisions[1].hint || decisions[2].hint);
	/* More than the richest one can give in a round. */
	press(LEVEL_CRITICAL, GIB, 3);
	decide(&policy_hint);
	assert_true(decisions[3].hint && decisions[2].hint && !decisions[0].hint);
	assert_true(decisions[3].need > decisions[2].need);
	/* Nothing is lacking any more, but one hint has run out. */
	guests[1].hinted = LEVEL_NONE;
	guests[0].coming = GIB;
	decide(&policy_hint);
	assert_true(decisions[1].hint && !decisions[2].hint && !decisions[3].hint);
	assert_int_equal(decisions[1].need, NEED_HOLD);
}

/* Of 2 GiB that it has free it has reported 1.5: these it gives first. */
static void hint_asks_for_what_was_reported_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < GUESTS; i++)
		guests[i].available = i == 1 ? 2 * GIB : 0;
	guests[1].has_hints = true;
	guests[1].has_slack = true;
	guests[1].slack = 2 * GIB;
	guests[1].resident = guests[1].size - 3 * GIB / 2;
	press(LEVEL_CRITICAL, 100 * MIB, 2);
	decide(&policy_hint);
	assert_true(decisions[1].hint);
	assert_int_equal(decisions[1].need, 100 * MIB + 3 * GIB / 2);
	/* An eighth of its slack would be nothing for the host: the level must be higher. */
	press(LEVEL_LOW, 100 * MIB, 2);
	decide(&policy_hint);
	assert_int_equal(decisions[1].level, LEVEL_CRITICAL);
	assert_int_equal(decisions[1].gain, GIB / 2 / 8);
	/* Of little that is reported it would not: 164 MiB are less than an eighth. */
	guests[1].resident = guests[1].size - 64 * MIB;
	decide(&policy_hint);
	assert_int_equal(decisions[1].level, LEVEL_LOW);
	assert_int_equal(decisions[1].need, 164 * MIB);
	assert_int_equal(decisions[1].gain, 100 * MIB);
}

static void hint_says_when_it_is_over(void **state)
{
	(void)state;
	guests[2].has_hints = true;
	guests[2].hinted = LEVEL_LOW;
	decide(&policy_hint);
	assert_true(decisions[2].hint);
	assert_int_equal(decisions[2].level, LEVEL_NONE);
	assert_false(decisions[1].hint);
}

/* After our restart it is not known that such a guest was never given a target. */
static void hint_gives_no_target_to_those_with(void **state)
{
	(void)state;
	guests[0].has_hints = true;
	guests[0].size = 3 * GIB;		/* a surplus of 1 GiB */
	guests[0].target = 3 * GIB;
	decide(&policy_hint);
	assert_int_equal(decisions[0].target, 4 * GIB);
	/* It was given one by another policy: that is taken back step by step. */
	guests[0].asked = true;
	decide(&policy_hint);
	assert_int_equal(decisions[0].target, 3 * GIB + GIB / 4);
}

static void hint_does_it_for_those_without(void **state)
{
	(void)state;
	guests[0].available = 4 * GIB / 64;		/* its reserve */
	guests[3].available = 16 * MIB;			/* it starves, below its maximum */
	guests[3].size = 2 * GIB;
	guests[3].target = 2 * GIB;
	snapshot.host.available = 0;
	press(LEVEL_CRITICAL, 0, 1);
	decide(&policy_hint);
	assert_int_equal(decisions[0].target, 4 * GIB);
	assert_int_equal(decisions[1].target, 4 * GIB - (2 * GIB - 64 * MIB) / 2);
	assert_false(decisions[1].hint);
	assert_int_equal(decisions[3].target, 2 * GIB + GIB / 2);
	press(LEVEL_LOW, 10 * MIB, 1);
	guests[1].target = 3 * GIB;
	decide(&policy_hint);
	assert_int_equal(decisions[1].target, 3 * GIB);
	/* It returns as far as the host has room. */
	press(LEVEL_NONE, 0, 0);
	snapshot.host.available = GIB + 100 * MIB;
	guests[3].available = GIB;
	decide(&policy_hint);
	assert_int_equal(decisions[1].target, 3 * GIB + 100 * MIB);
	assert_int_equal(decisions[3].target, 2 * GIB);
}

static void reported_pages_bring_nothing(void **state)
{
	(void)state;
	assert_int_equal(guest_gain(&guests[0]), 2 * GIB - 64 * MIB);
	/* It uses 2 GiB, the host spends 2.5 on it: half a GiB can be won. */
	guests[0].resident = 2 * GIB + GIB / 2;
	assert_int_equal(guest_gain(&guests[0]), GIB / 2);
	guests[0].resident = 2 * GIB;
	assert_int_equal(guest_gain(&guests[0]), 0);
	/* Huge pages are in no process's books: they tell nothing. */
	guests[0].resident = GIB;
	assert_int_equal(guest_gain(&guests[0]), 2 * GIB - 64 * MIB);
}

/* Every policy under the worst pressure: the guard must hold for each. */
static void takes_nothing(void)
{
	const struct policy *policy;

	snapshot.host.available = 0;
	press(LEVEL_CRITICAL, 16 * GIB, 1);
	options.fixed[LEVEL_CRITICAL] = GIB;
	for (size_t i = 0; (policy = policy_number(i)); i++) {
		decide(policy);
		for (size_t n = 0; n < GUESTS; n++)
			must(decisions[n].target >= guests[n].target, "%s: guest %zu",
			     policy->name, n);
	}
}

static void nothing_on_old_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].size_age = STALE_ROUNDS + 1;
		guests[i].fixed = GIB;
	}
	takes_nothing();
	/* Three rounds are not too old. */
	guests[0].size_age = STALE_ROUNDS;
	decide(&policy_mom);
	assert_true(decisions[0].target < 4 * GIB);
	guests[0].stats_age = STALE_ROUNDS + 1;
	decide(&policy_mom);
	assert_int_equal(decisions[0].target, 4 * GIB);
	decide(&policy_hint);
	assert_int_equal(decisions[0].target, 4 * GIB);
}

static void nothing_while_it_migrates(void **state)
{
	(void)state;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].migrating = true;
		guests[i].has_hints = i & 1;
	}
	takes_nothing();
	assert_false(decisions[1].hint);
}

static void never_below_the_floor(void **state)
{
	const struct policy *policy;

	(void)state;
	snapshot.host.available = 0;
	press(LEVEL_CRITICAL, 16 * GIB, 1);
	options.fixed[LEVEL_CRITICAL] = 3 * GIB;
	for (size_t i = 0; i < GUESTS; i++) {
		guests[i].floor = (i + 1) * GIB - MIB / 2;
		guests[i].fixed = MIB;
	}
	for (size_t i = 0; (policy = policy_number(i)); i++) {
		decide(policy);
		for (size_t n = 0; n < GUESTS; n++)
			must(decisions[n].target >= guests[n].floor, "%s: guest %zu",
			     policy->name, n);
	}
	/* A floor above all that it has: all that it has. */
	guests[0].floor = 9 * GIB;
	decide(&policy_static);
	assert_int_equal(decisions[0].target, 4 * GIB);
}

static void small_changes_are_not_made(void **state)
{
	(void)state;
	guests[0].available = 64 * MIB + 79 * MIB;	/* an eighth: below 0.25 % */
	guests[1].available = 64 * MIB + 83 * MIB;
	press(LEVEL_LOW, 0, 1);
	decide(&policy_hint);
	assert_int_equal(decisions[0].target, 4 * GIB);
	assert_int_equal(decisions[1].target, 4 * GIB - 83 * MIB / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(calm_changes_nothing, make),
		cmocka_unit_test_setup(static_is_the_config, make),
		cmocka_unit_test_setup(fixed_takes_its_amounts, make),
		cmocka_unit_test_setup(mom_shrinks_by_its_rules, make),
		cmocka_unit_test_setup(mom_grows_by_its_rules, make),
		cmocka_unit_test_setup(equal_is_equal, make),
		cmocka_unit_test_setup(equal_frees_before_it_gives, make),
		cmocka_unit_test_setup(proportional_deals_by_shares, make),
		cmocka_unit_test_setup(proportional_spares_the_short, make),
		cmocka_unit_test_setup(proportional_never_gives_too_much, make),
		cmocka_unit_test_setup(hint_tells_all_by_slack, make),
		cmocka_unit_test_setup(hint_asks_the_richest_again, make),
		cmocka_unit_test_setup(hint_asks_for_what_was_reported_too, make),
		cmocka_unit_test_setup(hint_says_when_it_is_over, make),
		cmocka_unit_test_setup(hint_does_it_for_those_without, make),
		cmocka_unit_test_setup(hint_gives_no_target_to_those_with, make),
		cmocka_unit_test_setup(reported_pages_bring_nothing, make),
		cmocka_unit_test_setup(nothing_on_old_data, make),
		cmocka_unit_test_setup(nothing_while_it_migrates, make),
		cmocka_unit_test_setup(never_below_the_floor, make),
		cmocka_unit_test_setup(small_changes_are_not_made, make),
	};

	return run_all(tests);
}

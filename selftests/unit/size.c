// SPDX-License-Identifier: GPL-2.0-only
/*
 * How large: default reserve, slack, goal and step.
 */
#include "unit.h"

static void default_reserve(void **state)
{
	static const struct {
		const char *name;
		s64 memory;
		unsigned int shift;
		s64 reserve;
	} t[] = {
		{ "no memory", 0, 12, 16 * MIB },
		{ "32 MiB", 32 * MIB, 12, 16 * MIB },
		{ "just below 1 GiB", 1024 * MIB - 1, 12, 16 * MIB },
		{ "1 GiB", 1024 * MIB, 12, 16 * MIB },
		{ "1 GiB and a bit", 1024 * MIB + 64, 12, 16 * MIB + 1 },
		{ "4 GiB", 4096 * MIB, 12, 64 * MIB },
		{ "just below 16 GiB", 16384 * MIB - 1, 12, 256 * MIB - 1 },
		{ "16 GiB", 16384 * MIB, 12, 256 * MIB },
		{ "4 PiB", HUGE_PAGES, 12, 256 * MIB },
		{ "16 KiB pages, small", 1000, 14, 1024 },
		{ "64 KiB pages, small", 0, 16, 256 },
		{ "64 KiB pages, 4 GiB", 65536, 16, 1024 },
		{ "64 KiB pages, huge", HUGE_PAGES, 16, 4096 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		want(vb_policy_default_reserve(t[i].memory, t[i].shift),
		     t[i].reserve, t[i].name);
}

static void slack(void **state)
{
	static const struct {
		const char *name;
		s64 reserve, available, slack;
	} t[] = {
		{ "nothing at all", 0, 0, 0 },
		{ "no reserve", 0, 1000, 1000 },
		{ "plenty", 1000, 5000, 4000 },
		{ "at the reserve", 1000, 1000, 0 },
		{ "below the reserve", 1000, 999, -1 },
		{ "out of memory", 1000, 0, -1000 },
		{ "huge reserve", HUGE_PAGES, 0, -HUGE_PAGES },
		{ "huge guest", 0, HUGE_PAGES, HUGE_PAGES },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune.reserve = t[i].reserve };
		struct vb_snapshot s = { .available = t[i].available };

		want(vb_policy_slack(&p, &s), t[i].slack, t[i].name);
	}
}

static void goal(void **state)
{
	static const struct {
		const char *name;
		s64 target, offset, actual, available;
		bool empty, holdoff;
		s64 goal;
	} t[] = {
		/* the reserve is 1000 throughout */
		{ "at rest", 500, 0, 500, 9000, 0, 0, 500 },
		{ "grow", 500, 0, 100, 9000, 0, 0, 500 },
		{ "shrink", 100, 0, 500, 9000, 0, 0, 100 },
		{ "host wants nothing", 0, 0, 500, 9000, 0, 0, 0 },
		{ "grow into the slack", 500, 0, 100, 1300, 0, 0, 400 },
		{ "grow by all the slack", 500, 0, 100, 1400, 0, 0, 500 },
		{ "at the reserve", 500, 0, 100, 1000, 0, 0, 100 },
		{ "one page of slack", 500, 0, 100, 1001, 0, 0, 101 },
		{ "below it: no deflate", 500, 0, 100, 0, 0, 0, 100 },
		{ "below it: the host may", 50, 0, 100, 0, 0, 0, 50 },
		{ "deficit", 500, -200, 300, 9000, 0, 0, 300 },
		{ "all taken back", 500, -500, 0, 9000, 0, 0, 0 },
		{ "never below nothing", 500, -600, 0, 9000, 0, 0, 0 },
		{ "surplus", 500, 200, 500, 9000, 0, 0, 700 },
		{ "surplus, slack", 500, 200, 500, 1100, 0, 0, 600 },
		{ "holding off", 500, 0, 100, 9000, 0, 1, 100 },
		{ "holding off, raised", 5000, -100, 400, 9000, 0, 1, 400 },
		{ "holding off, lowered", 50, 0, 100, 9000, 0, 1, 50 },
		{ "empty", 500, 0, 500, 9000, 1, 0, 0 },
		{ "empty, holding off", 500, 0, 500, 0, 1, 1, 0 },
		{ "empty, surplus", 500, 100, 500, 9000, 1, 0, 0 },
		{ "absurd target", HUGE_PAGES, 0, 100, 3000, 0, 0, 2100 },
		{ "huge", HUGE_PAGES, 0, 0, HUGE_PAGES + 1000, 0, 0,
		  HUGE_PAGES },
		{ "huge, taken back", HUGE_PAGES, -HUGE_PAGES, HUGE_PAGES,
		  HUGE_PAGES, 0, 0, 0 },
		{ "no memory", 500, 0, 0, 0, 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune.reserve = 1000,
			.offset = t[i].offset,
			.target = t[i].target,
			.empty = t[i].empty,
			.holdoff_until = t[i].holdoff ? 51 : 50,
		};
		struct vb_snapshot s = {
			.now = 50,
			.target = t[i].target,
			.actual = t[i].actual,
			.available = t[i].available,
		};

		want(vb_policy_goal(&p, &s), t[i].goal, t[i].name);
	}
}

/* Whatever the numbers: growth within the slack, a deflate for no reason of ours. */
static void goal_of_anything(void **state)
{
	u64 seed = 1;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		int shift = rnd_range(&seed, 0, 40);
		s64 most = 1LL << shift;
		s64 target = rnd_range(&seed, 0, most);
		struct vb_policy p = {
			.tune.reserve = rnd_range(&seed, 0, most),
			.target = target,
			.offset = rnd_range(&seed, -target, most),
			.empty = rnd_range(&seed, 0, 20) == 0,
			.holdoff_until = rnd_range(&seed, 0, 3),
		};
		struct vb_snapshot s = {
			.now = 1,
			.target = target,
			.actual = rnd_range(&seed, 0, most),
			.available = rnd_range(&seed, 0, most),
		};
		s64 wanted = p.empty ? 0 : target + p.offset;
		s64 got = vb_policy_goal(&p, &s);
		s64 growth = got - s.actual;

		must(got >= 0 && got <= wanted, "%lld, round %d",
		     (long long)got, i);
		if (growth <= 0) {
			must(got == wanted || growth == 0, "%lld, round %d",
			     (long long)got, i);
		} else {
			must(s.available - growth >= p.tune.reserve,
			     "%lld, round %d", (long long)got, i);
			must(p.holdoff_until <= s.now, "round %d", i);
		}
		if (wanted > s.actual && s.available > p.tune.reserve &&
		    p.holdoff_until <= s.now)
			must(growth > 0, "%lld, round %d", (long long)got, i);
	}
}

static void step(void **state)
{
	static const struct {
		const char *name;
		s64 actual, available, goal, step;
	} t[] = {
		/* the reserve is 1000 throughout */
		{ "at the goal", 500, 9000, 500, 0 },
		{ "shrink at once", 500, 9000, 100, -400 },
		{ "shrink below the reserve", 500, 0, 100, -400 },
		{ "grow at once", 100, 9000, 500, 400 },
		{ "half of the slack is enough", 100, 1800, 500, 400 },
		{ "just not enough", 100, 1798, 500, 399 },
		{ "half of the slack", 100, 1100, 200, 50 },
		{ "one page of slack", 100, 1001, 101, 1 },
		{ "huge", 0, HUGE_PAGES, HUGE_PAGES, (HUGE_PAGES - 1000) / 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune.reserve = 1000 };
		struct vb_snapshot s = {
			.actual = t[i].actual,
			.available = t[i].available,
		};

		want(vb_policy_step(&p, &s, t[i].goal), t[i].step, t[i].name);
	}
}

/* Step by step the goal is reached exactly, or the reserve is, and no less. */
static void steps_end(void **state)
{
	s64 start, wish;

	(void)state;
	for (start = 1000; start < 40000; start += 777) {
		for (wish = 1; wish < 40000; wish += 1333) {
			struct vb_policy p = { .tune.reserve = 1000 };
			struct vb_snapshot s = {
				.target = wish, .available = start,
			};
			unsigned int rounds = 0;
			s64 move;

			while ((move = vb_policy_step(&p, &s,
						      vb_policy_goal(&p, &s)))) {
				s.actual += move;
				s.available -= move;
				rounds++;
			}
			want(s.actual, wish < start - 1000 ? wish : start - 1000,
			     "size");
			must(rounds < 20, "%u rounds", rounds);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_reserve),
		cmocka_unit_test(slack),
		cmocka_unit_test(goal),
		cmocka_unit_test(goal_of_anything),
		cmocka_unit_test(step),
		cmocka_unit_test(steps_end),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest takes from the target or adds to it: a new target, a release,
 * and how a deficit returns.
 */
#include "unit.h"

static void new_target(void **state)
{
	static const struct {
		const char *name;
		s64 target, offset, next, actual, after;
	} t[] = {
		{ "no offset, raise", 1000, 0, 2000, 1000, 0 },
		{ "no offset, lower", 1000, 0, 500, 1000, 0 },
		{ "no change", 1000, -100, 1000, 900, -100 },
		{ "no change, smaller miss", 1000, -100, 1000, 950, -100 },

		{ "deficit, raise", 1000, -100, 1500, 900, -100 },
		{ "deficit, huge raise", 1000, -100, HUGE_PAGES, 900, -100 },
		{ "deficit, raise in deflation", 1000, -100, 1050, 1000, -50 },
		{ "deficit, lower by less", 1000, -100, 950, 900, -50 },
		{ "deficit, lower by one", 1000, -100, 999, 900, -99 },
		{ "deficit, lower by as much", 1000, -100, 900, 900, 0 },
		{ "deficit, lower by more", 1000, -100, 700, 900, 0 },
		{ "deficit, lower to nothing", 1000, -100, 0, 900, 0 },
		{ "deficit, far behind, lower", 1000, -100, 950, 300, -100 },
		{ "all taken back, lower", 1000, -1000, 400, 0, -400 },
		{ "all taken back, raise", 1000, -1000, 1400, 0, -1000 },

		{ "surplus, raise by less", 1000, 100, 1060, 1100, 40 },
		{ "surplus, raise by as much", 1000, 100, 1100, 1100, 0 },
		{ "surplus, raise by more", 1000, 100, 1500, 1100, 0 },
		{ "surplus, lower by one", 1000, 100, 999, 1100, 0 },
		{ "surplus, lower", 1000, 100, 500, 1100, 0 },
		{ "surplus of a huge guest", 1, HUGE_PAGES, HUGE_PAGES, 0, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = t[i].target,
			.offset = t[i].offset,
			.return_size = t[i].offset < 0 ? 7 : 0,
			.retry_ms = 4000,
		};
		struct vb_snapshot s = {
			.target = t[i].next,
			.actual = t[i].actual,
		};
		bool changed = t[i].next != t[i].target;

		vb_policy_new_target(&p, &s);
		want(p.offset, t[i].after, t[i].name);
		want(p.target, t[i].next, t[i].name);
		want(p.return_size, t[i].after < 0 ? 7 : 0, t[i].name);
		want(p.retry_ms, changed ? 0 : 4000, t[i].name);
	}
}

/* What a new target does to the offset, as properties, for any numbers. */
static void new_target_of_anything(void **state)
{
	u64 seed = 2;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		s64 most = 1LL << rnd_range(&seed, 0, 40);
		s64 old = rnd_range(&seed, 0, most);
		s64 before = rnd_range(&seed, -old, most);
		struct vb_policy p = {
			.tune = default_tune,
			.target = old,
			.offset = before,
		};
		struct vb_snapshot s = {
			.target = rnd_range(&seed, 0, most),
			.actual = rnd_range(&seed, 0, most),
		};
		s64 sum;

		vb_policy_new_target(&p, &s);
		sum = s.target + p.offset;
		must(sum >= 0, "round %d", i);
		if (s.target == old)
			want(p.offset, before, "no change");
		else if (before < 0)
			must(p.offset <= 0 && p.offset >= before &&
			     (p.offset == before || sum == s.actual ||
			      (!p.offset && s.actual >= s.target)),
			     "%lld, round %d", (long long)p.offset, i);
		else if (s.target > old)
			want(sum, s.target > old + before ? s.target :
							     old + before,
			     "a raise is first paid from the surplus");
		else
			want(p.offset, 0, "a lowering cancels the surplus");
	}
}

static void released(void **state)
{
	static const struct {
		const char *name;
		s64 target, offset, actual, after;
	} t[] = {
		{ "first", 1000, 0, 900, -100 },
		{ "second", 1000, -100, 850, -150 },
		{ "one page", 1000, 0, 999, -1 },
		{ "everything", 1000, 0, 0, -1000 },
		{ "the rest", 1000, -900, 0, -1000 },
		{ "never more than the target", 1000, -1100, 0, -1000 },
		{ "part of the surplus", 1000, 200, 1150, 150 },
		{ "all the surplus", 1000, 200, 1000, 0 },
		{ "surplus and more", 1000, 200, 900, -100 },
		{ "nothing", 1000, -100, 900, -100 },
		{ "it was still growing", 1000, 0, 300, -700 },
		{ "a step was still growing", 1000, -100, 700, -300 },
		{ "it was still shrinking", 1000, 0, 3000, 0 },
		{ "shrinking, a deficit", 1000, -100, 3000, -100 },
		{ "shrinking, a page to go", 1000, -100, 901, -100 },
		{ "shrinking, a surplus", 1000, 200, 3000, 200 },
		{ "no target", 0, 0, 0, 0 },
		{ "no target yet", 0, 0, 100, 0 },
		{ "huge", HUGE_PAGES, 0, 0, -HUGE_PAGES },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = true,
			.target = t[i].target,
			.offset = t[i].offset,
			.return_size = 7,
		};
		struct vb_snapshot s = {
			.now = 1000,
			.target = t[i].target,
			.actual = t[i].actual,
		};

		vb_policy_released(&p, &s);
		want(p.offset, t[i].after, t[i].name);
		want(p.target, t[i].target, t[i].name);
		want(vb_policy_holding_off(&p, 5999), 1, t[i].name);
		want(p.return_size, 0, t[i].name);
	}
}

/* The offset is of the target that it was worked out against, no newer one. */
static void released_before_a_new_target(void **state)
{
	static const struct {
		const char *name;
		s64 next, between, after;
	} t[] = {
		{ "raised", 2000, -100, -100 },
		{ "lowered", 950, -100, -50 },
		{ "lowered by more", 500, -100, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = true,
			.target = 1000,
		};
		struct vb_snapshot s = {
			.now = 1000,
			.target = t[i].next,
			.actual = 900,
		};

		vb_policy_released(&p, &s);
		want(p.offset, t[i].between, t[i].name);
		vb_policy_new_target(&p, &s);
		want(p.offset, t[i].after, t[i].name);
	}
}

/*
 * What was released is not taken back straight away, hold-off or not, and
 * what the host still waits for is not kept from it.
 */
static void released_stays_released(void **state)
{
	static const struct {
		const char *name;
		s64 actual, goal;
	} t[] = {
		{ "at rest", 97000, 97000 },
		{ "growing", 5000, 5000 },
		{ "shrinking", 500000, 100000 },
		{ "nothing left", 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = true,
			.target = 100000,
		};
		struct vb_snapshot s = {
			.now = 1000,
			.target = 100000,
			.actual = t[i].actual,
			.available = 1000 * MIB,
		};

		vb_policy_released(&p, &s);
		want(vb_policy_goal(&p, &s), t[i].goal, t[i].name);
		s.now += 100000;
		want(vb_policy_goal(&p, &s), t[i].goal, t[i].name);
	}
}

/* The same as properties, for any numbers. */
static void released_of_anything(void **state)
{
	u64 seed = 6;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		s64 most = 1LL << rnd_range(&seed, 0, 40);
		s64 target = rnd_range(&seed, 0, most);
		s64 before = rnd_range(&seed, -target, most), goal;
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = true,
			.target = target,
			.offset = before,
		};
		struct vb_snapshot s = {
			.now = 1,
			.target = target,
			.actual = rnd_range(&seed, 0, most),
			.available = HUGE_PAGES,
		};

		vb_policy_released(&p, &s);
		must(p.offset <= before && p.offset >= -target,
		     "%lld, round %d", (long long)p.offset, i);
		s.now = p.holdoff_until;
		goal = vb_policy_goal(&p, &s);
		want(goal, target + before < s.actual ? target + before :
							s.actual, "goal");
		/* the other half of a handed-over release, and one that failed */
		before = p.offset;
		vb_policy_released(&p, &s);
		want(p.offset, before, "nothing more was released");
	}
}

/*
 * R2: without DEFLATE_ON_OOM there is no deficit, though a whole chunk came back
 * for a few pages, or the target rose meanwhile: the host gets it all.
 */
static void released_against_the_hosts_word(void **state)
{
	static const struct {
		const char *name;
		s64 offset, actual, after;
	} t[] = {
		{ "all of a surplus", 300, 100000, 0 },
		{ "a part of it", 300, 100100, 100 },
		{ "a chunk for it", 300, 99788, 0 },
		{ "the target rose", 50000, 20000, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = 100000,
			.offset = t[i].offset,
		};
		struct vb_snapshot s = {
			.now = 1000,
			.target = 100000,
			.actual = t[i].actual,
			.available = HUGE_PAGES,
		};

		vb_policy_released(&p, &s);
		want(p.offset, t[i].after, t[i].name);
		must(vb_policy_goal(&p, &s) <= s.actual, "%s: at once",
		     t[i].name);
		s.now = p.holdoff_until;
		want(vb_policy_goal(&p, &s), 100000 + t[i].after, t[i].name);
	}
}

/* A hold-off alone, before pages are released, moves nothing. */
static void hold_off_moves_nothing(void **state)
{
	struct vb_policy p = {
		.tune = default_tune,
		.target = 1000,
		.offset = -800,
		.return_size = 100,
		.return_at = 60,
		.retry_ms = 4000,
	};
	struct vb_snapshot s = {
		.now = 1000,
		.target = 1000,
		.actual = 150,
		.available = 1000 * MIB,
	};

	(void)state;
	vb_policy_hold_off(&p, &s);
	want(p.offset, -800, "offset");
	want(p.return_size, 100, "size of a step");
	want(p.return_at, 60, "time of a step");
	want(p.retry_ms, 4000, "retry");
	want(vb_policy_goal(&p, &s), 150, "no growth");
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -800, "no return");
	s.now = 6000;
	want(vb_policy_goal(&p, &s), 200, "growth after it");
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -700, "the return goes on");
}

static void return_waits(void **state)
{
	static const struct {
		const char *name;
		s64 offset, available;
		u64 now;
		s64 after;
	} t[] = {
		/* reserve 1000, hold-off until 50, a step due at 60, of 1/8 */
		{ "due", -800, 9000, 60, -700 },
		{ "long due", -800, 9000, 100000, -700 },
		{ "not due", -800, 9000, 59, -800 },
		{ "holding off", -800, 9000, 49, -800 },
		{ "twice the reserve", -800, 2000, 60, -800 },
		{ "a page more", -800, 2001, 60, -700 },
		{ "no memory", -800, 0, 60, -800 },
		{ "no deficit", 0, 9000, 60, 0 },
		{ "a surplus stays", 300, 9000, 60, 300 },
		{ "less than a page a step", -3, 9000, 60, -2 },
		{ "the last page", -1, 9000, 60, 0 },
		{ "rounded up", -801, 9000, 60, -700 },
		{ "huge", -HUGE_PAGES, 9000, 60,
		  -HUGE_PAGES + HUGE_PAGES / 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = HUGE_PAGES,
			.offset = t[i].offset,
			.holdoff_until = 50,
			.return_at = 60,
		};
		struct vb_snapshot s = {
			.now = t[i].now,
			.target = HUGE_PAGES,
			.available = t[i].available,
		};
		bool stepped = t[i].after != t[i].offset;

		p.tune.reserve = 1000;
		vb_policy_return_deficit(&p, &s);
		want(p.offset, t[i].after, t[i].name);
		want(p.return_at, stepped ? t[i].now + 5000 : 60, t[i].name);
	}
}

/* Return: number of steps until the deficit is gone. */
static int return_all(struct vb_policy *p, struct vb_snapshot *s)
{
	s64 first = 0;
	int steps = 0;

	while (p->offset < 0) {
		s64 before = p->offset, step;

		must(steps < 1000, "%lld left", (long long)p->offset);
		vb_policy_return_deficit(p, s);
		step = p->offset - before;
		must(step > 0, "%lld left", (long long)p->offset);
		if (!steps)
			first = step;
		must(step == first || (step < first && !p->offset),
		     "step %d of %lld", steps, (long long)step);
		steps++;
		/* a look too early changes nothing */
		before = p->offset;
		s->now += p->tune.return_ms - 1;
		vb_policy_return_deficit(p, s);
		want(p->offset, before, "before the interval has passed");
		s->now++;
	}
	return steps;
}

static void return_in_even_steps(void **state)
{
	static const s64 deficits[] = {
		1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000, 99999,
		HUGE_PAGES
	};
	static const u32 shares[] = { 1, 2, 3, 8, 255, 256 };
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(deficits); i++) {
		for (j = 0; j < ARRAY_SIZE(shares); j++) {
			struct vb_policy p = {
				.tune = default_tune,
				.target = HUGE_PAGES,
				.offset = -deficits[i],
			};
			struct vb_snapshot s = {
				.now = 1,
				.available = HUGE_PAGES,
			};
			int steps;

			p.tune.return_step = shares[j];
			steps = return_all(&p, &s);
			must(steps <= (int)shares[j] &&
			     (steps > (int)shares[j] / 2 ||
			      steps == deficits[i]),
			     "%d steps for %lld in %u", steps,
			     (long long)deficits[i], shares[j]);
			want(p.offset, 0, "no overshoot");
			want(p.return_size, 0, "the return is over");
		}
	}
}

/* The steps of a new return are shares of the new deficit. */
static void return_starts_anew(void **state)
{
	struct vb_policy p = {
		.tune = default_tune,
		.below_target = true,
		.target = 10000,
		.offset = -800,
	};
	struct vb_snapshot s = {
		.now = 1,
		.target = 10000,
		.available = 1000 * MIB,
	};

	(void)state;
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -700, "a step of the first");
	s.actual = 8400;
	vb_policy_released(&p, &s);
	s.now += 100000;
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -1400, "a step of the second, after a release");

	s.target = 8600;
	s.actual = 8600;
	vb_policy_new_target(&p, &s);
	want(p.offset, 0, "the host wants no more");
	s.actual = 8520;
	vb_policy_released(&p, &s);
	s.now += 100000;
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -70, "a step of the third, after a new target");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_target),
		cmocka_unit_test(new_target_of_anything),
		cmocka_unit_test(released),
		cmocka_unit_test(released_before_a_new_target),
		cmocka_unit_test(released_stays_released),
		cmocka_unit_test(released_of_anything),
		cmocka_unit_test(released_against_the_hosts_word),
		cmocka_unit_test(hold_off_moves_nothing),
		cmocka_unit_test(return_waits),
		cmocka_unit_test(return_in_even_steps),
		cmocka_unit_test(return_starts_anew),
	};

	return run_all(tests);
}

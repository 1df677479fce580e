// SPDX-License-Identifier: GPL-2.0-only
/*
 * When: the hold-off after a release, the delays of growth that found no
 * memory, and the next look of the worker.
 */
#include "unit.h"

/* Return: length of the hold-off that a release at @now begins; ms. */
static u64 release_at(struct vb_policy *p, u64 now)
{
	struct vb_snapshot s = { .now = now, .target = p->target };
	u64 length = 0;

	vb_policy_released(p, &s);
	while (vb_policy_holding_off(p, now + length))
		length += 50;
	return length;
}

static void holdoff_begins_and_ends(void **state)
{
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	struct vb_snapshot s = { .now = 7000 };

	(void)state;
	want(vb_policy_holding_off(&p, 0), 0, "never released");
	want(vb_policy_holding_off(&p, UINT64_MAX), 0, "never released");
	vb_policy_released(&p, &s);
	want(vb_policy_holding_off(&p, 7000), 1, "begin");
	want(vb_policy_holding_off(&p, 11999), 1, "last millisecond");
	want(vb_policy_holding_off(&p, 12000), 0, "end");
}

static void holdoff_doubles(void **state)
{
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	static const u64 lengths[] = {
		5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000
	};
	u64 now = 1;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		u64 length = release_at(&p, now);

		want(length, lengths[i], "released soon after a hold-off");
		now += length + (i % 2 ? 0 : 4 * length - 50);
	}
}

static void holdoff_is_forgotten(void **state)
{
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	u64 now = 1;

	(void)state;
	now += release_at(&p, now);
	now += release_at(&p, now);
	want(release_at(&p, now), 20000, "third in a row");
	now += 20000 + 4 * 20000 - 1;
	want(release_at(&p, now), 40000, "not yet calm for long enough");
	now += 40000 + 4 * 40000;
	want(release_at(&p, now), 5000, "calm");
}

/* A burst is many releases: they prolong its hold-off, and do not double it. */
static void holdoff_of_a_burst(void **state)
{
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	u64 now;

	(void)state;
	for (now = 1; now < 60000; now += 100)
		want(release_at(&p, now), 5000, "from the latest release");
	now += 4900;
	want(release_at(&p, now), 10000, "the next burst");
	want(release_at(&p, now + 9999), 10000, "within the longer one");
}

static void holdoff_limits(void **state)
{
	static const struct {
		const char *name;
		u32 shortest, longest;
		u64 first, second;
	} t[] = {
		{ "off", 0, 300000, 0, 0 },
		{ "both off", 0, 0, 0, 0 },
		{ "maximum below the minimum", 5000, 1000, 1000, 1000 },
		{ "maximum of 0", 5000, 0, 0, 0 },
		{ "alike", 5000, 5000, 5000, 5000 },
		{ "not a power of two", 5000, 7000, 5000, 7000 },
		{ "the longest", 300000, 3600000, 300000, 600000 },
		{ "a u32 overflows", 3000000000U, 4000000000U, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune, .target = 1000 };
		struct vb_snapshot s = { .now = 1 };

		p.tune.holdoff_ms = t[i].shortest;
		p.tune.holdoff_max_ms = t[i].longest;
		if (t[i].shortest > 3600000) {
			vb_policy_released(&p, &s);
			want(p.holdoff_until, 3000000001ULL, t[i].name);
			s.now = p.holdoff_until;
			vb_policy_released(&p, &s);
			want(p.holdoff_until, 7000000001ULL, t[i].name);
			continue;
		}
		want(release_at(&p, 1), t[i].first, t[i].name);
		want(release_at(&p, 1 + t[i].first), t[i].second, t[i].name);
	}
}

/*
 * A raised hold-off, and any maximum, count from the next release on; a lowered
 * hold-off counts once all is calm.
 */
static void holdoff_tuned(void **state)
{
	static const struct {
		const char *name;
		u32 shortest, longest;
		u64 within, soon, calm;
	} t[] = {
		/* the first hold-off was of 5 s, at most 300 s */
		{ "untouched", 5000, 300000, 5000, 10000, 5000 },
		{ "raised", 60000, 300000, 60000, 60000, 60000 },
		{ "raised a little", 6000, 300000, 6000, 10000, 6000 },
		{ "lowered", 1000, 300000, 5000, 10000, 1000 },
		{ "maximum lowered", 5000, 2000, 2000, 2000, 2000 },
		{ "raised above the maximum", 60000, 8000, 8000, 8000, 8000 },
		{ "maximum switched off", 5000, 0, 0, 0, 0 },
	};
	static const u64 times[] = { 3000, 6000, 5000 + 4 * 5000 };
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		const u64 lengths[] = { t[i].within, t[i].soon, t[i].calm };

		for (j = 0; j < ARRAY_SIZE(times); j++) {
			struct vb_policy p = { .tune = default_tune };

			want(release_at(&p, 1), 5000, "the first");
			p.tune.holdoff_ms = t[i].shortest;
			p.tune.holdoff_max_ms = t[i].longest;
			want(release_at(&p, 1 + times[j]), lengths[j],
			     t[i].name);
		}
	}
}

/* Switched off after a hold-off there is none, and nothing left to double. */
static void holdoff_switched_off(void **state)
{
	static const u64 times[] = { 5000, 6000, 1000000 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(times); i++) {
		struct vb_policy p = { .tune = default_tune };

		want(release_at(&p, 1), 5000, "the first");
		p.tune.holdoff_ms = 0;
		want(release_at(&p, 1 + times[i]), 0, "switched off");
		p.tune.holdoff_ms = 5000;
		want(release_at(&p, 2 + times[i]), 5000, "switched on again");
	}
}

/* Begun before the release, and once more by it: one hold-off, from the latter. */
static void holdoff_begins_before_the_release(void **state)
{
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	struct vb_snapshot s = { .now = 1, .target = 1000, .actual = 900 };
	u64 length;

	(void)state;
	for (length = 5000; length <= 40000; length *= 2) {
		vb_policy_hold_off(&p, &s);
		want(p.holdoff_until, s.now + length, "from the beginning");
		s.now += 400;
		vb_policy_released(&p, &s);
		want(p.holdoff_until, s.now + length, "from the release");
		s.now = p.holdoff_until;
	}
}

static void retries_double(void **state)
{
	static const u32 delays[] = {
		1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000
	};
	struct vb_policy p = { .tune = default_tune, .target = 1000 };
	struct vb_snapshot s = { .now = 1, .target = 1000, .actual = 10 };
	int round;
	size_t i;

	(void)state;
	want(vb_policy_next_look(&p, &s), 1000, "before any failure");
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(delays); i++) {
			vb_policy_no_progress(&p);
			want(vb_policy_next_look(&p, &s), delays[i], "retry");
		}
		if (round == 0) {
			vb_policy_progress(&p);
		} else {
			s.target++;
			vb_policy_new_target(&p, &s);
		}
		want(p.retry_ms, 0, "reset");
	}
	vb_policy_no_progress(&p);
	vb_policy_no_progress(&p);
	vb_policy_new_target(&p, &s);
	want(p.retry_ms, 2000, "the same target is not a new one");
}

static void next_look(void **state)
{
	static const struct {
		const char *name;
		s64 offset, actual;
		u64 now, holdoff, due;
		u32 retry;
		bool empty;
		u64 delay;
	} t[] = {
		/* the target is 1000, the interval of a return 5000 */
		{ "at rest", 0, 1000, 100, 0, 0, 0, 0, 0 },
		{ "at rest, old delays", 0, 1000, 100, 0, 0, 32000, 0, 0 },
		{ "at rest, holding off", 0, 1000, 100, 300, 0, 0, 0, 0 },
		{ "a surplus, at rest", 50, 1050, 100, 0, 0, 0, 0, 0 },
		{ "too large: others move it", 0, 1100, 100, 0, 0, 0, 0, 0 },
		{ "empty", 0, 0, 100, 0, 0, 0, 1, 0 },
		{ "empty, deficit", -50, 0, 100, 0, 0, 0, 1, 0 },
		{ "behind", 0, 999, 100, 0, 0, 0, 0, 1000 },
		{ "behind with a surplus", 50, 1049, 100, 0, 0, 0, 0, 1000 },
		{ "behind, failed", 0, 10, 100, 0, 0, 8000, 0, 8000 },
		{ "behind, holding off", 0, 10, 100, 300, 0, 8000, 0, 200 },
		{ "deficit, holding off", -50, 950, 100, 300, 0, 0, 0, 200 },
		{ "deficit, last ms", -50, 950, 299, 300, 0, 0, 0, 1 },
		{ "deficit, hold-off over", -50, 950, 300, 300, 0, 0, 0,
		  5000 },
		{ "deficit, step due later", -50, 950, 100, 0, 400, 0, 0,
		  300 },
		{ "deficit, step due, no memory", -50, 950, 400, 0, 400, 0, 0,
		  5000 },
		{ "deficit and behind", -50, 10, 100, 0, 400, 2000, 0, 2000 },
		{ "deficit, a page behind", -50, 949, 100, 0, 400, 32000, 0,
		  32000 },
		{ "deficit, behind for the first time", -50, 10, 100, 0, 400, 0,
		  0, 1000 },
		{ "deficit, old delays", -50, 950, 100, 0, 0, 32000, 0, 5000 },
		{ "deficit, old delays, step due later", -50, 950, 100, 0, 400,
		  32000, 0, 300 },
		{ "deficit, too large, old delays", -50, 951, 100, 0, 400,
		  32000, 0, 300 },
		{ "deficit, interval shortened", -50, 950, 100, 0, 300100, 0, 0,
		  5000 },
		{ "surplus, old delays", 50, 1050, 100, 0, 400, 32000, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = 1000,
			.offset = t[i].offset,
			.empty = t[i].empty,
			.holdoff_until = t[i].holdoff,
			.return_at = t[i].due,
			.retry_ms = t[i].retry,
		};
		struct vb_snapshot s = {
			.now = t[i].now,
			.target = 1000,
			.actual = t[i].actual,
		};

		want(vb_policy_next_look(&p, &s), t[i].delay, t[i].name);
	}
}

/* Never for ever while something is missing, never twice at once. */
static void next_look_of_anything(void **state)
{
	u64 seed = 3;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		s64 target = rnd_range(&seed, 0, 20);
		struct vb_policy p = {
			.tune = default_tune,
			.target = target,
			.offset = rnd_range(&seed, -target, 5),
			.holdoff_until = rnd_range(&seed, 0, 20),
			.return_at = rnd_range(&seed, 0, 20),
			.retry_ms = rnd_range(&seed, 0, 1) * 1000,
		};
		struct vb_snapshot s = {
			.now = rnd_range(&seed, 0, 20),
			.target = target,
			.actual = rnd_range(&seed, 0, 25),
		};
		bool missing = s.actual < target || p.offset < 0;
		bool steps = p.offset < 0 && s.actual >= target + p.offset &&
			     s.now >= p.holdoff_until;
		u64 delay;

		p.tune.return_ms = rnd_range(&seed, 1, 20);
		delay = vb_policy_next_look(&p, &s);
		if (missing)
			must(delay > 0 && delay <= 32000, "%llu, round %d",
			     (unsigned long long)delay, i);
		else if (s.actual >= target + p.offset)
			want(delay, 0, "nothing is missing");
		if (steps)
			must(delay <= p.tune.return_ms, "%llu, round %d",
			     (unsigned long long)delay, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holdoff_begins_and_ends),
		cmocka_unit_test(holdoff_doubles),
		cmocka_unit_test(holdoff_is_forgotten),
		cmocka_unit_test(holdoff_of_a_burst),
		cmocka_unit_test(holdoff_limits),
		cmocka_unit_test(holdoff_tuned),
		cmocka_unit_test(holdoff_switched_off),
		cmocka_unit_test(holdoff_begins_before_the_release),
		cmocka_unit_test(retries_double),
		cmocka_unit_test(next_look),
		cmocka_unit_test(next_look_of_anything),
	};

	return run_all(tests);
}

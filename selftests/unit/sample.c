// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the sampler sees: the signs of thrash, what it takes back, and when it
 * looks again.
 */
#include "unit.h"

/* One sample after another, each with so much of everything. */
static bool sampled(struct vb_policy *p, u64 refaults, u64 reclaimed,
		    u64 stalls, bool behind)
{
	struct vb_sample next = p->last_sample;

	next.at += VB_SAMPLE_MS;
	next.refaults += refaults;
	next.reclaimed += reclaimed;
	next.scanned += reclaimed;
	next.stalls += stalls;
	next.behind = behind;
	vb_policy_sample(p, &next);
	return vb_policy_thrashes(p);
}

static void thrash(void **state)
{
	static const struct {
		const char *name;
		u64 refaults, reclaimed, stalls;
		bool behind, thrashes;
	} t[] = {
		{ "calm", 0, 0, 0, 0, 0 },
		{ "streaming", 0, 10000, 10, 1, 0 },
		{ "streaming, something comes back", 2400, 10000, 10, 1, 0 },
		{ "a cgroup at its limit", 10000, 10000, 0, 0, 0 },
		{ "stalls alone", 0, 0, 100, 0, 0 },
		{ "noise", 15, 15, 1, 1, 0 },
		{ "a little", 16, 16, 1, 1, 1 },
		{ "stalls", 5000, 10000, 1, 0, 1 },
		{ "kswapd is behind", 5000, 10000, 0, 1, 1 },
		{ "both", 2500, 10000, 1, 1, 1 },
		{ "more than was reclaimed", 5000, 10, 1, 1, 1 },
		{ "nothing was reclaimed", 5000, 0, 1, 0, 1 },
	};
	size_t i;
	u32 j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };

		for (j = 1; j <= 3 * VB_THRASH_SAMPLES; j++) {
			bool seen = sampled(&p, t[i].refaults, t[i].reclaimed,
					    t[i].stalls, t[i].behind);

			want(seen, t[i].thrashes && j >= VB_THRASH_SAMPLES,
			     t[i].name);
			want(p.reclaiming, t[i].reclaimed > 0, t[i].name);
		}
		want(sampled(&p, 0, 0, 0, 0), 0, "over");
	}
}

/* A hiccup is none, however often there is one. */
static void thrash_in_a_row(void **state)
{
	struct vb_policy p = { .tune = default_tune };
	int i, j;

	(void)state;
	for (i = 0; i < 100; i++) {
		for (j = 1; j < VB_THRASH_SAMPLES; j++)
			want(sampled(&p, 1000, 1000, 1, 1), 0, "not yet");
		want(sampled(&p, 0, 1000, 1, 1), 0, "a sample without");
	}
}

/* What was counted before, or while nobody looked, is not what happens now. */
static void first_sample(void **state)
{
	static const struct {
		u64 pause;
		s64 swapped;
		u32 run;
	} t[] = {
		{ VB_SAMPLE_MS, 700, VB_THRASH_SAMPLES },
		{ VB_SAMPLE_MAX_MS, 700, VB_THRASH_SAMPLES },
		{ 2 * VB_SAMPLE_MAX_MS, 700, VB_THRASH_SAMPLES },
		{ 2 * VB_SAMPLE_MAX_MS + 1, 0, 0 },
		{ 1000000, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.thrash_run = VB_THRASH_SAMPLES,
			.last_sample.at = 50000,
		};
		struct vb_sample sample = {
			.at = 50000 + t[i].pause, .refaults = 90000,
			.reclaimed = 90000, .scanned = 90000, .swapped = 700,
			.stalls = 700, .behind = true,
		};

		vb_policy_sample(&p, &sample);
		want(p.swapped, t[i].swapped, "swapped");
		want(p.thrash_run, t[i].run, "run");
		want(p.reclaiming, 1, "reclaiming");
		sample.at++;
		sample.swapped += 30;
		vb_policy_sample(&p, &sample);
		want(p.swapped, 30, "swapped since");
		want(p.reclaiming, 0, "reclaiming no more");
	}
}

static void wanted(void **state)
{
	static const struct {
		const char *name;
		enum vb_auto mode;
		bool below, thrashes;
		s64 target, available, coming, pages;
		s64 swapped;
		enum vb_why why;
	} t[] = {
		/* the balloon has 80000 pages, the low mark is at 500 */
		{ "all is well", VB_AUTO_NEED, 1, 0, 80000, 9000, 0, 0,
		  0, VB_WHY_NEED },
		{ "need", VB_AUTO_NEED, 1, 0, 80000, 100, 0, 400,
		  0, VB_WHY_NEED },
		{ "need, and swapping", VB_AUTO_NEED, 1, 0, 80000, 100, 0, 700,
		  300, VB_WHY_NEED },
		{ "swapping for other reasons", VB_AUTO_NEED, 1, 0, 80000, 9000,
		  0, 0, 300, VB_WHY_NEED },
		{ "need, served", VB_AUTO_NEED, 1, 0, 80000, 100, 400, 0,
		  0, VB_WHY_NEED },
		{ "need, not allowed", VB_AUTO_NEED, 0, 0, 80000, 100, 0, 0,
		  0, VB_WHY_NEED },
		{ "need before thrash", VB_AUTO_THRASH, 1, 1, 80000, 100, 0,
		  400, 0, VB_WHY_NEED },
		{ "thrash, no surplus", VB_AUTO_NEED, 1, 1, 80000, 9000, 0, 0,
		  0, VB_WHY_THRASH },
		{ "thrash, a surplus", VB_AUTO_NEED, 1, 1, 40000, 9000, 0, 5000,
		  0, VB_WHY_THRASH },
		{ "thrash, a small surplus", VB_AUTO_NEED, 1, 1, 78000, 9000, 0,
		  1024, 0, VB_WHY_THRASH },
		{ "thrash, the last surplus", VB_AUTO_NEED, 1, 1, 79990, 9000,
		  0, 10, 0, VB_WHY_THRASH },
		{ "thrash, on its way", VB_AUTO_NEED, 1, 1, 40000, 9000, 4000,
		  1000, 0, VB_WHY_THRASH },
		{ "thrash, asked to", VB_AUTO_THRASH, 1, 1, 80000, 9000, 0,
		  10000, 0, VB_WHY_THRASH },
		{ "thrash, not allowed", VB_AUTO_THRASH, 0, 1, 80000, 9000, 0,
		  0, 0, VB_WHY_THRASH },
		{ "off", VB_AUTO_OFF, 1, 1, 0, 0, 0, 0, 0, VB_WHY_NEED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = t[i].below,
			.thrash_run = t[i].thrashes ? VB_THRASH_SAMPLES : 0,
			.swapped = t[i].swapped,
		};
		struct vb_snapshot s = {
			.now = 5000,
			.target = t[i].target,
			.actual = 80000,
			.available = t[i].available,
			.coming = t[i].coming,
		};
		enum vb_why why = VB_WHY_NR;

		p.tune.auto_deflate = t[i].mode;
		p.tune.reserve = 1000;
		want(vb_policy_wanted(&p, &s, &why), t[i].pages, t[i].name);
		want(why, t[i].why, t[i].name);
	}
}

static void next_sample(void **state)
{
	static const struct {
		const char *name;
		enum vb_auto mode;
		bool below, reclaiming;
		s64 target, actual, available;
		u32 delay;
	} t[] = {
		{ "an empty balloon", VB_AUTO_NEED, 1, 1, 100, 0, 0, 0 },
		{ "calm", VB_AUTO_NEED, 1, 0, 100, 100, 512000, 1000 },
		{ "calm, huge", VB_AUTO_NEED, 1, 0, 100, 100, HUGE_PAGES, 1000 },
		{ "a second of memory", VB_AUTO_NEED, 1, 0, 100, 100, 511999,
		  999 },
		{ "low", VB_AUTO_NEED, 1, 0, 100, 100, 51711, 100 },
		{ "reclaim", VB_AUTO_NEED, 1, 1, 100, 100, 512000, 100 },
		{ "need", VB_AUTO_NEED, 1, 0, 100, 100, 0, 100 },
		{ "nothing may be taken", VB_AUTO_NEED, 0, 1, 100, 100, 0, 0 },
		{ "a surplus", VB_AUTO_NEED, 0, 0, 50, 100, 512000, 1000 },
		{ "off", VB_AUTO_OFF, 1, 1, 50, 100, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = t[i].below,
			.reclaiming = t[i].reclaiming,
		};
		struct vb_snapshot s = {
			.target = t[i].target,
			.actual = t[i].actual,
			.available = t[i].available,
		};

		p.tune.auto_deflate = t[i].mode;
		p.tune.reserve = 1000;
		want(vb_policy_next_sample(&p, &s), t[i].delay, t[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thrash),
		cmocka_unit_test(thrash_in_a_row),
		cmocka_unit_test(first_sample),
		cmocka_unit_test(wanted),
		cmocka_unit_test(next_sample),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the sampler sees: the signs of thrash, what it takes back, and when it
 * looks again.
 */
#include "unit.h"

/* A guest in which nothing is allocated or freed. */
static const struct vb_snapshot nobody;

/* What a sample adds; @direct is what others than kswapd reclaimed. */
struct add {
	u64 refaults, kswapd, direct, stalls;
};

/* One sample after another, each with so much of everything. */
static bool sampled(struct vb_policy *p, const struct add *add)
{
	struct vb_sample next = p->last_sample;

	next.at += VB_SAMPLE_MS;
	next.refaults += add->refaults;
	next.reclaimed += add->kswapd + add->direct;
	next.kswapd += add->kswapd;
	next.scanned += add->kswapd + add->direct;
	next.stalls += add->stalls;
	vb_policy_sample(p, &nobody, &next);
	return vb_policy_thrashes(p);
}

static void tell_thrash(void **state)
{
	static const struct {
		const char *name;
		struct add add;
		bool thrashes;
	} t[] = {
		{ "calm", { 0, 0, 0, 0 }, 0 },
		{ "streaming", { 0, 10000, 0, 0 }, 0 },
		{ "streaming, with stalls", { 0, 10000, 1000, 10 }, 0 },
		{ "streaming, too little comes back", { 2499, 10000, 0, 0 }, 0 },
		{ "streaming, enough comes back", { 2500, 10000, 0, 0 }, 1 },
		{ "a page cache that fills", { 5000, 0, 0, 0 }, 0 },
		{ "hardly anything is driven out", { 5000, 1249, 0, 0 }, 0 },
		{ "a quarter of it does", { 5000, 1250, 0, 0 }, 1 },
		{ "one reader", { 420, 420, 0, 0 }, 1 },
		{ "noise", { 15, 15, 0, 0 }, 0 },
		{ "a little", { 16, 16, 0, 0 }, 1 },
		{ "stalls alone", { 0, 0, 0, 100 }, 0 },
		{ "stalls", { 1000, 0, 1000, 10 }, 1 },
		{ "stalls that reclaim more than most", { 600, 0, 512, 2 }, 1 },
		{ "stalls and kswapd", { 9000, 5000, 4000, 40 }, 1 },
		{ "more than was reclaimed", { 1000, 500, 128, 1 }, 1 },
		{ "a cgroup at its limit", { 10000, 0, 10000, 0 }, 0 },
		{ "a cgroup, and a stall", { 10000, 0, 10000, 1 }, 0 },
		{ "a cgroup, and noise", { 10100, 100, 10000, 0 }, 0 },
		{ "a cgroup beside a stream", { 10000, 10000, 10000, 0 }, 0 },
		{ "and with stalls", { 5000, 10000, 5500, 10 }, 0 },
		{ "beside a small stream", { 10000, 5000, 10000, 0 }, 0 },
		{ "beside a large stream", { 3000, 9000, 3000, 0 }, 0 },
		{ "and a thrash beside it", { 9000, 5000, 4000, 0 }, 1 },
	};
	static const struct add nothing;
	size_t i;
	u32 j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };

		for (j = 1; j <= 5 * VB_THRASH_SAMPLES; j++) {
			bool seen = sampled(&p, &t[i].add);

			want(seen, t[i].thrashes && j >= VB_THRASH_SAMPLES,
			     t[i].name);
			want(p.reclaiming, t[i].add.kswapd || t[i].add.direct,
			     t[i].name);
		}
		want(sampled(&p, &nothing), 0, "over");
	}
}

/* kswapd pauses between its watermarks: a second's reclaim at once, then none. */
static void kswapd_pauses(void **state)
{
	static const u32 periods[] = { 1, 2, 3, 5, 10, 20, 40 };
	struct add add = { .refaults = 420 };
	size_t i;
	u32 j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(periods); i++) {
		struct vb_policy p = { .tune = default_tune };
		struct vb_snapshot s = { 0 };
		u32 found = 0, taken = 0;

		for (j = 1; j <= 200; j++) {
			add.kswapd = j % periods[i] ? 0 : 420 * periods[i];
			if (!sampled(&p, &add))
				continue;
			vb_policy_take(&p, &s, VB_WHY_THRASH, 0);
			taken++;
			if (!found)
				found = j;
		}
		must(found && found <= VB_THRASH_SAMPLES + 2 * periods[i],
		     "a pause of %u: found after %u", periods[i], found);
		must(taken <= 200 / periods[i],
		     "a pause of %u: taken %u times", periods[i], taken);
		must(taken >= 200 / periods[i] - VB_THRASH_SAMPLES,
		     "a pause of %u: taken only %u times", periods[i], taken);
	}
}

/*
 * What was given back fills with what comes back, and nothing is reclaimed: no
 * thrash, nor at once when it is full, were it for a hiccup.
 */
static void given_back(void **state)
{
	static const struct add full = { 420, 420, 0, 0 };
	static const struct add fills = { 420, 0, 0, 0 };
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		sampled(&p, &full);
	want(vb_policy_thrashes(&p), 1, "full");
	vb_policy_take(&p, &s, VB_WHY_THRASH, 1000);
	for (i = 0; i < 50; i++)
		want(sampled(&p, &fills), 0, "fills");
	want(p.thrash_run, 0, "forgotten");
	for (i = 1; i < VB_THRASH_SAMPLES; i++)
		want(sampled(&p, &full), 0, "full again, for a moment");
	for (i = 0; i < 20; i++)
		sampled(&p, &full);
	want(vb_policy_thrashes(&p), 1, "full again");
}

/* One calm sample does not hide a thrash, but hiccups do not add up to one. */
static void calm_between(void **state)
{
	static const struct {
		const char *name;
		u32 thrash, calm, after;
	} t[] = {
		{ "hiccups", 1, 1, 0 },
		{ "now and then", 4, 4, 0 },
		{ "more than not", 2, 1, 11 },
		{ "nearly always", 4, 1, 7 },
	};
	static const struct add busy = { 1000, 1000, 0, 0 };
	static const struct add calm;
	size_t i;
	u32 j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };
		u32 after = 0;

		for (j = 0; j < 1000; j++) {
			bool thrash = j % (t[i].thrash + t[i].calm) < t[i].thrash;

			if (sampled(&p, thrash ? &busy : &calm) && !after)
				after = j + 1;
		}
		want(after, t[i].after, t[i].name);
	}
}

/* Old signs fade, by time and not by samples, and are gone after a while. */
static void signs_fade(void **state)
{
	static const struct {
		u64 ms;
		s64 left;
	} t[] = {
		{ 0, 8000 }, { 100, 7600 }, { 500, 6000 }, { 1000, 4000 },
		{ VB_SIGNS_MS, 0 }, { VB_SIGNS_MS + 1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.signs = { 8000, 8000, 8000 },
			.last_sample.at = 7,
		};
		struct vb_sample sample = { .at = 7 + t[i].ms };

		vb_policy_sample(&p, &nobody, &sample);
		want(p.signs.refaults, t[i].left, "refaults");
		want(p.signs.shortage, t[i].left, "shortage");
		want(p.signs.limits, t[i].left, "limits");
	}
}

/* The counts of the processors come late: the sums may miss what a part has. */
static void late_counts(void **state)
{
	static const struct add busy = { 1000, 1000, 0, 1 };
	struct vb_policy p = { .tune = default_tune };
	struct vb_sample sample;
	u32 i;

	(void)state;
	for (i = 0; i < 20; i++) {
		sample = p.last_sample;
		sample.reclaimed -= i % 2 ? 100 : -100;
		p.last_sample = sample;
		sampled(&p, &busy);
	}
	want(vb_policy_thrashes(&p), 1, "thrash");
	must(p.signs.limits <= 100 && p.signs.limits >= -100, "limits %lld",
	     (long long)p.signs.limits);
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
			.kswapd = 90000, .stalls = 700,
		};

		vb_policy_sample(&p, &nobody, &sample);
		want(p.swapped, t[i].swapped, "swapped");
		want(p.thrash_run, t[i].run, "run");
		want(p.reclaiming, 1, "reclaiming");
		sample.at++;
		sample.swapped += 30;
		vb_policy_sample(&p, &nobody, &sample);
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
			.used_up = t[i].thrashes,
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
		u32 run;
		s64 target, actual, available;
		u32 delay;
	} t[] = {
		{ "an empty balloon", VB_AUTO_NEED, 1, 1, 0, 100, 0, 0, 0 },
		{ "calm", VB_AUTO_NEED, 1, 0, 0, 100, 100, 512000, 1000 },
		{ "calm, huge", VB_AUTO_NEED, 1, 0, 0, 100, 100, HUGE_PAGES, 1000 },
		{ "a second of memory", VB_AUTO_NEED, 1, 0, 0, 100, 100, 511999,
		  999 },
		{ "low", VB_AUTO_NEED, 1, 0, 0, 100, 100, 51711, 100 },
		{ "reclaim", VB_AUTO_NEED, 1, 1, 0, 100, 100, 512000, 100 },
		{ "perhaps a thrash", VB_AUTO_NEED, 1, 0, 1, 100, 100, 512000,
		  100 },
		{ "need", VB_AUTO_NEED, 1, 0, 0, 100, 100, 0, 100 },
		{ "nothing may be taken", VB_AUTO_NEED, 0, 1, 0, 100, 100, 0, 0 },
		{ "a surplus", VB_AUTO_NEED, 0, 0, 0, 50, 100, 512000, 1000 },
		{ "off", VB_AUTO_OFF, 1, 1, 0, 50, 100, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = t[i].below,
			.reclaiming = t[i].reclaiming,
			.thrash_run = t[i].run,
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
		cmocka_unit_test(tell_thrash),
		cmocka_unit_test(kswapd_pauses),
		cmocka_unit_test(given_back),
		cmocka_unit_test(calm_between),
		cmocka_unit_test(signs_fade),
		cmocka_unit_test(late_counts),
		cmocka_unit_test(first_sample),
		cmocka_unit_test(wanted),
		cmocka_unit_test(next_sample),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim that swaps and leaves the page cache alone: how the sampler sees it, what it makes
 * of the need, and what is taken back before more is swapped.
 */
#include "unit.h"

/* What a sample adds; @direct is what others than kswapd reclaimed. */
struct add {
	s64 swapped, kswapd, direct, stalls, anon, cache;
};

static bool sampled(struct vb_policy *p, const struct add *add)
{
	static const struct vb_snapshot nobody;
	struct vb_sample next = p->last_sample;

	next.at += VB_SAMPLE_MS;
	next.swapped += add->swapped;
	next.reclaimed += add->kswapd + add->direct;
	next.kswapd += add->kswapd;
	next.stalls += add->stalls;
	next.anon += add->anon;
	next.cache += add->cache;
	vb_policy_sample(p, &nobody, &next);
	return vb_policy_swaps(p, next.at);
}

static struct vb_policy new_policy(void)
{
	return (struct vb_policy){
		.tune = default_tune,
		.below_target = true,
		.last_sample = {
			.at = 5000, .swapped = 10000, .reclaimed = 90000,
			.kswapd = 40000, .stalls = 700, .anon = 50000,
			.cache = 50000,
		},
	};
}

static void tell_swapping(void **state)
{
	static const struct {
		const char *name;
		struct add add;
		bool swaps;
	} t[] = {
		{ "calm", { 0 }, 0 },
		{ "a burst", { 0, 0, 0, 0, 5000, 0 }, 0 },
		{ "page cache makes room", { 0, 5000, 0, 0, 5000, -5000 }, 0 },
		{ "and a little is swapped", { 400, 5000, 0, 0, 5000, -4600 }, 0 },
		{ "less than half", { 999, 2000, 0, 0, 2000, -1001 }, 0 },
		{ "half of it is swapped", { 1000, 2000, 0, 0, 2000, -1000 }, 1 },
		{ "noise", { 255, 255, 0, 0, 0, 0 }, 0 },
		{ "hardly more", { 256, 256, 0, 0, 0, 0 }, 1 },
		{ "stalls", { 1000, 0, 1000, 8, 0, 0 }, 1 },
		{ "stalls and kswapd", { 2000, 1000, 1000, 8, 500, 0 }, 1 },
		{ "a cgroup at its limit", { 1000, 0, 1000, 0, 0, 0 }, 0 },
		{ "and kswapd takes files", { 1000, 1000, 1000, 0, 0, -1000 }, 0 },
		{ "and a swapping burst", { 2000, 1000, 1000, 0, 0, 0 }, 1 },
		{ "and not swapping enough", { 1255, 400, 1000, 0, 0, 0 }, 0 },
		{ "a file drives out idle processes",
		  { 1000, 1000, 0, 0, -1000, 255 }, 0 },
		{ "more than half of the room", { 1000, 1000, 0, 0, -501, 0 }, 0 },
		{ "half of it", { 1000, 1000, 0, 0, -500, 0 }, 1 },
		{ "page cache grows by half of it", { 1000, 1000, 0, 0, 0, 500 }, 0 },
		{ "by less", { 1000, 1000, 0, 0, 0, 499 }, 1 },
		{ "a little of both", { 300, 300, 0, 0, 0, 256 }, 0 },
		{ "less", { 300, 300, 0, 0, 0, 255 }, 1 },
		{ "a burst that writes a log", { 7000, 7000, 0, 0, 5000, 300 }, 1 },
		{ "root has pages swapped out", { 1000, 0, 0, 0, 1000, 0 }, 0 },
		{ "and somebody stalls a little", { 1000, 0, 255, 2, 0, 0 }, 0 },
		{ "a cgroup whose writes come first", { 1300, 0, 1000, 0, 0, 0 }, 0 },
		{ "late counts", { 1000, 1000, -50, 0, 0, 0 }, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = new_policy();

		want(sampled(&p, &t[i].add), t[i].swaps, t[i].name);
	}
}

/* The balloon's own growth may be served by swap: that is no need. */
static void own_growth(void **state)
{
	static const struct {
		const char *name;
		s64 grown, swapped;
		bool swaps;
	} t[] = {
		{ "none", 0, 1000, 1 },
		{ "it shrinks", -5000, 1000, 1 },
		{ "a little", 400, 600, 1 },
		{ "half", 501, 499, 0 },
		{ "all", 1000, 0, 0 },
		{ "more", 5000, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = new_policy();
		struct vb_sample next = p.last_sample;
		struct vb_snapshot s = { .actual = 9000 + t[i].grown };

		p.held = 9000;
		next.at += VB_SAMPLE_MS;
		next.swapped += 1000;
		next.reclaimed += 1000;
		next.kswapd += 1000;
		vb_policy_sample(&p, &s, &next);
		want(p.swapped, t[i].swapped, t[i].name);
		want(vb_policy_swaps(&p, next.at), t[i].swaps, t[i].name);
		want(p.held, s.actual, t[i].name);
	}
}

/* It is believed for a while, until page cache grows, and not after a pause. */
static void how_long(void **state)
{
	static const struct add swaps = { 1000, 1000, 0, 0, 0, 0 };
	static const struct add reads = { 0, 0, 0, 0, 0, 256 };
	static const struct add calm;
	struct vb_policy p = new_policy();
	struct vb_sample later;
	struct vb_snapshot s = { 0 };
	int i;

	(void)state;
	sampled(&p, &swaps);
	for (i = 1; i < VB_SWAPS_MS / VB_SAMPLE_MS; i++)
		want(sampled(&p, &calm), 1, "goes on");
	want(sampled(&p, &calm), 0, "is over");
	sampled(&p, &swaps);
	want(sampled(&p, &reads), 0, "page cache grows");
	want(sampled(&p, &calm), 0, "and it is over");

	later = p.last_sample;
	later.at += VB_SIGNS_MS + 1;
	later.swapped += 5000;
	later.kswapd += 5000;
	later.reclaimed += 5000;
	vb_policy_sample(&p, &s, &later);
	want(vb_policy_swaps(&p, later.at), 0, "a pause says nothing");
}

/* Then only what is free counts, on a node as well. */
static void need(void **state)
{
	static const struct {
		const char *name;
		u64 swaps_until;
		s64 available, free, coming, need;
	} t[] = {
		/* now is 7000, the low mark 500 */
		{ "page cache counts", 0, 9000, 100, 0, 0 },
		{ "it does no more", 7001, 9000, 100, 0, 400 },
		{ "it does again", 7000, 9000, 100, 0, 0 },
		{ "enough is free", 7001, 9000, 500, 0, 0 },
		{ "reclaim is behind", 7001, 9000, -300, 0, 800 },
		{ "some is coming", 7001, 9000, 100, 150, 250 },
		{ "less is available than free", 7001, 300, 400, 0, 200 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = new_policy();
		struct vb_snapshot s = {
			.now = 7000,
			.available = t[i].available,
			.free = t[i].free,
			.coming = t[i].coming,
		};
		struct vb_place place = {
			.share = VB_SHARE_ALL / 2,
			.available = t[i].available,
			.free = t[i].free,
			.direct = true,
		};

		p.tune.reserve = 1000;
		p.swaps_until = t[i].swaps_until;
		want(vb_policy_need(&p, &s), t[i].need, t[i].name);
		want(vb_policy_slack(&p, &s), vb_policy_usable(&p, &s) - 1000,
		     t[i].name);
		s.available = HUGE_PAGES;
		s.free = HUGE_PAGES;
		p.tune.reserve = 2000;
		want(vb_policy_node_need(&p, &s, &place), t[i].need, t[i].name);
	}
}

/* The state is looked at soon, and nothing is given away or returned in it. */
static void watched(void **state)
{
	struct vb_policy p = new_policy();
	struct vb_snapshot s = {
		.now = 7000, .target = 80000, .actual = 70000,
		.available = HUGE_PAGES, .free = 100,
	};

	(void)state;
	p.offset = -10000;
	want(vb_policy_next_sample(&p, &s), VB_SAMPLE_MAX_MS, "calm");
	p.swaps_until = 7001;
	want(vb_policy_next_sample(&p, &s), VB_SAMPLE_MS, "swapping");
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -10000, "no return");
	want(vb_policy_slack(&p, &s), 100 - p.tune.reserve, "slack");
	s.now = 20000;
	vb_policy_return_deficit(&p, &s);
	want(p.offset, -10000 + 1250, "return");
}

/* In need, twice what was used since the last look is taken back, while it swaps. */
static void spent(void **state)
{
	static const struct {
		const char *name;
		u64 ms;
		s64 available, actual, spent, wanted;
	} t[] = {
		/* 9000 were available and 80000 in the balloon; the low mark is at 500 */
		{ "nothing", 100, 9000, 80000, 0, 0 },
		{ "a burst, no need yet", 100, 1000, 80000, 8000, 0 },
		{ "a burst", 100, 300, 80000, 8700, 17600 },
		{ "from the balloon, too", 100, 300, 78000, 10700, 21600 },
		{ "memory is freed", 100, 9500, 80000, 0, 0 },
		{ "the balloon takes it", 100, 400, 88600, 0, 100 },
		{ "two looks' time", 200, 300, 80000, 4350, 8900 },
		{ "a moment", 10, 300, 80000, 8700, 17600 },
		{ "at once", 0, 300, 80000, 8700, 17600 },
		{ "the longest pause", VB_SIGNS_MS, 300, 80000, 435, 1070 },
		{ "a longer one", VB_SIGNS_MS + 1, 300, 80000, 0, 200 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = new_policy();
		struct vb_sample sample = p.last_sample;
		struct vb_snapshot s = { .available = 9000, .actual = 80000 };
		enum vb_why why;

		p.tune.reserve = 1000;
		sample.at += VB_SAMPLE_MS;
		vb_policy_sample(&p, &s, &sample);
		sample.at += t[i].ms;
		s.available = t[i].available;
		s.actual = t[i].actual;
		vb_policy_sample(&p, &s, &sample);
		s.free = s.available;
		want(p.spent, t[i].spent, t[i].name);
		want(vb_policy_wanted(&p, &s, &why),
		     max_s64(500 - s.available, 0), t[i].name);
		p.swaps_until = s.now + 1;
		want(vb_policy_wanted(&p, &s, &why), t[i].wanted, t[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_swapping),
		cmocka_unit_test(own_growth),
		cmocka_unit_test(how_long),
		cmocka_unit_test(need),
		cmocka_unit_test(watched),
		cmocka_unit_test(spent),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest may take back, and why: need, of the guest and of a node,
 * quotas and limits.
 */
#include "unit.h"

static void need(void **state)
{
	static const struct {
		const char *name;
		s64 reserve, available, coming;
		u32 percent;
		s64 mark, need;
	} t[] = {
		{ "nothing at all", 0, 0, 0, 50, 0, 0 },
		{ "no reserve", 0, 1000, 0, 50, 0, 0 },
		{ "plenty", 1000, 5000, 0, 50, 500, 0 },
		{ "at the reserve", 1000, 1000, 0, 50, 500, 0 },
		{ "above the low mark", 1000, 501, 0, 50, 500, 0 },
		{ "at the low mark", 1000, 500, 0, 50, 500, 0 },
		{ "below the low mark", 1000, 499, 0, 50, 500, 1 },
		{ "out of memory", 1000, 0, 0, 50, 500, 500 },
		{ "some is coming", 1000, 100, 300, 50, 500, 100 },
		{ "enough is coming", 1000, 100, 400, 50, 500, 0 },
		{ "too much is coming", 1000, 100, 9000, 50, 500, 0 },
		{ "a quarter", 1000, 100, 0, 25, 250, 150 },
		{ "a low mark of nothing", 1000, 0, 0, 0, 0, 0 },
		{ "the highest low mark", 1000, 0, 0, 90, 900, 900 },
		{ "odd reserve", 1001, 0, 0, 50, 500, 500 },
		{ "reserve of one page", 1, 0, 0, 50, 0, 0 },
		{ "huge reserve", HUGE_PAGES, 0, 0, 50, HUGE_PAGES / 2,
		  HUGE_PAGES / 2 },
		{ "huge guest", 0, HUGE_PAGES, 0, 50, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune.reserve = t[i].reserve,
			.tune.low_percent = t[i].percent,
		};
		struct vb_snapshot s = {
			.available = t[i].available,
			.coming = t[i].coming,
		};

		want(vb_policy_low_mark(&p), t[i].mark, t[i].name);
		want(vb_policy_need(&p, &s), t[i].need, t[i].name);
	}
}

static void node_need(void **state)
{
	static const struct {
		const char *name;
		s64 available, share, on_node;
		bool direct;
		s64 coming, need;
	} t[] = {
		/* the low mark is 5000: of half of the memory, 2500 */
		{ "one node, fine", 9000, VB_SHARE_ALL, 0, 1, 0, 0 },
		{ "one node", 4000, VB_SHARE_ALL, 9000, 0, 0, 1000 },
		{ "both are fine", 9000, 512, 4000, 1, 0, 0 },
		{ "kswapd of a full node", 9000, 512, 0, 0, 0, 0 },
		{ "bound to a full node", 9000, 512, 0, 1, 0, 2500 },
		{ "bound to a nearly full node", 9000, 512, 2499, 1, 0, 1 },
		{ "the other node is in need", 2600, 512, 2600, 0, 0, 0 },
		{ "this node is in need", 2600, 512, 0, 0, 0, 2500 },
		{ "some is coming", 2600, 512, 0, 0, 900, 1600 },
		{ "a small node", 0, 16, 0, 0, 0, 78 },
		{ "a node without memory", 0, 0, 0, 1, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };
		struct vb_snapshot s = {
			.available = t[i].available,
			.coming = t[i].coming,
		};
		struct vb_place place = {
			.share = t[i].share,
			.available = t[i].on_node,
			.direct = t[i].direct,
		};

		p.tune.reserve = 10000;
		want(vb_policy_node_need(&p, &s, &place), t[i].need, t[i].name);
	}
}

/* The specification decides, then the administrator. */
static void takeable(void **state)
{
	static const struct {
		const char *name;
		enum vb_auto mode;
		bool below;
		s64 target, actual;
		s64 in_need, in_thrash, at_last;
	} t[] = {
		{ "empty", VB_AUTO_THRASH, 1, 100, 0, 0, 0, 0 },
		{ "default", VB_AUTO_NEED, 1, 100, 80, 80, 0, 80 },
		{ "not allowed", VB_AUTO_THRASH, 0, 100, 80, 0, 0, 0 },
		{ "off", VB_AUTO_OFF, 1, 100, 80, 0, 0, 80 },
		{ "thrash", VB_AUTO_THRASH, 1, 100, 80, 80, 80, 80 },
		{ "surplus, not allowed", VB_AUTO_NEED, 0, 100, 130, 30, 30, 30 },
		{ "surplus", VB_AUTO_NEED, 1, 100, 130, 130, 30, 130 },
		{ "surplus, thrash", VB_AUTO_THRASH, 1, 100, 130, 130, 130, 130 },
		{ "surplus, off", VB_AUTO_OFF, 0, 100, 130, 0, 0, 30 },
		{ "off, allowed", VB_AUTO_OFF, 1, 100, 130, 0, 0, 130 },
		{ "huge", VB_AUTO_NEED, 1, 0, HUGE_PAGES, HUGE_PAGES, HUGE_PAGES,
		  HUGE_PAGES },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune.auto_deflate = t[i].mode,
			.below_target = t[i].below,
		};
		struct vb_snapshot s = {
			.target = t[i].target,
			.actual = t[i].actual,
		};

		want(vb_policy_takeable(&p, &s, VB_WHY_NEED), t[i].in_need,
		     t[i].name);
		want(vb_policy_takeable(&p, &s, VB_WHY_THRASH), t[i].in_thrash,
		     t[i].name);
		want(vb_policy_takeable(&p, &s, VB_WHY_OOM), t[i].at_last,
		     t[i].name);
	}
}

static void offer(void **state)
{
	static const struct {
		const char *name;
		s64 need, actual;
		u32 batch, limit;
		s64 offer;
	} t[] = {
		{ "no need", 0, 5000, 1024, 0, 0 },
		{ "an empty balloon", 100, 0, 1024, 0, 0 },
		{ "a page", 1, 5000, 1024, 0, 2050 },
		{ "a batch", 1024, 5000, 1024, 0, 4096 },
		{ "more than a batch", 3000, 5000, 1024, 0, 8048 },
		{ "more than there is", 9000, 5000, 1024, 0, 20048 },
		{ "less than a batch is there", 9000, 7, 1024, 0, 20048 },
		{ "the smallest batch", 1, 5000, 129, 0, 260 },
		{ "the largest batch", 1, 5000, 65536, 0, 131074 },
		{ "some is left of the second", 100, 5000, 1024, 501, 2248 },
		{ "nothing is left of it", 100, 5000, 1024, 500, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.below_target = true,
			.limit_since = 1000,
			.limit_used = 500,
		};
		struct vb_snapshot s = {
			.now = 1999,
			.target = t[i].actual,
			.actual = t[i].actual,
		};

		p.tune.deflate_batch = t[i].batch;
		p.tune.deflate_limit_per_s = t[i].limit;
		want(vb_policy_offer(&p, &s, t[i].need), t[i].offer, t[i].name);
	}
}

/* No second takes more than the limit; an out-of-memory call is not counted. */
static void limit_per_second(void **state)
{
	struct vb_policy p = { .tune = default_tune, .below_target = true };
	struct vb_snapshot s = { .now = 5000, .target = 9000, .actual = 9000 };

	(void)state;
	p.tune.deflate_limit_per_s = 1000;
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 1000, "all of it");
	vb_policy_take(&p, &s, VB_WHY_NEED, 600);
	want(vb_policy_quota(&p, &s, VB_WHY_THRASH, 5000), 0, "not allowed");
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 400, "the rest");
	s.now = 5999;
	vb_policy_take(&p, &s, VB_WHY_NEED, 400);
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 0, "nothing");
	want(vb_policy_quota(&p, &s, VB_WHY_OOM, 5000), 5000, "last resort");
	vb_policy_take(&p, &s, VB_WHY_OOM, 5000);
	s.now = 6000;
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 1000, "next second");
	vb_policy_take(&p, &s, VB_WHY_NEED, 1000);
	p.tune.deflate_limit_per_s = 500;
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 0, "limit lowered");
	p.tune.deflate_limit_per_s = 0;
	want(vb_policy_quota(&p, &s, VB_WHY_NEED, 5000), 5000, "no limit");
}

static void taking_holds_off(void **state)
{
	enum vb_why why;

	(void)state;
	for (why = VB_WHY_NEED; why < VB_WHY_NR; why++) {
		struct vb_policy p = { .tune = default_tune };
		struct vb_snapshot s = { .now = 7000, .actual = 100 };

		vb_policy_take(&p, &s, why, 10);
		want(p.holdoff_until, 12000, "hold-off");
		want(p.offset, 0, "nothing is released yet");
	}
}

static void oom_quota(void **state)
{
	static const struct {
		const char *name;
		s64 available, actual, minimum, quota;
	} t[] = {
		/* the reserve is 1000: the low mark is at 500 */
		{ "nothing to take", 0, 0, 64, 0 },
		{ "the need", 100, 5000, 64, 400 },
		{ "the minimum", 490, 5000, 64, 64 },
		{ "need and minimum alike", 436, 5000, 64, 64 },
		{ "no need, yet the killer is here", 9000, 5000, 64, 64 },
		{ "all there is", 0, 300, 64, 300 },
		{ "less than the minimum", 0, 10, 64, 10 },
		{ "huge balloon", 0, HUGE_PAGES, 64, 500 },
		{ "huge minimum", 0, 700, HUGE_PAGES, 700 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune, .below_target = true,
		};
		struct vb_snapshot s = {
			.target = t[i].actual,
			.actual = t[i].actual,
			.available = t[i].available,
		};

		p.tune.reserve = 1000;
		p.tune.deflate_limit_per_s = 1;
		want(vb_policy_oom_quota(&p, &s, t[i].minimum), t[i].quota,
		     t[i].name);
		p.below_target = false;
		want(vb_policy_oom_quota(&p, &s, t[i].minimum), 0,
		     "the host's word is final");
	}
}

static u64 pick(u64 *seed)
{
	return rnd_range(seed, 0, 1LL << rnd_range(seed, 0, 40));
}

/* What may be taken, and how much, as properties; and more need never gives less. */
static void quota_of_anything(void **state)
{
	u64 seed = 8;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		struct vb_policy p = {
			.tune.auto_deflate = rnd_range(&seed, 0, 2),
			.tune.reserve = pick(&seed),
			.tune.low_percent = rnd_range(&seed, 0, 90),
			.tune.deflate_batch = rnd_range(&seed, 129, 65536),
			.tune.deflate_limit_per_s =
				rnd_range(&seed, 0, 1) * rnd_range(&seed, 0, 1 << 30),
			.below_target = rnd_range(&seed, 0, 1),
			.limit_used = rnd_range(&seed, 0, 1 << 30),
			.limit_since = 1000,
		};
		struct vb_snapshot s = {
			.now = rnd_range(&seed, 1000, 3000),
			.target = pick(&seed), .actual = pick(&seed),
			.available = pick(&seed), .coming = pick(&seed) / 8,
		};
		enum vb_why why = rnd_range(&seed, 0, VB_WHY_NR - 1);
		struct vb_snapshot worse = s;
		s64 wanted = pick(&seed), more = wanted + pick(&seed);
		s64 got = vb_policy_quota(&p, &s, why, wanted);
		s64 need = vb_policy_need(&p, &s), say;

		must(got >= 0 && got <= wanted && got <= s.actual,
		     "%lld, round %d", (long long)got, i);
		if (!p.below_target && got)
			must(s.actual - got >= s.target, "%lld, round %d",
			     (long long)got, i);
		if (p.tune.auto_deflate == VB_AUTO_OFF && why != VB_WHY_OOM)
			want(got, 0, "off");
		must(vb_policy_quota(&p, &s, why, more) >= got, "round %d", i);

		/* whoever has less available is in no smaller need */
		worse.available = rnd_range(&seed, 0, s.available);
		must(vb_policy_need(&p, &worse) >= need, "round %d", i);
		must(need <= p.tune.reserve && (!need || s.available + s.coming +
		     need <= p.tune.reserve), "%lld, round %d", (long long)need, i);

		/* half of it, in whole batches, is all of the need */
		say = vb_policy_offer(&p, &s, need);
		must(!say == !vb_policy_quota(&p, &s, VB_WHY_NEED, need),
		     "%lld, round %d", (long long)say, i);
		must(!say || say / 2 / p.tune.deflate_batch *
		     p.tune.deflate_batch >= need,
		     "%lld, round %d", (long long)say, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(need),
		cmocka_unit_test(node_need),
		cmocka_unit_test(takeable),
		cmocka_unit_test(offer),
		cmocka_unit_test(limit_per_second),
		cmocka_unit_test(taking_holds_off),
		cmocka_unit_test(oom_quota),
		cmocka_unit_test(quota_of_anything),
	};

	return run_all(tests);
}

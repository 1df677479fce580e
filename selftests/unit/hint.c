// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints: how much a guest yields, how they are merged, and when they are acted
 * on. What becomes of the surplus is in surplus.c.
 */
#include "unit.h"

static const struct vb_host_hint critical = {
	.level = VB_LEVEL_CRITICAL,
	.need = VB_NEED_ANY,
};

static struct vb_host_hint hint_of(enum vb_level level, s64 need, u32 ttl_ms)
{
	return (struct vb_host_hint) {
		.level = level,
		.need = need,
		.ttl_ms = ttl_ms,
	};
}

static void spare(void **state)
{
	static const struct {
		const char *name;
		s64 target, offset, actual, available, spare;
		u64 holdoff_until;
		bool empty;
	} t[] = {
		{ "plenty", 0, 0, 0, 100000, 100000 - 64 * MIB, 0, false },
		{ "at the reserve", 0, 0, 0, 64 * MIB, 0, 0, false },
		{ "one page", 0, 0, 0, 64 * MIB + 1, 1, 0, false },
		{ "below the reserve", 0, 0, 0, 100, 0, 0, false },
		{ "the target comes first", 1000, 0, 400, 64 * MIB + 700, 100, 0, false },
		{ "the surplus, too", 1000, 200, 1100, 64 * MIB + 700, 600, 0, false },
		{ "the target takes all", 1000, 0, 0, 64 * MIB + 700, 0, 0, false },
		{ "a deficit", 1000, -300, 700, 64 * MIB + 700, 700, 0, false },
		{ "too large", 1000, 0, 1500, 64 * MIB + 700, 700, 0, false },
		{ "held off", 0, 0, 0, 100000, 0, 1001, false },
		{ "held off no more", 0, 0, 0, 100000, 100000 - 64 * MIB, 1000, false },
		{ "hibernating", 0, 0, 0, 100000, 0, 0, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.offset = t[i].offset,
			.holdoff_until = t[i].holdoff_until,
			.empty = t[i].empty,
		};
		struct vb_snapshot s = {
			.now = 1000,
			.target = t[i].target,
			.actual = t[i].actual,
			.available = t[i].available,
		};

		want(vb_policy_spare(&p, &s), t[i].spare, t[i].name);
	}
}

static void yields(void **state)
{
	static const struct {
		const char *name;
		enum vb_level level;
		s64 need;
		u32 limit, interval_ms;
		s64 slack, yield;
	} t[] = {
		{ "none", VB_LEVEL_NONE, VB_NEED_ANY, 0, 1000, 10000, 0 },
		{ "low", VB_LEVEL_LOW, VB_NEED_ANY, 0, 1000, 10000, 1200 },
		{ "medium", VB_LEVEL_MEDIUM, VB_NEED_ANY, 0, 1000, 10000, 2500 },
		{ "critical", VB_LEVEL_CRITICAL, VB_NEED_ANY, 0, 1000, 10000, 5000 },
		{ "rounded down", VB_LEVEL_CRITICAL, VB_NEED_ANY, 0, 1000, 9999, 4999 },
		{ "a small need", VB_LEVEL_CRITICAL, 300, 0, 1000, 10000, 300 },
		{ "a need of nearly nothing", VB_LEVEL_CRITICAL, 0, 0, 1000, 10000, 0 },
		{ "a large need", VB_LEVEL_LOW, 9000, 0, 1000, 10000, 1200 },
		{ "limit", VB_LEVEL_CRITICAL, VB_NEED_ANY, 100, 1000, 10000, 100 },
		{ "limit, long interval", VB_LEVEL_CRITICAL, VB_NEED_ANY, 100, 5000, 10000, 500 },
		{ "limit, short interval", VB_LEVEL_CRITICAL, VB_NEED_ANY, 100, 100, 10000, 10 },
		{ "limit above all", VB_LEVEL_CRITICAL, VB_NEED_ANY, 9000, 1000, 10000, 5000 },
		{ "no slack", VB_LEVEL_CRITICAL, VB_NEED_ANY, 0, 1000, 0, 0 },
		{ "less than none", VB_LEVEL_CRITICAL, 500, 0, 1000, -500, 0 },
		{ "huge", VB_LEVEL_CRITICAL, VB_NEED_ANY, 0, 1000, HUGE_PAGES, HUGE_PAGES / 2 },
		{ "huge limit", VB_LEVEL_LOW, VB_NEED_ANY, UINT32_MAX, 60000, 100, 12 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };
		struct vb_snapshot s = {
			.available = p.tune.reserve + t[i].slack,
		};
		struct vb_host_hint hint = hint_of(t[i].level, t[i].need, 0);

		p.tune.yield_limit_per_s = t[i].limit;
		p.tune.pressure_interval_ms = t[i].interval_ms;
		want(vb_policy_yield(&p, &s, &hint), t[i].yield, t[i].name);
	}
}

/* The same hint to guests with 0, 25, 50 and 100 % of their memory to spare. */
static void yields_in_proportion(void **state)
{
	static const s64 memories[] = { 512, 4096, 65536, 1048576 };
	enum vb_level level;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(memories); i++) {
		s64 memory = memories[i] * MIB, percent;

		for (level = VB_LEVEL_LOW; level < VB_LEVEL_NR; level++) {
			struct vb_policy p = { .tune = default_tune };
			struct vb_host_hint hint = hint_of(level, VB_NEED_ANY, 0);
			struct vb_snapshot s = { 0 };
			s64 whole, yield;

			p.tune.reserve = vb_policy_default_reserve(memory, 12);
			s.available = p.tune.reserve + memory;
			whole = vb_policy_yield(&p, &s, &hint);
			must(whole > 0, "%lld", (long long)whole);
			for (percent = 0; percent <= 100; percent += 25) {
				s.available = p.tune.reserve +
					      memory * percent / 100;
				yield = vb_policy_yield(&p, &s, &hint);
				/* to the page below */
				must(yield >= whole * percent / 100 &&
				     yield <= (whole + 1) * percent / 100,
				     "%lld %% of %lld are %lld", (long long)percent,
				     (long long)whole, (long long)yield);
			}
			s.available = p.tune.reserve / 2;
			want(vb_policy_yield(&p, &s, &hint), 0, "no slack");
		}
	}
}

static void random_guest(struct vb_policy *p, struct vb_snapshot *s, u64 *seed)
{
	s64 most = 1LL << rnd_range(seed, 0, 40);

	*p = (struct vb_policy) { .tune = default_tune };
	p->tune.reserve = rnd_range(seed, 0, most);
	p->tune.yield_limit_per_s = rnd(seed) % 2 ? 0 : rnd_range(seed, 1, 1 << 30);
	p->tune.pressure_interval_ms = rnd_range(seed, 100, 60000);
	*s = (struct vb_snapshot) {
		.target = rnd_range(seed, 0, most),
		.actual = rnd_range(seed, 0, most),
		.available = rnd_range(seed, 0, most),
	};
	p->target = s->target;
	p->offset = rnd_range(seed, -s->target, most);
}

/* Never below the reserve, never more than asked, and more slack gives no less. */
static void yields_of_anything(void **state)
{
	u64 seed = 11;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		struct vb_host_hint hint = hint_of(rnd_range(&seed, 0, VB_LEVEL_NR - 1),
						   rnd(&seed) % 2 ? VB_NEED_ANY :
						   rnd_range(&seed, 0, 1LL << 38), 0);
		struct vb_host_hint harder = hint;
		struct vb_policy p;
		struct vb_snapshot s, more;
		s64 yield;

		random_guest(&p, &s, &seed);
		yield = vb_policy_yield(&p, &s, &hint);
		must(yield >= 0 && yield <= hint.need &&
		     (!yield || s.available - yield >= p.tune.reserve),
		     "round %d: %lld of %lld", i, (long long)yield,
		     (long long)s.available);
		more = s;
		more.available += rnd_range(&seed, 0, 1LL << 40);
		must(vb_policy_yield(&p, &more, &hint) >= yield, "round %d", i);
		harder.level = rnd_range(&seed, hint.level, VB_LEVEL_NR - 1);
		must(vb_policy_yield(&p, &s, &harder) >= yield, "round %d", i);
		p.holdoff_until = 1;
		want(vb_policy_yield(&p, &s, &hint), 0, "held off");
	}
}

static void merges(void **state)
{
	static const struct {
		const char *name;
		struct vb_host_hint first, second, merged;
	} t[] = {
		{ "stronger",
		  { VB_LEVEL_LOW, 10, 100 }, { VB_LEVEL_CRITICAL, 20, 200 },
		  { VB_LEVEL_CRITICAL, 20, 200 } },
		{ "weaker, of less need",
		  { VB_LEVEL_MEDIUM, 10, 200 }, { VB_LEVEL_LOW, 5, 100 },
		  { VB_LEVEL_MEDIUM, 5, 100 } },
		{ "over",
		  { VB_LEVEL_LOW, 10, 200 }, { VB_LEVEL_NONE, VB_NEED_ANY, 0 },
		  { VB_LEVEL_LOW, VB_NEED_ANY, 10000 } },
		{ "the same", { VB_LEVEL_LOW, 10, 0 }, { VB_LEVEL_LOW, 11, 1 },
		  { VB_LEVEL_LOW, 11, 1 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = { .tune = default_tune };

		vb_policy_hint(&p, 1000, &t[i].first);
		want(p.yield.next.level, t[i].first.level, t[i].name);
		vb_policy_hint(&p, 1500, &t[i].second);
		want(p.yield.waiting, true, t[i].name);
		want(p.yield.next.level, t[i].merged.level, t[i].name);
		want(p.yield.next.need, t[i].merged.need, t[i].name);
		want(p.yield.next.ttl_ms, t[i].merged.ttl_ms, t[i].name);
		want(p.yield.next_until, 1500 + t[i].merged.ttl_ms, t[i].name);
		want(vb_policy_pressed(&p, 1500), false, t[i].name);
	}
}

/* What was acted on is merged with nothing. */
static void replaces(void **state)
{
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { .now = 1000, .available = 64 * MIB + 1000 };
	struct vb_host_hint low = hint_of(VB_LEVEL_LOW, VB_NEED_ANY, 300);
	s64 pages;

	(void)state;
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_NOT, "nothing waits");
	vb_policy_hint(&p, s.now, &critical);
	want(vb_policy_act(&p, &s, &pages), VB_ACTED, "the first");
	want(pages, 500, "critical");
	want(p.offset, 500, "surplus");
	want(p.yield.left, 500, "left");
	want(p.yield.until, 11000, "until");
	want(p.yield.decay_at, 21000, "decay");
	want(vb_policy_pressed(&p, 10999), true, "holds");
	want(vb_policy_pressed(&p, 11000), false, "holds no more");

	s.now = 1900;
	vb_policy_hint(&p, s.now, &low);
	want(vb_policy_hint_wait(&p, s.now), 100, "wait");
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_NOT, "too soon");
	want(pages, 0, "too soon");
	s.now = 2000;
	want(vb_policy_hint_wait(&p, s.now), 0, "wait no more");
	want(vb_policy_act(&p, &s, &pages), VB_ACTED, "the second");
	want(pages, 60, "low, of what the first left");
	want(p.offset, 560, "surplus");
	want(p.yield.left, 560, "left");
	want(p.yield.hint.level, VB_LEVEL_LOW, "level");
	want(p.yield.until, 2200, "until, from when it came");
	want(p.yield.decay_at, 2500, "decay");
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_NOT, "once");
}

/* A deficit is the guest's own to give as well, and then no longer returns in steps. */
static void yields_out_of_a_deficit(void **state)
{
	static const struct {
		const char *name;
		s64 deficit, offset, return_size;
	} t[] = {
		{ "a part of it", 600, -100, 7 },
		{ "all of it", 500, 0, 0 },
		{ "and more", 200, 300, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = 1000,
			.offset = -t[i].deficit,
			.return_size = 7,
		};
		struct vb_snapshot s = {
			.target = 1000,
			.actual = 1000 - t[i].deficit,
			.available = 64 * MIB + 1000,
		};
		s64 pages;

		vb_policy_hint(&p, s.now, &critical);
		want(vb_policy_act(&p, &s, &pages), VB_ACTED, t[i].name);
		want(pages, 500, t[i].name);
		want(p.offset, t[i].offset, t[i].name);
		want(p.return_size, t[i].return_size, t[i].name);
	}
}

static void none_ends_it(void **state)
{
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { .now = 1000, .available = 64 * MIB + 1000 };
	struct vb_host_hint none = hint_of(VB_LEVEL_NONE, VB_NEED_ANY, 4000);
	s64 pages;

	(void)state;
	vb_policy_hint(&p, s.now, &critical);
	vb_policy_act(&p, &s, &pages);
	s.now = 5000;
	vb_policy_hint(&p, s.now, &none);
	want(vb_policy_pressed(&p, s.now), true, "until it is acted on");
	want(vb_policy_act(&p, &s, &pages), VB_ACTED, "none");
	want(pages, 0, "none");
	want(p.offset, 500, "the surplus stays");
	want(vb_policy_pressed(&p, s.now), false, "over");
	want(p.yield.until, 5000, "until");
	want(p.yield.decay_at, 9000, "decay");
}

static void expires(void **state)
{
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { .now = 1000, .available = 64 * MIB + 1000 };
	struct vb_host_hint brief = hint_of(VB_LEVEL_CRITICAL, VB_NEED_ANY, 200);
	s64 pages;

	(void)state;
	p.yield.act_at = 1200;
	vb_policy_hint(&p, s.now, &brief);
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_NOT, "too soon");
	s.now = 1200;
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_EXPIRED, "too late");
	want(pages, 0, "too late");
	want(p.offset, 0, "too late");
	want(p.yield.waiting, false, "gone");
	want(vb_policy_pressed(&p, s.now), false, "too late");
	want(vb_policy_hint_wait(&p, s.now), 1000, "counts all the same");
	p.yield.act_at = 1100;
	vb_policy_hint(&p, 1000, &brief);
	s.now = 1199;
	want(vb_policy_act(&p, &s, &pages), VB_ACTED, "just in time");
}

/* A shorter interval holds at once. */
static void waits_no_longer_than_the_interval(void **state)
{
	struct vb_host_hint hint = hint_of(VB_LEVEL_LOW, VB_NEED_ANY, 0);
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { .now = 1000, .available = 4096 * MIB };
	s64 pages;

	(void)state;
	p.yield.act_at = 50000;
	want(vb_policy_hint_wait(&p, 1000), 1000, "default");
	p.tune.pressure_interval_ms = 60000;
	want(vb_policy_hint_wait(&p, 1000), 49000, "long");
	want(vb_policy_hint_wait(&p, 50000), 0, "due");
	want(vb_policy_hint_wait(&p, 50001), 0, "overdue");
	p.tune.pressure_interval_ms = 1000;
	vb_policy_hint(&p, s.now, &hint);
	want(vb_policy_act(&p, &s, &pages), VB_ACTED_NOT, "too soon");
	want(vb_policy_hint_wait(&p, 1500), 500, "goes by");
	s.now = 2000;
	want(vb_policy_act(&p, &s, &pages), VB_ACTED, "not at 50000");
}

/* However often the host asks: one hint in an interval, and never the reserve. */
static void a_storm(void **state)
{
	struct vb_policy p = { .tune = default_tune };
	struct vb_snapshot s = { .available = 4096 * MIB };
	unsigned long acted = 0;
	u64 seed = 12;
	s64 pages;
	int i;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		struct vb_host_hint hint = hint_of(rnd_range(&seed, 0, VB_LEVEL_NR - 1),
						   VB_NEED_ANY, 0);

		s.now = i / 100;
		vb_policy_hint(&p, s.now, &hint);
		acted += vb_policy_act(&p, &s, &pages) == VB_ACTED;
		s.available -= pages;
		s.actual += pages;
		must(s.available >= p.tune.reserve, "hint %d", i);
		want(p.offset, s.actual, "one offset");
	}
	want(acted, 10, "in 10 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spare),
		cmocka_unit_test(yields),
		cmocka_unit_test(yields_in_proportion),
		cmocka_unit_test(yields_of_anything),
		cmocka_unit_test(merges),
		cmocka_unit_test(replaces),
		cmocka_unit_test(yields_out_of_a_deficit),
		cmocka_unit_test(none_ends_it),
		cmocka_unit_test(expires),
		cmocka_unit_test(waits_no_longer_than_the_interval),
		cmocka_unit_test(a_storm),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The surplus: how it reaches the host, what the host's target does to it, how
 * it decays, and self-ballooning.
 */
#include "unit.h"

/* A guest with a surplus, and a hint that was acted on at 1000 and holds until 11000. */
static void pressed_guest(struct vb_policy *p, struct vb_snapshot *s, s64 surplus)
{
	*p = (struct vb_policy) {
		.tune = default_tune,
		.target = 1000,
		.offset = surplus,
		.yield = {
			.hint = { VB_LEVEL_CRITICAL, VB_NEED_ANY, 10000 },
			.until = 11000,
			.act_at = 2000,
			.left = surplus,
			.decay_at = 21000,
		},
	};
	*s = (struct vb_snapshot) {
		.now = 1000,
		.target = 1000,
		.actual = 1000,
		.available = 64 * MIB + 100000,
	};
}

static void reaches_the_host(void **state)
{
	struct vb_policy p;
	struct vb_snapshot s;

	(void)state;
	pressed_guest(&p, &s, 8000);
	want(vb_policy_given(&p, &s), 0, "nothing yet");
	s.actual = 4000;
	s.in_flight = 3000;
	want(vb_policy_given(&p, &s), 0, "not acknowledged");
	s.in_flight = 1000;
	want(vb_policy_given(&p, &s), 2000, "some");
	want(vb_policy_given(&p, &s), 0, "told already");
	s.actual = 3000;
	want(vb_policy_given(&p, &s), 0, "some came back");
	s.actual = 9500;
	s.in_flight = 0;
	want(vb_policy_given(&p, &s), 6000, "the rest");
	want(p.yield.left, 0, "complete");
	want(vb_policy_given(&p, &s), 0, "complete");

	pressed_guest(&p, &s, 8000);
	s.actual = 500;
	want(vb_policy_given(&p, &s), 0, "the target comes first");
	s.actual = 1000;
	want(vb_policy_given(&p, &s), 0, "the target comes first");
	s.actual = 1001;
	want(vb_policy_given(&p, &s), 1, "then the yield");
}

/* What is taken back, or no longer wanted, was not given. */
static void ends_early(void **state)
{
	struct vb_policy p;
	struct vb_snapshot s;

	(void)state;
	pressed_guest(&p, &s, 8000);
	s.actual = 4000;
	vb_policy_released(&p, &s);
	want(p.offset, 3000, "what is left of the surplus");
	want(vb_policy_given(&p, &s), 0, "released");

	pressed_guest(&p, &s, 8000);
	s.now = 20000;
	s.target = 900;
	vb_policy_new_target(&p, &s);
	want(p.offset, 0, "a lowering cancels it");
	want(vb_policy_given(&p, &s), 0, "cancelled");

	pressed_guest(&p, &s, -100);
	p.yield.left = 50;
	s.actual = 900;
	s.target = 800;
	vb_policy_new_target(&p, &s);
	want(p.offset, 0, "a lowering ends a deficit");
	want(vb_policy_given(&p, &s), 0, "ended");

	pressed_guest(&p, &s, 8000);
	s.now = 21000;
	s.actual = 5000;
	vb_policy_move_surplus(&p, &s);
	want(vb_policy_given(&p, &s), 0, "decayed");
}

static void new_target_under_pressure(void **state)
{
	static const struct {
		const char *name;
		u64 now;
		s64 target, offset;
	} t[] = {
		{ "lowered while pressed", 10999, 500, 8000 },
		{ "lowered afterwards", 11000, 500, 0 },
		{ "raised while pressed", 10999, 3000, 6000 },
		{ "raised afterwards", 11000, 3000, 6000 },
		{ "raised by more", 10999, 30000, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p;
		struct vb_snapshot s;

		pressed_guest(&p, &s, 8000);
		s.now = t[i].now;
		s.actual = 9000;
		s.target = t[i].target;
		vb_policy_new_target(&p, &s);
		want(p.offset, t[i].offset, t[i].name);
	}

	/* A raise is paid from what is still to come as well. */
	{
		struct vb_policy p;
		struct vb_snapshot s;

		pressed_guest(&p, &s, 8000);
		s.target = 3000;
		vb_policy_new_target(&p, &s);
		want(p.yield.left, 8000, "raised");
		s.actual = 9000;
		want(vb_policy_given(&p, &s), 8000, "all of it");

		pressed_guest(&p, &s, 8000);
		s.target = 500;
		vb_policy_new_target(&p, &s);
		want(p.yield.left, 8000, "lowered, and still wanted");
	}
}

static void decays(void **state)
{
	static const s64 sizes[] = { 8000, 6000, 4500, 3375, 2531, 1898, 1423, 1067,
				     800, 600, 450, 337, 0 };
	struct vb_policy p;
	struct vb_snapshot s;
	size_t i;

	(void)state;
	pressed_guest(&p, &s, 8000);
	s.actual = 9000;
	want(vb_policy_next_move(&p, &s), 10000, "the end of the pressure");
	want(vb_policy_move_surplus(&p, &s), 0, "pressed");
	s.now = 11000;
	want(vb_policy_move_surplus(&p, &s), 0, "one ttl of grace");
	want(vb_policy_next_move(&p, &s), 10000, "grace");
	s.now = 20999;
	want(vb_policy_move_surplus(&p, &s), 0, "one ttl of grace");
	want(vb_policy_next_move(&p, &s), 1, "nearly");
	for (i = 1; i < ARRAY_SIZE(sizes); i++) {
		s.now = 11000 + 10000 * i;
		want(vb_policy_next_move(&p, &s), 1, "due");
		want(vb_policy_move_surplus(&p, &s), sizes[i] - sizes[i - 1],
		     "a quarter");
		want(p.offset, sizes[i], "a quarter");
		s.actual = s.target + p.offset;
		want(vb_policy_move_surplus(&p, &s), 0, "once");
		want(vb_policy_next_move(&p, &s), sizes[i] ? 10000 : 0, "next");
	}
}

static void decays_otherwise(void **state)
{
	struct vb_policy p;
	struct vb_snapshot s;

	(void)state;
	/* What was never reached is dropped. */
	pressed_guest(&p, &s, 8000);
	s.now = 21000;
	s.actual = 5000;
	want(vb_policy_move_surplus(&p, &s), 3000 - 8000, "a quarter of 4000");
	pressed_guest(&p, &s, 8000);
	s.now = 21000;
	s.actual = 400;
	want(vb_policy_move_surplus(&p, &s), -8000, "none was reached");

	/* The smallest that is worth keeping. */
	pressed_guest(&p, &s, 341);
	s.now = 21000;
	s.actual = 1341;
	want(vb_policy_move_surplus(&p, &s), -341, "255 are a crumb");
	pressed_guest(&p, &s, 342);
	s.now = 21000;
	s.actual = 1342;
	want(vb_policy_move_surplus(&p, &s), -86, "256 are not");

	/* A shorter ttl of the administrator's, where the host names none. */
	pressed_guest(&p, &s, 8000);
	p.yield.hint.ttl_ms = 0;
	p.tune.pressure_ttl_ms = 3000;
	s.now = 12000;
	want(vb_policy_next_move(&p, &s), 3000, "the default");

	/* An empty balloon, and a deficit, are none of this. */
	pressed_guest(&p, &s, 8000);
	s.now = 30000;
	p.empty = true;
	want(vb_policy_move_surplus(&p, &s), 0, "hibernating");
	want(vb_policy_next_move(&p, &s), 0, "hibernating");
	pressed_guest(&p, &s, -500);
	s.now = 30000;
	p.tune.self = 1;
	want(vb_policy_move_surplus(&p, &s), 0, "deficit");
	want(vb_policy_next_move(&p, &s), 0, "deficit");
}

/* However it began: in the end nothing is left, and it only shrinks. */
static void decays_from_anywhere(void **state)
{
	u64 seed = 13;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct vb_policy p;
		struct vb_snapshot s;
		s64 last;
		int steps = 0;

		pressed_guest(&p, &s, rnd_range(&seed, 1, 1LL << rnd_range(&seed, 0, 40)));
		p.yield.hint.ttl_ms = rnd_range(&seed, 1, 3600000);
		s.now = p.yield.decay_at;
		s.actual = s.target + p.offset;
		while (p.offset) {
			last = p.offset;
			vb_policy_move_surplus(&p, &s);
			must(p.offset < last && p.offset >= 0 &&
			     (p.offset <= last - last / 4), "%lld after %lld",
			     (long long)p.offset, (long long)last);
			s.actual = s.target + p.offset;
			must(++steps < 100, "%lld left", (long long)p.offset);
			if (p.offset)
				want(vb_policy_next_move(&p, &s),
				     p.yield.hint.ttl_ms, "next");
			s.now += p.yield.hint.ttl_ms;
		}
		want(vb_policy_next_move(&p, &s), 0, "at rest");
	}
}

static void self_ballooning(void **state)
{
	static const struct {
		const char *name;
		s64 offset, actual, available, used, promised;
		u32 headroom, limit;
		s64 moved;
	} t[] = {
		{ "an eighth down", 0, 1000, 8000, 0, 0, 100, 0, 1000 },
		{ "again", 1000, 2000, 7000, 0, 0, 100, 0, 875 },
		{ "what is on its way is gone", 1000, 1500, 8000, 0, 0, 100, 0, 937 },
		{ "limited", 0, 1000, 8000, 0, 0, 100, 100, 500 },
		{ "a crumb", 0, 1000, 2047, 0, 0, 100, 0, 0 },
		{ "more than a crumb", 0, 1000, 2048, 0, 0, 100, 0, 256 },
		{ "nothing to spare", 500, 1500, 0, 0, 0, 100, 0, 0 },
		{ "all the way up", 5000, 6000, -3000, 0, 0, 100, 0, -3000 },
		{ "no further than the target", 5000, 6000, -9000, 0, 0, 100, 0, -5000 },
		{ "a crumb up", 5000, 6000, -255, 0, 0, 100, 0, 0 },
		{ "more than a crumb up", 5000, 6000, -256, 0, 0, 100, 0, -256 },
		{ "no surplus, nothing to take back", 0, 1000, -9000, 0, 0, 100, 0, 0 },
		{ "promised memory", 0, 1000, 8000, 1000, 5000, 100, 0, 500 },
		{ "half of it", 0, 1000, 8000, 1000, 5000, 50, 0, 750 },
		{ "none of it", 0, 1000, 8000, 1000, 5000, 0, 0, 1000 },
		{ "promised, and used", 0, 1000, 8000, 5000, 4000, 100, 0, 1000 },
		{ "promised too much", 5000, 6000, 8000, 1000, 13000, 100, 0, -4000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vb_policy p = {
			.tune = default_tune,
			.target = 1000,
			.offset = t[i].offset,
		};
		struct vb_snapshot s = {
			.now = 100000,
			.target = 1000,
			.actual = t[i].actual,
			.available = p.tune.reserve + t[i].available,
			.used = t[i].used,
			.promised = t[i].promised,
		};

		p.tune.self = 1;
		p.tune.self_headroom = t[i].headroom;
		p.tune.yield_limit_per_s = t[i].limit;
		want(vb_policy_move_surplus(&p, &s), t[i].moved, t[i].name);
		want(p.offset, t[i].offset + t[i].moved, t[i].name);
		want(p.yield.self_at, 105000, t[i].name);
		want(vb_policy_next_move(&p, &s), 5000, t[i].name);
		want(vb_policy_move_surplus(&p, &s), 0, "once");
	}
}

/* It neither grows in a hold-off nor disturbs a hint. */
static void self_ballooning_rests(void **state)
{
	struct vb_policy p;
	struct vb_snapshot s;

	(void)state;
	pressed_guest(&p, &s, 8000);
	p.tune.self = 1;
	s.available = 0;
	s.actual = 9000;
	want(vb_policy_move_surplus(&p, &s), 0, "pressed");
	want(vb_policy_next_move(&p, &s), 10000, "pressed");
	s.now = 11000;
	p.holdoff_until = 14000;
	want(vb_policy_move_surplus(&p, &s), 0, "held off");
	want(vb_policy_next_move(&p, &s), 3000, "held off");
	s.now = 14000;
	want(vb_policy_next_move(&p, &s), 1, "due");
	want(vb_policy_move_surplus(&p, &s), -8000, "no room");
	p.yield.self_at = 90000;
	want(vb_policy_next_move(&p, &s), 5000, "a shorter interval");
	p.tune.self = 0;
	want(vb_policy_next_move(&p, &s), 0, "off");
}

/* A load that does not move: it comes near, and stays there. */
static void self_ballooning_converges(void **state)
{
	u64 seed = 14;
	int i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		s64 memory = rnd_range(&seed, 1000, 1LL << 30), last = 0;
		s64 used = rnd_range(&seed, 0, memory);
		s64 promised = rnd_range(&seed, 0, 2 * memory), room;
		struct vb_policy p = { .tune = default_tune };
		struct vb_snapshot s = { .used = used, .promised = promised };
		int n;

		p.tune.self = 1;
		p.tune.reserve = rnd_range(&seed, 0, memory / 4);
		p.tune.self_hysteresis = rnd_range(&seed, 1, 16);
		for (n = 0; n < 500; n++) {
			s.now += p.tune.self_interval_ms;
			s.available = memory - used - s.actual;
			vb_policy_move_surplus(&p, &s);
			must(p.offset >= last, "%lld after %lld",
			     (long long)p.offset, (long long)last);
			must(p.offset == last ||
			     memory - used - p.offset >= p.tune.reserve,
			     "%lld", (long long)p.offset);
			last = p.offset;
			s.actual = p.offset;
		}
		room = memory - used - p.tune.reserve - last -
		       (promised > used ? promised - used : 0);
		must(!last || (room >= 0 &&
			       room < VB_SURPLUS_CRUMB * p.tune.self_hysteresis),
		     "%lld of room are left", (long long)room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_the_host),
		cmocka_unit_test(ends_early),
		cmocka_unit_test(new_target_under_pressure),
		cmocka_unit_test(decays),
		cmocka_unit_test(decays_otherwise),
		cmocka_unit_test(decays_from_anywhere),
		cmocka_unit_test(self_ballooning),
		cmocka_unit_test(self_ballooning_rests),
		cmocka_unit_test(self_ballooning_converges),
	};

	return run_all(tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million steps in the lives of model guests, with time: what guest.c checks
 * at every step, and what can only be seen over minutes.
 *
 * SEED=n in the environment lives one random life again.
 */
#include <stdlib.h>

#include "unit.h"
#include "guest.h"

#define SECOND		1000ULL
#define MINUTE		(60 * SECOND)
#define LIVES		40
#define EVENTS		12000
#define ENOUGH_STEPS	1000000UL
#define ENOUGH_EACH	1000UL

/* With the default tunables, whatever the load does. */
#define MOST_TURNS_A_MINUTE	8

static struct guest new_guest(s64 memory, s64 target)
{
	struct vb_tunables tune = default_tune;
	struct guest g = {
		.now = 1,
		.sample_at = NEVER,
		.arrive_at = NEVER,
		.memory = memory,
		.target = target,
		.policy.below_target = true,
	};

	tune.reserve = vb_policy_default_reserve(memory, 12);
	guest_set_tunables(&g, &tune);
	return g;
}

static s64 deficit(const struct guest *g)
{
	return g->policy.offset < 0 ? -g->policy.offset : 0;
}

/* One burst that needs half of the balloon, and goes away. */
static void a_burst_and_its_return(void **state)
{
	static const s64 sizes[] = { 512, 1024, 4096, 65536, 1048576 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		s64 memory = sizes[i] * MIB, half = memory / 2;
		struct guest g = new_guest(memory, half);
		u64 burst, t, first = 0;
		int steps = 0;
		s64 last;

		g.anon = memory / 8;
		guest_run_until(&g, 10 * SECOND);
		want(g.balloon, half, "inflated");
		want(g.look_at, NEVER, "at rest");

		burst = g.now;
		guest_alloc(&g, memory / 8 * 5);
		want(g.kills, 0, "killed");
		must(deficit(&g) > 0, "offset %lld", (long long)g.policy.offset);
		guest_free(&g, memory / 8 * 5);

		last = g.balloon;
		for (t = burst; t <= burst + MINUTE; t += 100) {
			guest_run_until(&g, t);
			must(g.balloon >= last, "shrank from %lld to %lld",
			     (long long)last, (long long)g.balloon);
			if (g.balloon > last) {
				steps++;
				if (!first)
					first = t - burst;
			}
			last = g.balloon;
		}
		must(first >= 5 * SECOND && first <= 6 * SECOND,
		     "first step after %llu ms", (unsigned long long)first);
		want(g.balloon, half, "back within 60 s");
		want(deficit(&g), 0, "no deficit is left");
		want(steps, 8, "steps");
		want(guest_turns_since(&g, burst), 2, "turns");
		want(g.look_at, NEVER, "at rest again");
	}
}

/* The next burst comes when the balloon has just begun to return: it waits longer. */
static void bursts_again_and_again(void **state)
{
	struct guest g = new_guest(2048 * MIB, 1024 * MIB);
	u64 wait, end;

	(void)state;
	guest_run_until(&g, 10 * SECOND);
	for (wait = 5 * SECOND; wait <= 40 * SECOND; wait *= 2) {
		s64 burst = guest_available(&g) + 200 * MIB, low;

		guest_alloc(&g, burst);
		guest_free(&g, burst);
		want(g.kills, 0, "killed");
		low = g.balloon;
		end = g.now + wait;
		guest_run_until(&g, end - 1);
		want(g.balloon, low, "it stays away");
		guest_run_until(&g, end + SECOND);
		must(g.balloon > low, "still away after %llu ms",
		     (unsigned long long)wait);
	}
}

/* A load that stays: the balloon finds its size, and then keeps it. */
static void a_steady_load_converges(void **state)
{
	u64 seed = 4;
	int i;

	(void)state;
	for (i = 0; i < 500; i++) {
		s64 memory = rnd_range(&seed, 64 * MIB, 65536 * MIB);
		struct guest g = new_guest(memory, 0);
		u64 t;
		s64 size;

		guest_set_target(&g, rnd_range(&seed, 0, memory * 5 / 4));
		guest_run_until(&g, 10 * SECOND);
		guest_alloc(&g, rnd_range(&seed, 0, memory));
		guest_run_until(&g, 10 * MINUTE);
		size = g.balloon;
		for (t = 10 * MINUTE; t < 30 * MINUTE; t += SECOND) {
			guest_run_until(&g, t);
			want(g.balloon, size, "moved under a steady load");
		}
		must(size == g.target || g.kills ||
		     guest_available(&g) <= 2 * g.policy.tune.reserve,
		     "round %d: %lld of %lld with %lld available", i,
		     (long long)size, (long long)g.target,
		     (long long)guest_available(&g));
	}
}

/*
 * A load that comes back at the worst moment, whenever the balloon has just
 * grown, cannot make it swing.
 */
static void a_hostile_load_cannot_swing_it(void **state)
{
	static const s64 shares[] = { 2, 4, 5 };	/* of 4: absurd as well */
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(shares); i++) {
		s64 memory = 4096 * MIB, seen;
		struct guest g = new_guest(memory, memory / 4 * shares[i]);
		u64 t;

		guest_run_until(&g, 10 * SECOND);
		seen = g.balloon;
		for (t = g.now; t < 60 * MINUTE; t += 100) {
			unsigned long turns;

			guest_run_until(&g, t);
			if (g.balloon >= seen) {
				s64 burst = guest_available(&g) + 20000;

				guest_alloc(&g, burst);
				guest_free(&g, burst);
				seen = g.balloon + 1;
			}
			turns = t > MINUTE ?
				guest_turns_since(&g, t - MINUTE) : 0;
			must(turns <= MOST_TURNS_A_MINUTE,
			     "%lu turns at %llu ms", turns,
			     (unsigned long long)t);
			if (t > 20 * MINUTE)
				must(turns <= 2, "%lu turns at %llu ms", turns,
				     (unsigned long long)t);
		}
		want(g.kills, 0, "killed");
	}
}

/* File reads and dropped caches move nothing. */
static void page_cache_moves_nothing(void **state)
{
	struct guest g = new_guest(4096 * MIB, 2048 * MIB);
	int i;

	(void)state;
	guest_run_until(&g, 10 * SECOND);
	for (i = 0; i < 1000; i++) {
		guest_read_file(&g, 4096 * MIB);
		guest_run_until(&g, g.now + SECOND);
		want(g.balloon, 2048 * MIB, "full cache");
		g.cache = 0;
		guest_run_until(&g, g.now + SECOND);
		want(g.balloon, 2048 * MIB, "empty cache");
	}
	want(g.ooms + g.nr_turns, 0, "movements");
}

/* Ten thousand targets a second: the reserve holds, and the last one counts. */
static void a_frantic_host(void **state)
{
	struct guest g = new_guest(4096 * MIB, 0);
	u64 seed = 5;
	int i;

	(void)state;
	for (i = 0; i < 50000; i++) {
		guest_set_target(&g, rnd(&seed) % 3 ?
				 rnd_range(&seed, 0, 4096 * MIB) :
				 rnd_range(&seed, 0, UINT32_MAX));
		guest_work(&g);
		g.now += i % 10 == 0;
		if (g.look_at < g.now)
			g.look_at = g.now;
		if (g.sample_at < g.now)
			g.sample_at = g.now;
		must(guest_available(&g) >= g.policy.tune.reserve,
		     "change %d", i);
	}
	guest_set_target(&g, 1234567);
	guest_run_until(&g, g.now + MINUTE);
	want(g.balloon, 4096 * MIB - g.policy.tune.reserve -
	     guest_watermark(&g), "absurd target");
	guest_set_target(&g, 123456);
	guest_run_until(&g, g.now + MINUTE);
	want(g.balloon, 123456, "the last target");
}

/* Nothing to gain: the worker of a blocked guest looks now and then, no more. */
static void a_blocked_guest_sleeps(void **state)
{
	struct guest g = new_guest(4096 * MIB, 4096 * MIB);
	unsigned long steps;

	(void)state;
	guest_run_until(&g, MINUTE);
	steps = g.steps;
	guest_run_until(&g, 61 * MINUTE);
	must(g.steps - steps <= 60 * 60 / 32 + 6, "%lu looks in an hour",
	     g.steps - steps);
	guest_set_target(&g, 1024 * MIB);
	guest_run_until(&g, g.now);
	guest_alloc(&g, 3400 * MIB);
	guest_run_until(&g, 121 * MINUTE);
	must(deficit(&g) > 0, "offset %lld", (long long)g.policy.offset);
	steps = g.steps;
	guest_run_until(&g, 181 * MINUTE);
	must(g.steps - steps <= 60 * 60 / 5 + 1, "%lu looks in an hour",
	     g.steps - steps);
	must(g.steps - steps >= 60 * 60 / 32, "%lu looks in an hour",
	     g.steps - steps);
}

static void random_yields(struct vb_tunables *t, u64 *seed)
{
	t->yield_percent[VB_LEVEL_LOW] = rnd_range(seed, 0, 100);
	t->yield_percent[VB_LEVEL_MEDIUM] = rnd_range(seed, 0, 100);
	t->yield_percent[VB_LEVEL_CRITICAL] = rnd_range(seed, 0, 100);
	t->yield_limit_per_s = rnd(seed) % 4 ? 0 : rnd_range(seed, 1, 100000);
	t->pressure_interval_ms = rnd_range(seed, 100, 60000);
	t->pressure_ttl_ms = rnd_range(seed, 1, 30000);
	t->self = rnd(seed) % 4 == 0;
	t->self_interval_ms = rnd_range(seed, 100, 30000);
	t->self_hysteresis = rnd_range(seed, 1, 256);
	t->self_headroom = rnd_range(seed, 0, 1000);
}

static void random_tunables(struct guest *g, u64 *seed)
{
	struct vb_tunables t = default_tune;

	t.reserve = rnd(seed) % 4 ? rnd_range(seed, 0, g->memory / 8) :
				    rnd_range(seed, 0, g->memory * 2);
	t.auto_deflate = rnd_range(seed, 0, VB_AUTO_NR - 1);
	t.low_percent = rnd_range(seed, 0, 90);
	t.deflate_batch = rnd_range(seed, 129, 65536);
	t.deflate_limit_per_s = rnd(seed) % 4 ? 0 : rnd_range(seed, 1, 100000);
	t.holdoff_ms = rnd_range(seed, 0, 30000);
	t.holdoff_max_ms = rnd_range(seed, 0, 300000);
	t.return_ms = rnd_range(seed, 100, 30000);
	t.return_step = rnd_range(seed, 1, 256);
	random_yields(&t, seed);
	guest_set_tunables(g, &t);
}

static void random_hint(struct guest *g, u64 *seed)
{
	struct vb_host_hint hint = {
		.level = rnd_range(seed, 0, VB_LEVEL_NR - 1),
		.need = rnd(seed) % 2 ? VB_NEED_ANY :
					rnd_range(seed, 1, g->memory),
		.ttl_ms = rnd(seed) % 2 ? 0 : rnd_range(seed, 1, 30000),
	};

	guest_hint(g, &hint);
}

static void random_event(struct guest *g, u64 *seed)
{
	switch (rnd(seed) % 32) {
	case 0:			/* the host */
		guest_set_target(g, rnd_range(seed, 0, g->memory));
		break;
	case 1:
		guest_set_target(g, rnd(seed) % 4 ?
				 rnd_range(seed, 0, g->memory / 2) :
				 rnd_range(seed, 0, UINT32_MAX));
		break;
	case 2 ... 8:		/* a burst, which begins and ends */
		guest_alloc(g, rnd_range(seed, 0, g->memory * 3 / 4));
		break;
	case 9 ... 16:
		guest_free(g, rnd_range(seed, 0, g->memory));
		break;
	case 17 ... 19:
		guest_read_file(g, rnd_range(seed, 0, g->memory));
		break;
	case 20:		/* other file loads, which more memory does not help */
		g->limited = rnd(seed) % 2 ? 0 : rnd_range(seed, 0, 256);
		g->stream = rnd(seed) % 2 ? 0 : rnd_range(seed, 0, 256);
		break;
	case 21:
		g->cache = 0;
		break;
	case 23:		/* a hot file set */
		g->hot = rnd(seed) % 2 ? 0 : rnd_range(seed, 1, g->memory);
		break;
	case 22:		/* something kicks the worker for nothing */
		g->look_at = g->now;
		break;
	default:		/* the load breathes */
		if (rnd(seed) % 2)
			guest_alloc(g, rnd_range(seed, 0, g->memory / 64));
		else
			guest_free(g, rnd_range(seed, 0, g->memory / 64));
	}
}

/* Leave the guest in peace: the offset returns as far as memory allows. */
static void settle_down(struct guest *g)
{
	u64 patience = g->policy.tune.holdoff_max_ms + 10 * MINUTE +
		       257ULL * (g->policy.tune.return_ms + VB_RETRY_MAX_MS) +
		       30 * MINUTE;
	struct vb_tunables tune = g->policy.tune;
	s64 size;

	tune.self = 0;
	guest_set_tunables(g, &tune);
	guest_free(g, g->memory);
	g->shaken = false;
	g->hot = 0;
	g->limited = 0;
	g->stream = 0;
	guest_run_until(g, g->now + patience);
	size = g->balloon;
	must(size == g->target ||
	     guest_available(g) <= 2 * g->policy.tune.reserve,
	     "%lld of %lld with %lld available", (long long)size,
	     (long long)g->target, (long long)guest_available(g));
	guest_run_until(g, g->now + 10 * MINUTE);
	want(g->balloon, size, "moved in peace");
}

/* Adds what happened to the books of @sum. */
static void live(u64 number, struct guest *sum)
{
	u64 seed = number;
	s64 most = 1LL << rnd_range(&seed, 14, 24);
	struct guest g = new_guest(rnd_range(&seed, 32 * MIB, most), 0);
	bool tuned = number % 2;
	int i;

	g.shaken = rnd(&seed) % 2;
	g.must_tell = rnd(&seed) % 2;
	g.policy.below_target = rnd(&seed) % 8;
	g.passed_over = rnd(&seed) % 4 == 0;
	g.pace = rnd(&seed) % 2 ? 0 : 1LL << rnd_range(&seed, 4, 16);
	g.swap = rnd(&seed) % 2 ? 0 : rnd_range(&seed, 0, g.memory);
	g.spares = rnd(&seed) % 4 == 0;
	g.rnd = rnd(&seed);
	if (tuned)
		random_tunables(&g, &seed);
	for (i = 0; i < EVENTS; i++) {
		u64 pause = 1LL << rnd_range(&seed, 0, 16);

		if (tuned && rnd(&seed) % 64 == 0)
			random_tunables(&g, &seed);
		random_event(&g, &seed);
		if (tuned && rnd(&seed) % 16 == 0)
			random_hint(&g, &seed);
		guest_run_until(&g, g.now + rnd_range(&seed, 0, pause));
		must(g.anon + g.cache + g.balloon <= g.memory,
		     "books of event %d", i);
		if (!tuned)
			must(guest_turns_since(&g, g.now > MINUTE ?
						   g.now - MINUTE : 0) <=
			     MOST_TURNS_A_MINUTE, "event %d, at %llu ms", i,
			     (unsigned long long)g.now);
	}
	settle_down(&g);
	sum->steps += g.steps + EVENTS;
	sum->growths += g.growths;
	sum->deflates += g.deflates;
	sum->ooms += g.ooms;
	sum->shrinks += g.shrinks;
	sum->samples += g.samples;
	sum->thrashes += g.thrashes;
	sum->yielded += g.yielded;
}

static u64 living;

static void random_lives(void **state)
{
	const char *replay = getenv("SEED");
	struct guest sum = { 0 };

	(void)state;
	if (replay && *replay) {
		living = strtoull(replay, NULL, 0);
		live(living, &sum);
		living = 0;
		return;
	}
	for (living = 1; living <= LIVES; living++)
		live(living, &sum);
	living = 0;
	printf("# %lu steps in %d lives: %lu growths, %lu deflates, ",
	       sum.steps, LIVES, sum.growths, sum.deflates);
	printf("%lu shrinks, %lu samples, %lu thrashes, %lu OOM calls, ",
	       sum.shrinks, sum.samples, sum.thrashes, sum.ooms);
	printf("%lld GiB yielded\n", (long long)(sum.yielded / (1024 * MIB)));
	must(sum.steps >= ENOUGH_STEPS && sum.growths >= ENOUGH_EACH &&
	     sum.deflates >= ENOUGH_EACH && sum.ooms >= ENOUGH_EACH &&
	     sum.shrinks >= ENOUGH_EACH && sum.thrashes >= ENOUGH_EACH &&
	     sum.yielded >= 1024 * MIB,
	     "not much of a life in %lu steps", sum.steps);
}

static int name_the_seed(void **state)
{
	(void)state;
	if (living)
		print_error("live it again: make -C selftests/unit check SEED=%llu\n",
			    (unsigned long long)living);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_its_return),
		cmocka_unit_test(bursts_again_and_again),
		cmocka_unit_test(a_steady_load_converges),
		cmocka_unit_test(a_hostile_load_cannot_swing_it),
		cmocka_unit_test(page_cache_moves_nothing),
		cmocka_unit_test(a_frantic_host),
		cmocka_unit_test(a_blocked_guest_sleeps),
		cmocka_unit_test_teardown(random_lives, name_the_seed),
	};

	return run_all(tests);
}

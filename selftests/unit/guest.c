// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model guest, see guest.h.
 */
#include "unit.h"
#include "guest.h"

/* Part of the page cache that no reclaim would take: what the kernel reckons with. */
#define CACHE_FLOOR	2048

static s64 guest_free_pages(const struct guest *g)
{
	return g->memory - g->balloon - g->anon - g->cache;
}

s64 guest_available(const struct guest *g)
{
	s64 floor = g->cache / 2 < CACHE_FLOOR ? g->cache / 2 : CACHE_FLOOR;

	return guest_free_pages(g) + g->cache - floor;
}

void guest_snapshot(const struct guest *g, struct vb_snapshot *s)
{
	s->now = g->now;
	s->target = g->last_target;
	s->actual = g->balloon;
	s->available = guest_available(g);
}

/* Take free memory first, then page cache. Return: pages that could be had. */
static s64 take(struct guest *g, s64 pages)
{
	s64 from_free = guest_free_pages(g), from_cache;

	if (from_free > pages)
		from_free = pages;
	from_cache = pages - from_free;
	if (from_cache > g->cache)
		from_cache = g->cache;
	g->cache -= from_cache;
	return from_free + from_cache;
}

static void note_sign(struct guest *g, int sign)
{
	if (g->sign && sign != g->sign)
		g->turns[g->nr_turns++ % TURNS] = g->now;
	g->sign = sign;
}

unsigned long guest_turns_since(const struct guest *g, u64 since)
{
	unsigned long n = 0;

	while (n < g->nr_turns && n < TURNS &&
	       g->turns[(g->nr_turns - 1 - n) % TURNS] >= since)
		n++;
	return n;
}

/* Somebody else allocates or frees a little between the look and the move. */
static void shake(struct guest *g)
{
	if (!g->shaken || rnd(&g->rnd) % 8)
		return;
	if (rnd(&g->rnd) % 2)
		g->anon += take(g, rnd_range(&g->rnd, 0, 500));
	else
		guest_free(g, rnd_range(&g->rnd, 0, 500));
}

/* Return: pages the balloon grew by. */
static s64 inflate(struct guest *g, const struct vb_snapshot *s, s64 pages)
{
	s64 slack = s->available - g->policy.tune.reserve, got;

	must(pages <= slack, "%lld pages with a slack of %lld",
	     (long long)pages, (long long)slack);
	must(g->now >= g->no_growth_before, "at %llu, held off until %llu",
	     (unsigned long long)g->now,
	     (unsigned long long)g->no_growth_before);
	shake(g);
	got = take(g, pages < ROUND_PAGES ? pages : ROUND_PAGES);
	g->balloon += got;
	if (got) {
		g->growths++;
		note_sign(g, 1);
		if (!g->shaken)
			must(guest_available(g) >= g->policy.tune.reserve,
			     "available %lld", (long long)guest_available(g));
	}
	return got;
}

static s64 deflate(struct guest *g, s64 pages)
{
	s64 wanted = g->target + g->policy.offset;

	must(g->balloon - pages >= wanted,
	     "forced below the %lld wanted, by %lld", (long long)wanted,
	     (long long)pages);
	if (pages > ROUND_PAGES)
		pages = ROUND_PAGES;
	g->balloon -= pages;
	g->deflates++;
	note_sign(g, -1);
	return pages;
}

/* What the driver does at rest. Return: when to look again. */
static u64 rest(struct guest *g, const struct vb_snapshot *s)
{
	struct vb_policy *p = &g->policy;
	u64 delay;

	if (s->actual < s->target + p->offset &&
	    !vb_policy_holding_off(p, s->now))
		vb_policy_no_progress(p);
	delay = vb_policy_next_look(p, s);
	if (!delay) {
		must(p->offset >= 0 && s->actual >= s->target,
		     "sleeps for ever, offset %lld", (long long)p->offset);
		return NEVER;
	}
	must(delay <= g->longest_delay, "%llu ms", (unsigned long long)delay);
	return g->now + delay;
}

/* A round that moves nothing ends in a delay: a millisecond sees few of them. */
static void note_round(struct guest *g)
{
	if (g->busy_ms != g->now) {
		g->busy_ms = g->now;
		g->rounds_in_ms = 0;
	}
	g->rounds_in_ms++;
	must(g->rounds_in_ms <= 2000 + (unsigned long)g->memory / ROUND_PAGES,
	     "spins at %llu", (unsigned long long)g->now);
	g->steps++;
}

/* One round of the worker, as resize.c has it. */
void guest_work(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	struct vb_snapshot s;
	s64 before, diff, moved = 0;

	note_round(g);
	g->last_target = g->target;
	guest_snapshot(g, &s);
	vb_policy_new_target(p, &s);
	before = p->offset;
	vb_policy_return_deficit(p, &s);
	must(p->offset >= before && (before >= 0 || p->offset <= 0),
	     "return from %lld to %lld", (long long)before,
	     (long long)p->offset);
	must(p->offset >= -p->target, "offset %lld", (long long)p->offset);
	must(p->offset == before || g->now >= g->no_growth_before,
	     "return at %llu", (unsigned long long)g->now);

	diff = vb_policy_step(p, &s, vb_policy_goal(p, &s));
	if (diff > 0)
		moved = inflate(g, &s, diff);
	else if (diff < 0)
		moved = deflate(g, -diff);
	if (!moved) {
		g->look_at = rest(g, &s);
		return;
	}
	if (moved >= BUF_PAGES || s.actual + moved >= s.target + p->offset)
		vb_policy_progress(p);
	g->look_at = g->now;
}

/* Let the worker work until @then, which may be now. */
void guest_run_until(struct guest *g, u64 then)
{
	while (g->look_at <= then) {
		must(g->look_at >= g->now, "look in the past: %llu",
		     (unsigned long long)g->look_at);
		g->now = g->look_at;
		guest_work(g);
	}
	g->now = then;
}

/* Growth is barred for as long as the tunables say, and no longer than that. */
static void note_hold_off(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	u32 length = p->tune.holdoff_ms;

	if (length > p->tune.holdoff_max_ms)
		length = p->tune.holdoff_max_ms;
	must(p->holdoff_until >= g->now + length &&
	     p->holdoff_until <= g->now + p->tune.holdoff_max_ms,
	     "%llu at %llu", (unsigned long long)p->holdoff_until,
	     (unsigned long long)g->now);
	g->no_growth_before = g->now + length;
}

static void hold_off(struct guest *g)
{
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	vb_policy_hold_off(&g->policy, &s);
	note_hold_off(g);
}

/*
 * R1: the worker shall not take back what was released, however much memory
 * there is and however long it waits, nor give away what nobody asked for: a
 * balloon that the host wants smaller still becomes that small, no smaller.
 */
static void released(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	s64 before = p->offset, level = g->balloon - p->target, wanted;
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	want(s.target, p->target, "the target of the offset");
	vb_policy_released(p, &s);
	note_hold_off(g);
	want(p->offset, before < level ? before : level, "offset");

	s.now = NEVER;
	s.available = HUGE_PAGES;
	wanted = p->target + before;
	want(vb_policy_goal(p, &s), wanted < g->balloon ? wanted : g->balloon,
	     "goal, when all is calm");
}

/* Until the deflate work has done it; the other worker goes on meanwhile. */
static void hand_over(struct guest *g)
{
	hold_off(g);
	guest_run_until(g, g->now + rnd_range(&g->rnd, 0, OOM_WAIT_MS));
}

/* The OOM notifier. Return: false if the balloon has nothing to give. */
static bool out_of_memory(struct guest *g)
{
	struct vb_snapshot s;
	s64 quota;

	guest_snapshot(g, &s);
	quota = vb_policy_oom_quota(&g->policy, &s, OOM_MIN_PAGES);
	must(quota >= 0 && quota <= g->balloon, "quota %lld of %lld",
	     (long long)quota, (long long)g->balloon);
	must(!g->balloon || quota, "nothing of %lld", (long long)g->balloon);
	if (!quota)
		return false;
	hold_off(g);
	if (g->must_tell)
		hand_over(g);
	if (quota > g->balloon)
		quota = g->balloon;
	if (quota) {
		g->balloon -= quota;
		g->ooms++;
		note_sign(g, -1);
		released(g);
	}
	g->look_at = g->now;
	return true;
}

/* The load takes memory; what the balloon cannot give it does not get. */
void guest_alloc(struct guest *g, s64 pages)
{
	for (;;) {
		s64 got = take(g, pages);

		g->anon += got;
		pages -= got;
		if (!pages)
			return;
		if (!out_of_memory(g)) {
			must(!g->balloon, "killed with %lld in the balloon",
			     (long long)g->balloon);
			g->kills++;
			return;
		}
	}
}

void guest_free(struct guest *g, s64 pages)
{
	g->anon -= pages < g->anon ? pages : g->anon;
}

/* Page cache fills free memory, and is no reason for anything. */
void guest_read_file(struct guest *g, s64 pages)
{
	s64 room = guest_free_pages(g);

	g->cache += pages < room ? pages : room;
}

/* The host: its interrupt kicks the worker. Movement is now its doing. */
void guest_set_target(struct guest *g, s64 target)
{
	g->target = target;
	g->look_at = g->now;
	g->sign = 0;
	g->nr_turns = 0;
}

/* An administrator: changed tunables kick the worker as well. */
void guest_set_tunables(struct guest *g, const struct vb_tunables *tune)
{
	const u64 delays[] = {
		VB_RETRY_MAX_MS, tune->holdoff_max_ms, tune->return_ms
	};
	size_t i;

	g->policy.tune = *tune;
	for (i = 0; i < ARRAY_SIZE(delays); i++)
		if (g->longest_delay < delays[i])
			g->longest_delay = delays[i];
	g->look_at = g->now;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model guest, see guest.h.
 */
#include "unit.h"
#include "guest.h"

/* Part of the page cache that no reclaim would take: what the kernel reckons with. */
#define CACHE_FLOOR	2048
#define WATERMARK	2048

s64 guest_free_pages(const struct guest *g)
{
	return g->memory - g->balloon - g->anon - g->cache;
}

/* Reclaim keeps so much free, if it can. */
s64 guest_watermark(const struct guest *g)
{
	return g->memory / 256 < WATERMARK ? g->memory / 256 : WATERMARK;
}

static s64 without_reclaim(const struct guest *g)
{
	return guest_free_pages(g) - guest_watermark(g);
}

s64 guest_available(const struct guest *g)
{
	s64 floor = min_s64(g->cache / 2, CACHE_FLOOR);

	return max_s64(without_reclaim(g) + g->cache - floor, 0);
}

/* The hot set has the page cache first. */
s64 guest_hot_cached(const struct guest *g)
{
	return g->hot < g->cache ? g->hot : g->cache;
}

void guest_snapshot(const struct guest *g, struct vb_snapshot *s)
{
	s->now = g->now;
	s->target = g->last_target;
	s->actual = g->balloon;
	s->available = guest_available(g);
	s->free = without_reclaim(g);
	s->coming = g->coming;
	s->in_flight = 0;
	s->used = g->memory - g->balloon - s->available;
	s->promised = g->anon;
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

void guest_note_sign(struct guest *g, int sign)
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
		guest_note_sign(g, 1);
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
	guest_note_sign(g, -1);
	return pages;
}

/* What the driver does at rest. Return: when to look again. */
static u64 rest(struct guest *g, const struct vb_snapshot *s)
{
	struct vb_policy *p = &g->policy;
	u64 delay, move;

	if (s->actual < s->target + p->offset &&
	    !vb_policy_holding_off(p, s->now))
		vb_policy_no_progress(p);
	delay = vb_policy_next_look(p, s);
	move = vb_policy_next_move(p, s);
	if (!delay || (move && move < delay))
		delay = move;
	if (!delay) {
		must(p->offset >= 0 && s->actual >= s->target + p->offset,
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
	g->yielded += vb_policy_given(p, &s);
	vb_policy_new_target(p, &s);
	before = p->offset;
	vb_policy_return_deficit(p, &s);
	must(p->offset >= before && (before >= 0 || p->offset <= 0),
	     "return from %lld to %lld", (long long)before,
	     (long long)p->offset);
	must(p->offset >= -p->target, "offset %lld", (long long)p->offset);
	must(p->offset == before || g->now >= g->no_growth_before,
	     "return at %llu", (unsigned long long)g->now);

	before = p->offset;
	vb_policy_move_surplus(p, &s);
	must(p->offset == before || (before >= 0 && p->offset >= 0),
	     "surplus from %lld to %lld", (long long)before,
	     (long long)p->offset);

	diff = vb_policy_step(p, &s, vb_policy_goal(p, &s));
	if (diff > 0)
		moved = inflate(g, &s, diff);
	else if (diff < 0)
		moved = deflate(g, -diff);
	guest_arm_sampler(g);
	if (!moved) {
		g->look_at = rest(g, &s);
		return;
	}
	if (moved >= BUF_PAGES || s.actual + moved >= s.target + p->offset)
		vb_policy_progress(p);
	g->look_at = g->now;
}

static u64 first_of(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* The hints that wait are acted on, as soon as they may be. */
static u64 hint_due(const struct guest *g)
{
	if (!g->policy.yield.waiting)
		return NEVER;
	return g->now + vb_policy_hint_wait(&g->policy, g->now);
}

static void act_on_hint(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	struct vb_snapshot s;
	s64 pages;

	guest_snapshot(g, &s);
	vb_policy_act(p, &s, &pages);
	must(!pages || (pages > 0 && g->now >= g->no_growth_before &&
			s.available - pages >= p->tune.reserve),
	     "%lld pages of %lld", (long long)pages, (long long)s.available);
	g->look_at = g->now;
	g->sign = 0;
}

/* Let worker and sampler work until @then, which may be now. */
void guest_run_until(struct guest *g, u64 then)
{
	for (;;) {
		u64 next = first_of(first_of(g->look_at, g->sample_at),
				    first_of(g->arrive_at, hint_due(g)));

		if (next > then)
			break;
		must(next >= g->now, "look in the past: %llu",
		     (unsigned long long)next);
		g->now = next;
		if (g->arrive_at == next)
			guest_arrive(g);
		else if (hint_due(g) == next)
			act_on_hint(g);
		else if (g->look_at == next)
			guest_work(g);
		else
			guest_sample(g);
	}
	g->now = then;
}

/* Growth is barred for as long as the tunables say, and no longer than that. */
void guest_note_hold_off(struct guest *g)
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

/* Does the balloon still have what the last resort may take? */
static bool guest_may_take(const struct guest *g)
{
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	return vb_policy_takeable(&g->policy, &s, VB_WHY_OOM);
}

static s64 portion(const struct guest *g, s64 pages)
{
	s64 most = g->pace ? g->pace : CHUNK;

	return pages < most ? pages : most;
}

/* The load takes memory; what the balloon cannot give it does not get. */
void guest_alloc(struct guest *g, s64 pages)
{
	s64 most = g->memory;

	while (pages > 0 && g->anon < most) {
		s64 chunk = portion(g, pages), missing, got;

		missing = chunk + guest_watermark(g) - guest_free_pages(g);
		if (missing > 0)
			guest_reclaim(g, missing);
		got = guest_free_pages(g);
		got = got < chunk ? got : chunk;
		g->anon += got;
		pages -= got;
		if (g->pace)
			guest_run_until(g, g->now + 1);
		if (got || guest_out_of_memory(g))
			continue;
		must(!guest_may_take(g),
		     "killed with %lld in the balloon", (long long)g->balloon);
		g->kills++;
		return;
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

/* The host again: it is pressed, or no longer. */
void guest_hint(struct guest *g, const struct vb_host_hint *hint)
{
	vb_policy_hint(&g->policy, g->now, hint);
	if (g->longest_delay < g->policy.yield.next.ttl_ms)
		g->longest_delay = g->policy.yield.next.ttl_ms;
	guest_run_until(g, g->now);
}

/* An administrator: changed tunables kick the worker as well. */
void guest_set_tunables(struct guest *g, const struct vb_tunables *tune)
{
	const u64 delays[] = {
		VB_RETRY_MAX_MS, tune->holdoff_max_ms, tune->return_ms,
		tune->pressure_ttl_ms, tune->self_interval_ms
	};
	size_t i;

	g->policy.tune = *tune;
	g->in_second = 0;
	for (i = 0; i < ARRAY_SIZE(delays); i++)
		if (g->longest_delay < delays[i])
			g->longest_delay = delays[i];
	g->look_at = g->now;
}

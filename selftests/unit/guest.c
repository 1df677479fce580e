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
	s->target = g->target;
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
	u64 longest = p->tune.return_ms, delay;

	if (s->actual < s->target + p->offset)
		vb_policy_no_progress(p);
	delay = vb_policy_next_look(p, s);
	if (!delay) {
		must(p->offset >= 0 && s->actual >= s->target,
		     "sleeps for ever, offset %lld", (long long)p->offset);
		return NEVER;
	}
	if (longest < VB_RETRY_MAX_MS)
		longest = VB_RETRY_MAX_MS;
	if (longest < p->tune.holdoff_max_ms)
		longest = p->tune.holdoff_max_ms;
	must(delay <= longest, "%llu ms", (unsigned long long)delay);
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

	diff = vb_policy_goal(p, &s) - s.actual;
	if (diff > 0)
		moved = inflate(g, &s, diff);
	else if (diff < 0)
		moved = deflate(g, -diff);
	if (!moved) {
		g->look_at = rest(g, &s);
		return;
	}
	if (diff > 0 && moved >= BUF_PAGES)
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

/*
 * R1: the worker shall not take back what was released (what it lacked before
 * it may still take), nor give away what nobody asked for. @moved is the offset
 * moved down by the release.
 */
static void check_released(struct guest *g, const struct vb_snapshot *s,
			   s64 quota, s64 moved)
{
	struct vb_policy *p = &g->policy;
	s64 before = p->offset, level = g->balloon - p->target;

	vb_policy_released(p, s, quota);
	must(p->offset <= before &&
	     p->offset <= (level > moved ? level : moved) &&
	     p->offset >= (level < moved ? level : moved),
	     "from %lld by %lld to %lld", (long long)before, (long long)quota,
	     (long long)p->offset);
}

/* The OOM notifier. Return: false if the balloon has nothing to give. */
static bool out_of_memory(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	u32 holdoff = p->tune.holdoff_ms;
	struct vb_snapshot s;
	s64 quota, moved;

	guest_snapshot(g, &s);
	quota = vb_policy_oom_quota(p, &s, OOM_MIN_PAGES);
	must(quota >= 0 && quota <= g->balloon, "quota %lld of %lld",
	     (long long)quota, (long long)g->balloon);
	must(!g->balloon || quota, "nothing of %lld", (long long)g->balloon);
	if (!quota)
		return false;
	g->balloon -= quota;
	g->ooms++;
	note_sign(g, -1);

	guest_snapshot(g, &s);
	moved = p->offset - quota > -p->target ? p->offset - quota :
						 -p->target;
	check_released(g, &s, quota, moved);
	if (holdoff > p->tune.holdoff_max_ms)
		holdoff = p->tune.holdoff_max_ms;
	g->no_growth_before = g->now + holdoff;
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model guest's reclaim: page cache, swap, the driver's shrinker as
 * do_shrink_slab() calls it, its sampler, and the OOM killer. See guest.h.
 */
#include "unit.h"
#include "guest.h"

/* Whatever happens, no second takes more than twice the administrator's limit. */
static void note_granted(struct guest *g, enum vb_why why, s64 pages)
{
	s64 limit = g->policy.tune.deflate_limit_per_s;

	if (why == VB_WHY_OOM)
		return;
	if (g->now / 1000 != g->second)
		g->in_second = 0;
	g->second = g->now / 1000;
	g->in_second += pages;
	if (limit)
		must(g->in_second <= 2 * limit, "%lld in a second, limit %lld",
		     (long long)g->in_second, (long long)limit);
}

/* Permission to take pages back, which bars growth. */
static void grant(struct guest *g, const struct vb_snapshot *s, enum vb_why why,
		  s64 pages)
{
	vb_policy_take(&g->policy, s, why, pages);
	note_granted(g, why, pages);
	guest_note_hold_off(g);
}

/*
 * The worker shall not take back what was released, however much memory
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
	guest_note_hold_off(g);
	want(p->offset, before < level ? before : level, "offset");

	s.now = NEVER;
	s.available = HUGE_PAGES;
	wanted = p->target + before;
	want(vb_policy_goal(p, &s), wanted < g->balloon ? wanted : g->balloon,
	     "goal, when all is calm");
}

/* Only what may be taken for that reason leaves the balloon. */
static void leave(struct guest *g, enum vb_why why, s64 pages)
{
	s64 floor = g->policy.below_target ? 0 : g->last_target;

	if (why == VB_WHY_THRASH &&
	    g->policy.tune.auto_deflate != VB_AUTO_THRASH)
		floor = g->last_target;
	if (!pages)
		return;
	must(pages > 0 && g->balloon - pages >= floor,
	     "%lld of %lld, floor %lld", (long long)pages,
	     (long long)g->balloon, (long long)floor);
	g->balloon -= pages;
	g->taken[why] += pages;
	guest_note_sign(g, -1);
	released(g);
	g->look_at = g->now;
}

/* Until the deflate work has done it; the other worker goes on meanwhile. */
static void hand_over(struct guest *g, enum vb_why why, s64 pages)
{
	g->coming += pages;
	g->coming_why = why;
	if (g->arrive_at == NEVER)
		g->arrive_at = g->now + (g->must_tell ?
			       rnd_range(&g->rnd, 0, OOM_WAIT_MS) : 1);
}

void guest_arrive(struct guest *g)
{
	s64 pages = g->coming;
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	g->coming = 0;
	g->arrive_at = NEVER;
	leave(g, g->coming_why,
	      min_s64(pages, vb_policy_takeable(&g->policy, &s, g->coming_why)));
}

static void take_back(struct guest *g, const struct vb_snapshot *s,
		      enum vb_why why, s64 pages)
{
	grant(g, s, why, pages);
	if (g->must_tell)
		hand_over(g, why, pages);
	else
		leave(g, why, pages);
}

/*
 * What may be below the reserve when the guest is in need: what is available, and what is
 * free when it has swapped a moment ago.
 */
static s64 guest_usable(const struct guest *g)
{
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	if (!g->swapped_at ||
	    g->now - g->swapped_at > VB_SWAPS_MS + VB_SAMPLE_MAX_MS)
		return s.available;
	return min_s64(s.available, s.free);
}

/* Only in need, no more than the need, and promptly. */
static void shrink(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	s64 total, need, offer, got = 0;
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	need = vb_policy_need(p, &s);
	offer = vb_policy_offer(p, &s, need);
	must(!offer || guest_usable(g) < p->tune.reserve, "usable %lld",
	     (long long)guest_usable(g));
	for (total = offer / 2; offer && total >= p->tune.deflate_batch;) {
		s64 pages = min_s64(total, p->tune.deflate_batch);

		guest_snapshot(g, &s);
		pages = min_s64(pages, vb_policy_need(p, &s));
		pages = vb_policy_quota(p, &s, VB_WHY_NEED, pages);
		if (!pages)
			break;
		take_back(g, &s, VB_WHY_NEED, pages);
		total -= pages;
		got += pages;
		g->shrinks++;
	}
	must(!got || guest_usable(g) <= vb_policy_low_mark(p),
	     "%lld for a need of %lld", (long long)got, (long long)need);
	guest_snapshot(g, &s);
	if (offer && !p->tune.deflate_limit_per_s)
		must(!vb_policy_need(p, &s) || got >= need ||
		     !vb_policy_takeable(p, &s, VB_WHY_NEED),
		     "only %lld for a need of %lld", (long long)got,
		     (long long)need);
}

static s64 drop_cache(struct guest *g, s64 pages)
{
	s64 cache = max_s64(min_s64(pages, g->cache), 0);

	g->cache -= cache;
	return cache;
}

static s64 swap_out(struct guest *g, s64 pages)
{
	s64 swap = max_s64(min_s64(pages, min_s64(g->swap, g->anon)), 0);

	g->anon -= swap;
	g->swap -= swap;
	g->swapped += swap;
	if (swap)
		g->swapped_at = g->now;
	return swap;
}

/* A pass of reclaim that looks for @pages: page cache, shrinkers, swap. */
void guest_reclaim(struct guest *g, s64 pages)
{
	s64 wanted = guest_free_pages(g) + pages, cache = 0, swap;

	if (!g->spares)
		cache = drop_cache(g, pages);
	if (!g->passed_over)
		shrink(g);
	swap = swap_out(g, wanted - guest_free_pages(g));
	cache += drop_cache(g, wanted - guest_free_pages(g));
	g->seen.scanned += pages;
	g->seen.swapped += swap;
	g->seen.reclaimed += cache + swap;
	if (guest_free_pages(g))
		g->seen.kswapd += cache + swap;
	else
		g->seen.stalls++;
}

/* The OOM notifier. Return: false if the balloon has nothing to give. */
bool guest_out_of_memory(struct guest *g)
{
	s64 before = guest_free_pages(g), quota;
	struct vb_snapshot s;

	guest_snapshot(g, &s);
	quota = vb_policy_oom_quota(&g->policy, &s, OOM_MIN_PAGES);
	must(quota >= 0 && quota <= g->balloon, "quota %lld of %lld",
	     (long long)quota, (long long)g->balloon);
	must(!vb_policy_takeable(&g->policy, &s, VB_WHY_OOM) || quota,
	     "nothing of %lld", (long long)g->balloon);
	if (!quota)
		return false;
	g->ooms++;
	take_back(g, &s, VB_WHY_OOM, quota);
	if (g->must_tell)
		guest_run_until(g, g->now + OOM_WAIT_MS);
	return guest_free_pages(g) > before || g->balloon;
}

/* As the worker does after each of its rounds. */
void guest_arm_sampler(struct guest *g)
{
	struct vb_snapshot s;
	u32 delay;

	guest_snapshot(g, &s);
	delay = vb_policy_next_sample(&g->policy, &s);
	if (delay && g->sample_at == NEVER)
		g->sample_at = g->now + delay;
}

/* File data comes in, and takes free memory, or else the place of other data. */
static void read_in(struct guest *g, s64 pages)
{
	s64 room = guest_free_pages(g) - guest_watermark(g);

	room = room > 0 ? room : 0;
	g->cache += pages < room ? pages : room;
	if (pages > room)
		g->behind += pages - room;
}

/* Of the hot set what is not in the cache comes back. */
static void read_hot(struct guest *g, u64 ms)
{
	s64 missed;

	if (!g->hot)
		return;
	missed = HOT_READS * ms * (g->hot - guest_hot_cached(g)) / g->hot;
	g->seen.refaults += missed;
	read_in(g, missed);
	if (missed)
		g->hot_at = g->now;
}

/* A cgroup at its limit reclaims for itself what it reads. */
static void read_limited(struct guest *g, u64 ms)
{
	g->seen.refaults += g->limited * ms;
	g->seen.reclaimed += g->limited * ms;
	g->seen.scanned += g->limited * ms;
}

static void read_files(struct guest *g)
{
	u64 ms = g->now - g->read_until;

	g->read_until = g->now;
	read_hot(g, ms);
	read_limited(g, ms);
	read_in(g, g->stream * ms);
	if (g->behind < KSWAPD_BURST)
		return;
	if (g->spares) {
		s64 swap = swap_out(g, g->behind);

		g->cache += swap;
		g->seen.swapped += swap;
	}
	g->seen.kswapd += g->behind;
	g->seen.reclaimed += g->behind;
	g->seen.scanned += g->behind;
	g->behind = 0;
}

void guest_sample(struct guest *g)
{
	struct vb_policy *p = &g->policy;
	struct vb_snapshot s;
	enum vb_why why;
	s64 pages;
	u32 delay;

	g->samples++;
	read_files(g);
	g->seen.at = g->now;
	g->seen.anon = g->anon;
	g->seen.cache = g->cache;
	guest_snapshot(g, &s);
	vb_policy_sample(p, &s, &g->seen);
	pages = vb_policy_wanted(p, &s, &why);
	if (pages) {
		must(why == VB_WHY_NEED ? guest_usable(g) < p->tune.reserve :
		     g->hot_at && g->now - g->hot_at <= 4 * VB_SIGNS_MS,
		     "%lld pages at %llu, hot at %llu", (long long)pages,
		     (unsigned long long)g->now,
		     (unsigned long long)g->hot_at);
		g->thrashes += why == VB_WHY_THRASH;
		grant(g, &s, why, pages);
		hand_over(g, why, pages);
	}
	delay = vb_policy_next_sample(p, &s);
	g->sample_at = delay ? g->now + delay : NEVER;
}

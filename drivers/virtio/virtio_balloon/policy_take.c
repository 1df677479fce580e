// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decisions of the balloon: what the guest may take back, and why.
 *
 * Need is a shortage of available memory: page cache that can be reclaimed counts
 * as available, unless reclaim is seen to leave it alone. Thrash is a weaker sign, that
 * reclaim takes what is wanted back at once. See policy.h for the rules of this
 * file.
 */
#include <linux/math64.h>

#include "policy.h"

/**
 * vb_policy_low_mark - available memory below which the guest is in need
 * @p: policy
 *
 * A part of the reserve: between the two the balloon neither grows nor gives,
 * so that the two movements cannot chase each other.
 *
 * Return: pages.
 */
s64 vb_policy_low_mark(const struct vb_policy *p)
{
	return div_s64(p->tune.reserve * p->tune.low_percent, 100);
}

/* What is on its way is as good as there. */
static s64 shortage(const struct vb_snapshot *s, s64 mark, s64 available)
{
	return max_s64(mark - available - s->coming, 0);
}

/**
 * vb_policy_need - how far the guest lies below its low mark
 * @p: policy
 * @s: snapshot
 *
 * Return: pages, 0 when the guest is not in need.
 */
s64 vb_policy_need(const struct vb_policy *p, const struct vb_snapshot *s)
{
	return shortage(s, vb_policy_low_mark(p), vb_policy_usable(p, s));
}

/**
 * vb_policy_node_need - how far a node lies below its part of the low mark
 * @p: policy
 * @s: snapshot
 * @place: where memory is asked for
 *
 * A node that is short while the guest is not only matters to who is bound to
 * it: everybody else goes on to the next node, and so does the balloon, which
 * must not be shrunk by its own growth. Who is bound has to reclaim directly;
 * kswapd tells nothing, it looks after its node in any case.
 *
 * Return: pages, 0 when nobody is in need there.
 */
s64 vb_policy_node_need(const struct vb_policy *p, const struct vb_snapshot *s,
			const struct vb_place *place)
{
	s64 need = vb_policy_need(p, s), available = place->available;
	s64 mark;

	if (place->share == VB_SHARE_ALL)
		return need;
	if (!need && !place->direct)
		return 0;
	mark = div_s64(vb_policy_low_mark(p) * place->share, VB_SHARE_ALL);
	if (vb_policy_swaps(p, s->now))
		available = min_s64(available, place->free);
	return shortage(s, mark, available);
}

/* How much the administrator has to allow, for each reason. */
static const enum vb_auto least[VB_WHY_NR] = {
	[VB_WHY_NEED] = VB_AUTO_NEED,
	[VB_WHY_THRASH] = VB_AUTO_THRASH,
	[VB_WHY_OOM] = VB_AUTO_OFF,
};

/**
 * vb_policy_better - may more be taken back for one reason than for another?
 * @why: the one
 * @other: the other
 *
 * Return: true if so.
 */
bool vb_policy_better(enum vb_why why, enum vb_why other)
{
	return least[why] < least[other];
}

/**
 * vb_policy_takeable - what the guest may take back at all
 * @p: policy
 * @s: snapshot
 * @why: for what reason
 *
 * A surplus is the guest's own. Below the target it has to be allowed, by the
 * specification as well as by the administrator. The last resort does not ask
 * the latter.
 *
 * Return: pages.
 */
s64 vb_policy_takeable(const struct vb_policy *p, const struct vb_snapshot *s,
		       enum vb_why why)
{
	if (why != VB_WHY_OOM && p->tune.auto_deflate == VB_AUTO_OFF)
		return 0;
	if (p->below_target && p->tune.auto_deflate >= least[why])
		return s->actual;
	return max_s64(s->actual - s->target, 0);
}

/* Of @pages, those that this second has left. */
static s64 limited(const struct vb_policy *p, u64 now, s64 pages)
{
	s64 limit = p->tune.deflate_limit_per_s;

	if (!limit)
		return pages;
	if (now - p->limit_since < 1000)
		limit -= p->limit_used;
	return min_s64(pages, limit);
}

/**
 * vb_policy_quota - what may be taken back now
 * @p: policy
 * @s: snapshot
 * @why: for what reason
 * @wanted: pages; more is never granted
 *
 * Return: pages.
 */
s64 vb_policy_quota(const struct vb_policy *p, const struct vb_snapshot *s,
		    enum vb_why why, s64 wanted)
{
	s64 pages = min_s64(wanted, vb_policy_takeable(p, s, why));

	if (why != VB_WHY_OOM)
		pages = limited(p, s->now, pages);
	return max_s64(pages, 0);
}

/**
 * vb_policy_oom_quota - what one out-of-memory call may take back
 * @p: policy
 * @s: snapshot
 * @minimum: what is worth one call; pages
 *
 * The need or @minimum, whichever is more: a guest at the door of the OOM
 * killer whose shortage is small comes back at once if it gets just that.
 *
 * Return: pages, never more than may be taken.
 */
s64 vb_policy_oom_quota(const struct vb_policy *p, const struct vb_snapshot *s,
			s64 minimum)
{
	return vb_policy_quota(p, s, VB_WHY_OOM,
			       max_s64(vb_policy_need(p, s), minimum));
}

/**
 * vb_policy_offer - how many pages are said to be there for reclaim
 * @p: policy
 * @s: snapshot
 * @need: of the guest or a node; pages
 *
 * Reclaim asks for half of what it is told, in whole batches; so this is the
 * double of the need and a batch. It never gets more than the need.
 *
 * Return: pages, 0 to be left alone.
 */
s64 vb_policy_offer(const struct vb_policy *p, const struct vb_snapshot *s,
		    s64 need)
{
	if (!vb_policy_quota(p, s, VB_WHY_NEED, need))
		return 0;
	return 2 * (need + p->tune.deflate_batch);
}

/**
 * vb_policy_take - pages are about to be taken back
 * @p: policy
 * @s: snapshot
 * @why: for what reason
 * @pages: no more than vb_policy_quota() said
 *
 * Counts them against the limit and bars growth, so that the worker does not
 * take the pages back while they are on their way.
 */
void vb_policy_take(struct vb_policy *p, const struct vb_snapshot *s,
		    enum vb_why why, s64 pages)
{
	vb_policy_hold_off(p, s);
	if (why == VB_WHY_THRASH)
		p->used_up = false;
	if (why == VB_WHY_OOM)
		return;
	if (s->now - p->limit_since >= 1000) {
		p->limit_since = s->now;
		p->limit_used = 0;
	}
	p->limit_used += pages;
}

/* Of what was seen so many ms ago, what still counts. */
static s64 faded(s64 pages, u64 ms)
{
	return pages - div_s64(pages * (s64)ms, VB_SIGNS_MS);
}

/*
 * Only a shortage of memory wakes kswapd, and makes an allocation stall. What
 * else is reclaimed is so for a cgroup's own limit, or because root asked for it.
 * Return: pages reclaimed for a shortage.
 */
static s64 by_shortage(const struct vb_sample *last,
		       const struct vb_sample *sample)
{
	s64 kswapd = sample->kswapd - last->kswapd;
	s64 stalled = (sample->stalls - last->stalls) * VB_STALL_PAGES;
	s64 others = sample->reclaimed - last->reclaimed - kswapd;

	/* Below 0 now and then: each processor reports its counts when it likes. */
	return kswapd + max_s64(min_s64(stalled, others), 0);
}

static void note_signs(struct vb_signs *signs, const struct vb_sample *last,
		       const struct vb_sample *sample)
{
	s64 shortage = by_shortage(last, sample);
	s64 limits = sample->reclaimed - last->reclaimed - shortage;
	u64 ms = sample->at - last->at;

	signs->refaults = faded(signs->refaults, ms) +
			  sample->refaults - last->refaults;
	signs->shortage = faded(signs->shortage, ms) + shortage;
	signs->limits = faded(signs->limits, ms) + limits;
}

/*
 * Much of what is reclaimed comes back, and that is why memory is short. Not
 * counted are as many refaults as limits explain: a cgroup at its limit reclaims
 * a page for each that comes back, and more memory would not help it. What
 * comes back into free memory drives nothing out.
 */
static bool is_thrash(const struct vb_signs *signs)
{
	s64 refaults = signs->refaults - signs->limits;
	s64 reclaimed = signs->shortage + signs->limits;

	return refaults >= div_s64(reclaimed, VB_THRASH_SHARE) &&
	       signs->shortage >= div_s64(refaults, VB_THRASH_SHARE);
}

/*
 * Most of what a shortage reclaims is swapped out, and other anonymous memory takes its
 * place. Where a file that is read does, or the balloon as it grows, anonymous memory
 * becomes less. What a cgroup at its own limit swaps is as much as it reclaims.
 */
static bool swaps_for_anon(const struct vb_sample *last,
			   const struct vb_sample *sample, s64 swapped)
{
	s64 shortage = by_shortage(last, sample);
	s64 limits = sample->reclaimed - last->reclaimed - shortage;

	swapped -= max_s64(limits, 0);
	return min_s64(swapped, shortage) >= VB_SWAP_PAGES &&
	       2 * swapped >= shortage &&
	       2 * (last->anon - sample->anon) <= swapped;
}

static void note_swaps(struct vb_policy *p, const struct vb_sample *last,
		       const struct vb_sample *sample)
{
	s64 read = sample->cache - last->cache;

	if (2 * read >= max_s64(p->swapped, 2 * VB_SWAP_PAGES))
		p->swaps_until = 0;
	else if (swaps_for_anon(last, sample, p->swapped))
		p->swaps_until = sample->at + VB_SWAPS_MS;
}

/* What the balloon took for itself, by its growth, it need not give back. */
static s64 swapped_for_others(const struct vb_policy *p,
			      const struct vb_snapshot *s, s64 swapped)
{
	return max_s64(swapped - max_s64(s->actual - p->held, 0), 0);
}

/* What the guest is about to use until the next sample, if it goes on like this. */
static void note_spent(struct vb_policy *p, const struct vb_snapshot *s, u64 ms)
{
	s64 spent = p->unused - s->available - s->actual;

	p->unused = s->available + s->actual;
	p->held = s->actual;
	p->spent = max_s64(spent, 0);
	if (ms > VB_SIGNS_MS)
		p->spent = 0;
	else if (ms > VB_SAMPLE_MS)
		p->spent = div_s64(p->spent * VB_SAMPLE_MS, ms);
}

/**
 * vb_policy_sample - look at the signs of thrash and swapping
 * @p: policy
 * @s: snapshot
 * @sample: what the kernel has counted until now
 */
void vb_policy_sample(struct vb_policy *p, const struct vb_snapshot *s,
		      const struct vb_sample *sample)
{
	const struct vb_sample last = p->last_sample;

	p->last_sample = *sample;
	p->reclaiming = sample->scanned != last.scanned;
	p->used_up |= p->reclaiming;
	p->swapped = swapped_for_others(p, s, sample->swapped - last.swapped);
	note_spent(p, s, sample->at - last.at);
	if (sample->at - last.at > VB_SIGNS_MS) {
		/* The first one, or after a pause: says nothing about now. */
		p->signs = (struct vb_signs){ 0 };
		p->thrash_run = 0;
		p->swapped = 0;
		return;
	}
	note_signs(&p->signs, &last, sample);
	note_swaps(p, &last, sample);
	if (sample->refaults - last.refaults >= VB_THRASH_REFAULTS &&
	    is_thrash(&p->signs))
		p->thrash_run = min_s64(p->thrash_run + 1, VB_THRASH_SAMPLES);
	else if (p->thrash_run)
		p->thrash_run--;
}

/**
 * vb_policy_thrashes - has the guest thrashed for some time, and still does?
 * @p: policy
 *
 * Not before it has used up what it was given a moment ago, so that something was
 * reclaimed again. kswapd does that at once and pauses for long.
 *
 * Return: true if so.
 */
bool vb_policy_thrashes(const struct vb_policy *p)
{
	return p->used_up && p->thrash_run >= VB_THRASH_SAMPLES;
}

/**
 * vb_policy_wanted - what the guest should take back without being asked
 * @p: policy, after vb_policy_sample()
 * @s: snapshot
 * @why: filled in with the reason
 *
 * Need says how much is missing, and what has just been swapped out in spite of
 * that would have been better taken from here. Where reclaim leaves the page
 * cache alone, twice what was used since the last sample is added: else the
 * watermarks are reached before the next one, which may be late, and each pass of
 * kswapd swaps. Thrash does not say, so it takes a part of what there is with
 * each sample, for as long as it lasts.
 *
 * Return: pages, 0 when all is well.
 */
s64 vb_policy_wanted(const struct vb_policy *p, const struct vb_snapshot *s,
		     enum vb_why *why)
{
	s64 wanted = vb_policy_need(p, s);

	*why = VB_WHY_NEED;
	if (wanted) {
		wanted += p->swapped;
		if (vb_policy_swaps(p, s->now))
			wanted += 2 * p->spent;
	} else if (vb_policy_thrashes(p)) {
		*why = VB_WHY_THRASH;
		wanted = div_s64(vb_policy_takeable(p, s, *why),
				 VB_THRASH_STEP);
		wanted = max_s64(wanted, p->tune.deflate_batch) - s->coming;
	}
	return vb_policy_quota(p, s, *why, wanted);
}

/**
 * vb_policy_next_sample - when to look again
 * @p: policy, after vb_policy_sample()
 * @s: snapshot
 *
 * Before all that is available could be gone, even if nothing is reclaimed now;
 * and soon while the guest might thrash, because kswapd pauses now and then.
 *
 * Return: delay in ms, 0 for never: there is nothing that might be taken.
 */
u32 vb_policy_next_sample(const struct vb_policy *p,
			  const struct vb_snapshot *s)
{
	s64 delay;

	if (!vb_policy_takeable(p, s, VB_WHY_NEED) &&
	    !vb_policy_takeable(p, s, VB_WHY_THRASH))
		return 0;
	if (p->reclaiming || p->thrash_run)
		return VB_SAMPLE_MS;
	delay = div_s64(vb_policy_usable(p, s), VB_SAMPLE_PACE);
	return min_s64(max_s64(delay, VB_SAMPLE_MS), VB_SAMPLE_MAX_MS);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decisions of the balloon: goal, hold-off, return, back-off.
 *
 * See policy.h for the rules of this file and Documentation/driver-api for
 * the reasons behind the numbers.
 */
#include <linux/math64.h>

#include "policy.h"

/**
 * vb_policy_default_reserve - the reserve of a guest whose admin set none
 * @memory: managed plus ballooned pages
 * @page_shift: log2 of the guest's page size
 *
 * Return: 1/64 of @memory, at least 16 MiB and at most 256 MiB; pages.
 */
s64 vb_policy_default_reserve(s64 memory, unsigned int page_shift)
{
	s64 mib = 1LL << (20 - page_shift);

	return min_s64(max_s64(memory / 64, 16 * mib), 256 * mib);
}

/**
 * vb_policy_swaps - is anonymous memory swapped out, and page cache left alone?
 * @p: policy
 * @now: ms
 *
 * See note_swaps() for how that is seen.
 *
 * Return: true if so.
 */
bool vb_policy_swaps(const struct vb_policy *p, u64 now)
{
	return now < p->swaps_until;
}

/**
 * vb_policy_usable - what the guest could allocate without swapping
 * @p: policy
 * @s: snapshot
 *
 * Page cache is available only if reclaim takes it. The multi-gen LRU swaps out what a
 * process has just written, and waits for it, beside any amount of page cache, for as long
 * as it holds that for younger. (6.1 and 6.12: by 160 MiB, a third of a burst.)
 *
 * Return: pages; below 0 where reclaim swaps, and is behind.
 */
s64 vb_policy_usable(const struct vb_policy *p, const struct vb_snapshot *s)
{
	return vb_policy_swaps(p, s->now) ? min_s64(s->available, s->free) :
					    s->available;
}

/**
 * vb_policy_slack - what the guest could give without hurting itself
 * @p: policy
 * @s: snapshot
 *
 * Return: pages; negative when the guest already lives off its reserve.
 */
s64 vb_policy_slack(const struct vb_policy *p, const struct vb_snapshot *s)
{
	return vb_policy_usable(p, s) - p->tune.reserve;
}

/**
 * vb_policy_holding_off - is the balloon barred from growing?
 * @p: policy
 * @now: clock; ms
 *
 * Return: true until the hold-off that the latest release began has passed.
 */
bool vb_policy_holding_off(const struct vb_policy *p, u64 now)
{
	return now < p->holdoff_until;
}

/**
 * vb_policy_goal - the size that the worker moves the balloon to
 * @p: policy
 * @s: snapshot
 *
 * Target plus offset, with two limits that act on growth only and never force
 * a deflate: the reserve, and a running hold-off.
 *
 * Return: pages, not below 0.
 */
s64 vb_policy_goal(const struct vb_policy *p, const struct vb_snapshot *s)
{
	s64 goal = max_s64(s->target + p->offset, 0);
	s64 room = max_s64(vb_policy_slack(p, s), 0);

	if (p->empty)
		return 0;
	if (vb_policy_holding_off(p, s->now))
		room = 0;
	return min_s64(goal, s->actual + room);
}

/**
 * vb_policy_step - how far to go before looking again
 * @p: policy
 * @s: snapshot
 * @goal: where to
 *
 * Growth takes at most half of the slack at a time: the guest allocates beside
 * it, and what is said to be available lags behind by what the processors hold
 * back, so that the reserve is approached in ever smaller steps.
 *
 * Return: pages, negative to shrink, 0 at the goal.
 */
s64 vb_policy_step(const struct vb_policy *p, const struct vb_snapshot *s,
		   s64 goal)
{
	s64 diff = goal - s->actual;

	if (diff <= 0)
		return diff;
	return min_s64(diff, max_s64(vb_policy_slack(p, s) / 2, 1));
}

/**
 * vb_policy_new_target - the host asks for something else
 * @p: policy
 * @s: snapshot with the new target
 *
 * A deficit shrinks to what is missing from the new target and never grows. A
 * surplus pays for a raise first, and is cancelled by a lowering, unless the
 * host is pressed all the same: it wants the guest to have memory.
 */
void vb_policy_new_target(struct vb_policy *p, const struct vb_snapshot *s)
{
	s64 raise = s->target - p->target;

	if (!raise)
		return;
	if (p->offset < 0)
		p->offset = max_s64(p->offset,
				    min_s64(s->actual - s->target, 0));
	else if (raise > 0)
		p->offset = max_s64(p->offset - raise, 0);
	else if (!vb_policy_pressed(p, s->now))
		p->offset = 0;
	if (!p->offset)
		p->return_size = 0;
	if (raise < 0 && p->offset <= 0)
		p->yield.left = 0;
	p->target = s->target;
	p->retry_ms = 0;
}

/**
 * vb_policy_hold_off - bar growth for a while
 * @p: policy
 * @s: snapshot
 *
 * Within a hold-off it begins anew: that is still the same burst. Soon after
 * one it is twice as long; after a calm of VB_CALM_FACTOR times its length it
 * is as short as at first.
 */
void vb_policy_hold_off(struct vb_policy *p, const struct vb_snapshot *s)
{
	u64 calm = p->holdoff_until + (u64)p->holdoff_len * VB_CALM_FACTOR;
	s64 len = p->tune.holdoff_ms;

	if (len && vb_policy_holding_off(p, s->now))
		len = max_s64(len, p->holdoff_len);
	else if (len && s->now < calm)
		len = max_s64(len, 2 * (s64)p->holdoff_len);
	p->holdoff_len = min_s64(len, p->tune.holdoff_max_ms);
	p->holdoff_until = s->now + p->holdoff_len;
}

/**
 * vb_policy_released - reclaim or the OOM notifier took pages back
 * @p: policy
 * @s: snapshot, after the release
 *
 * The offset moves so that the goal is no more than what is left: otherwise
 * the worker would take the pages straight back. And growth is barred for a
 * while.
 *
 * Where the guest may not go below the target there is no deficit either: a
 * target that rose meanwhile, or a whole chunk for a few pages, is made good as
 * soon as growth is allowed again.
 */
void vb_policy_released(struct vb_policy *p, const struct vb_snapshot *s)
{
	/* What hibernation gives back is no deficit. */
	if (p->empty)
		return;
	p->offset = min_s64(p->offset, s->actual - p->target);
	p->offset = max_s64(p->offset, p->below_target ? -p->target : 0);
	p->return_size = 0;
	p->yield.left = 0;
	vb_policy_hold_off(p, s);
}

/* Until the next step is due; never more than the interval now in force. */
static u64 return_delay(const struct vb_policy *p, u64 now)
{
	if (now >= p->return_at)
		return 0;
	return min_s64(p->return_at - now, p->tune.return_ms);
}

/**
 * vb_policy_return_deficit - give back what reclaim took, in steps
 * @p: policy
 * @s: snapshot
 *
 * One step an interval, each the same share of the deficit as it stood when
 * the return began, and only while the guest has more than twice its reserve.
 */
void vb_policy_return_deficit(struct vb_policy *p, const struct vb_snapshot *s)
{
	p->return_at = s->now + return_delay(p, s->now);
	if (p->offset >= 0 || vb_policy_holding_off(p, s->now) ||
	    return_delay(p, s->now) ||
	    vb_policy_usable(p, s) <= 2 * p->tune.reserve)
		return;
	if (!p->return_size)
		p->return_size = div_s64(-p->offset + p->tune.return_step - 1,
					 p->tune.return_step);
	p->offset = min_s64(p->offset + p->return_size, 0);
	p->return_at = s->now + p->tune.return_ms;
	if (!p->offset)
		p->return_size = 0;
}

/**
 * vb_policy_progress - a round of growth got what it wanted
 * @p: policy
 */
void vb_policy_progress(struct vb_policy *p)
{
	p->retry_ms = 0;
}

/**
 * vb_policy_no_progress - the guest had no memory for a round of growth
 * @p: policy
 *
 * Doubles the delay until the next attempt, 1 s to 32 s.
 */
void vb_policy_no_progress(struct vb_policy *p)
{
	if (!p->retry_ms)
		p->retry_ms = VB_RETRY_MIN_MS;
	else
		p->retry_ms = min_s64(2 * (s64)p->retry_ms, VB_RETRY_MAX_MS);
}

/**
 * vb_policy_next_look - when must the worker decide anew, though nothing happened?
 * @p: policy
 * @s: snapshot
 *
 * Return: delay in ms, 0 for never: the balloon is where it should be.
 */
u64 vb_policy_next_look(const struct vb_policy *p, const struct vb_snapshot *s)
{
	s64 goal = s->target + p->offset;

	if (p->empty || (p->offset >= 0 && s->actual >= goal))
		return 0;
	if (vb_policy_holding_off(p, s->now))
		return p->holdoff_until - s->now;
	if (s->actual < goal)
		return p->retry_ms ? p->retry_ms : VB_RETRY_MIN_MS;
	return return_delay(p, s->now) ? return_delay(p, s->now) :
					 p->tune.return_ms;
}

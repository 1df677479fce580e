// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decisions of the balloon: what the guest gives beyond the target, because
 * the host is pressed or because it does not use it, and for how long.
 *
 * A hint carries facts: how much to give is the guest's own decision, a part of
 * its slack. All of it is a surplus, and goes through the one offset. See
 * policy.h for the rules of this file.
 */
#include <linux/math64.h>

#include "policy.h"

/* What the balloon is still to grow by; it is not there to be given again. */
static s64 missing(const struct vb_policy *p, const struct vb_snapshot *s)
{
	return max_s64(s->target + p->offset - s->actual, 0);
}

/**
 * vb_policy_spare - what the guest could give beyond its goal
 * @p: policy
 * @s: snapshot
 *
 * A guest that has just taken memory back has nothing to spare until its
 * hold-off is over.
 *
 * Return: pages, not below 0.
 */
s64 vb_policy_spare(const struct vb_policy *p, const struct vb_snapshot *s)
{
	if (p->empty || vb_policy_holding_off(p, s->now))
		return 0;
	return max_s64(vb_policy_slack(p, s) - missing(p, s), 0);
}

/* Of @pages, what may be given in a time of @ms. */
static s64 limited(const struct vb_policy *p, s64 pages, u32 ms)
{
	s64 limit = p->tune.yield_limit_per_s;

	return limit ? min_s64(pages, div_s64(limit * ms, 1000)) : pages;
}

/**
 * vb_policy_yield - what the guest gives to a host under pressure
 * @p: policy
 * @s: snapshot
 * @hint: what the host says
 *
 * Return: pages: the level's part of what can be spared, no more than the host
 * lacks, no more than the limit.
 */
s64 vb_policy_yield(const struct vb_policy *p, const struct vb_snapshot *s,
		    const struct vb_host_hint *hint)
{
	s64 pages = div_s64(vb_policy_spare(p, s) *
			    p->tune.yield_percent[hint->level], 100);

	return limited(p, min_s64(pages, hint->need),
		       p->tune.pressure_interval_ms);
}

/**
 * vb_policy_hint - the host says something
 * @p: policy
 * @now: clock; ms
 * @hint: what it says
 *
 * What was not acted on yet is merged with it: the strongest level, and the
 * latest of everything else.
 */
void vb_policy_hint(struct vb_policy *p, u64 now,
		    const struct vb_host_hint *hint)
{
	struct vb_yield *y = &p->yield;
	enum vb_level before = y->waiting ? y->next.level : VB_LEVEL_NONE;

	y->next = *hint;
	if (y->next.level < before)
		y->next.level = before;
	if (!y->next.ttl_ms)
		y->next.ttl_ms = p->tune.pressure_ttl_ms;
	y->next_until = now + y->next.ttl_ms;
	y->waiting = true;
}

/**
 * vb_policy_hint_wait - how long until a hint may be acted on?
 * @p: policy
 * @now: clock; ms
 *
 * Return: ms, 0 for at once; never more than the interval now in force.
 */
u32 vb_policy_hint_wait(const struct vb_policy *p, u64 now)
{
	if (now >= p->yield.act_at)
		return 0;
	return min_s64(p->yield.act_at - now, p->tune.pressure_interval_ms);
}

/**
 * vb_policy_act - act on the hints that arrived, if it is time to
 * @p: policy
 * @s: snapshot
 * @pages: filled in with what the guest yields
 *
 * To be called when the interval is changed, so that a long one ends.
 *
 * Return: what became of the hints.
 */
enum vb_acted vb_policy_act(struct vb_policy *p, const struct vb_snapshot *s,
			    s64 *pages)
{
	struct vb_yield *y = &p->yield;

	*pages = 0;
	y->act_at = s->now + vb_policy_hint_wait(p, s->now);
	if (!y->waiting || y->act_at > s->now)
		return VB_ACTED_NOT;
	y->waiting = false;
	y->act_at = s->now + p->tune.pressure_interval_ms;
	if (s->now >= y->next_until)
		return VB_ACTED_EXPIRED;
	y->hint = y->next;
	y->until = y->hint.level == VB_LEVEL_NONE ? s->now : y->next_until;
	y->decay_at = y->until + y->hint.ttl_ms;
	*pages = vb_policy_yield(p, s, &y->hint);
	p->offset += *pages;
	y->left += *pages;
	if (p->offset >= 0)
		p->return_size = 0;
	return VB_ACTED;
}

/**
 * vb_policy_given - how much of what was yielded has reached the host?
 * @p: policy
 * @s: snapshot
 *
 * The target comes first: what is missing from the goal is missing from the
 * yield.
 *
 * Return: pages since the last call.
 */
s64 vb_policy_given(struct vb_policy *p, const struct vb_snapshot *s)
{
	s64 held = s->actual - s->in_flight;
	s64 left = max_s64(p->target + p->offset - held, 0);
	s64 given;

	left = min_s64(p->yield.left, left);
	given = p->yield.left - left;
	p->yield.left = left;
	return given;
}

/* How long a surplus is left alone at a time. */
static u32 decay_ms(const struct vb_policy *p)
{
	return p->yield.hint.ttl_ms ? p->yield.hint.ttl_ms :
				      p->tune.pressure_ttl_ms;
}

static u64 delay_until(u64 now, u64 then, u32 most)
{
	return now >= then ? 0 : min_s64(then - now, most);
}

/* What the balloon never reached is not worth keeping. Return: the surplus. */
static s64 decayed(const struct vb_policy *p, const struct vb_snapshot *s)
{
	s64 reached = min_s64(p->offset, max_s64(s->actual - s->target, 0));
	s64 rest = reached - div_s64(reached + VB_DECAY_SHARE - 1,
				     VB_DECAY_SHARE);

	return rest < VB_SURPLUS_CRUMB ? 0 : rest;
}

/*
 * An eighth of the way down, so that memory that is wanted again a moment later
 * is not missed; and up at once, as far as there is a surplus. Return: the
 * surplus.
 */
static s64 self_ballooned(const struct vb_policy *p,
			  const struct vb_snapshot *s)
{
	s64 headroom = div_s64(max_s64(s->promised - s->used, 0) *
			       p->tune.self_headroom, 100);
	s64 room = vb_policy_slack(p, s) - missing(p, s) - headroom;

	if (room > 0)
		room = limited(p, div_s64(room, p->tune.self_hysteresis),
			       p->tune.self_interval_ms);
	if (room > -VB_SURPLUS_CRUMB && room < VB_SURPLUS_CRUMB)
		room = 0;
	return max_s64(p->offset + room, 0);
}

/**
 * vb_policy_move_surplus - what the guest does without being asked
 * @p: policy
 * @s: snapshot
 *
 * Nothing while the host is pressed. Afterwards a surplus decays, by a quarter
 * in each time that the hint had; or self-ballooning says what it should be. A
 * deficit has its own way to return.
 *
 * Return: pages that were added to the offset.
 */
s64 vb_policy_move_surplus(struct vb_policy *p, const struct vb_snapshot *s)
{
	struct vb_yield *y = &p->yield;
	s64 before = p->offset;

	if (p->empty || before < 0 || vb_policy_pressed(p, s->now))
		return 0;
	if (p->tune.self) {
		if (delay_until(s->now, y->self_at, p->tune.self_interval_ms) ||
		    vb_policy_holding_off(p, s->now))
			return 0;
		y->self_at = s->now + p->tune.self_interval_ms;
		p->offset = self_ballooned(p, s);
	} else if (before && !delay_until(s->now, y->decay_at, decay_ms(p))) {
		y->decay_at = s->now + decay_ms(p);
		y->left = 0;
		p->offset = decayed(p, s);
	}
	return p->offset - before;
}

/**
 * vb_policy_next_move - when may vb_policy_move_surplus() have something to do?
 * @p: policy
 * @s: snapshot
 *
 * Return: delay in ms, 0 for never.
 */
u64 vb_policy_next_move(const struct vb_policy *p, const struct vb_snapshot *s)
{
	const struct vb_yield *y = &p->yield;
	u64 delay;

	if (p->empty || p->offset < 0 || (!p->offset && !p->tune.self))
		return 0;
	if (vb_policy_pressed(p, s->now))
		return y->until - s->now;
	if (vb_policy_holding_off(p, s->now) && p->tune.self)
		return p->holdoff_until - s->now;
	if (p->tune.self)
		delay = delay_until(s->now, y->self_at,
				    p->tune.self_interval_ms);
	else
		delay = delay_until(s->now, y->decay_at, decay_ms(p));
	return max_s64(delay, 1);
}

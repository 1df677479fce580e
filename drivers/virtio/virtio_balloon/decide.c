// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of the policy: what it looks at, and who may ask it.
 */
#include <linux/mman.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/vmstat.h>

#include "balloon.h"
#include "trace.h"

/**
 * vb_node_free - what may be allocated on a node before anything is reclaimed
 * @pgdat: the node
 *
 * Context: any.
 * Return: pages; below 0 where reclaim is behind.
 */
s64 vb_node_free(struct pglist_data *pgdat)
{
	s64 pages = -(s64)pgdat->totalreserve_pages;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_page_state(&pgdat->node_zones[i], NR_FREE_PAGES);
	return pages;
}

static s64 free_on_all_nodes(void)
{
	s64 pages = 0;
	int nid;

	for_each_online_node(nid)
		pages += vb_node_free(NODE_DATA(nid));
	return pages;
}

/**
 * vb_snapshot - what the decisions look at
 * @vb: the device
 * @s: filled in; the target is the last one that the worker read, since
 *	reading it may sleep
 *
 * Context: any but interrupt. Under vb->policy_lock where the decision changes
 * the policy, so that no release goes by unseen.
 */
void vb_snapshot(struct vb_dev *vb, struct vb_snapshot *s)
{
	s->now = vb_now();
	s->target = READ_ONCE(vb->last_target);
	s->in_flight = atomic_long_read(&vb->inflating);
	s->actual = vb_store_pages(&vb->store) + s->in_flight;
	s->available = si_mem_available();
	s->free = free_on_all_nodes();
	s->coming = atomic_long_read(&vb->releasing) +
		    atomic_long_read(&vb->deflate_wanted);
	s->used = 0;
	s->promised = 0;
}

/* What self-ballooning looks at besides; the sum costs a little. */
static void look_at_promises(struct vb_dev *vb, struct vb_snapshot *s)
{
	if (!READ_ONCE(vb->policy.tune.self))
		return;
	s->promised = vm_memory_committed();
	s->used = totalram_pages() - s->available;
	if (!vb->store.adjust_managed)
		s->used -= s->actual;
}

/**
 * vb_note_hold_off - show that a hold-off began or ended
 * @vb: the device
 * @s: snapshot
 *
 * Context: any but interrupt, under vb->policy_lock.
 */
void vb_note_hold_off(struct vb_dev *vb, const struct vb_snapshot *s)
{
	bool holding_off = vb_policy_holding_off(&vb->policy, s->now);

	lockdep_assert_held(&vb->policy_lock);

	if (holding_off == vb->held_off)
		return;
	vb->held_off = holding_off;
	trace_vb_hold_off(vb, holding_off, vb->policy.holdoff_len);
	if (!holding_off)
		vb_log(vb, VB_EVENT_HOLDOFF_OVER, s, s->actual);
}

/* What the worker itself decides. Caller holds vb->policy_lock. */
static void look(struct vb_dev *vb, const struct vb_snapshot *s)
{
	struct vb_policy *p = &vb->policy;
	s64 target = p->target, offset, pages;

	vb_note_hold_off(vb, s);
	vb_count(vb, VB_CNT_yielded_pages, vb_policy_given(p, s));
	vb_policy_new_target(p, s);
	if (target != p->target)
		vb_log(vb, VB_EVENT_TARGET, s, p->target);
	offset = p->offset;
	vb_policy_return_deficit(p, s);
	if (offset != p->offset)
		vb_log(vb, VB_EVENT_RETURN, s, p->offset - offset);
	pages = vb_policy_move_surplus(p, s);
	if (pages) {
		vb_log(vb, p->tune.self ? VB_EVENT_SELF : VB_EVENT_DECAY, s,
		       pages);
		trace_vb_surplus(vb, s, p->tune.self, pages, p->offset);
	}
}

/*
 * All that was yielded has reached the host, who was not told of it yet. Caller holds
 * vb->policy_lock.
 */
static bool yield_is_complete(struct vb_dev *vb)
{
	enum vb_hint_from from;

	lockdep_assert_held(&vb->policy_lock);

	for (from = 0; from < VB_FROM_NR; from++) {
		const struct vb_owed *owed = &vb->pressure.owed[from];

		if (owed->owed && !owed->invalid && !vb->policy.yield.left)
			return true;
	}
	return false;
}

/**
 * vb_decide - where is the balloon to go?
 * @vb: the device
 * @s: filled in
 *
 * Context: the resize worker.
 * Return: pages from where it is, to be looked at again after.
 */
s64 vb_decide(struct vb_dev *vb, struct vb_snapshot *s)
{
	s64 goal, offset, step;
	bool complete;
	u32 sample_ms;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, s);
	look_at_promises(vb, s);
	look(vb, s);
	complete = yield_is_complete(vb);
	goal = vb_policy_goal(&vb->policy, s);
	step = vb_policy_step(&vb->policy, s, goal);
	offset = vb->policy.offset;
	sample_ms = vb_policy_next_sample(&vb->policy, s);
	spin_unlock(&vb->policy_lock);
	trace_vb_decision(vb, s, offset, goal);
	if (sample_ms)
		vb_kick_sampler(vb, sample_ms);
	if (complete)
		vb_kick_pressure(vb, 0);
	return step;
}

/* Return: what is to be said of the queues; NULL when they work. */
static const char *state_of_queues(struct vb_dev *vb)
{
	const char *state = NULL;

	/* A restart or a suspend lets go of them. */
	if (!down_read_trylock(&vb->online_sem))
		return "frozen";
	if (!vb->online)
		state = "frozen";
	else if (vb_queue_broken(&vb->queues[VB_VQ_INFLATE]) ||
		 vb_queue_broken(&vb->queues[VB_VQ_DEFLATE]))
		state = "broken";
	else if (vb_stalled(vb))
		state = "stalled";
	up_read(&vb->online_sem);
	return state;
}

/**
 * vb_state - what the balloon is doing, in a word
 * @vb: the device
 *
 * Context: process.
 * Return: a string constant, listed in Documentation/ABI.
 */
const char *vb_state(struct vb_dev *vb)
{
	struct vb_snapshot s;
	const char *state;
	bool holding_off;
	s64 goal;

	state = state_of_queues(vb);
	if (state)
		return state;
	vb_snapshot(vb, &s);
	spin_lock(&vb->policy_lock);
	goal = vb_policy_goal(&vb->policy, &s);
	holding_off = vb_policy_holding_off(&vb->policy, s.now);
	spin_unlock(&vb->policy_lock);
	if (goal < s.actual)
		return "deflating";
	if (holding_off)
		return "holding-off";
	return goal > s.actual ? "inflating" : "idle";
}

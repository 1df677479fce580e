// SPDX-License-Identifier: GPL-2.0-only
/*
 * The single worker: look, decide, move the balloon one round, look again.
 * Nobody else decides to retry.
 */
#include <linux/ktime.h>

#include "balloon.h"
#include "trace.h"

/* Compaction's isolated pages come home within a moment. */
#define ISOLATED_RETRY_MS	20
/* Should the interrupt of a late answer get lost, look for the answer. */
#define STALLED_LOOK_MS		1000

/**
 * vb_snapshot - what the decisions look at
 * @vb: the device
 * @s: filled in; the target is the last one that the worker read, since
 *	reading it may sleep
 *
 * Context: any but interrupt. Under vb->policy_lock where the decision changes
 * the offset, so that no release goes by unseen.
 */
void vb_snapshot(struct vb_dev *vb, struct vb_snapshot *s)
{
	s->now = div_u64(ktime_get_ns(), NSEC_PER_MSEC);
	s->target = READ_ONCE(vb->last_target);
	s->actual = vb_store_pages(&vb->store) +
		    atomic_long_read(&vb->inflating);
	s->available = si_mem_available();
}

/**
 * vb_hold_off - pages are about to be released, but not by the worker
 * @vb: the device
 *
 * Context: reclaim, OOM.
 */
void vb_hold_off(struct vb_dev *vb)
{
	struct vb_snapshot s;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	vb_policy_hold_off(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
}

/**
 * vb_released - pages were released, but not by the worker
 * @vb: the device
 *
 * Context: reclaim, OOM.
 */
void vb_released(struct vb_dev *vb)
{
	struct vb_snapshot s;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	vb_policy_released(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
}

/* Return: where to go, in pages from here. */
static s64 decide(struct vb_dev *vb, struct vb_snapshot *s)
{
	s64 goal, offset;

	WRITE_ONCE(vb->last_target, vb_read_target(vb));
	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, s);
	vb_policy_new_target(&vb->policy, s);
	vb_policy_return_deficit(&vb->policy, s);
	goal = vb_policy_goal(&vb->policy, s);
	offset = vb->policy.offset;
	spin_unlock(&vb->policy_lock);
	trace_vb_decision(vb, s, offset, goal);
	return goal - s->actual;
}

/* Everything that may be in flight has arrived: the balloon is at rest. */
static long settle(struct vb_dev *vb)
{
	long err = vb_queue_wait(&vb->queues[VB_VQ_INFLATE], 0);

	vb_inflate_collect(vb);
	return err;
}

/* Return: pages moved, 0 when at rest, or a negative errno. */
static long move(struct vb_dev *vb, s64 diff)
{
	if (atomic_long_read(&vb->store.nr_untold) && diff >= 0)
		return vb_inflate_untold(vb);
	if (diff > 0)
		return vb_inflate(vb, diff);
	/* What is still on its way in cannot be taken back yet. */
	if (atomic_long_read(&vb->inflating))
		return settle(vb) ?: 1;
	if (diff < 0)
		return vb_deflate(vb, -diff);
	return 0;
}

/* At rest, or without memory to go on. Return: delay of the next look; ms, 0 for none. */
static u64 rest(struct vb_dev *vb, struct vb_snapshot *s)
{
	u64 delay;

	spin_lock(&vb->policy_lock);
	if (s->actual < s->target + vb->policy.offset &&
	    !vb_policy_holding_off(&vb->policy, s->now))
		vb_policy_no_progress(&vb->policy);
	delay = vb_policy_next_look(&vb->policy, s);
	spin_unlock(&vb->policy_lock);
	vb_resize_rested(vb);
	return delay;
}

/* Crumbs at the edge of the reserve are no progress; the last ones are. */
static void moved_on(struct vb_dev *vb, const struct vb_snapshot *s, long moved)
{
	spin_lock(&vb->policy_lock);
	if (moved >= VB_BUF_PAGES ||
	    s->actual + moved >= s->target + vb->policy.offset)
		vb_policy_progress(&vb->policy);
	spin_unlock(&vb->policy_lock);
}

static void look_again(struct vb_dev *vb, u64 delay_ms)
{
	spin_lock_irq(&vb->kick_lock);
	if (!vb->stopping)
		queue_delayed_work(vb->wq, &vb->resize_work,
				   msecs_to_jiffies(delay_ms));
	spin_unlock_irq(&vb->kick_lock);
}

/**
 * vb_resize_work - one round of the worker
 * @work: vb->resize_work
 *
 * Queues itself again for the next round, so that the freezer can come in
 * between.
 */
void vb_resize_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(to_delayed_work(work), struct vb_dev,
					 resize_work);
	struct vb_snapshot s;
	u64 delay = 0;
	long moved;
	s64 diff;

	clear_bit(VB_KICKED, &vb->flags);
	vb_inflate_collect(vb);
	vb_deflate_collect(vb);

	diff = decide(vb, &s);
	moved = vb_stalled(vb) ? -ETIMEDOUT : move(vb, diff);
	vb_inflate_collect(vb);
	vb_write_actual(vb);

	switch (moved) {
	case 0:			/* the balloon is where it should be */
	case -ENOMEM:		/* the guest has nothing to give: later */
		delay = rest(vb, &s);
		if (!delay)
			return;
		break;
	case -EAGAIN:		/* compaction holds the pages: in a moment */
		delay = ISOLATED_RETRY_MS;
		break;
	case -ETIMEDOUT:	/* stalled: the answer will wake us */
		vb_resize_rested(vb);
		delay = STALLED_LOOK_MS;
		break;
	case -ESHUTDOWN:	/* somebody stops us, and will start us again */
		return;
	default:
		if (moved < 0) {	/* broken: only removal helps */
			dev_err_ratelimited(&vb->vdev->dev,
					    "a virtqueue is broken: the balloon stays as it is\n");
			vb_resize_rested(vb);
			return;
		}
		moved_on(vb, &s, moved);
	}
	look_again(vb, delay);
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
	bool holding_off;
	s64 goal;

	if (!READ_ONCE(vb->online))
		return "frozen";
	if (vb_queue_broken(&vb->queues[VB_VQ_INFLATE]) ||
	    vb_queue_broken(&vb->queues[VB_VQ_DEFLATE]))
		return "broken";
	if (vb_stalled(vb))
		return "stalled";
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

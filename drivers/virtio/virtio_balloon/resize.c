// SPDX-License-Identifier: GPL-2.0-only
/*
 * The single worker: look, decide, move the balloon one round, look again.
 * Nobody else decides to retry.
 */
#include "balloon.h"
#include "trace.h"

/* Compaction's isolated pages come home within a moment. */
#define ISOLATED_RETRY_MS	20
/* Should the interrupt of a late answer get lost, look for the answer. */
#define STALLED_LOOK_MS		1000
/* What others get between two rounds; a tick at the least. */
#define PAUSE_MS		1

/* Everything that may be in flight has arrived: the balloon is at rest. */
static long settle(struct vb_dev *vb)
{
	long err = vb_queue_wait(&vb->queues[VB_VQ_INFLATE], 0);

	vb_inflate_collect(vb);
	return err ? err : vb_report_wait(vb);
}

/* What the host has, or was to have, need not wait for what is on its way in. */
static long shrink(struct vb_dev *vb, long pages)
{
	vb_report_reap(vb);
	if (vb_store_pages(&vb->store) || vb_reported(vb))
		return vb_deflate(vb, pages);
	return settle(vb) ?: 1;
}

/* There is memory that the host does not know of: it need not be asked. */
static long move_stalled(struct vb_dev *vb, s64 diff)
{
	if (diff < 0)
		vb_deflate_untold(vb, -diff, NUMA_NO_NODE);
	return -ETIMEDOUT;
}

/* Return: pages moved, 0 when at rest, or a negative errno. */
static long move(struct vb_dev *vb, s64 diff)
{
	long nr;

	if (diff < 0)
		return shrink(vb, -diff);
	if (atomic_long_read(&vb->store.nr_untold)) {
		nr = vb_inflate_untold(vb);
		if (nr)
			return nr;
	}
	nr = diff > 0 ? vb_inflate(vb, diff) : vb_inflate_reported(vb);
	if (nr && nr != -ENOMEM)
		return nr;
	/* Not at rest before all that is on its way has arrived. */
	return atomic_long_read(&vb->inflating) ? settle(vb) ?: 1 : nr;
}

/* At rest, or without memory to go on. Return: delay of the next look; ms, 0 for none. */
static u64 rest(struct vb_dev *vb, struct vb_snapshot *s)
{
	u64 delay, surplus;

	spin_lock(&vb->policy_lock);
	if (s->actual < s->target + vb->policy.offset &&
	    !vb_policy_holding_off(&vb->policy, s->now))
		vb_policy_no_progress(&vb->policy);
	delay = vb_policy_next_look(&vb->policy, s);
	surplus = vb_policy_next_move(&vb->policy, s);
	if (!delay || (surplus && surplus < delay))
		delay = surplus;
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
	bool was_moving = vb->moving;
	struct vb_snapshot s;
	u64 delay = 0;
	long moved;
	s64 diff;

	/* To ask costs an exit, and the host kicks us when it changes its mind. */
	if (test_and_clear_bit(VB_KICKED, &vb->flags) || !was_moving)
		WRITE_ONCE(vb->last_target, vb_read_target(vb));
	vb->moving = false;
	vb_inflate_collect(vb);
	vb_deflate_collect(vb);

	diff = vb_decide(vb, &s);
	moved = vb_stalled(vb) ? move_stalled(vb, diff) : move(vb, diff);
	vb_inflate_collect(vb);
	/* Who tells the host of pages tells it the size, too. */
	if (moved <= 0 || vb_must_tell_host(vb) ||
	    !work_busy(&vb->tell_work.work))
		vb_write_actual(vb);

	switch (moved) {
	case 0:			/* the balloon is where it should be */
	case -ENOMEM:		/* the guest has nothing to give: later */
		delay = rest(vb, &s);
		if (!delay)
			return;
		break;
	case -EAGAIN:
		/*
		 * Compaction holds the pages or a message: in a moment. Where
		 * the host changed its mind, its kick has queued us already.
		 */
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
		if (vb_should_pause(vb, diff < 0))
			delay = PAUSE_MS;
		vb->moving = true;
	}
	look_again(vb, delay);
}
